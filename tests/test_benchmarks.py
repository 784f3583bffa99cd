"""The benchmarks' adapters against what they stand for."""

import sys
from pathlib import Path

import numpy as np
import pytest

from tocsin.inference.classify import classify_samples
from tocsin.inference.model import Model

ROOT = Path(__file__).parents[1]


@pytest.fixture
def adapters(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks/classification"))
    yield
    for name in ("tocsin_onnx", "yamnet"):
        sys.modules.pop(name, None)


def test_tocsin_adapter_answers_as_the_library(adapters, tiny_onnx, rng):
    from tocsin_onnx import TocsinOnnx

    system = TocsinOnnx(tiny_onnx)
    samples = rng.normal(0, 0.1, 2 * system.sample_rate).astype(np.float32)
    expected = classify_samples(Model(tiny_onnx), samples, system.sample_rate)
    assert system.scores(samples, system.sample_rate) == expected
    assert system.annotate(samples)[:, 0].max() == expected["gunshot"]


def test_yamnet_adapter_knows_a_shot_from_rain(adapters, recordings):
    from yamnet import Yamnet

    from tocsin.data.audio import read_audio

    yamnet = Yamnet(recordings / "peers/yamnet.tflite")
    families = {}
    for label in ("gunshot", "rain"):
        path = sorted((recordings / "clips/audio" / label).glob("*.flac"))[0]
        audio = read_audio(path)
        families[label] = yamnet.scores(audio.samples, audio.sample_rate)
    name = next(iter(families["gunshot"]))
    assert families["gunshot"][name] > families["rain"][name]
