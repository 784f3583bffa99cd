"""Weights stored in 16 bits and computed with in 32: half the file, the same speed.

A runtime turns the stored halves into 32-bit weights once, when it loads the file. Nothing is computed in 16 bits.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tocsin.models.model_file import FRONT_END

LEAST = 256  # values of a tensor that is worth a node


def store_in_halves(path: Path) -> None:
    """Rewrite an ``.onnx`` file with its weights in 16 bits; those of the front end, and small ones, stay in 32."""
    model = onnx.load(path)
    graph = model.graph
    casts = []
    for tensor in list(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < LEAST or tensor.name.startswith(FRONT_END):
            continue
        half = numpy_helper.from_array(values.astype(np.float16), f"{tensor.name}.half")
        graph.initializer.remove(tensor)
        graph.initializer.append(half)
        casts.append(helper.make_node("Cast", [half.name], [tensor.name], f"{tensor.name}.cast", to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
