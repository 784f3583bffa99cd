"""Two networks in one file against the same two apart."""

import contextlib
import json

import numpy as np
import onnx
import onnxruntime
import pytest
import typer
from onnx.helper import make_graph, make_model, make_node, make_opsetid, make_tensor_value_info
from onnx.numpy_helper import from_array, to_array
from scipy.special import softmax

from tocsin import TocsinError
from tocsin.evaluation.measures.calibration import at_share
from tocsin.inference.classify import annotate
from tocsin.inference.detect import detect
from tocsin.inference.model import Model
from tocsin.inference.stream import EventStream
from tocsin.models.model_file import read_model, recalibrate, save_model
from tocsin.training import stages
from tocsin.training.stage_graph import joined_graph

WEIGHT = 0.3


def sound(seconds, onsets_s, seed=5):
    """Noise with bursts that fade at known times, at 12 kHz."""
    rng = np.random.default_rng(seed)
    samples = 0.002 * rng.standard_normal(round(seconds * 12000))
    for onset_s in onsets_s:
        place = slice(round(onset_s * 12000), round(onset_s * 12000) + 2400)
        samples[place] += 0.5 * np.exp(-np.arange(2400) / 120) * rng.standard_normal(2400)
    return samples.astype(np.float32)


@pytest.fixture(scope="module")
def windows():
    """Windows of bangs, of their echoes' quiet and of noise, ``(13, 12000)``."""
    listened = sound(11, [0.3, 2.4, 5.9, 8.2]).reshape(-1, 12000)
    noise = np.random.default_rng(1).normal(0, 0.1, (2, 12000)).astype(np.float32)
    return np.concatenate([listened, noise])


@pytest.fixture(scope="module")
def second_onnx(tiny_onnx, tiny_card, tmp_path_factory):
    """The tiny network with another last layer and another temperature."""
    graph, rng = onnx.load(tiny_onnx), np.random.default_rng(2)
    for tensor in graph.graph.initializer:
        if tensor.name.startswith("classifier."):
            tensor.CopyFrom(from_array(rng.normal(0, 1, tuple(tensor.dims)).astype(np.float32), tensor.name))
    path = tmp_path_factory.mktemp("second") / "second.onnx"
    save_model(graph, tiny_card.model_copy(update={"name": "large", "version": "7", "temperature": 0.7}), path)
    return path


@pytest.fixture(scope="module")
def ask_from(tiny_onnx, windows):
    """A probability that some windows reach and others do not."""
    found = np.sort(Model(tiny_onnx).probabilities(windows)[:, 0])
    return float(found[6:8].mean())


@pytest.fixture(scope="module")
def joined(tiny_onnx, second_onnx, ask_from, tmp_path_factory):
    path = tmp_path_factory.mktemp("joined") / "both.onnx"
    assert stages.join(tiny_onnx, second_onnx, ask_from, WEIGHT, path) <= stages.TOLERANCE
    return path


def test_equals_the_two_files_apart(tiny_onnx, second_onnx, joined, windows, ask_from):
    alone, other = (np.log(Model(path).probabilities(windows)) for path in (tiny_onnx, second_onnx))
    asks = np.exp(alone[:, 0]) >= ask_from
    together = (1 - WEIGHT) * alone + WEIGHT * other
    assert 5 < asks.sum() < 8
    assert np.abs(together - alone)[asks].max(axis=1).min() > 1e-3
    expected = np.where(asks[:, None], together, alone)
    np.testing.assert_allclose(Model(joined).logits(windows), expected, atol=1e-5)
    np.testing.assert_allclose(Model(joined).probabilities(windows), softmax(expected, axis=1), atol=1e-5)


def test_a_window_answers_alike_in_any_batch(joined, windows):
    model = Model(joined)
    one_by_one = np.concatenate([model.logits(window[None]) for window in windows])
    np.testing.assert_allclose(model.logits(windows), one_by_one, atol=1e-5)
    np.testing.assert_allclose(model.logits(windows[::-1]), one_by_one[::-1], atol=1e-5)


