"""Weights in 16 bits: the file with rounded 32-bit weights as the oracle."""

import shutil

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from tocsin.inference.model import Model
from tocsin.training import halves
from tocsin.training.export import write_onnx


@pytest.fixture
def rounded_and_halved(tiny_onnx, tmp_path, monkeypatch):
    """Two files: large weights rounded to 16 bits and kept in 32, and the same stored in 16."""
    monkeypatch.setattr(halves, "LEAST", 16)
    graph = onnx.load(tiny_onnx)
    for tensor in graph.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size >= 16 and not tensor.name.startswith("front_end."):
            tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16).astype(np.float32), tensor.name))
    onnx.save(graph, tmp_path / "rounded.onnx")
    shutil.copy(tiny_onnx, tmp_path / "halved.onnx")
    halves.store_in_halves(tmp_path / "halved.onnx")
    return tmp_path / "rounded.onnx", tmp_path / "halved.onnx"


def test_stored_halves_compute_what_rounded_weights_compute(rounded_and_halved, rng):
    windows = rng.normal(0, 0.1, (3, 12000)).astype(np.float32)
    expected, found = (
        onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"waveform": windows})[0]
        for path in rounded_and_halved
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_front_end_and_card_stay_as_they_were(rounded_and_halved, tiny_onnx):
    before, after = (
        {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
        for path in (tiny_onnx, rounded_and_halved[1])
    )
    front = [name for name in before if name.startswith("front_end.")]
    assert front
    assert all(np.array_equal(before[name], after[name]) for name in front)
    assert any(values.dtype == np.float16 for values in after.values())
    assert Model(rounded_and_halved[1]).card == Model(tiny_onnx).card


def test_export_measures_what_halves_cost(tiny_torch, tiny_card, tmp_path, monkeypatch):
    monkeypatch.setattr(halves, "LEAST", 16)
    exact = write_onnx(tiny_torch, tiny_card, tmp_path / "exact.onnx")
    cost = write_onnx(tiny_torch, tiny_card, tmp_path / "half.onnx", half=True)
    assert exact < cost < 5e-2
