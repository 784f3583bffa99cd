"""False alarms an hour of two detectors where both find the same share of what there is to find."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tocsin import TocsinError
from tocsin.evaluation.measures.bootstrap import N_RESAMPLES, interval_over_sessions, ratio, resample_counts
from tocsin.evaluation.measures.intervals import Interval

Array = NDArray[np.float64]

# Draws whose weights are in memory at once, times the truths that they weigh.
_CELLS = 4_000_000


@dataclass(frozen=True)
class Steps:
    """All that recall and false alarms of one detector need, at any threshold.

    Attributes:
        found_scores: highest threshold at which each truth is found, −inf where never, shape (truths,).
        found_sessions: number of each truth's session, shape (truths,).
        alarm_scores: score of each false alarm, shape (alarms,).
        alarm_sessions: number of each false alarm's session, shape (alarms,).
    """

    found_scores: Array
    found_sessions: NDArray[np.intp]
    alarm_scores: Array
    alarm_sessions: NDArray[np.intp]

    def thresholds(self, counts: Array, recall: float) -> Array:
        """Highest threshold of each draw whose recall is at least that; NaN where none is. Shape (draws,)."""
        order = np.argsort(-self.found_scores, kind="stable")
        scores, of_truth = self.found_scores[order], self.found_sessions[order]
        at = np.full(len(counts), np.nan)
        for start in range(0, len(counts), step := max(1, _CELLS // max(1, len(scores)))):
            found = np.cumsum(counts[start : start + step, of_truth], axis=1)
            # Sums of weights are rounded: a recall that is met exactly must not be missed by the last bit.
            met = found >= recall * found[:, -1:] - 1e-9
            reached = scores[np.argmax(met, axis=1)]
            at[start : start + step] = np.where(np.isfinite(reached) & (found[:, -1] > 0), reached, np.nan)
        return at

    def alarms(self, counts: Array, thresholds: Array) -> Array:
        """False alarms of each draw at its own threshold, shape (draws,)."""
        total = np.zeros(len(counts))
        order = np.lexsort((self.alarm_scores, self.alarm_sessions))
        scores, ends = self.alarm_scores[order], np.bincount(self.alarm_sessions, minlength=counts.shape[1]).cumsum()
        for session, (start, end) in enumerate(zip(np.append(0, ends[:-1]), ends, strict=True)):
            # NaN sorts behind all: a draw without a threshold is given no alarm here, and no rate by the caller.
            total += counts[:, session] * (end - start - np.searchsorted(scores[start:end], thresholds, side="left"))
        return total


class EqualRecall(NamedTuple):
    """False alarms an hour of two detectors, each at the threshold at which it has the recall asked for.

    ``lost`` is the share of draws in which one of both finds too few at any threshold; they are left out.
    """

    rate_a: Interval
    rate_b: Interval
    difference: Interval
    threshold_a: float
    threshold_b: float
    lost: float


def at_equal_recall(
    a: Steps,
    b: Steps,
    hours: ArrayLike,
    recall: float,
    n_resamples: int = N_RESAMPLES,
    confidence: float = 0.95,
    seed: int = 0,
) -> EqualRecall:
    """Compare the false alarms an hour of two detectors where both find the same share.

    Thresholds are chosen anew in every draw, so that the intervals hold what not knowing them adds.

    Args:
        a: the first detector.
        b: the second; both of the same truths.
        hours: listened to in each session, shape (sessions,).
        recall: share of truths to find, above 0 and up to 1.
        n_resamples: draws, each of the same sessions for both.
        confidence: of the intervals.
        seed: of the draws.

    Raises:
        TocsinError: the recall is no such share, there is no truth, or a detector finds fewer at any threshold.
    """
    listened = np.asarray(hours, dtype=np.float64)
    if not 0 < recall <= 1:
        raise TocsinError(f"the recall is {recall:g}, expected a share above 0 and up to 1")
    if not len(a.found_scores) or len(a.found_scores) != len(b.found_scores):
        truths = f"{len(a.found_scores)} and {len(b.found_scores)}"
        raise TocsinError(f"both detectors need the same truths to find, and here are {truths}")
    everything = np.ones((1, len(listened)))
    for name, steps in (("first", a), ("second", b)):
        if np.isnan(steps.thresholds(everything, recall)).any():
            most = float(np.isfinite(steps.found_scores).mean())
            least = np.floor(most * 1000) / 1000
            raise TocsinError(
                f"the {name} detector finds {most:.1%} at any threshold: ask for a recall of {least:g} or less"
            )

    def rate(steps: Steps) -> Callable[[Array], Array]:
        def of_counts(counts: Array) -> Array:
            thresholds = steps.thresholds(counts, recall)
            rates = ratio(steps.alarms(counts, thresholds), counts @ listened)
            return np.where(np.isnan(thresholds), np.nan, rates)

        return of_counts

    def difference(counts: Array) -> Array:
        return rate(a)(counts) - rate(b)(counts)

    def interval(of: Callable[[Array], Array], least: float) -> Interval:
        bounds = (least, np.inf)
        return interval_over_sessions(of, len(listened), n_resamples, confidence, seed, bounds=bounds)

    counts = resample_counts(len(listened), n_resamples, seed)
    lost = np.isnan(a.thresholds(counts, recall)) | np.isnan(b.thresholds(counts, recall))
    return EqualRecall(
        interval(rate(a), 0.0),
        interval(rate(b), 0.0),
        interval(difference, -np.inf),
        float(a.thresholds(everything, recall)[0]),
        float(b.thresholds(everything, recall)[0]),
        float(lost.mean()),
    )