def test_second_is_not_computed_where_the_first_suspects_nothing(tiny_onnx, tiny_card, windows, ask_from, tmp_path):
    # A second network that cannot be computed: 12000 samples never make five logits.
    shapes = (("waveform", 12000), ("logits", 5))
    ends = [make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", length]) for name, length in shapes]
    nodes = [make_node("Reshape", ["waveform", "shape"], ["logits"])]
    broken = make_graph(nodes, "broken", ends[:1], ends[1:], [from_array(np.array([1, 5]), "shape")])
    first, card = read_model(tiny_onnx)
    second = make_model(broken, opset_imports=[make_opsetid("", 18)])
    save_model(joined_graph(first, second, (card, card), ask_from, WEIGHT), tiny_card, tmp_path / "both.onnx")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(tmp_path / "both.onnx", options)
    suspicion = Model(tiny_onnx).probabilities(windows)[:, 0]
    for window, probability in zip(windows, suspicion, strict=True):
        computed = contextlib.nullcontext() if probability < ask_from else pytest.raises(Exception, match="Reshape")
        with computed:
            assert np.isfinite(session.run(None, {"waveform": window[None]})[0]).all()


def test_what_the_second_says_stays_out_of_the_other_windows_of_a_batch(tiny_onnx, second_onnx, windows, tmp_path):
    first, card = read_model(tiny_onnx)
    second, _ = read_model(second_onnx)
    for tensor in second.graph.initializer:
        if tensor.name == "classifier.bias":
            tensor.CopyFrom(from_array(to_array(tensor) * np.float32(np.nan), tensor.name))
    suspicion = Model(tiny_onnx).probabilities(windows)[:, 0]
    ask_from = float(np.median(suspicion))
    save_model(joined_graph(first, second, (card, card), ask_from, WEIGHT), card, tmp_path / "both.onnx")
    answers = Model(tmp_path / "both.onnx").logits(windows)
    clear = np.abs(suspicion - ask_from) > 1e-6
    np.testing.assert_array_equal(np.isnan(answers).all(axis=1)[clear], (suspicion >= ask_from)[clear])


def test_any_chunks_give_the_events_of_the_file(tiny_onnx, joined):
    model, samples = Model(joined), sound(6, [0.6, 1.9, 2.6, 4.4])
    both, first = (annotate(model, samples, 12000), annotate(Model(tiny_onnx), samples, 12000))
    same = np.isclose(both.probabilities, first.probabilities, atol=1e-6).all(axis=1)
    assert 0 < same.sum() < len(same)
    whole = detect(samples, 12000, model)
    assert len(whole) >= 4
    for size in (777, 6000, 50000):
        stream = EventStream(model, 12000)
        events = [event for start in range(0, len(samples), size) for event in stream.push(samples[start:][:size])]
        assert events + stream.flush() == whole


def test_second_is_always_asked_from_nothing_on(tiny_onnx, second_onnx, windows, tmp_path):
    stages.join(tiny_onnx, second_onnx, 0.0, 1.0, tmp_path / "always.onnx")
    found = Model(tmp_path / "always.onnx").probabilities(windows)
    np.testing.assert_allclose(found, Model(second_onnx).probabilities(windows), atol=1e-5)


SESSIONS = {
    "first": {
        "trained_sessions": ("a", "b"),
        "held_out": {"validation": ["c"], "test": ["e", "f", "g"]},
        "known_defects": ["deaf", "slow"],
        "licence": "CC0",
        "experiment": "full",
        "training_data": [{"source": "one", "rows": {"gunshot": 1}}, {"source": "both", "rows": {}}],
        "gunshot_share": 0.2,
    },
    "second": {
        "trained_sessions": ("b", "d"),
        "held_out": {"validation": ["e"], "test": ["a", "f", "g"]},
        "known_defects": ["slow", "large"],
        "licence": "CC BY 4.0",
        "experiment": "full",
        "training_data": [{"source": "both", "rows": {}}, {"source": "one", "rows": {"gunshot": 2}}],
        "gunshot_share": 0.2,
        "version": "7",
        "parameters": 30,
        "threshold": 0.3,
        "threshold_basis": "found",
    },
}


def test_card_says_what_either_met(tiny_card):
    first, second = (tiny_card.model_copy(update={"name": name, **fields}) for name, fields in SESSIONS.items())
    card = stages.joined_card(first, second, ask_from=0.05, weight=0.5, name="both", version=None)
    assert card.trained_sessions == ("a", "b", "d")
    assert card.held_out == {"validation": ["c", "e"], "test": ["f", "g"]}
    for session in "abcdefghi":
        assert card.may_judge(session) == (first.may_judge(session) and second.may_judge(session)), session
    assert card.known_defects == ["deaf", "slow", "large"]
    assert (card.licence, card.experiment, card.gunshot_share) == ("CC0; CC BY 4.0", "full", 0.2)
    assert card.training_data == [
        {"source": "both", "rows": {}},
        {"source": "one", "rows": {"gunshot": 1}, "stage": "first"},
        {"source": "one", "rows": {"gunshot": 2}, "stage": "second"},
    ]
    assert (card.model_id, card.model, card.parameters) == ("both-0+7", "tocsin_test + tocsin_test", 31)
    assert (card.temperature, card.threshold) == (1.0, 0.3)
    assert card.threshold_basis == "that of second-7 alone: found"
    assert [stage["name"] for stage in card.stages] == ["first", "second"]
    assert (card.stages[1]["ask_from"], card.stages[1]["weight"]) == (0.05, 0.5)


def test_card_of_one_network_is_as_before_there_were_stages(tiny_card, joined):
    assert "stages" not in json.loads(tiny_card.model_dump_json())
    assert len(json.loads(joined.with_suffix(".json").read_text())["stages"]) == 2


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"sample_rate": 16000}, r"first\.onnx and .*second\.onnx cannot be joined: sample_rate is 12000 and 16000"),
        ({"hop_samples": 6000}, "hop_samples is 3000 and 6000"),
        ({"classes": ("gunshot", "background")}, "classes is"),
        ({"trained_sessions": ("a",)}, r"first\.onnx: its card names no trained_sessions"),
        ({"stages": [{"name": "s"}, {"name": "l"}]}, r"second\.onnx holds 2 networks already"),
    ],
)
def test_files_that_do_not_fit_each_other_are_named(write_carded, tmp_path, fields, words):
    first, second = write_carded(tmp_path / "first.onnx"), write_carded(tmp_path / "second.onnx", **fields)
    with pytest.raises(TocsinError, match=words):
        stages.join(first, second, 0.05, 0.5, tmp_path / "both.onnx")
    assert not (tmp_path / "both.onnx").exists()


