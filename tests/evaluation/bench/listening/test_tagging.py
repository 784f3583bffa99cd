"""Adapters of networks: against NumPy on the same windows, and the sentence for what does not fit."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.special import expit, softmax

from tocsin import TocsinError
from tocsin.data.audio import Audio, read_audio
from tocsin.evaluation.bench.listening.tagging import TaggingDetector

ROOT = Path(__file__).parents[4]
STARTS = [*range(0, 1134, 50), 1134]


def _extremes(wave):
    windows = np.stack([wave[start : start + 100] for start in STARTS]).astype(np.float64)
    return np.stack([windows.max(axis=1), windows.min(axis=1), windows.mean(axis=1)], axis=1)


@pytest.mark.parametrize("batch", ["batch", 1, None])
def test_scores_are_those_of_numpy_whatever_the_shape_of_the_input(write_adapter, write_network, tmp_path, wave, batch):
    write_network(tmp_path / "net.onnx", batch)
    middle_s, scores, likeliest = TaggingDetector(write_adapter()).listen(Audio(wave, 1000))
    np.testing.assert_allclose(middle_s, (np.array(STARTS) + 50) / 1000)
    np.testing.assert_allclose(scores, _extremes(wave)[:, 0], atol=1e-6)
    assert set(likeliest) == {"0"}


def test_activation_pooling_and_negative_classes_make_the_score(write_adapter, tmp_path, wave):
    (tmp_path / "names.txt").write_text("high\nlow\nmiddle\n")
    raw = _extremes(wave)

    def scores(score, **keys):
        return TaggingDetector(write_adapter(score, **keys)).listen(Audio(wave, 1000))[1]

    by_name = scores('positive = ["low", "middle"]\npooling = "sum"', activation='"sigmoid"', classes='"names.txt"')
    np.testing.assert_allclose(by_name, expit(raw[:, 1:]).sum(axis=1), atol=1e-6)
    less = scores('positive = [0]\nnegative = [1, 2]\npooling = "mean"', activation='"softmax"')
    probability = softmax(raw, axis=1)
    np.testing.assert_allclose(less, (1 + probability[:, 0] - probability[:, 1:].mean(axis=1)) / 2, atol=1e-6)
    (tmp_path / "map.csv").write_text('index,mid,display_name\n0,/m/a,High\n1,/m/b,"Low, deep"\n2,/m/c,Mean\n')
    np.testing.assert_allclose(scores('positive = ["Low, deep"]', classes='"map.csv"'), raw[:, 1], atol=1e-6)


def test_short_waveform_is_mirrored_or_padded_and_lies_in_its_own_middle(write_adapter):
    ramp = Audio(np.linspace(0.5, 0.9, 60).astype(np.float32), 1000)
    padded, mirrored = ({"short": f'"{way}"'} for way in ("pad", "mirror"))
    (event,) = TaggingDetector(write_adapter("positive = [2]", **padded)).detect(ramp)
    assert event.onset_s == pytest.approx(0.03)
    assert event.score == pytest.approx(0.7 * 60 / 100, abs=1e-6)
    (event,) = TaggingDetector(write_adapter("positive = [2]", **mirrored)).detect(ramp)
    assert event.score == pytest.approx(np.pad(ramp.samples, (0, 40), mode="reflect").mean(), abs=1e-6)


def test_a_file_is_heard_as_its_waveform(write_adapter, tmp_path, rng):
    # Three blocks of half a minute, at another rate than the network's.
    samples = rng.uniform(-0.5, 0.5, 70 * 1600).astype(np.float32)
    soundfile.write(tmp_path / "long.wav", samples, 1600, subtype="FLOAT")
    detector = TaggingDetector(write_adapter(hop_samples=None, hop_s=0.07))
    from_file, from_memory = detector.listen(tmp_path / "long.wav"), detector.listen(Audio(samples, 1600))
    np.testing.assert_allclose(from_file[0], from_memory[0])
    np.testing.assert_allclose(from_file[1], from_memory[1], atol=1e-6)


def test_every_window_or_every_peak_is_a_detection(write_adapter):
    wave = np.full(1000, 0.1, np.float32)
    wave[430], wave[800] = 0.9, 0.5
    every = TaggingDetector(write_adapter()).detect(Audio(wave, 1000))
    assert len(every) == 19
    peaks = TaggingDetector(write_adapter(events='"peaks"')).detect(Audio(wave, 1000))
    loud = [event for event in peaks if event.score > 0.2]
    assert [event.score for event in loud] == pytest.approx([0.9, 0.5])
    for event, at_s in zip(loud, (0.43, 0.8), strict=True):
        assert abs(event.onset_s - at_s) <= event.extra["reach_s"] == 0.05


@pytest.mark.parametrize(
    ("score", "keys", "sentence"),
    [
        ("positive = [3]", {}, "score.positive: there is no class 3, the last of 3 is 2"),
        ("positive = []", {}, "score.positive is []: list should have at least 1 item"),
        ('positive = [0]\npooling = "best"', {}, "score.pooling is 'best': input should be 'max', 'sum' or 'mean'"),
        ("positive = [0]\nthreshold = 1", {}, "score.threshold is no key of an adapter file"),
        ("positive = [0]", {"sample_rate": 0}, "sample_rate is 0: input should be greater than or equal to 1000"),
        ("positive = [0]", {"name": None}, "name is missing"),
        ("positive = [0]", {"window_s": 1.0}, "give either window_s or window_samples"),
        ("positive = [0]", {"hop_samples": 101}, "a hop of 101 samples leaves gaps between windows of 100"),
        ("positive = [0]", {"model": '"away.onnx"'}, "there is no file"),
        ("positive = [0]", {"model": '"net.pt"'}, "expected a file that ends in .onnx or .tflite"),
        ("positive = [0]", {"window_samples": 120}, r"takes \['batch', 100\], expected one waveform of 120 samples"),
        ("positive = [0]", {"classes": 5}, r"gives \[1, 3\] for 1 windows, expected 5 classes"),
        ("positive = [0]", {"classes": '"none.txt"'}, "cannot read the names of the classes"),
        ('positive = ["hihg"]', {"classes": '"names.txt"'}, "'hihg' is none of the 3 classes: did you mean 'high'?"),
        ("positive = [0]", {"input": '"audio"'}, "has no input 'audio', it has wave"),
        ("positive [0]", {}, "is not TOML"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(write_adapter, tmp_path, score, keys, sentence):
    (tmp_path / "names.txt").write_text("high\nlow\nmiddle\n")
    with pytest.raises(TocsinError, match=sentence.replace("?", r"\?").replace("[]", r"\[\]")):
        TaggingDetector(write_adapter(score, **keys))


def test_missing_or_broken_files_are_said(write_adapter, tmp_path):
    with pytest.raises(TocsinError, match=r"away.toml: cannot read the adapter file \(No such file"):
        TaggingDetector(tmp_path / "away.toml")
    for ending, reader in (("onnx", "onnxruntime"), ("tflite", "LiteRT")):
        (tmp_path / f"broken.{ending}").write_bytes(b"nothing of the kind")
        with pytest.raises(TocsinError, match=f"{reader} cannot load it"):
            TaggingDetector(write_adapter(model=f'"broken.{ending}"'))


def test_one_of_several_outputs_is_named(write_adapter, write_network, tmp_path, wave):
    write_network(tmp_path / "net.onnx", second_output=True)
    with pytest.raises(TocsinError, match="has the outputs classes, embedding: name one as output"):
        TaggingDetector(write_adapter())
    scores = TaggingDetector(write_adapter(output='"classes"')).listen(Audio(wave, 1000))[1]
    np.testing.assert_allclose(scores, _extremes(wave)[:, 0], atol=1e-6)


def test_yamnet_is_heard_as_the_benchmark_hears_it(recordings, tmp_path, monkeypatch):
    shipped = (ROOT / "configs/adapters/yamnet.toml").read_text()
    model = f'model = "{recordings / "peers/yamnet.tflite"}"'
    (tmp_path / "yamnet.toml").write_text(shipped.replace('model = "../../../shared/peers/yamnet.tflite"', model))
    assert model in (tmp_path / "yamnet.toml").read_text()
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks/classification"))
    from yamnet import Yamnet

    path = next((recordings / "live-fire/pittsburgh-2018/FP8/test_073").glob("*.flac"))
    for name in ("audioset", "yamnet"):
        monkeypatch.delitem(sys.modules, name)
    middle_s, scores, _ = TaggingDetector(tmp_path / "yamnet.toml").listen(path)
    expected_s, expected = Yamnet(recordings / "peers/yamnet.tflite").listen(read_audio(path))
    np.testing.assert_allclose(middle_s, expected_s)
    np.testing.assert_allclose(scores, expected[:, 0], atol=1e-6)
