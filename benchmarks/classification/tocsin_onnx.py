"""A Tocsin model in onnxruntime, used as ``tocsin classify`` uses it, on one thread."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tocsin.inference.classify import annotate, classify_samples
from tocsin.inference.model import Model


class TocsinOnnx:
    """The shipped weights, or those of an ``.onnx`` file."""

    detectors = ("gunshot",)

    def __init__(self, path: Path | str | None = None) -> None:
        self.model = Model(path, threads=1)
        self.name = f"Tocsin ({self.model.card.model_id})"
        self.sample_rate = self.model.card.sample_rate

    def annotate(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        """Class probabilities of each window of a waveform at the model's rate, shape (windows, classes)."""
        return annotate(self.model, samples, self.sample_rate).probabilities

    def scores(self, samples: NDArray[np.float32], sample_rate: int) -> dict[str, float]:
        """Probability of each class in the window in which a gunshot is likeliest."""
        return classify_samples(self.model, samples, sample_rate)
