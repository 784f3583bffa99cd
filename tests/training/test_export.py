"""The exported file against torch, and against what its card promises."""

import copy
import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import typer

from tocsin import TocsinError
from tocsin.inference.model import Model
from tocsin.models.card import METADATA_KEY
from tocsin.training import export


def test_onnxruntime_equals_torch_in_any_batch(tiny_onnx, tiny_torch, rng):
    session = onnxruntime.InferenceSession(tiny_onnx)
    for batch in (1, 2, 7):
        windows = rng.normal(0, 0.1, (batch, 12000)).astype(np.float32)
        with torch.no_grad():
            expected = tiny_torch(torch.from_numpy(windows)).numpy()
        np.testing.assert_allclose(session.run(None, {"waveform": windows})[0], expected, atol=1e-4)


def test_card_travels_in_the_file_and_beside_it(tiny_onnx, tiny_card):
    assert Model(tiny_onnx).card == tiny_card
    assert json.loads(tiny_onnx.with_suffix(".json").read_text()) == json.loads(tiny_card.model_dump_json())


def test_file_names_no_source_files(tiny_onnx):
    text = tiny_onnx.read_bytes()
    assert b".py" not in text
    assert b"site-packages" not in text


def test_parity_failure_writes_nothing(tiny_torch, tiny_card, tmp_path, monkeypatch):
    def another(model, card, path):
        shifted = copy.deepcopy(model)
        with torch.no_grad():
            shifted.classifier.bias += 0.001
        exported(shifted, card, path)

    exported = export._export
    monkeypatch.setattr(export, "_export", another)
    with pytest.raises(TocsinError, match="not written: onnxruntime and torch differ"):
        export.write_onnx(tiny_torch, tiny_card, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_parity_sees_a_changed_weight(tiny_torch, tiny_card, tiny_onnx):
    shifted = export.registry.create(tiny_card.model, len(tiny_card.classes), tiny_card.sample_rate).eval()
    shifted.load_state_dict(tiny_torch.state_dict())
    assert export.parity(shifted, tiny_card, tiny_onnx) <= 1e-4
    with torch.no_grad():
        shifted.classifier.bias += 0.01
    assert export.parity(shifted, tiny_card, tiny_onnx) == pytest.approx(0.01, rel=0.05)


def test_a_file_that_is_no_checkpoint_is_named(tmp_path):
    path = tmp_path / "notes.ckpt"
    path.write_text("not weights")
    with pytest.raises(TocsinError, match=r"notes\.ckpt: not a checkpoint"):
        export.load_checkpoint(path)
    with pytest.raises(TocsinError, match="no such checkpoint"):
        export.load_checkpoint(tmp_path / "absent.ckpt")


def edited(source, target, change):
    graph = onnx.load(source)
    change(graph)
    onnx.save(graph, target)
    return target


def test_runtime_refuses_a_model_without_a_card(tiny_onnx, tmp_path):
    bare = edited(tiny_onnx, tmp_path / "bare.onnx", lambda graph: graph.ClearField("metadata_props"))
    with pytest.raises(TocsinError, match="carries no weight card"):
        Model(bare)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"window_samples": 8000}, r"wants one float32 input \(batch, 8000\)"),
        ({"classes": ["gunshot", "background"]}, "one output of 2 logits"),
        ({"classes": ["bang", "background"]}, "must be distinct and hold 'gunshot'"),
        ({"sample_rate": "fast"}, "sample_rate: Input should be a valid integer"),
        ({"colour": "blue"}, "colour: Extra inputs"),
    ],
)
def test_runtime_refuses_a_card_that_does_not_fit(tiny_onnx, tiny_card, tmp_path, change, words):
    card = json.loads(tiny_card.model_dump_json()) | change

    def put(graph):
        onnx.helper.set_model_props(graph, {METADATA_KEY: json.dumps(card)})

    with pytest.raises(TocsinError, match=words):
        Model(edited(tiny_onnx, tmp_path / "other.onnx", put))


def test_runtime_names_what_is_no_model(tmp_path):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"\x00\x01")
    with pytest.raises(TocsinError, match=r"broken\.onnx: onnxruntime cannot load it"):
        Model(broken)
    with pytest.raises(TocsinError, match="no such file"):
        Model(tmp_path / "absent.onnx")
    with pytest.raises(TocsinError, match="no weights named 'tocsin-xl' ship"):
        Model("tocsin-xl")


def test_runtime_says_which_windows_it_takes(tiny_onnx):
    with pytest.raises(TocsinError, match=r"\(batch, 12000\) at 12000 Hz, got float64 \(1, 12000\)"):
        Model(tiny_onnx).logits(np.zeros((1, 12000)))


def test_probabilities_are_the_softmax_of_scaled_logits(tiny_onnx, tiny_card, rng):
    model = Model(tiny_onnx)
    windows = rng.normal(0, 0.1, (3, 12000)).astype(np.float32)
    scaled = model.logits(windows) / tiny_card.temperature
    expected = torch.from_numpy(scaled).double().softmax(1).numpy()
    np.testing.assert_allclose(model.probabilities(windows), expected, atol=1e-6)


def test_out_must_be_an_onnx_that_can_be_written(tiny_torch, tiny_card, tmp_path):
    checkpoint = tmp_path / "ok.ckpt"
    state = {f"model.{name}": value for name, value in tiny_torch.state_dict().items()}
    torch.save({"state_dict": state, "tocsin_card": tiny_card.model_dump(mode="json")}, checkpoint)
    with pytest.raises(typer.BadParameter, match=r"--out must end in \.onnx"):
        export.export(checkpoint, out=tmp_path / "card.json")
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(TocsinError, match=r"folder\.onnx cannot be written"):
        export.export(checkpoint, out=tmp_path / "folder.onnx")
    export.export(checkpoint, out=tmp_path / "good.onnx")
    assert Model(tmp_path / "good.onnx").card == tiny_card


def test_a_checkpoint_that_lacks_weights_is_named(tiny_card, tmp_path):
    torch.save({"state_dict": {}, "tocsin_card": tiny_card.model_dump(mode="json")}, tmp_path / "short.ckpt")
    with pytest.raises(TocsinError, match=r"short\.ckpt: not a checkpoint"):
        export.load_checkpoint(tmp_path / "short.ckpt")
