"""An exported model in onnxruntime, with the input contract that its weight card states."""

import os
from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.models.card import METADATA_KEY, WeightCard, parse_card, shipped_weights


class Model:
    """Waveform windows to calibrated class probabilities.

    Args:
        path: an ``.onnx`` file that ``tocsin export`` wrote, or the name of shipped weights.
        threads: threads that one window's computation may use.

    Raises:
        TocsinError: the file is missing, no ONNX model, has no card, or its input is not what the card says.
    """

    def __init__(self, path: str | Path | None = None, threads: int = 1) -> None:
        if path is None:
            self.path = shipped_weights()
        elif os.fspath(path).endswith(".onnx"):
            self.path = Path(path)
        else:
            self.path = shipped_weights(str(path))
        if not self.path.is_file():
            raise TocsinError(f"{self.path}: no such file; give an .onnx that `tocsin export` wrote")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(self.path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises its own types, one for each kind of bad file
            raise TocsinError(f"{self.path}: onnxruntime cannot load it as an ONNX model") from error
        self._check_contract()
        self._input = self._session.get_inputs()[0].name

    @cached_property
    def card(self) -> WeightCard:
        """The weight card inside the file."""
        metadata = self._session.get_modelmeta().custom_metadata_map
        if METADATA_KEY not in metadata:
            raise TocsinError(f"{self.path}: it carries no weight card; export it with `tocsin export`")
        return parse_card(metadata[METADATA_KEY], str(self.path))

    def _check_contract(self) -> None:
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        wanted = (
            f"one float32 input (batch, {self.card.window_samples}) and one output of {len(self.card.classes)} logits"
        )
        fits = (
            len(inputs) == len(outputs) == 1
            and inputs[0].type == "tensor(float)"
            and list(inputs[0].shape[1:]) == [self.card.window_samples]
            and list(outputs[0].shape[1:]) == [len(self.card.classes)]
        )
        if not fits:
            got = [(node.name, node.type, node.shape) for node in (*inputs, *outputs)]
            raise TocsinError(f"{self.path}: its card wants {wanted}, but the graph has {got}")

    def logits(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Raw logits of windows ``(batch, window_samples)``, shape ``(batch, classes)``.

        Raises:
            TocsinError: the windows' shape or type is not what the card says, or a sample is NaN or infinite.
        """
        if windows.ndim != 2 or windows.shape[1] != self.card.window_samples or windows.dtype != np.float32:
            raise TocsinError(
                f"{self.card.model_id} takes float32 windows of shape (batch, {self.card.window_samples}) at "
                f"{self.card.sample_rate} Hz, got {windows.dtype} {windows.shape}"
            )
        finite = np.isfinite(windows)
        if not finite.all():
            window, sample = np.unravel_index(int(finite.argmin()), windows.shape)
            raise TocsinError(
                f"{self.card.model_id} takes finite samples in -1 to 1, but sample {sample} of window {window} is "
                f"{windows[window, sample]}"
            )
        result: NDArray[np.float32] = self._session.run(None, {self._input: windows})[0]
        return result

    def probabilities(self, windows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Calibrated probabilities of windows ``(batch, window_samples)``, shape ``(batch, classes)``."""
        scaled = self.logits(windows).astype(np.float64) / self.card.temperature
        scaled = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        return scaled / scaled.sum(axis=1, keepdims=True)
