"""A stream of samples in which what no air can carry is mended, a fixed time behind the stream that comes in."""

import numpy as np
from numpy.typing import NDArray

from tocsin.inference.mending.jumps import LONGEST_MS, QUIET_MS, Jumps, find_jumps

BLOCK_MS, _CONTEXT_MS = 500, 150
_BLOCKS_AT_ONCE = 20  # at most: what is held then stays near the processor
AHEAD_MS = LONGEST_MS + 2 * QUIET_MS
# A step from sample to sample stands out by so many times the mean of so many frames of so many milliseconds before.
_STANDS_OUT, _BEFORE, _FRAME_MS = 10.0, 5, 4
_ROUNDING = 1e-3  # more than the sums of a frame can differ by, whatever their order
_PAUSE_MS = 10  # from what may be sound to the next that is looked at
_RETURN_S = 0.15  # a level that was taken out comes back like a critically damped spring of this time constant
_NOTHING = 1e-6


class Mender:
    """Takes samples in pieces of any size and gives them back mended, in blocks at fixed places.

    Where nothing is wrong every sample is given back as it came.

    Args:
        sample_rate: samples a second.
        block_ms: length of a block, in whole frames of 4 ms. Shorter ones come back sooner, and cost more.
    """

    def __init__(self, sample_rate: int, block_ms: int = BLOCK_MS) -> None:
        self._per_ms = max(1, round(sample_rate / 1000))
        self._return = _RETURN_S * sample_rate
        self._block, self._context, self._ahead, self._frame = (
            time_ms * self._per_ms for time_ms in (block_ms, _CONTEXT_MS, AHEAD_MS, _FRAME_MS)
        )
        self._mean = np.full(self._frame, 1 / self._frame, np.float32)
        self._mean_of_frames = np.full(_BEFORE, 1 / _BEFORE)
        self._reset()

    def _reset(self) -> None:
        self._pending = np.empty(0, np.float32)
        self._samples = np.empty(0, np.float32)  # the context, mended for good, then what is still to be given back
        self._done = 0  # of them, the context
        self._free_from = 0  # no jump begins before this one
        self._mends = 0
        self._level, self._slope = 0.0, 0.0  # of what is taken out of the sample that comes next

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take samples ``(n,)`` and return those that are now certain."""
        given = [np.empty(0, np.float32)]
        for first in range(0, len(samples), _BLOCKS_AT_ONCE * self._block):
            piece = samples[first : first + _BLOCKS_AT_ONCE * self._block]
            self._pending = np.concatenate((self._pending, piece))
            # Blocks at fixed places, so that no rounding depends on the sizes that come.
            whole = self._pending.size // self._block * self._block
            if whole:
                given += self._take(self._pending[:whole])
                self._pending = self._pending[whole:].copy()
        return np.concatenate(given)

    def _take(self, blocks: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Take whole blocks, one after the other; returns those that now have enough behind them."""
        given: list[NDArray[np.float32]] = []
        before, mends = self._samples.size, self._mends
        held = np.concatenate((self._samples, blocks))
        screened = None if self._level or self._slope else self._screened(held)
        for stop in range(before + self._block, held.size + 1, self._block):
            self._samples = held[stop - self._block - self._samples.size : stop]
            self._come_back(self._block)
            if self._samples.size - self._done >= self._block + self._ahead:
                # Behind a mend the samples are no longer those that were screened.
                looked_at = screened is None or self._mends > mends or bool(screened[len(given)])
                given.append(self._advance(self._block, looked_at))
        self._samples = self._samples.copy()  # of so many blocks, what is still needed
        return given

    def flush(self) -> NDArray[np.float32]:
        """End of the sound: return what is left. The mender then starts again."""
        self._samples = np.concatenate((self._samples, self._pending))
        self._come_back(self._pending.size)
        if self._mends:
            # What stays of a step would end in another, for nothing follows: it ends gently.
            left = self._samples[self._done :]
            level = left[-_BEFORE * self._frame :].mean() if left.size else 0.0
            left -= level * (1 - np.cos(np.linspace(0, np.pi, left.size))) / 2
        rest = self._advance(self._samples.size - self._done)
        self._reset()
        return rest

    def _come_back(self, count: int) -> None:
        """Take out of the last ``count`` samples what a level that was taken out before them leaves there."""
        if abs(self._level) + abs(self._slope) * self._return > _NOTHING:
            self._level, self._slope = self._take_out(self._samples.size - count, self._level, self._slope)
        else:
            self._level = self._slope = 0.0

    def _advance(self, count: int, looked_at: bool = True) -> NDArray[np.float32]:
        """Mend the next ``count`` samples, where they are looked at, and give them back."""
        end = self._done + count
        for start in self._standing_out(end + self._frame) if looked_at else []:
            if start >= self._free_from:
                jumps = find_jumps(self._samples, start, self._per_ms)
                self._free_from = start + _PAUSE_MS * self._per_ms
                if jumps is not None:
                    self._mend(jumps)
        given = self._samples[self._done : end]
        gone = max(end - self._context, 0)
        self._samples = self._samples[gone:]
        self._done, self._free_from = end - gone, self._free_from - gone
        return given

    def _screened(self, held: NDArray[np.float32]) -> NDArray[np.bool_]:
        """In which of the blocks that ``held`` lets go of a step may stand out, ``(blocks,)``; in the others none does.

        Sums in another order differ by less than ``_ROUNDING``.
        """
        count = (held.size - self._done - self._ahead) // self._block
        if count < 1:
            return np.empty(0, bool)
        first, frames = self._frames(held, self._done + count * self._block + self._frame)
        least = (1 - _ROUNDING) * self._least(frames)
        places = np.flatnonzero(frames[_BEFORE:] > least[:, None])
        blocks = np.zeros(count, bool)
        blocks[(first - self._frame - self._done + places) // self._block] = True
        return blocks

    def _standing_out(self, stop: int) -> list[int]:
        """Indices of samples before ``stop`` whose step stands out of those before it, the first in its frame."""
        first, frames = self._frames(self._samples, stop)
        if len(frames) <= _BEFORE:
            return []
        places = np.flatnonzero(frames[_BEFORE:] > self._least(frames)[:, None])
        _, firsts = np.unique(places // self._frame, return_index=True)
        starts: list[int] = (first + places[firsts]).tolist()
        return starts

    def _frames(self, held: NDArray[np.float32], stop: int) -> tuple[int, NDArray[np.float32]]:
        """Steps from sample to sample without their sign in frames to ``stop``, ``(frames, samples)``.

        Before them the index of the first sample that is still to be looked at: ``_BEFORE`` frames lie before it.
        """
        first = max(self._done, (_BEFORE - 1) * self._frame) + self._frame
        base = first - _BEFORE * self._frame
        count = max((min(stop, held.size) - base) // self._frame, 0)
        steps = np.empty(count * self._frame, np.float32)
        # The first sample is compared with itself where none lies before it.
        steps[:1] = 0.0
        near = held[max(base - 1, 0) : base + steps.size]
        np.subtract(near[1:], near[:-1], out=steps[steps.size - near.size + 1 :])
        return first, np.abs(steps, out=steps).reshape(count, self._frame)

    def _least(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """What a step of each frame but the first ``_BEFORE`` exceeds that stands out."""
        before = np.convolve(frames @ self._mean, self._mean_of_frames, "valid")[:-1]
        return np.maximum(_STANDS_OUT * before, _NOTHING).astype(np.float32)

    def _mend(self, jumps: Jumps) -> None:
        stop = jumps.first + jumps.added.size
        self._samples[jumps.first : stop] -= jumps.added
        self._free_from = stop
        self._mends += 1
        level, slope = self._take_out(stop, jumps.level, jumps.slope)
        self._level, self._slope = self._level + level, self._slope + slope

    def _take_out(self, first: int, level: float, slope: float) -> tuple[float, float]:
        """Take a level that comes back out of the samples from ``first`` on; returns what it is behind the last."""
        time = np.arange(self._samples.size - first + 1)
        fall = np.exp(-time / self._return)
        pull = slope + level / self._return
        levels = (level + pull * time) * fall
        self._samples[first:] -= levels[:-1]
        return float(levels[-1]), float((slope - pull * time[-1] / self._return) * fall[-1])
