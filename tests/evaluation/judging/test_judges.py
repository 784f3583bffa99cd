"""Who may judge a recording: cases worked by hand, on weights whose cards differ."""

import numpy as np
import pytest
import soundfile

from tocsin import TocsinError
from tocsin.data.manifests import ManifestRow
from tocsin.evaluation.hearing.examples import Example, clip_examples, divide, peak_to_noise_db
from tocsin.evaluation.hearing.hard_negatives import confused_labels
from tocsin.evaluation.judging.judges import Judges
from tocsin.inference.classify import classify_samples


@pytest.fixture(scope="module")
def weights(write_carded, tmp_path_factory):
    """Weights that held out a alone (a card of old), that trained on a and b, and that trained on b and c."""
    folder = tmp_path_factory.mktemp("weights")
    cards = {
        "old": {"held_out": {"test": ["a"], "validation": ["c"]}},
        "first": {"trained_sessions": ("a", "b"), "held_out": {"validation": ["d"], "test": ["c"]}},
        "second": {"trained_sessions": ("b", "c"), "held_out": {"validation": ["e"]}},
    }
    for name, fields in cards.items():
        write_carded(folder / f"{name}.onnx", name=name, **fields)
    return folder


def test_model_that_never_met_a_session_judges_it(weights):
    judges = Judges([weights / "old.onnx", weights / "first.onnx", weights / "second.onnx"])
    assert judges.name == "old-0, first-0, second-0"
    assert judges.names == ("old-0", "first-0", "second-0")
    judged = {session: judges.judge_of(session) for session in "abcdef"}
    names = {session: model.card.name if model else None for session, model in judged.items()}
    # b was trained on by both that say what they were trained on; the old card speaks for nothing but a.
    assert names == {"a": "old", "b": None, "c": "first", "d": "second", "e": "first", "f": "first"}
    with pytest.raises(TocsinError, match="session b was trained or validated on"):
        judges.required("b")


def test_weights_of_one_name_are_told_by_their_files(weights, write_carded):
    for fold in ("fold0", "fold1"):
        write_carded(weights / f"{fold}.onnx", name="first")
    judges = Judges([weights / "old.onnx", weights / "fold0.onnx", weights / "fold1.onnx"])
    assert judges.names == ("old-0", "first-0 (fold0)", "first-0 (fold1)")


def test_order_of_the_weights_decides_where_none_held_a_session_out(weights):
    judges = Judges([weights / "second.onnx", weights / "old.onnx", weights / "first.onnx"])
    assert {session: judges.required(session).card.name for session in "adf"} == {
        "a": "old",
        "d": "second",
        "f": "second",
    }


def test_weights_that_held_a_session_out_judge_it_before_those_that_never_met_it(write_carded, tmp_path):
    held_out = {"one": ["a", "d"], "two": ["b", "d"], "three": ["c"]}
    for name, sessions in held_out.items():
        write_carded(
            tmp_path / f"{name}.onnx",
            name=name,
            trained_sessions=("x", "c"),
            held_out={"test": sessions, "validation": []},
        )
    judges = Judges([tmp_path / f"{name}.onnx" for name in held_out])
    judged = {session: judges.judge_of(session) for session in "abcde"}
    names = {session: model.card.name if model else None for session, model in judged.items()}
    # c is named by a card that says it was trained on too; d by two cards, e by none.
    assert names == {"a": "one", "b": "two", "c": None, "d": "one", "e": "one"}


def test_weights_that_state_probabilities_for_other_shares_are_not_mixed(write_carded, tmp_path):
    files = [write_carded(tmp_path / f"{share}.onnx", gunshot_share=share) for share in (0.05, 0.26)]
    with pytest.raises(TocsinError, match=r"26\.onnx states probabilities for a gunshot_share of 0\.26, .* of 0\.05"):
        Judges(files)


def test_probabilities_are_those_of_the_judge(weights, tmp_path, rng):
    samples = rng.normal(0, 0.1, 9000)
    soundfile.write(tmp_path / "clap.wav", samples, 12000, subtype="FLOAT")
    row = ManifestRow(tmp_path / "clap.wav", "clap", 0.25, 0.75, "r", source="mine", session_id="c")
    (example,) = clip_examples([row])
    assert (example.class_name, example.session, example.distance_m) == ("impulse", "c", None)
    judges = Judges([weights / "old.onnx", weights / "first.onnx"])
    expected = classify_samples(judges.models[1], samples[3000:9000].astype(np.float32), 12000)
    assert judges.probabilities(example) == expected


def test_what_nobody_may_judge_is_left_out_and_counted(tmp_path):
    rows = [ManifestRow(tmp_path / f"{n}.wav", "rain", 0, 1, n, session_id=n) for n in "aab"]
    kept, left_out = divide(rows, lambda session: session == "b")
    assert ([row.session_id for row in kept], left_out) == (["b"], 2)
    with pytest.raises(TocsinError, match="none of the 3 clips"):
        divide(rows, lambda session: False)


def test_peak_to_noise_by_hand():
    samples = np.tile([0.01, -0.01], 500)
    samples[600] = -1.0
    assert peak_to_noise_db(samples, 1000, 0.595) == pytest.approx(40.0)
    assert peak_to_noise_db(np.zeros(100), 1000, 0.05) is None
    # A peak later than 100 ms after the onset is another sound.
    assert peak_to_noise_db(samples, 1000, 0.4) == pytest.approx(0.0, abs=1e-9)


def test_confused_labels_by_hand(tmp_path):
    def example(label, class_name, session):
        return Example(class_name, label, "mine", session, session, tmp_path, 0.0, 1.0)

    examples = [example("clap", "impulse", "a"), example("clap", "impulse", "a"), example("rain", "background", "b")]
    answers = [{"gunshot": 0.6, "impulse": 0.4}, {"gunshot": 0.3, "impulse": 0.7}, {"gunshot": 0.1, "impulse": 0.9}]
    clap, rain = confused_labels(examples, answers, [0.7, 0.2, 0.5])
    assert (clap.label, clap.clips, clap.sessions) == ("clap", 2, 1)
    # The likeliest class of the first alone; above its own threshold the second alone.
    assert (clap.called_gunshot, clap.above_threshold) == (0.5, 0.5)
    assert clap.mean_highest == pytest.approx(0.65)
    assert (rain.called_gunshot, rain.above_threshold, rain.mean_highest) == (0, 0, 0.9)
