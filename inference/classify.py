"""One answer a file: the window in which a gunshot is likeliest speaks for the whole."""

from collections.abc import Iterable

import numpy as np
import soxr
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.data.audio import Audio
from tocsin.data.waveforms import as_samples
from tocsin.inference.annotate import Annotator, Trace, join
from tocsin.inference.model import Model
from tocsin.inference.onsets.picker import LOWEST_SAMPLE_RATE


def annotate(model: Model, samples: NDArray[np.float32], sample_rate: int) -> Trace:
    """Class probabilities over time of a whole waveform ``(n,)`` in −1 … 1.

    Raises:
        TocsinError: the sample rate is too low to carry the sounds that the model knows; or the samples are of several
            channels, or one is NaN or infinite.
    """
    return annotate_blocks(model, [Audio(samples, sample_rate)])


def annotate_blocks(model: Model, blocks: Iterable[Audio]) -> Trace:
    """The same of consecutive blocks of one rate, in the memory of one block."""
    annotator, resampler, traces, taken = Annotator(model), None, [], 0
    rate = model.card.sample_rate

    def take() -> None:
        traces.append(annotator.trace())
        annotator.forget(np.inf)

    for block in blocks:
        if block.sample_rate < LOWEST_SAMPLE_RATE:
            raise TocsinError(f"a sample rate of {block.sample_rate} Hz is too low: {LOWEST_SAMPLE_RATE} Hz at least")
        samples = as_samples(block.samples, block.sample_rate, taken)
        taken += len(samples)
        if block.sample_rate != rate:
            resampler = resampler or soxr.ResampleStream(block.sample_rate, rate, 1, "float32", "HQ")
            samples = resampler.resample_chunk(samples)
        annotator.push(samples)
        take()
    if resampler is not None:
        annotator.push(resampler.resample_chunk(np.zeros(0, np.float32), last=True))
    annotator.flush()
    take()
    return join(traces)


def classify_samples(model: Model, samples: NDArray[np.float32], sample_rate: int) -> dict[str, float]:
    """Class probabilities of a whole waveform: those of its highest gunshot window."""
    return summarize(annotate(model, samples, sample_rate))


def summarize(trace: Trace) -> dict[str, float]:
    """Class probabilities of the window in which a gunshot is likeliest."""
    row = trace.probabilities[int(np.argmax(trace.of("gunshot")))]
    return {label: float(value) for label, value in zip(trace.classes, row, strict=True)}
