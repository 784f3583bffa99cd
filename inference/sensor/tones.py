"""Whether there is little but one tone: up to half a second in five is looked at, and a line that stays is one."""

import math

import numpy as np
import scipy.fft
from numpy.typing import NDArray

MOST_LOOK_S, EVERY_S = 0.5, 5.0
LOOKS = 5  # in a row, from the first to the last of which 20 s pass
LEAST_HZ = 20.0  # below it is wind
BESIDE_BINS = 2  # a Hann window puts all but a thousandth of a tone into so many on each side
LEAST_SHARE = 0.9  # of the power
SAME_BINS = 1.0
LEAST_POWER = 2.0**-32  # of a sine of about a step of 16 bits; below is a converter that idles


class ToneWatch:
    """Looks for a constant tone in the sound of one sensor.

    Args:
        sample_rate: Hz.

    Attributes:
        tone_hz: the tone that holds nine tenths of the power above 20 Hz for 20 s, at the same frequency within 4 Hz;
            None where there is none.
    """

    def __init__(self, sample_rate: int) -> None:
        self.tone_hz: float | None = None
        self._rate = sample_rate
        self._piece = np.zeros(1 << int(math.log2(MOST_LOOK_S * sample_rate)), np.float32)
        self._window = np.hanning(len(self._piece)).astype(np.float32)
        self._held = 0
        self._until_next = 0
        self._lines_hz: list[float] = []

    def hear(self, samples: NDArray[np.float32]) -> None:
        """Take the next samples, ``(n,)``."""
        skipped = min(self._until_next, len(samples))
        self._until_next -= skipped
        taken = samples[skipped : skipped + len(self._piece) - self._held]
        self._piece[self._held : self._held + len(taken)] = taken
        self._held += len(taken)
        if self._held == len(self._piece):
            self._look()
            self._piece[:] = 0.0
            self._held = 0
            # What is left of a long block counts too.
            left = len(samples) - skipped - len(taken)
            self._until_next = max(round(EVERY_S * self._rate) - len(self._piece) - left, 0)

    def begin_anew(self) -> None:
        """Samples are missing here: what is looked at must be of one piece."""
        self._piece[:] = 0.0
        self._held = 0

    def _look(self) -> None:
        line_hz = _line_hz(self._piece * self._window, self._rate)
        if line_hz is None:
            self._lines_hz.clear()
        else:
            self._lines_hz = [*self._lines_hz[-LOOKS + 1 :], line_hz]
        stays = len(self._lines_hz) == LOOKS and max(self._lines_hz) - min(
            self._lines_hz
        ) <= SAME_BINS * self._rate / len(self._piece)
        self.tone_hz = line_hz if stays else None


def _line_hz(windowed: NDArray[np.float32], rate: int) -> float | None:
    """The frequency of the strongest line where it holds nearly all power, else None."""
    spectrum = scipy.fft.rfft(windowed)  # in 32 bits, at a third of the price of NumPy's
    power = spectrum.real**2 + spectrum.imag**2
    step_hz = rate / len(windowed)
    power[: round(LEAST_HZ / step_hz)] = 0.0
    total = float(power.sum())
    if total / len(windowed) ** 2 < LEAST_POWER:
        return None
    strongest = int(power.argmax())
    first = max(strongest - BESIDE_BINS, 0)
    line = power[first : strongest + BESIDE_BINS + 1]
    if line.sum() < LEAST_SHARE * total:
        return None
    # Its centre of gravity lies between the bins, as the tone does.
    return float((first + np.arange(len(line))) @ line / line.sum()) * step_hz