def test_what_cannot_be_joined_is_refused_in_a_sentence(tiny_onnx, tmp_path):
    def refused(words, second=tiny_onnx, ask_from=0.05, weight=0.5):
        with pytest.raises(TocsinError, match=words):
            stages.join(tiny_onnx, second, ask_from, weight, tmp_path / "both.onnx")

    refused("ask_from 1.5: expected 0 to 1", ask_from=1.5)
    refused("weight nan: expected 0 to 1", weight=float("nan"))
    refused(r"absent\.onnx: no such file", second=tmp_path / "absent.onnx")
    (tmp_path / "text.onnx").write_text("text")
    refused("it is no ONNX model", second=tmp_path / "text.onnx")
    graph, card = read_model(tiny_onnx)
    graph.opset_import[0].version = 17
    save_model(graph, card, tmp_path / "older.onnx")
    refused("operator sets 18 and 17", second=tmp_path / "older.onnx")
    graph.ClearField("metadata_props")
    onnx.save(graph, tmp_path / "bare.onnx")
    refused(r"bare\.onnx: it carries no weight card", second=tmp_path / "bare.onnx")


def test_a_file_that_differs_from_the_two_apart_is_not_written(tiny_onnx, second_onnx, tmp_path, monkeypatch):
    built = stages.joined_graph
    monkeypatch.setattr(stages, "joined_graph", lambda *args: built(*args[:-1], args[-1] + 0.01))
    with pytest.raises(TocsinError, match="not written: it and the two apart differ by"):
        stages.join(tiny_onnx, second_onnx, 0.0, WEIGHT, tmp_path / "both.onnx")
    assert list(tmp_path.iterdir()) == []


