"""A stream of samples in which what no air can carry is mended, a fixed time behind the stream that comes in."""

import numpy as np
from numpy.typing import NDArray

from tocsin.inference.mending.jumps import LEAST_MS, LONGEST_MS, QUIET_MS, find_jumps

BLOCK_MS, _CONTEXT_MS = 250, 100
AHEAD_MS = LONGEST_MS + 2 * QUIET_MS
# A step from sample to sample stands out by so many times the mean of so many milliseconds before it.
_STANDS_OUT, _BEFORE_MS = 5.0, 20
_PAUSE_MS = 10  # from what may be sound to the next that is looked at
_RETURN_S = 0.15  # a level that was taken out comes back like a critically damped spring of this time constant
_NOTHING = 1e-6


class Mender:
    """Takes samples in pieces of any size and gives them back mended, in blocks at fixed places.

    Where nothing is wrong every sample is given back as it came.

    Args:
        sample_rate: samples a second.
    """

    def __init__(self, sample_rate: int) -> None:
        self._per_ms = max(1, round(sample_rate / 1000))
        self._return = _RETURN_S * sample_rate
        self._block, self._context = BLOCK_MS * self._per_ms, _CONTEXT_MS * self._per_ms
        self._reset()

    def _reset(self) -> None:
        self._samples = np.empty(0)  # the context, mended for good, then what is still to be given back
        self._done = 0  # of them, the context
        self._free_from = 0  # no jump begins before this one
        self._level, self._slope = 0.0, 0.0  # of what is taken out of the sample that comes next

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take samples ``(n,)`` and return those that are now certain."""
        given = []
        # What goes on from a jump is taken out of the samples as they come, so they come in portions of fixed size.
        self._append(samples.astype(float))
        while self._samples.size - self._done >= self._block + AHEAD_MS * self._per_ms:
            given.append(self._advance(self._block))
        return np.concatenate(given) if given else np.empty(0, np.float32)

    def flush(self) -> NDArray[np.float32]:
        """End of the sound: return what is left. The mender then starts again."""
        given = [np.empty(0, np.float32)]
        while self._samples.size > self._done:
            given.append(self._advance(min(self._block, self._samples.size - self._done)))
        self._reset()
        return np.concatenate(given)
