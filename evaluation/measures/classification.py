"""Scores of a classifier against labels: ROC area, recall at a false-positive rate, confusion, intervals over sessions.

Clips of one session (a place and day, a firing position) resemble one another, so a session counts once: each clip
weighs one over its session's clips, and intervals come from drawing sessions, not clips (a cluster bootstrap; Davison
and Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tocsin import TocsinError
from tocsin.data.splits import session_weights
from tocsin.evaluation.measures.intervals import Interval

Statistic = Callable[[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]], float]


class OperatingPoint(NamedTuple):
    """What deciding ``score >= threshold`` gives: the shares of positives and of negatives that are called positive."""

    threshold: float
    recall: float
    false_positive_rate: float


def area_under_roc(scores: ArrayLike, positive: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Probability that a positive scores above a negative, ties counting one half; the area under the ROC curve.

    ``scores``, ``positive`` (bool) and ``weights`` have shape (n,). Raises ``TocsinError`` where one side is missing.
    """
    _, true, false = _curve(scores, positive, weights)
    return float(np.trapezoid(true / true[-1], false / false[-1]))


def recall_at_false_positive_rate(
    scores: ArrayLike, positive: ArrayLike, false_positive_rate: float, weights: ArrayLike | None = None
) -> OperatingPoint:
    """Return the lowest threshold whose false-positive rate is no higher than the one given, and its recall.

    The threshold is infinite, the recall 0, where already the highest score calls too many negatives. Shapes as in
    ``area_under_roc``; raises ``TocsinError`` where one side is missing.
    """
    thresholds, true, false = _curve(scores, positive, weights)
    # Sums of weights are rounded: a rate that is met exactly must not be missed by the last bit.
    met = int(np.flatnonzero(false / false[-1] <= false_positive_rate + 1e-12)[-1])
    return OperatingPoint(float(thresholds[met]), float(true[met] / true[-1]), float(false[met] / false[-1]))


def confusion_matrix(
    truth: Sequence[str], predicted: Sequence[str], classes: Sequence[str], weights: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Weight of the clips of each true class (row) that were called each class (column), shape (classes, classes)."""
    index = {name: place for place, name in enumerate(classes)}
    unknown = {*truth, *predicted} - index.keys()
    if unknown:
        raise TocsinError(f"the label {min(unknown)!r} is none of the classes {', '.join(classes)}")
    matrix = np.zeros((len(classes), len(classes)))
    places = [index[name] for name in truth], [index[name] for name in predicted]
    np.add.at(matrix, places, np.ones(len(truth)) if weights is None else np.asarray(weights, dtype=np.float64))
    return matrix


def session_interval(
    statistic: Statistic,
    scores: ArrayLike,
    positive: ArrayLike,
    sessions: Sequence[str],
    weights: ArrayLike | None = None,
    n_resamples: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Return ``statistic(scores, positive, weights)`` with its interval over sessions.

    A session counts once, unless ``weights`` of the clips, shape (n,), say otherwise.

    Sessions are drawn with replacement, those with a positive apart from those without, so that no draw lacks a side;
    the interval is the percentile one. A figure at its bound (an area of 1) has an interval of no width, which says
    nothing of sessions unlike these. Shapes as in ``area_under_roc``.
    """
    scored, positives = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    names, of_clip = np.unique(np.asarray(sessions, dtype=str), return_inverse=True)
    weighted = session_weights(sessions) if weights is None else np.asarray(weights, dtype=np.float64)
    has_positive = np.zeros(len(names), dtype=bool)
    has_positive[of_clip[positives]] = True
    strata = [np.flatnonzero(has_positive), np.flatnonzero(~has_positive)]
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(n_resamples):
        counts = np.zeros(len(names))
        for stratum in strata:
            if len(stratum):
                np.add.at(counts, rng.choice(stratum, len(stratum)), 1.0)
        drawn = weighted * counts[of_clip]
        # With no session of negatives alone, a draw can still miss the negatives that the positives' sessions hold.
        if drawn[positives].sum() > 0 and drawn[~positives].sum() > 0:
            values.append(statistic(scored, positives, drawn))
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(values, [tail, 1.0 - tail])
    return Interval(statistic(scored, positives, weighted), float(low), float(high))


def share_interval(
    hits: ArrayLike, sessions: Sequence[str], n_resamples: int = 1000, confidence: float = 0.95, seed: int = 0
) -> Interval:
    """Share of ``hits`` (bool, shape (n,)), each counting once, with its percentile interval over drawn sessions."""
    hit = np.asarray(hits, dtype=np.float64)
    names, of_clip = np.unique(np.asarray(sessions, dtype=str), return_inverse=True)
    sizes, found = np.bincount(of_clip), np.bincount(of_clip, hit)
    drawn = np.random.default_rng(seed).integers(0, len(names), (n_resamples, len(names)))
    shares = found[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(shares, [tail, 1.0 - tail])
    return Interval(float(hit.mean()), float(low), float(high))


def roc_points(
    scores: ArrayLike, positive: ArrayLike, weights: ArrayLike | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """False-positive and true-positive rates of the ROC curve, each of shape (points,); as ``area_under_roc``."""
    _, true, false = _curve(scores, positive, weights)
    return false / false[-1], true / true[-1]


def _curve(
    scores: ArrayLike, positive: ArrayLike, weights: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Thresholds falling from infinity, and the weight of positives and of negatives at or above each."""
    scored, positives = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    weighted = np.ones(scored.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    if not scored.shape == positives.shape == weighted.shape or scored.ndim != 1:
        shapes = f"{scored.shape}, {positives.shape} and {weighted.shape}"
        raise TocsinError(f"scores, labels and weights must have one shape (n,), not {shapes}")
    if np.isnan(scored).any():
        raise TocsinError(f"the score of clip {int(np.argmax(np.isnan(scored)))} is NaN")
    if weighted[positives].sum() <= 0 or weighted[~positives].sum() <= 0:
        raise TocsinError("a ROC curve needs positives and negatives, and here is but one of them")
    order = np.argsort(-scored, kind="stable")
    last_of_ties = np.append(np.flatnonzero(np.diff(scored[order])), len(order) - 1)
    true = np.cumsum(np.where(positives, weighted, 0.0)[order])[last_of_ties]
    false = np.cumsum(np.where(positives, 0.0, weighted)[order])[last_of_ties]
    thresholds = np.append(np.inf, scored[order][last_of_ties])
    return thresholds, np.append(0.0, true), np.append(0.0, false)
