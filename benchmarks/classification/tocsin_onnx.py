"""Tocsin models in onnxruntime, used as ``tocsin classify`` uses them, on one thread."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tocsin.evaluation.hearing.examples import Example
from tocsin.evaluation.judging.judges import Judges
from tocsin.inference.classify import annotate


class TocsinOnnx:
    """The shipped weights, or those of ``.onnx`` files, each example judged by a model that never met its session."""

    detectors = ("gunshot",)

    def __init__(self, weights: Sequence[Path | str] = ()) -> None:
        self.judges = Judges(weights)
        self.name = f"Tocsin ({self.judges.name})"
        self.sample_rate = self.judges.models[0].card.sample_rate

    def annotate(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        """Class probabilities of each window by the first model, waveform at its rate, shape (windows, classes)."""
        return annotate(self.judges.models[0], samples, self.sample_rate).probabilities

    def scores(self, example: Example) -> dict[str, float]:
        """Probability of each class in the window in which a gunshot is likeliest."""
        return self.judges.probabilities(example)
