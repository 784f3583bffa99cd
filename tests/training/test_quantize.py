"""Models in 8 bits against the same in float32."""

import json

import numpy as np
import onnx
import pytest
import soundfile
import typer

from tocsin import TocsinError
from tocsin.inference.model import Model
from tocsin.training.export import write_onnx
from tocsin.training.quantize import quantize


@pytest.fixture(scope="module")
def recordings_of_noise(tmp_path_factory):
    """Twelve files of noise at several levels, three sessions of two classes."""
    folder, rng = tmp_path_factory.mktemp("noise"), np.random.default_rng(3)
    lines = ["path,label,start_s,end_s,recording_id,session_id"]
    for number in range(12):
        samples = 10.0 ** -(number % 3) * rng.uniform(-0.5, 0.5, 16000)
        soundfile.write(folder / f"{number}.wav", samples, 16000)
        label, session = ("gunshot", "rain")[number // 3 % 2], "abc"[number % 3]
        lines.append(f"{number}.wav,{label},0,{0.5 + 0.04 * number},{number},{session}")
    (folder / "manifest.csv").write_text("\n".join(lines))
    return folder / "manifest.csv"


@pytest.fixture(scope="module")
def judging_onnx(tiny_torch, tiny_card, tmp_path_factory):
    """The tiny model with a card that says that session a was trained on."""
    path = tmp_path_factory.mktemp("judging") / "judging.onnx"
    write_onnx(tiny_torch, tiny_card.model_copy(update={"trained_sessions": ("a",)}), path)
    return path


@pytest.fixture(scope="module")
def int8_onnx(judging_onnx, recordings_of_noise):
    path = judging_onnx.with_name("small.onnx")
    quantize(str(judging_onnx), [recordings_of_noise], path)
    return path


def test_answers_stay_near_those_of_float32(judging_onnx, int8_onnx, rng):
    windows = rng.uniform(-0.3, 0.3, (20, 12000)).astype(np.float32)
    exact, rounded = Model(judging_onnx).probabilities(windows), Model(int8_onnx).probabilities(windows)
    assert 0 < np.abs(exact - rounded).max() < 0.05


def test_all_behind_the_front_end_has_8_bits_and_the_front_end_stays(int8_onnx):
    graph = onnx.load(int8_onnx).graph
    kinds = {tensor.name: tensor.data_type for tensor in graph.initializer}
    rounded = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "DequantizeLinear"}
    heavy = [node for node in graph.node if node.op_type in ("Conv", "Gemm")]
    front = [node for node in heavy if node.input[1].startswith("front_end.")]
    assert len(front) == 3
    assert all(kinds[node.input[1]] == onnx.TensorProto.FLOAT for node in front)
    assert not any(node.input[0] in rounded for node in front)
    others = [node for node in heavy if node not in front]
    assert len(others) == 7
    assert all(kinds[rounded[node.input[1]]] == onnx.TensorProto.INT8 for node in others)


def test_card_is_carried_over_and_says_so(judging_onnx, int8_onnx):
    before, after = Model(judging_onnx).card, Model(int8_onnx).card
    assert after.name == "tiny-int8"
    assert after.known_defects[-1].startswith("Rounded to 8 bits")
    assert after.model_copy(update={"name": before.name, "known_defects": before.known_defects}) == before
    assert json.loads(int8_onnx.with_suffix(".json").read_text()) == json.loads(after.model_dump_json())


def test_loss_is_measured_on_held_out_recordings_alone(judging_onnx, recordings_of_noise, tmp_path, capsys):
    quantize(str(judging_onnx), [recordings_of_noise], tmp_path / "again.onnx")
    said = capsys.readouterr().out.splitlines()
    assert said[1] == "calibrated on 4 windows, compared on 8 of recordings the weights never met"
    assert said[2].startswith("gunshot probability differs by 0.0")
    assert said[3].startswith("gunshot AUC ")
    assert len(said) == 4


def test_what_cannot_be_quantized_is_refused_in_a_sentence(tiny_onnx, judging_onnx, recordings_of_noise, tmp_path):
    with pytest.raises(TocsinError, match="of the 12 rows 12 are known to tiny and 0 held out"):
        quantize(str(tiny_onnx), [recordings_of_noise], tmp_path / "no.onnx")
    with pytest.raises(TocsinError, match="no such file"):
        quantize(str(tmp_path / "absent.onnx"), [recordings_of_noise])
    (tmp_path / "text.onnx").write_text("text")
    with pytest.raises(TocsinError, match="no ONNX model"):
        quantize(str(tmp_path / "text.onnx"), [recordings_of_noise])
    with pytest.raises(typer.BadParameter, match=r"--out must end in \.onnx"):
        quantize(str(judging_onnx), [recordings_of_noise], tmp_path / "model.bin")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["text.onnx"]
