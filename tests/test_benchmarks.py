"""The benchmarks' adapters against what they stand for."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tocsin.evaluation.examples import Example
from tocsin.inference.classify import classify_samples
from tocsin.inference.model import Model
from tocsin.training.export import write_onnx

ROOT = Path(__file__).parents[1]


@pytest.fixture
def adapters(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks/classification"))
    yield
    for name in ("tocsin_onnx", "yamnet"):
        sys.modules.pop(name, None)


def example_of(path: Path, session: str) -> Example:
    duration_s = soundfile.info(path).duration
    return Example("gunshot", "gunshot", "mine", session, session, path, 0.0, duration_s)


def test_tocsin_adapter_answers_as_the_library(adapters, tiny_torch, tiny_card, tmp_path, rng):
    from tocsin_onnx import TocsinOnnx

    card = tiny_card.model_copy(update={"held_out": {"test": ["unheard"]}})
    write_onnx(tiny_torch, card, tmp_path / "tiny.onnx")
    system = TocsinOnnx([tmp_path / "tiny.onnx"])
    samples = rng.normal(0, 0.1, 2 * system.sample_rate).astype(np.float32)
    soundfile.write(tmp_path / "noise.wav", samples, system.sample_rate, subtype="FLOAT")
    expected = classify_samples(Model(tmp_path / "tiny.onnx"), samples, system.sample_rate)
    assert system.scores(example_of(tmp_path / "noise.wav", "unheard")) == expected
    assert system.annotate(samples)[:, 0].max() == expected["gunshot"]


def test_yamnet_adapter_knows_a_shot_from_rain(adapters, recordings):
    from yamnet import Yamnet

    yamnet = Yamnet(recordings / "peers/yamnet.tflite")
    families = {}
    for label in ("gunshot", "rain"):
        path = sorted((recordings / "clips/audio" / label).glob("*.flac"))[0]
        families[label] = yamnet.scores(example_of(path, "any"))
    name = next(iter(families["gunshot"]))
    assert families["gunshot"][name] > families["rain"][name]
