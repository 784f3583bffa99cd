"""Which detections are the true sounds: one to one, by onset, at every threshold at once.

At a threshold the number of sounds found is that of a largest matching between them and the detections that reach it
(Mesaros, Heittola and Virtanen 2016, "Metrics for polyphonic sound event detection", section 4.2). Detections of a
higher score are matched first, and each further one may move those before to other sounds, never unmatch a sound. So
the matching is a largest one at every threshold (the sets that can be matched form a matroid, for which taking the
highest first is right; Edmonds 1971), a detection is right or wrong whatever the threshold, and a sound has one highest
threshold at which it is found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.evaluation.bench.log import UNSURE, Log

if TYPE_CHECKING:
    import pandas

# A detection this near to the true onset, seconds, is that sound. The collar of DCASE's event-based scores.
COLLAR_S = 0.2
TRUE, FALSE, NEITHER = 1, 0, -1
_ROUNDING_S = 5e-7  # as the times of tables are rounded


@dataclass(frozen=True)
class Matched:
    """A log with what each of its rows counts for.

    Attributes:
        log: as given.
        targets: rows of ``log.truth`` that are labelled as the target.
        found_at: for each of ``targets``, the highest threshold at which it is found, −∞ where none is low enough.
        outcome: for each detection ``TRUE``, ``FALSE``, or ``NEITHER``: it lies in a stretch that is unsure, or in one
            that holds a sound somewhere, which a higher one has found already.
        seconds: for each recording, the seconds in which false alarms count.
    """

    log: Log
    targets: "pandas.DataFrame"
    found_at: NDArray[np.float64]
    outcome: NDArray[np.int8]
    seconds: NDArray[np.float64]


class _Pairing(NamedTuple):
    """What the steps of a matching read and fill.

    Of the detections, in order of time, their times on one axis, scores and outcomes; of the targets the thresholds at
    which they are found.
    """

    at_s: NDArray[np.float64]
    scores: NDArray[np.float64]
    outcome: NDArray[np.int8]
    found_at: NDArray[np.float64]


def match(log: Log, collar_s: float = COLLAR_S) -> Matched:
    """Match the detections of a log with its true sounds; a detection as near as ``collar_s`` (seconds) may be one.

    Where a column ``reach_s`` says that a detection knows its onset no better than that (half a window of a tagging
    network), the largest of them is added to the collar.

    Raises:
        TocsinError: the collar is negative.
    """
    if not collar_s >= 0:
        raise TocsinError(f"the onset collar is {collar_s:g} s, expected 0 or more")
    truth = log.truth
    targets = truth[truth["label"] == log.target].reset_index(drop=True)
    coarse_s = log.detections["reach_s"].max() if "reach_s" in log.detections and len(log.detections) else 0.0
    reach = collar_s + float(np.nan_to_num(coarse_s)) + _ROUNDING_S
    start_s = _starts_s(log, gap_s=2 * reach + 1)
    at_s = start_s[log.detections["recording"].cat.codes] + log.detections["onset_s"].to_numpy()
    scores = log.detections["score"].to_numpy()
    outcome = np.full(len(at_s), FALSE, np.int8)
    found_at = np.full(len(targets), -np.inf)
    weak = targets["weak"].to_numpy(dtype=bool)
    begin_s, end_s = _extent(targets, start_s)
    pairing = _Pairing(at_s, scores, outcome, found_at)
    _match_sharp(pairing, np.flatnonzero(~weak), begin_s[~weak], reach)
    _match_weak(pairing, np.flatnonzero(weak), begin_s[weak] - reach, end_s[weak] + reach)
    unsure = truth[truth["label"] == UNSURE]
    for low, high in zip(*_places(at_s, *_extent(unsure, start_s), reach), strict=True):
        outcome[low:high][outcome[low:high] == FALSE] = NEITHER
    uncounted = _covered_s(log, [targets[weak], unsure])
    return Matched(log, targets, found_at, outcome, np.maximum(log.recordings["duration_s"].to_numpy() - uncounted, 0))


def _starts_s(log: Log, gap_s: float) -> NDArray[np.float64]:
    """A time for each recording to start at, so that nothing of two recordings lies within the gap."""
    longest = log.recordings["duration_s"].to_numpy().copy()
    first = np.zeros(len(longest))
    for frame in (log.truth, log.detections):
        codes, onset_s = frame["recording"].cat.codes.to_numpy(), frame["onset_s"].to_numpy()
        np.maximum.at(longest, codes, np.fmax(onset_s, frame["offset_s"].to_numpy()))
        np.minimum.at(first, codes, onset_s)
    lengths = longest - first + gap_s
    return np.cumsum(lengths) - lengths - first


def _extent(frame: "pandas.DataFrame", start_s: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    base = start_s[frame["recording"].cat.codes]
    onset_s, offset_s = frame["onset_s"].to_numpy(), frame["offset_s"].to_numpy(dtype=np.float64)
    return base + onset_s, base + np.where(np.isnan(offset_s), onset_s, offset_s)


def _places(
    at_s: NDArray[np.float64], begin_s: NDArray[np.float64], end_s: NDArray[np.float64], reach: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Of each stretch, the first detection within reach and the one behind the last."""
    return np.searchsorted(at_s, begin_s - reach, "left"), np.searchsorted(at_s, end_s + reach, "right")


