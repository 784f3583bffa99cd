"""Curves over all thresholds, as arrays that are drawn or written as tables."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.bench.counts import Counts
from tocsin.evaluation.bench.scores import RecordingScores
from tocsin.evaluation.measures.classification import roc_points
from tocsin.evaluation.measures.clustered import share_band
from tocsin.evaluation.measures.intervals import poisson_band

if TYPE_CHECKING:
    import pandas


class Curve(NamedTuple):
    """One point a threshold, each array of shape (points,); ``low`` and ``high`` are the ends of the interval of ``y``.

    They are NaN where nothing tells them. ``thresholds`` fall, infinity first where nothing is called at all.
    """

    thresholds: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def frame(self, x: str, y: str) -> "pandas.DataFrame":
        """The points as a table with named columns."""
        columns = {"threshold": self.thresholds, x: self.x, y: self.y, f"{y}_low": self.low, f"{y}_high": self.high}
        return pandas_module().DataFrame(columns)


def alarms_a_day(counts: Counts) -> Curve | None:
    """False alarms a sensor-day (y) against recall (x), with exact Poisson intervals; None without sounds or time."""
    curve = alarms_by_threshold(counts)
    return curve._replace(x=counts.recalls(curve.thresholds)) if curve and len(counts.found_at) else None


def recall_by_threshold(counts: Counts) -> Curve | None:
    """Recall (y) against the threshold (x), with its interval over sessions; None without sounds."""
    if not len(counts.found_at):
        return None
    thresholds = counts.curve_thresholds()
    found, _ = counts.matrices(thresholds)
    band = share_band(found, np.bincount(counts.sound_session, minlength=len(counts.sessions)))
    return Curve(thresholds, thresholds, band.value, band.low, band.high)


def alarms_by_threshold(counts: Counts) -> Curve | None:
    """False alarms a sensor-day (y) against the threshold (x), with the exact Poisson interval; None without time."""
    hours = float(counts.hours.sum())
    if hours <= 0:
        return None
    thresholds = counts.curve_thresholds()
    return Curve(thresholds, thresholds, *poisson_band(counts.alarms_at(thresholds), hours / 24))


def precision_recall(counts: Counts) -> Curve | None:
    """Precision of detections (y) against recall (x), with its interval over sessions; None without sounds."""
    if not len(counts.found_at) or not len(counts.scores) + np.isfinite(counts.found_at).sum():
        return None
    thresholds = counts.curve_thresholds()
    found, _ = counts.matrices(thresholds)
    wrong = counts.false_matrix(thresholds)
    band = share_band(found, found + wrong)
    return Curve(thresholds, counts.recalls(thresholds), band.value, band.low, band.high)


def roc(answers: RecordingScores) -> Curve:
    """True-positive rate (y) against false-positive rate (x) of recordings."""
    across, up = roc_points(answers.scores, answers.positive)
    thresholds = np.append(np.inf, np.unique(answers.scores)[::-1])
    nothing = np.full(len(up), np.nan)
    return Curve(thresholds, across, up, nothing, nothing)


def det(answers: RecordingScores) -> Curve:
    """Share of recordings missed (y) against that of false ones (x): the ROC curve for the eye on axes of small errors.

    Drawn on logarithmic axes, or on those of a normal deviate (Martin et al. 1997, "The DET curve in assessment of
    detection task performance").
    """
    curve = roc(answers)
    return curve._replace(y=1.0 - curve.y)
