"""One answer a file: the window in which a gunshot is likeliest speaks for the whole."""

from collections.abc import Iterable

import numpy as np
import soxr
from numpy.typing import NDArray

from tocsin.inference.annotate import Annotator, Trace, join
from tocsin.inference.model import Model


def annotate(model: Model, samples: NDArray[np.float32], sample_rate: int) -> Trace:
    """Class probabilities over time of a whole waveform ``(n,)`` in −1 … 1."""
    return annotate_blocks(model, [soxr.resample(samples, sample_rate, model.card.sample_rate, quality="HQ")])


def annotate_blocks(model: Model, blocks: Iterable[NDArray[np.float32]]) -> Trace:
    """The same of consecutive blocks at the card's sample rate, in the memory of one block."""
    annotator = Annotator(model)
    return join([*(annotator.push(block) for block in blocks), annotator.flush()])


def classify_samples(model: Model, samples: NDArray[np.float32], sample_rate: int) -> dict[str, float]:
    """Class probabilities of a whole waveform: those of its highest gunshot window."""
    return summarize(annotate(model, samples, sample_rate))


def summarize(trace: Trace) -> dict[str, float]:
    """Class probabilities of the window in which a gunshot is likeliest."""
    row = trace.probabilities[int(np.argmax(trace.of("gunshot")))]
    return {label: float(value) for label, value in zip(trace.classes, row, strict=True)}
