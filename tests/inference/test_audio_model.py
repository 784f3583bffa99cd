"""``load_model``: what its methods give is what the commands write, of a file and of samples in memory."""

import io
import subprocess
import sys

import numpy as np
import pandas
import pytest
import soundfile

import tocsin
from tocsin import TocsinError
from tocsin.data.labels import CLASSES


@pytest.fixture(scope="module")
def model(tiny_onnx):
    return tocsin.load_model(tiny_onnx)


@pytest.fixture
def typed(sounds, tiny_onnx):
    """A function that types a command in the folder of the sounds: its table."""

    def run(*words):
        command = [sys.executable, "-m", "tocsin", *words, "--model", str(tiny_onnx)]
        return pandas.read_csv(io.StringIO(subprocess.check_output(command, text=True, cwd=sounds)))

    return run


def test_classifications_are_the_rows_of_the_command(model, typed, sounds, monkeypatch):
    monkeypatch.chdir(sounds)
    paths = tocsin.data.find_audio("clips")
    table = tocsin.Table(model.classify(path) for path in paths)
    pandas.testing.assert_frame_equal(table.to_dataframe(), typed("classify", "clips"), atol=1e-9)
    pandas.testing.assert_frame_equal(model.classify(paths[0]).to_dataframe(), table[:1].to_dataframe())


def test_events_are_the_rows_of_the_command(model, typed, sounds, monkeypatch):
    monkeypatch.chdir(sounds)
    labels = [word for label in CLASSES for word in ("--label", label)]
    events = model.detect("x.wav", threshold=0.01)
    assert min(abs(event.onset_s - 1.0) for event in events) < 0.003
    expected = typed("detect", "x.wav", "--threshold", "0.01", *labels)
    pandas.testing.assert_frame_equal(events.to_dataframe(), expected, atol=1e-9)


def test_events_of_silence_have_the_columns_of_the_command(model):
    events = model.detect((np.zeros(12000), 12000))
    assert events == []
    assert list(events.to_dataframe().columns[:3]) == ["path", "onset_s", "onset_sigma_s"]
    assert list(events.to_dataframe().columns[-5:]) == list(CLASSES)


@pytest.mark.parametrize("method", ["classify", "detect", "annotate"])
def test_a_path_and_its_samples_get_one_answer(model, sounds, method):
    path = sounds / "x.wav"
    audio = tocsin.read_audio(path)
    ask = getattr(model, method)
    of_path, of_text, of_audio, of_samples = (
        values(ask(sound)) for sound in (path, str(path), audio, (audio.samples.astype(float), audio.sample_rate))
    )
    assert of_path == of_text == of_audio == of_samples


def values(result):
    """The numbers of a result, without the name of the file."""
    if isinstance(result, tocsin.Classification):
        return result.probabilities
    frame = result.to_dataframe()
    return frame.drop(columns="path", errors="ignore").to_numpy().tolist()


def test_a_trace_is_a_row_a_window(model, sounds):
    trace = model.annotate(sounds / "x.wav")
    frame = trace.to_dataframe()
    assert list(frame.columns) == ["start_s", *CLASSES]
    np.testing.assert_array_equal(frame["start_s"], trace.start_s)
    np.testing.assert_array_equal(frame["gunshot"], trace.of("gunshot"))


def test_the_likeliest_class_has_the_highest_probability(model, sounds):
    answer = model.classify(sounds / "x.wav")
    assert answer.probabilities[answer.likeliest] == max(answer.probabilities.values())


@pytest.mark.parametrize(
    ("sound", "sentence"),
    [
        ((np.zeros((100, 2)), 12000), r"shape \(100, 2\): expected one channel"),
        ((np.zeros(0), 12000), "there are no samples"),
        ((np.zeros(9), "fast"), "these are no samples and a rate in Hz"),
        ((np.zeros(9), None), "these are no samples and a rate in Hz"),
        (([[1.0], [1.0, 2.0]], 12000), "these are no samples and a rate in Hz"),
        ((np.zeros(100, np.int16), 12000), "samples of int16: expected floats in -1 to 1"),
        ((np.array([0.0, np.nan]), 12000), r"a sample is NaN or infinite at 0\.000083 s"),
        ((np.full(100, 3e4), 12000), "a sample of 30000: expected -1 to 1"),
        ((np.zeros(100), 0), "the sample rate is 0, expected a whole number of Hz above 0"),
        ((np.zeros(100), 12000.5), "the sample rate is 12000.5, expected a whole number"),
        ((np.zeros(100), 1000), "a sample rate of 1000 Hz is too low"),
        (np.zeros(100), "ndarray is no audio: expected a path, what read_audio gives, or"),
        ("absent.wav", "absent.wav does not exist"),
    ],
)
def test_what_is_no_sound_is_refused_in_one_sentence(model, sound, sentence):
    with pytest.raises(TocsinError, match=sentence):
        model.classify(sound)


@pytest.mark.parametrize("method", ["classify", "detect", "annotate"])
def test_a_file_of_too_low_a_rate_is_named(model, method, tmp_path):
    path = tmp_path / "slow.wav"
    soundfile.write(path, np.zeros(2000), 1000)
    with pytest.raises(TocsinError) as error:
        getattr(model, method)(path)
    assert str(error.value) == f"{path}: a sample rate of 1000 Hz is too low: 3000 Hz at least"


@pytest.mark.parametrize("threshold", [-0.1, 1.5, float("nan")])
def test_a_threshold_is_a_probability(model, sounds, threshold):
    with pytest.raises(TocsinError, match="expected a probability from 0 to 1"):
        model.detect(sounds / "x.wav", threshold)


def test_results_print_as_a_line_that_says_what_they_are(model, sounds):
    path = sounds / "x.wav"
    classification, events = model.classify(path), model.detect(path)
    assert str(classification).startswith(f"{path}: gunshot 0.")
    assert all(label in str(classification) for label in CLASSES)
    assert str(events[0]).startswith(f"{events[0].label} {events[0].confidence:.3f} at {events[0].onset_s:.4f} s")
    for result in (model, model.card, classification, events[0], model.annotate(path)):
        assert "\n" not in repr(result)
        assert repr(result).startswith(f"<{type(result).__name__} ")
    assert "tiny-0" in repr(model)