def test_command_joins_and_calibrates(tiny_onnx, second_onnx, windows, tmp_path, capsys):
    path = tmp_path / "pair.onnx"
    stages.join_files(tiny_onnx, second_onnx, path, temperature=2.0, name="pair", version="1")
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith("MB  2 parameters  tocsin_test + tocsin_test")
    assert said[1].startswith("largest difference from the two apart ")
    model = Model(path)
    assert (model.card.model_id, model.card.temperature) == ("pair-1", 2.0)
    np.testing.assert_allclose(model.probabilities(windows), softmax(model.logits(windows) / 2, axis=1), atol=1e-6)
    with pytest.raises(typer.BadParameter, match=r"--out must end in \.onnx"):
        stages.join_files(tiny_onnx, second_onnx, tmp_path / "pair.bin")
    with pytest.raises(typer.BadParameter, match="--temperature must be above 0"):
        stages.join_files(tiny_onnx, second_onnx, path, temperature=0.0)


def test_recalibrating_moves_the_card_alone(joined, tmp_path, windows):
    path = tmp_path / "both.onnx"
    path.write_bytes(joined.read_bytes())
    before = Model(joined)
    card = recalibrate(path, temperature=1.5, threshold=0.4, basis="measured", results={"test": {"windows": 3}})
    after = Model(path)
    assert after.card == card
    assert card == before.card.model_copy(
        update={
            "temperature": 1.5,
            "threshold": 0.4,
            "threshold_basis": "measured",
            "results": {"test": {"windows": 3}},
        }
    )
    assert json.loads(path.with_suffix(".json").read_text()) == json.loads(card.model_dump_json())
    np.testing.assert_array_equal(after.logits(windows), before.logits(windows))
    assert recalibrate(path, threshold=0.5).temperature == 1.5
    with pytest.raises(TocsinError, match="must be positive"):
        recalibrate(path, temperature=-1.0)
    assert Model(path).card.temperature == 1.5


def test_another_share_is_bayes_rule_and_can_be_taken_back(joined, tmp_path, windows):
    path = tmp_path / "both.onnx"
    path.write_bytes(joined.read_bytes())
    taught = 0.3
    graph, card = read_model(path)
    save_model(graph, card.model_copy(update={"gunshot_share": taught}), path)
    recalibrate(path, temperature=0.5)
    before = Model(path).probabilities(windows)
    card = recalibrate(path, share=0.05)
    assert card.gunshot_share == 0.05
    after, gunshot = Model(path).probabilities(windows), card.classes.index("gunshot")
    np.testing.assert_allclose(after[:, gunshot], at_share(before[:, gunshot], taught, 0.05), rtol=1e-4)
    others = [index for index in range(len(card.classes)) if index != gunshot]
    np.testing.assert_allclose(
        after[:, others] / after[:, others].sum(1, keepdims=True),
        before[:, others] / before[:, others].sum(1, keepdims=True),
        rtol=1e-4,
    )
    recalibrate(path, share=taught)
    np.testing.assert_allclose(Model(path).probabilities(windows), before, rtol=1e-4, atol=1e-7)
    with pytest.raises(TocsinError, match="the share 1 is not inside"):
        recalibrate(path, share=1.0)
