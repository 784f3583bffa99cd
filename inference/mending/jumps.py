"""Jumps: what a wire does to a recording and no air can.

Lost contact, a wrong bit, a converter that sticks, an overflow: within a few samples the waveform is elsewhere, and
nothing follows. Air cannot do that. A pressure pulse swings back until its integral over time is about zero, within a
few times its length (a Friedlander blast, an N-wave: exactly), and whatever is near answers with echoes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.inference.mending.prediction import ORDER, foretold, news, predictor

# In milliseconds: the background before, and the least of it; how long jumps may go on; the sound behind them.
BACKGROUND_MS, LEAST_MS, LONGEST_MS, QUIET_MS = 120, 10, 300, 30
# Behind a jump the level holds for so long, and behind a spike no pressure of the other sign comes in so long.
_HOLD_MS, _SWING_MS, _END_MS = 20, 10, 2
# The filter of a converter or of resampling rings so far to each side, and most of it is over within a third of that.
_RINGING_MS, _BURST_MS = 2.0, 0.3
_SOON_MS = 10  # behind the jump, that are looked at first

_NEWS = 6.0  # times that of the background is a jump's
_RINGING = 0.15  # of the greatest near it, or less, is ringing
_NO_MORE = 1.6  # times the background's power may be left beside the jumps
# The jumps' squared steps are so many times those of all of the background in so long: less is no bang to anybody, and
# in the tail of a shot an overloaded microphone takes smaller ones.
_CLEAR, _CLEAR_MS = 2.0, 20
_HELD = 0.7  # of a step's height, or of a spike's integral
_STEP = 0.5  # of its greatest deviation remains behind a step, less behind a spike
_DEVIATIONS = 2.0  # of the background's own drift that are allowed for


@dataclass(frozen=True)
class Jumps:
    """What is no sound: ``added[i]`` at the sample ``first + i``, and what the level goes on with.

    ``level`` is where the last of ``added`` leaves it, ``slope`` its change a sample from there on.
    """

    first: int
    added: NDArray[np.float64]
    level: float
    slope: float


def find_jumps(samples: NDArray[np.floating], start: int, per_ms: int) -> Jumps | None:
    """The jumps that begin within a millisecond of ``start``, or ``None`` where what begins there may be sound.

    Args:
        samples: ``(n,)``, to ``LONGEST_MS + QUIET_MS`` after the start or the end of the sound.
        start: index of a sample that stands out of those before it, at least ``LEAST_MS`` in.
        per_ms: samples a millisecond.
    """
    ringing = round(_RINGING_MS * per_ms)
    base = max(start - ringing - BACKGROUND_MS * per_ms, 0)
    edge = start - ringing - base
    # Most sounds show themselves soon, and cost no more.
    soon = samples[base : start + ringing + _SOON_MS * per_ms].astype(float)
    steps = _steps(soon)
    if edge < LEAST_MS * per_ms - ringing or not steps[:edge].any():
        return None
    filter_ = predictor(steps[1:edge])
    if _bursts(steps, filter_, edge, per_ms) is None:
        return None
    near = samples[base : start + (LONGEST_MS + QUIET_MS) * per_ms].astype(float)
    steps = _steps(near)
    found = _bursts(steps, filter_, edge, per_ms)
    if found is None:
        return None
    parts, stretches, end = found
    added = np.zeros(end)
    for first, stop in stretches:
        first, stop = max(int(first), ORDER), min(int(stop), end - ORDER)
        if stop > first:
            wrong = steps[first:stop].copy()
            steps[first:stop] = foretold(steps, first, stop, filter_)
            added[first:stop] = wrong - steps[first:stop]
    if np.sum(added**2) < _CLEAR * _CLEAR_MS * per_ms * np.mean(steps[1:edge] ** 2):
        return None
    added = np.cumsum(added)
    if not _no_air(near[:end], added, parts, edge, per_ms):
        return None
    first, last = int(stretches[0, 0]), int(stretches[-1, 1])
    slope = _slope(near[last:end] - added[last:end]) if abs(added[-1]) > 3 * near[:edge].std() else 0.0
    return Jumps(base + first, added[first:last], float(added[-1]), slope)


def _bursts(
    steps: NDArray[np.float64], filter_: NDArray[np.float64], edge: int, per_ms: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], int] | None:
    """Jumps as first and stop ``(n, 2)``, the same with their ringing, and where the quiet behind the last ends.

    ``None`` where the news is no such bursts, or where between them and behind them is more than the background.
    """
    ringing, burst, quiet = round(_RINGING_MS * per_ms), round(_BURST_MS * per_ms), QUIET_MS * per_ms
    fresh = np.abs(news(steps, filter_))
    power = float(np.mean(fresh[ORDER + 1 : edge] ** 2))
    outside = fresh > _NEWS * np.sqrt(power)
    outside[:edge] = False
    if not outside.any():
        return None
    parts = _runs(outside & (fresh > _RINGING * _greatest_around(fresh, ringing)), ORDER + burst)
    # What comes after so much quiet has begun anew.
    pauses = np.flatnonzero(parts[1:, 0] - parts[:-1, 1] > quiet)
    parts = parts[: pauses[0] + 1] if pauses.size else parts
    if not len(parts) or (np.diff(parts) > ORDER + 2 + max(2, burst)).any():
        return None
    end = min(int(parts[-1, 1]) + quiet, steps.size)
    if end < steps.size and end > edge + LONGEST_MS * per_ms:
        return None
    stretches = _runs(outside[:end], ORDER)
    beside = ~outside[:end]
    beside[:edge] = False
    for first, stop in stretches:
        beside[first : stop + ORDER] = False
    left = fresh[:end][beside] ** 2
    return None if left.sum() > _NO_MORE * power * left.size else (parts, stretches, end)


def _steps(near: NDArray[np.float64]) -> NDArray[np.float64]:
    """From each sample to the next, and before them a step of nothing."""
    steps = np.zeros(near.size)
    np.subtract(near[1:], near[:-1], out=steps[1:])
    return steps


def _greatest_around(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """The greatest of the values, none below 0, up to ``reach`` places before and behind each."""
    width, span = 2 * reach + 1, 1
    greatest = np.zeros(values.size + 2 * reach)
    greatest[reach : reach + values.size] = values
    while 2 * span <= width:  # each is the greatest of so many places in a row
        greatest = np.maximum(greatest[:-span], greatest[span:])
        span *= 2
    return np.maximum(greatest[: values.size], greatest[width - span :])


def _runs(flags: NDArray[np.bool_], gap: int) -> NDArray[np.int64]:
    """First and stop of each run of flags, those less than ``gap`` apart being one, ``(n, 2)``."""
    places = np.flatnonzero(flags)
    if not places.size:
        return np.empty((0, 2), np.int64)
    breaks = np.flatnonzero(np.diff(places) > gap)
    return np.stack((places[np.concatenate(([0], breaks + 1))], places[np.concatenate((breaks, [-1]))] + 1), axis=1)


def _no_air(
    near: NDArray[np.float64], added: NDArray[np.float64], parts: NDArray[np.int64], edge: int, per_ms: int
) -> bool:
    """Whether each jump stays where it has gone, or is over at once without a swing to the other side."""
    ringing = round(_RINGING_MS * per_ms)
    before = near[:edge]
    sums = np.concatenate(([0.0], np.cumsum(before)))
    for number, (first, stop) in enumerate(parts.tolist()):
        last = parts[number + 1, 0] if number + 1 < len(parts) else near.size
        earlier = max(parts[number - 1, 1] if number else edge - 10 * per_ms, first - 10 * per_ms, 0)
        begin = max(first - ringing, earlier)
        level_of = near[earlier:begin] if begin > earlier else near[first - 1 : first]
        level = float(level_of.mean())
        height = float(added[last - 1] - added[max(begin - 1, 0)])
        greatest = float(np.abs(added[begin:stop] - added[max(begin - 1, 0)]).max())
        if abs(height) >= _STEP * greatest:
            behind = near[stop : min(stop + _HOLD_MS * per_ms, last)]
            if not behind.size:
                continue
            end = behind[-min(_END_MS * per_ms, max(behind.size // 2, 1)) :]
            allowed = _DEVIATIONS * _drift(sums, end.size, behind.size, level_of.size)
            if float(end.mean() - level) * np.sign(height) + allowed < _HELD * abs(height):
                return False
        else:
            event = near[begin : min(stop + _SWING_MS * per_ms, last)] - level
            integral = np.abs(np.cumsum(event))
            peak = np.maximum.accumulate(integral)
            count = np.arange(1, event.size + 1)
            milliseconds = np.arange(1, event.size // per_ms + 2) * per_ms
            drifts = [_drift(sums, int(size), int(size), level_of.size) * size for size in milliseconds]
            integral = integral + _DEVIATIONS * np.interp(count, milliseconds, drifts)
            settled = stop - begin
            if (integral[settled:] < _HELD * peak[settled:]).any():
                return False
    return True


def _drift(sums: NDArray[np.float64], size: int, behind: int, level: int) -> float:
    """Standard deviation of the background's mean of ``size`` samples that end ``behind`` after its mean of ``level``.

    ``sums`` are those of the background before each of its samples, and of all.
    """
    count = sums.size - 1
    level = min(level, count // 4)
    size = min(size, count // 4)
    behind = min(max(behind, size), count - level - 1)
    at = np.arange(level, count - behind)
    means = (sums[at + behind] - sums[at + behind - size]) / size - (sums[at] - sums[at - level]) / level
    return float(np.sqrt(np.mean(means**2)))


def _slope(behind: NDArray[np.float64]) -> float:
    """Slope a sample of some samples at their beginning, by a parabola."""
    if behind.size < 3:
        return 0.0
    time = np.arange(behind.size) / behind.size
    return float(np.polynomial.polynomial.polyfit(time, behind, 2)[1] / behind.size)
