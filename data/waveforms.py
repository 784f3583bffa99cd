"""Sound that is in memory already, as other libraries give it."""

import numpy as np
from numpy.typing import ArrayLike

from tocsin import TocsinError
from tocsin.data.audio import Audio

GREATEST = 100.0  # floats may exceed full scale a little; integers turned into floats exceed it by far


def audio_of(samples: ArrayLike, sample_rate: float) -> Audio:
    """Sound of samples ``(n,)`` in −1 … 1 and their rate in Hz.

    Raises ``TocsinError`` for what is no sound: integers, several channels, nothing, samples that are NaN, infinite or
    far beyond full scale, a rate that is no whole number above zero.
    """
    wave = np.asarray(samples)
    if wave.ndim != 1 or wave.size == 0:
        raise TocsinError(f"samples of shape {wave.shape}: expected one channel, (n,), such as samples.mean(axis=1)")
    if not np.issubdtype(wave.dtype, np.floating):
        raise TocsinError(f"samples of {wave.dtype}: expected floats in -1 to 1, such as integers of 16 bit / 32768")
    if not np.isfinite(wave).all():
        raise TocsinError(f"sample {int(np.argmin(np.isfinite(wave)))} is NaN or infinite: expected finite numbers")
    loudest = float(np.abs(wave).max())
    if loudest > GREATEST:
        raise TocsinError(f"a sample of {loudest:g}: expected -1 to 1; divide integers that were turned into floats")
    if not (sample_rate > 0 and float(sample_rate).is_integer()):
        raise TocsinError(f"the sample rate is {sample_rate}, expected a whole number of Hz above 0")
    return Audio(np.ascontiguousarray(wave, dtype=np.float32), int(sample_rate))
