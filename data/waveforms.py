"""Sound that is in memory already, as other libraries give it, and the one sentence where it is none."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tocsin import TocsinError
from tocsin.data.audio import Audio
from tocsin.data.sound import GREATEST


def as_samples(samples: ArrayLike, sample_rate: int, before: int = 0) -> NDArray[np.float32]:
    """Samples as float32 ``(n,)``, full scale 1.

    Args:
        samples: one channel.
        sample_rate: Hz.
        before: samples of the same sound that came earlier, for the time that a complaint names.

    Raises:
        TocsinError: there is more than one axis, or a sample that is NaN or infinite. One such sample would make every
            window that holds it NaN, and a filter carries it on to others.
    """
    checked = np.asarray(samples, np.float32)
    if checked.ndim != 1:
        raise TocsinError(f"samples of shape {checked.shape}: expected one channel, (n,), such as samples.mean(axis=1)")
    finite = np.isfinite(checked)
    if not finite.all():
        at_s = (before + int(finite.argmin())) / sample_rate
        raise TocsinError(
            f"a sample is NaN or infinite at {at_s:.6f} s: expected finite numbers in -1 to 1; numpy.nan_to_num puts "
            "zeros in place of NaN"
        )
    return checked


def audio_of(samples: ArrayLike, sample_rate: float) -> Audio:
    """A whole sound of samples ``(n,)`` in −1 … 1 and their rate in Hz.

    Raises ``TocsinError`` for what :func:`as_samples` refuses, and for integers, nothing, samples far beyond full scale
    and a rate that is no whole number above zero.
    """
    try:
        wave, rate = np.asarray(samples), float(sample_rate)
    except (TypeError, ValueError) as error:
        raise TocsinError(
            f"these are no samples and a rate in Hz: expected floats, (n,), and a number ({error})"
        ) from None
    if not np.issubdtype(wave.dtype, np.floating):
        raise TocsinError(f"samples of {wave.dtype}: expected floats in -1 to 1, such as integers of 16 bit / 32768")
    if wave.size == 0:
        raise TocsinError("there are no samples: expected one channel, (n,)")
    if not (rate > 0 and rate.is_integer()):
        raise TocsinError(f"the sample rate is {sample_rate}, expected a whole number of Hz above 0")
    checked = as_samples(wave, int(rate))
    loudest = float(np.abs(checked).max())
    if loudest > GREATEST:
        raise TocsinError(f"a sample of {loudest:g}: expected -1 to 1; divide integers that were turned into floats")
    return Audio(np.ascontiguousarray(checked), int(rate))
