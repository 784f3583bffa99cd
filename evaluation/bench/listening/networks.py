"""Networks that others trained, in onnxruntime or LiteRT: windows of a waveform in, scores of all classes out."""

import threading
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from scipy.special import expit, softmax

from tocsin import TocsinError
from tocsin.evaluation.bench.listening.adapter import Activation, Adapter

Windows = NDArray[np.float32]
_MAKE = {"none": lambda scores: scores, "sigmoid": expit, "softmax": lambda scores: softmax(scores, axis=-1)}


class _Runner(Protocol):
    def __call__(self, windows: Windows) -> Windows:
        """Raw output of windows (batch, samples): each reply's own shape, the classes last."""


class Network:
    """A network with the input and output that its adapter states.

    Whether it takes ``(samples,)`` or ``(batch, samples)`` it says itself. Where it gives several rows for a window, as
    networks do that cut it up themselves, the highest of each class counts.

    Raises:
        TocsinError: it cannot be loaded or run, or does not take such windows or give so many classes.
    """

    def __init__(self, adapter: Adapter, n_classes: int) -> None:
        self._path, self._activation, self._n_classes = adapter.model, adapter.activation, n_classes
        self._run = _tflite(adapter) if adapter.model.suffix == ".tflite" else _onnx(adapter)
        self.scores(np.zeros((1, adapter.window), np.float32))

    def scores(self, windows: Windows) -> NDArray[np.float64]:
        """Scores of windows ``(batch, samples)``, shape ``(batch, classes)``; threads may call it side by side.

        Raises:
            TocsinError: the network gives another number of classes, or what is no number.
        """
        raw = np.asarray(self._run(windows), dtype=np.float64)
        if raw.ndim == 0 or raw.shape[-1] != self._n_classes or raw.size % (len(windows) * self._n_classes):
            raise TocsinError(
                f"{self._path} gives {list(raw.shape)} for {len(windows)} windows, expected {self._n_classes} classes"
            )
        if not np.isfinite(raw).all():
            raise TocsinError(f"{self._path} gives scores that are no finite numbers")
        activation: Activation = self._activation
        made = _MAKE[activation](raw).reshape(len(windows), -1, self._n_classes)
        highest: NDArray[np.float64] = made.max(axis=1)
        return highest


def _onnx(adapter: Adapter) -> _Runner:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(adapter.model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises its own types, one for each kind of bad file
        raise TocsinError(f"{adapter.model}: onnxruntime cannot load it as an ONNX model") from error
    given = _named(session.get_inputs(), adapter.input, lambda node: node.name, adapter.model, "input")
    got = _named(session.get_outputs(), adapter.output, lambda node: node.name, adapter.model, "output")
    rank, one_by_one = len(given.shape), len(given.shape) == 1 or given.shape[0] == 1
    fixed = given.shape[-1] if given.shape else None
    if rank not in (1, 2) or (isinstance(fixed, int) and fixed != adapter.window):
        raise TocsinError(_unfit(adapter, given.shape))

    def run(windows: Windows) -> Windows:
        parts = list(windows) if rank == 1 else [windows[i : i + 1] for i in range(len(windows))]
        try:
            if one_by_one:
                return np.stack([session.run([got.name], {given.name: part})[0] for part in parts])
            whole: Windows = session.run([got.name], {given.name: windows})[0]
        except Exception as error:  # as above
            raise TocsinError(f"{adapter.model}: onnxruntime cannot run it: {error}") from error
        return whole

    return run


def _tflite(adapter: Adapter) -> _Runner:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise TocsinError(f"{adapter.model} needs LiteRT: type pip install ai-edge-litert") from error
    # An interpreter holds the tensors of one window, so each thread has its own.
    own = threading.local()

    def interpreter() -> tuple[Any, Any, Any]:
        if not hasattr(own, "parts"):
            try:
                made = Interpreter(str(adapter.model), num_threads=1)
                given = _named(made.get_input_details(), adapter.input, lambda it: it["name"], adapter.model, "input")
                shape = [1, adapter.window] if len(given["shape"]) == 2 else [adapter.window]
                if list(given["shape"]) != shape:
                    if len(given["shape"]) not in (1, 2) or given["shape"][-1] > 1:
                        raise TocsinError(_unfit(adapter, list(given["shape"])))
                    made.resize_tensor_input(given["index"], shape)
                made.allocate_tensors()
            except (ValueError, RuntimeError) as error:
                raise TocsinError(f"{adapter.model}: LiteRT cannot load it: {error}") from error
            got = _named(made.get_output_details(), adapter.output, lambda it: it["name"], adapter.model, "output")
            own.parts = made, (given["index"], shape), got["index"]
        parts: tuple[Any, Any, Any] = own.parts
        return parts

    def run(windows: Windows) -> Windows:
        made, (index, shape), output = interpreter()
        rows = []
        for window in windows:
            made.set_tensor(index, window.astype(np.float32, copy=False).reshape(shape))
            made.invoke()
            rows.append(made.get_tensor(output))
        return np.stack(rows)

    return run


def _named(nodes: Any, wanted: str | None, name_of: Any, path: Path, kind: str) -> Any:
    names = [name_of(node) for node in nodes]
    if wanted is None and len(nodes) != 1:
        raise TocsinError(f"{path} has the {kind}s {', '.join(names)}: name one as {kind} in the adapter file")
    if wanted is not None and wanted not in names:
        raise TocsinError(f"{path} has no {kind} {wanted!r}, it has {', '.join(names)}")
    return nodes[0 if wanted is None else names.index(wanted)]


def _unfit(adapter: Adapter, shape: Any) -> str:
    return f"{adapter.model} takes {list(shape)}, expected one waveform of {adapter.window} samples (a batch before it)"
