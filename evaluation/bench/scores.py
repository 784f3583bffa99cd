"""Scores without a threshold, or of detections one by one: F1, area under the ROC curve of recordings, calibration."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tocsin.evaluation.bench.counts import Counts
from tocsin.evaluation.bench.matching import NEITHER, TRUE, Matched
from tocsin.evaluation.measures.bootstrap import interval_over_sessions, ratio
from tocsin.evaluation.measures.calibration import BINS, Bin, reliability
from tocsin.evaluation.measures.classification import area_under_roc
from tocsin.evaluation.measures.intervals import Interval

LEAST_RECORDINGS = 5  # of either side, below which a curve of recordings says nothing


@dataclass(frozen=True)
class RecordingScores:
    """Of each recording the highest score, whether it holds the target, and its session, each of shape (recordings,).

    A recording without any detection has the lowest score of all, less one.
    """

    scores: NDArray[np.float64]
    positive: NDArray[np.bool_]
    sessions: NDArray[np.str_]

    def area(self) -> Interval:
        """Area under the ROC curve, a recording counting once, with its interval over sessions."""
        return self._area

    @cached_property
    def _area(self) -> Interval:
        # A thousand draws, and every output of a report states it.
        names, session = np.unique(self.sessions, return_inverse=True)
        return interval_over_sessions(lambda drawn: self.areas(drawn[:, session]), len(names), bounds=(0.0, 1.0))

    def areas(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """The area for each row of weights, shape (draws, recordings); NaN where a side weighs nothing."""
        sides = weights[:, self.positive].sum(axis=1), weights[:, ~self.positive].sum(axis=1)
        return np.array(
            [
                area_under_roc(self.scores, self.positive, row) if for_it > 0 and against > 0 else np.nan
                for row, for_it, against in zip(weights, *sides, strict=True)
            ]
        )


@dataclass(frozen=True)
class Calibration:
    """Whether the scores of detections are the probabilities that they look like."""

    error: Interval
    bins: list[Bin]
    mean_stated: float
    came_true: float
    detections: int


def f1(counts: Counts, threshold: float, seed: int = 0) -> Interval | None:
    """Event-based F1 at a threshold, the harmonic mean of precision and recall, with its interval over sessions.

    None where there is neither a sound nor a detection.
    """
    found, sounds = counts.found_by_session(threshold)
    wrong = counts.false_by_session(threshold)
    if not (sounds + wrong).sum():
        return None

    def of(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        return ratio(2 * drawn @ found, drawn @ (found + wrong + sounds))

    return interval_over_sessions(of, len(counts.sessions), seed=seed, bounds=(0.0, 1.0))


def best_f1(counts: Counts) -> tuple[float, float] | None:
    """Threshold of the highest event-based F1, and that F1; chosen on the recordings, so it flatters. None without."""
    every = counts.every_threshold()
    if not len(counts.found_at) or not len(every):
        return None
    hits = counts.recalls(every) * len(counts.found_at)
    values = 2 * hits / (hits + counts.false_detections_at(every) + len(counts.found_at))
    best = int(np.argmax(values))
    return float(every[best]), float(values[best])


def recording_scores(matched: Matched) -> RecordingScores | None:
    """Recordings as single answers, for ROC and DET curves; None where either side has fewer than five."""
    log = matched.log
    number = len(log.recordings)
    positive = np.zeros(number, bool)
    positive[matched.targets["recording"].cat.codes] = True
    if min(positive.sum(), (~positive).sum()) < LEAST_RECORDINGS:
        return None
    scores = log.detections["score"].to_numpy()
    highest = np.full(number, (scores.min() if len(scores) else 0.0) - 1.0)
    np.maximum.at(highest, log.detections["recording"].cat.codes, scores)
    return RecordingScores(highest, positive, log.recordings["session"].to_numpy(dtype=str))


def calibration(matched: Matched, seed: int = 0) -> Calibration | None:
    """Expected calibration error of the detections that count, a detection counting once, over sessions.

    None where a score is no probability, or all or none of the detections are right.
    """
    counted = matched.outcome != NEITHER
    stated = matched.log.detections["score"].to_numpy()[counted]
    right = matched.outcome[counted] == TRUE
    if not len(stated) or stated.min() < 0 or stated.max() > 1 or right.all() or not right.any():
        return None
    sessions = matched.log.recordings["session"].to_numpy(dtype=str)
    names, of_recording = np.unique(sessions, return_inverse=True)
    session = of_recording[matched.log.detections["recording"].cat.codes.to_numpy()[counted]]
    bin_of = np.clip(np.ceil(stated * BINS).astype(int) - 1, 0, BINS - 1)
    gaps, numbers = np.zeros((len(names), BINS)), np.zeros(len(names))
    np.add.at(gaps, (session, bin_of), stated - right)
    np.add.at(numbers, session, 1.0)

    def error(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.abs(drawn @ gaps).sum(axis=1) / np.maximum(drawn @ numbers, 1))

    interval = interval_over_sessions(error, len(names), seed=seed, bounds=(0.0, 1.0))
    return Calibration(interval, reliability(stated, right), float(stated.mean()), float(right.mean()), len(stated))