def _match_sharp(pairing: _Pairing, rows: NDArray[np.intp], onset_s: NDArray[np.float64], reach: float) -> None:
    """The targets ``rows``, which begin at ``onset_s``."""
    at_s, scores, outcome, found_at = pairing
    low, high = _places(at_s, onset_s, onset_s, reach)
    # Sounds between which a detection might be divided are settled together, all others by their highest detection.
    joined = np.append(low[1:] < high[:-1], False) if len(low) else np.zeros(0, bool)
    begins = np.flatnonzero(np.append(True, ~joined[:-1])) if len(low) else np.zeros(0, np.intp)
    ends = np.append(begins[1:], len(low))
    alone = (ends - begins == 1) & (high[begins] > low[begins]) if len(begins) else np.zeros(0, bool)
    single = begins[alone]
    if len(single):
        best = _highest(scores, low[single], high[single])
        found_at[rows[single]] = scores[best]
        outcome[best] = TRUE
    for begin, end in zip(begins[~alone], ends[~alone], strict=True):
        if high[end - 1] > low[begin]:
            _settle(pairing, rows[begin:end], low[begin:end], high[begin:end])


def _highest(scores: NDArray[np.float64], low: NDArray[np.intp], high: NDArray[np.intp]) -> NDArray[np.intp]:
    """The first of the highest scores of each of several pieces, none of which is empty or overlaps another."""
    lengths = high - low
    owner = np.repeat(np.arange(len(low)), lengths)
    places = np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + np.repeat(low, lengths)
    order = np.lexsort((places, -scores[places], owner))
    return places[order[np.cumsum(lengths) - lengths]]


def _settle(pairing: _Pairing, rows: NDArray[np.intp], low: NDArray[np.intp], high: NDArray[np.intp]) -> None:
    """A largest matching of a few sounds by augmenting paths, the highest detections first (Kuhn 1955)."""
    _, scores, outcome, found_at = pairing
    near: dict[int, list[int]] = {place: [] for place in range(low[0], high.max())}
    for sound in range(len(rows)):
        for place in range(low[sound], high[sound]):
            near[place].append(sound)
    taken: dict[int, int] = {}  # sound: detection
    sound_of: dict[int, int] = {}  # detection: sound

    def augment(start: int) -> bool:
        # Breadth first and by hand: a crackle of thousands must not run out of stack.
        came_from: dict[int, int] = {}
        queue = [start]
        for place in queue:
            for sound in near[place]:
                if sound in came_from:
                    continue
                came_from[sound] = place
                if sound in taken:
                    queue.append(taken[sound])
                    continue
                found_at[rows[sound]] = scores[start]
                while True:
                    by = came_from[sound]
                    before = sound_of.get(by)
                    taken[sound], sound_of[by] = by, sound
                    if before is None:
                        return True
                    sound = before
        return False

    for place in sorted(near, key=lambda place: (-scores[place], place)):
        if len(taken) == len(rows):
            break
        if augment(place):
            outcome[place] = TRUE


def _match_weak(
    pairing: _Pairing, rows: NDArray[np.intp], begin_s: NDArray[np.float64], end_s: NDArray[np.float64]
) -> None:
    """The targets ``rows``, each of which sounds somewhere between ``begin_s`` and ``end_s``."""
    at_s, scores, outcome, found_at = pairing
    for row, low, high in zip(rows, *_places(at_s, begin_s, end_s, 0.0), strict=True):
        free = low + np.flatnonzero(outcome[low:high] == FALSE)
        if len(free):
            best = free[np.argmax(scores[free])]
            found_at[row] = scores[best]
            outcome[free] = NEITHER
            outcome[best] = TRUE


def _covered_s(log: Log, frames: Sequence["pandas.DataFrame"]) -> NDArray[np.float64]:
    """Seconds of each recording that lie in some of the stretches, those that overlap counted once."""
    covered = np.zeros(len(log.recordings))
    until: dict[int, float] = {}
    stretches = [
        (code, max(begin, 0.0), min(end, limit))
        for frame in frames
        for code, begin, end, limit in zip(
            frame["recording"].cat.codes.tolist(),
            frame["onset_s"].tolist(),
            frame["offset_s"].tolist(),
            log.recordings["duration_s"].to_numpy()[frame["recording"].cat.codes].tolist(),
            strict=True,
        )
    ]
    for code, begin, end in sorted(stretches):
        begin = max(begin, until.get(code, 0.0))
        if end > begin:
            covered[code] += end - begin
            until[code] = end
    return covered
