"""One answer a file: the window in which a gunshot is likeliest speaks for the whole."""

from collections.abc import Iterable

import numpy as np
import soxr
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.data.audio import Audio
from tocsin.data.waveforms import as_samples
from tocsin.inference.annotate import Annotator, Trace, join
from tocsin.inference.mending.mender import Mender
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
    annotator, traces, taken = Annotator(model), [], 0
    mender, resampler = None, None

    def take(samples: NDArray[np.float32], last: bool = False) -> None:
        annotator.push(samples if resampler is None else resampler.resample_chunk(samples, last=last))
        if last:
            annotator.flush()
        traces.append(annotator.trace())
        annotator.forget(np.inf)

    for block in blocks:
        if block.sample_rate < LOWEST_SAMPLE_RATE:
            raise TocsinError(f"a sample rate of {block.sample_rate} Hz is too low: {LOWEST_SAMPLE_RATE} Hz at least")
        if mender is None:
            mender = Mender(block.sample_rate)
            if block.sample_rate != model.card.sample_rate:
                resampler = soxr.ResampleStream(block.sample_rate, model.card.sample_rate, 1, "float32", "HQ")
        samples = as_samples(block.samples, block.sample_rate, taken)
        taken += len(samples)
        take(mender.push(samples))
    take(mender.flush() if mender is not None else np.zeros(0, np.float32), last=True)
    return join(traces)


def classify_samples(model: Model, samples: NDArray[np.float32], sample_rate: int) -> dict[str, float]:
    """Class probabilities of a whole waveform: those of its highest gunshot window."""
    return summarize(annotate(model, samples, sample_rate))


def summarize(trace: Trace) -> dict[str, float]:
    """Class probabilities of the window in which a gunshot is likeliest."""
    row = trace.probabilities[int(np.argmax(trace.of("gunshot")))]
    return {label: float(value) for label, value in zip(trace.classes, row, strict=True)}
