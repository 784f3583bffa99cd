"""Scores of windows on a grid: the windows of a waveform of any length, and the events that their scores make.

A network of windows knows no onsets. One bang lies in every window that holds it, and each says so at its middle: the
bang lies within half a window of that, which is what comparison with onsets must allow it (``reach_s``). Either every
window is an event, or the peaks of the score over time are. Peaks say a bang once; but a peak may lie on the echoes
behind the shot, and two shots of one second share one, so that far more false alarms come with the same recall.
"""

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

Samples = NDArray[np.float32]


class Peak(NamedTuple):
    """An event: seconds from the start, its score, and the number of the window that gave it."""

    at_s: float
    score: float
    window: int


def windows_of(blocks: Iterable[Samples], window: int, hop: int, mirror: bool) -> Iterator[tuple[int, Samples]]:
    """First sample of each window of a waveform, and the window, shape (window,); memory is that of a block.

    The last window ends with the waveform. One that is shorter than a window is mirrored to its length, or padded with
    zeros.
    """
    kept, first, start = np.zeros(0, np.float32), 0, 0
    for block in blocks:
        kept = np.concatenate([kept, block])
        while start + window <= first + len(kept):
            yield start, kept[start - first : start - first + window]
            start += hop
        # The last window may begin before the next of the grid.
        let_go = max(0, min(start - first, len(kept) - window))
        kept, first = kept[let_go:], first + let_go
    if start == 0:
        missing = (0, window - len(kept))
        yield 0, np.pad(kept, missing, mode="reflect") if mirror else np.pad(kept, missing)
    elif start - hop + window < first + len(kept):
        yield first + len(kept) - window, kept[-window:]


def every_window(middle_s: NDArray[np.float64], scores: NDArray[np.float64]) -> list[Peak]:
    """Each window as an event at its middle; a score of 0 is none. Shapes as in ``peaks``."""
    return [Peak(float(middle_s[it]), float(scores[it]), int(it)) for it in np.flatnonzero(scores)]


def peaks(middle_s: NDArray[np.float64], scores: NDArray[np.float64], window_s: float) -> list[Peak]:
    """Local maxima of the score that lie a window apart, the higher of two that are nearer.

    ``middle_s`` (seconds) and ``scores`` have shape (windows,). Windows of equal score side by side are one event in
    their middle; where they go on for longer, one for each window's length, for a network that is as sure of each
    second of a long sound says no less than one whose certainty wavers. A score of 0 is no event.
    """
    hop_s = float(np.median(np.diff(middle_s))) if len(middle_s) > 1 else window_s
    edged = np.concatenate([[-np.inf], scores, [-np.inf]])
    _, found = find_peaks(edged, plateau_size=1, distance=max(1, round(window_s / hop_s)))
    events = []
    for left, right in zip(found["left_edges"] - 1, found["right_edges"] - 1, strict=True):
        if scores[left] == 0:
            continue
        lasts_s = float(middle_s[right] - middle_s[left])
        parts = max(1, math.floor(lasts_s / window_s) + 1) if lasts_s > window_s else 1
        edges_s = np.linspace(middle_s[left], middle_s[right], parts + 1)
        for at_s in (edges_s[1:] + edges_s[:-1]) / 2:
            events.append(Peak(float(at_s), float(scores[left]), int(np.argmin(np.abs(middle_s - at_s)))))
    return events
