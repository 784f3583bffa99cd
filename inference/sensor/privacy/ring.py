"""The last seconds of sound in memory, in one array that is written round and round."""

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError

MAX_SECONDS = 12.0


class Ring:
    """The last ``seconds`` of sound. One array is allocated, once; each new sample overwrites the oldest.

    So no sample stays longer in it than the array is long. What is given out is a copy, which its taker lets go of.
    Samples are counted from 0, the first that was ever written.

    Attributes:
        sample_rate: Hz.
        end_sample: how many samples were ever written, which is the number of the next.

    Args:
        seconds: how long, above 0 and at most ``MAX_SECONDS``.
        sample_rate: Hz, nominal.
        channels: how many.

    Raises:
        TocsinError: a length, a rate or a count of channels that cannot be.
    """

    def __init__(self, seconds: float, sample_rate: int, channels: int = 1) -> None:
        if not 0 < seconds <= MAX_SECONDS:
            raise TocsinError(
                f"a sensor cannot keep {seconds:g} s of sound in memory: above 0 and at most {MAX_SECONDS:g} s, "
                "by construction"
            )
        if sample_rate < 1 or channels < 1:
            raise TocsinError(f"no sound has {channels} channels at {sample_rate} Hz: both are at least 1")
        length = int(seconds * sample_rate + 1e-6)  # rounded down, but for the errors of the product itself
        if length < 1:
            raise TocsinError(f"{seconds:g} s at {sample_rate} Hz is less than one sample: give more seconds")
        self.sample_rate = sample_rate
        self.end_sample = 0
        self._held = 0  # samples that may be asked for; fewer than the array has at first, and after a wipe
        self._samples: NDArray[np.float32] = np.zeros((length, channels), np.float32)

    @property
    def begin_sample(self) -> int:
        """The oldest sample that is still there."""
        return self.end_sample - self._held

    def write(self, samples: NDArray[np.floating]) -> None:
        """Write ``(n, channels)`` samples over the oldest; of more than the array takes, the last.

        Raises:
            TocsinError: another shape.
        """
        length, channels = self._samples.shape
        if samples.ndim != 2 or samples.shape[1] != channels:
            raise TocsinError(f"samples of the shape {samples.shape} do not fit a memory of (n, {channels})")
        kept = samples[-length:] if len(samples) else samples
        place = (self.end_sample + len(samples) - len(kept)) % length
        first = min(len(kept), length - place)
        self._samples[place : place + first] = kept[:first]
        self._samples[: len(kept) - first] = kept[first:]
        self.end_sample += len(samples)
        self._held = min(self._held + len(samples), length)

    def cut(self, start_sample: int, stop_sample: int) -> NDArray[np.float32] | None:
        """A copy ``(n, channels)`` from one sample up to another; None where some of it is gone or yet to come."""
        if not self.begin_sample <= start_sample <= stop_sample <= self.end_sample:
            return None
        length = len(self._samples)
        place, n = start_sample % length, stop_sample - start_sample
        first = min(n, length - place)
        return np.concatenate([self._samples[place : place + first], self._samples[: n - first]])

    def last(self, seconds: float) -> NDArray[np.float32]:
        """A copy ``(n, channels)`` of the last seconds, or of as many as there are."""
        n = min(max(round(seconds * self.sample_rate), 0), self._held)
        piece = self.cut(self.end_sample - n, self.end_sample)
        assert piece is not None  # n is never more than is held
        return piece

    def wipe(self) -> None:
        """Overwrite all of it with zeros; nothing that was written before can be asked for. Counting goes on."""
        self._samples.fill(0.0)
        self._held = 0
