"""Jumps: what a wire does to a recording and no air can.

A plug pulled, a lost sample, a converter that sticks: the waveform jumps from one level to another, or to another and
back, and does nothing else. Air cannot do that. A pressure pulse swings back until its integral over time is about
zero, within a few times its length (a Friedlander blast, an N-wave: exactly), and whatever is near answers with echoes.
"""

import numpy as np
from numpy.typing import NDArray

_BEFORE_MS, _LEVEL_MS, _MARGIN_MS, _AFTER_MS = 20, 10, 1, 20
# So long a pulse of air may take to swing back: twice the positive phase of all but large explosions.
_SWING_MS = 10
# Of the squared steps from sample to sample, less those of the background, so much lies in the jumps. Of the shots of
# the live fire none has more than 0.6; dry recordings of gunshots reach 0.9, and are told by the integral.
_SHARE = 0.9
# The jumps must stand out of all of the background together by this factor: else it could hide an echo.
_CLEAR = 1.5
# So much of the greatest integral so far is left at any time after the first millisecond; of those gunshots, 0.03.
_ONE_SIDED = 0.7


def is_jump(samples: NDArray[np.floating], edge: int, per_ms: int) -> bool:
    """Whether what begins at the sample ``edge`` is one jump or two of the level, and no sound.

    Args:
        samples: ``(n,)``, unfiltered, to 20 ms after the edge; the 20 ms before it tell the background.
        edge: index of the first sample of the event, to a millisecond.
        per_ms: samples a millisecond.
    """
    first = max(edge - _MARGIN_MS * per_ms, 0)
    early = samples[max(edge - _BEFORE_MS * per_ms, 0) : first].astype(float)
    event = samples[first : edge + _AFTER_MS * per_ms].astype(float)
    background = float(np.mean((early[1:] - early[:-1]) ** 2)) if early.size > 1 else 0.0
    steps = np.sort((event[1:] - event[:-1]) ** 2)
    # Two jumps, each spread over two samples by the filter of a converter or of resampling, at the least.
    jumps = max(4, per_ms // 3)
    great, others = float(steps[-jumps:].sum()), float(steps[:-jumps].sum())
    beside = max(others - background * (steps.size - jumps), 0.0)
    if great < _SHARE * (great + beside) or great < _CLEAR * background * steps.size:
        return False
    level = early[-_LEVEL_MS * per_ms :] if early.size else event[:1]
    integral = np.abs(np.cumsum(event[: (_MARGIN_MS + _SWING_MS) * per_ms] - level.mean()))
    greatest = np.maximum.accumulate(integral)
    # Two standard deviations of it by noise without memory that has the background's steps, in event and level.
    count = np.arange(1, integral.size + 1)
    integral += 2 * np.sqrt(background / 2 * count * (1 + count / level.size))
    settled = edge - first + per_ms
    return bool((integral[settled:] >= _ONE_SIDED * greatest[settled:]).all())
