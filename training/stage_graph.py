"""The ONNX graph of two stages: a network that hears every window, and one that ``If`` computes only where asked."""

import math
from itertools import chain
from typing import Any

import numpy as np
import onnx
from onnx.compose import add_prefix_graph
from onnx.helper import make_graph, make_model, make_node, make_opsetid, make_tensor_value_info
from onnx.numpy_helper import from_array

from tocsin import TocsinError
from tocsin.models.card import WeightCard


def joined_graph(first: Any, second: Any, cards: tuple[WeightCard, ...], ask_from: float, weight: float) -> Any:
    """The ONNX model of both: ``waveform (batch, window_samples)`` to ``logits (batch, classes)``, log probabilities.

    A batch asks the second where one of its windows does, and each window takes what it would alone.

    Raises:
        TocsinError: the two were written for different operator sets.
    """
    opsets: dict[str, int] = {}
    for entry in chain(first.opset_import, second.opset_import):
        if opsets.setdefault(entry.domain, entry.version) != entry.version:
            raise TocsinError(
                f"the two files are of the ONNX operator sets {opsets[entry.domain]} and {entry.version}: "
                "export both with the same version of tocsin"
            )
    card = cards[0]
    one, two = (add_prefix_graph(model.graph, f"{name}.") for model, name in ((first, "first"), (second, "second")))
    numbers: dict[str, float | list[float]] = {
        "first.temperature": [cards[0].temperature],
        "second.temperature": [cards[1].temperature],
        "ask_from": math.log(ask_from) if ask_from else -math.inf,
        "weights.first": [1 - weight],
        "weights.second": [weight],
    }
    constants = [from_array(np.array(value, np.float32), name) for name, value in numbers.items()]
    constants.append(from_array(np.array([card.classes.index("gunshot")], np.int64), "gunshot"))
    mean = make_graph(
        [
            *_log_probabilities(two, "second"),
            make_node("Mul", ["first.log_probabilities", "weights.first"], ["first.part"]),
            make_node("Mul", ["second.log_probabilities", "weights.second"], ["second.part"]),
            make_node("Add", ["first.part", "second.part"], ["mean"]),
            make_node("Where", ["asks", "mean", "first.log_probabilities"], ["mean.answer"]),
        ],
        "mean",
        [],
        [_tensor("mean.answer")],
        initializer=two.initializer,
    )
    alone = make_graph(
        [make_node("Identity", ["first.log_probabilities"], ["alone.answer"])], "alone", [], [_tensor("alone.answer")]
    )
    graph = make_graph(
        [
            *_log_probabilities(one, "first"),
            make_node("Gather", ["first.log_probabilities", "gunshot"], ["suspicion"], axis=1),
            make_node("GreaterOrEqual", ["suspicion", "ask_from"], ["asks"]),
            make_node("ReduceMax", ["suspicion"], ["highest"], keepdims=0),
            make_node("GreaterOrEqual", ["highest", "ask_from"], ["any_asks"]),
            make_node("If", ["any_asks"], ["logits"], then_branch=mean, else_branch=alone),
        ],
        "stages",
        [_tensor("waveform", card.window_samples)],
        [_tensor("logits", len(card.classes))],
        initializer=[*one.initializer, *constants],
    )
    imports = [make_opsetid(domain, version) for domain, version in opsets.items()]
    return make_model(graph, opset_imports=imports, ir_version=max(first.ir_version, second.ir_version))


def _log_probabilities(graph: Any, name: str) -> list[Any]:
    """Nodes of a graph whose tensors start with ``name.``, from ``waveform`` to ``name.log_probabilities``."""
    return [
        make_node("Identity", ["waveform"], [graph.input[0].name]),
        *graph.node,
        make_node("Div", [graph.output[0].name, f"{name}.temperature"], [f"{name}.scaled"]),
        make_node("LogSoftmax", [f"{name}.scaled"], [f"{name}.log_probabilities"], axis=1),
    ]


def _tensor(name: str, length: int | None = None) -> Any:
    """Description of an end of a graph, ``(batch, length)``; of a branch's answer, whose shape follows, without."""
    return make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", length] if length else None)
