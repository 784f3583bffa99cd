"""Two detectors on the same recordings: what differs by more than chance, and what only one of them gets wrong.

Sessions are drawn anew for both at once, so what makes a session hard for both cancels out of the difference.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.evaluation.bench.alarms import false_alarms
from tocsin.evaluation.bench.counts import Counts
from tocsin.evaluation.bench.evaluation import Evaluation
from tocsin.evaluation.bench.operating_point import DRAWS, LeastRecall
from tocsin.evaluation.measures.bootstrap import expanded_percentile, resample_counts
from tocsin.evaluation.measures.classification import area_under_roc
from tocsin.evaluation.measures.intervals import Interval

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Difference:
    """A figure of both detectors, and first less second with its interval over sessions drawn for both at once."""

    figure: str
    first: float
    second: float
    difference: Interval


@dataclass(frozen=True)
class Comparison:
    """Two evaluations of the same recordings.

    Attributes:
        first, second: the evaluations.
        at_thresholds: recall and false alarms, each at its own threshold.
        recall: at which ``at_recall`` compares the false alarms.
        at_recall: false alarms a sensor-hour at the thresholds that give both this recall; None where one cannot.
        area: under the ROC curve of recordings, where there are enough.
    """

    first: Evaluation
    second: Evaluation
    at_thresholds: tuple[Difference, ...]
    recall: float
    at_recall: Difference | None
    area: Difference | None

    def found(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Of each sound, whether the first and the second find it at their thresholds."""
        pair = (self.first, self.second)
        first, second = (one.matched.found_at >= one.threshold for one in pair)
        return first, second

    def missed_by_one(self) -> tuple["pandas.DataFrame", "pandas.DataFrame"]:
        """Sounds that only the first misses, and those that only the second misses, with their ``found_at``."""
        first, second = self.found()
        targets, pair = self.first.matched.targets, (self.first, self.second)
        one, other = (evaluation.matched.found_at for evaluation in pair)
        return targets.assign(found_at=one)[second & ~first], targets.assign(found_at=other)[first & ~second]

    def alarms_of_one(self) -> tuple["pandas.DataFrame", "pandas.DataFrame"]:
        """False alarms that only the first raises, and only the second: the other has none within one alarm's time."""
        first, second = (false_alarms(one.matched, one.threshold, one.one_alarm_s) for one in (self.first, self.second))
        apart_s = max(self.first.one_alarm_s, self.first.collar_s)
        return _without(first, second, apart_s), _without(second, first, apart_s)


def compare(first: Evaluation, second: Evaluation, recall: float | None = None, seed: int = 0) -> Comparison:
    """Compare two evaluations, of which one log is the other ``with_detections``.

    ``recall`` is that at which false alarms are compared; by default that of the first at its threshold.

    Raises:
        TocsinError: they are of other recordings, or of other sounds.
    """
    one, other = first.counts, second.counts
    if one.sessions != other.sessions or not np.array_equal(one.sound_session, other.sound_session):
        raise TocsinError("the two detectors were given other recordings or other truth: give both the same")
    drawn = resample_counts(len(one.sessions), DRAWS, seed)
    differences = []
    found = [evaluation.counts.found_by_session(evaluation.threshold) for evaluation in (first, second)]
    if found[0][1].sum():
        hits = [pair[0].astype(np.float64) for pair in found]
        sounds = found[0][1].astype(np.float64)
        differences.append(_ratio("recall", hits[0], hits[1], sounds, drawn))
    if one.hours.sum() > 0:
        alarms = [
            evaluation.counts.alarms_by_session(evaluation.threshold).astype(np.float64)
            for evaluation in (first, second)
        ]
        differences.append(_ratio("false alarms a sensor-hour", alarms[0], alarms[1], one.hours, drawn))
    if recall is None:
        at_first = one.recall(first.threshold)
        recall = at_first.value if at_first else 0.9
    return Comparison(
        first, second, tuple(differences), recall, _at_recall(one, other, recall, drawn), _areas(first, second, drawn)
    )


def _ratio(
    figure: str,
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    of: NDArray[np.float64],
    drawn: NDArray[np.float64],
) -> Difference:
    whole = np.maximum(drawn @ of, 1e-12)
    values = (drawn @ (first - second)) / whole
    return _difference(figure, first.sum() / of.sum(), second.sum() / of.sum(), values, drawn.shape[1])


def _at_recall(first: Counts, second: Counts, recall: float, drawn: NDArray[np.float64]) -> Difference | None:
    """The thresholds are chosen in each draw anew, so that the interval holds what choosing them adds."""
    if not len(first.found_at) or first.hours.sum() <= 0:
        return None
    basis = LeastRecall(recall)
    rates: list[NDArray[np.float64]] = []
    values: list[NDArray[np.float64]] = []
    for counts in (first, second):
        falling = counts.curve_thresholds()
        found, alarms = counts.matrices(falling)
        sounds = np.bincount(counts.sound_session, minlength=len(counts.sessions))
        for weights in (np.ones((1, drawn.shape[1])), drawn):
            time = weights @ counts.hours
            each = weights @ alarms
            places = basis.choose(weights @ found, weights @ sounds, each, time)
            if len(weights) == 1 and places[0] < 0:
                return None
            # A draw in which too many are missed at any threshold is given the lowest one.
            chosen = each[np.arange(len(each)), places] / np.maximum(time, 1e-12)
            (rates if len(weights) == 1 else values).append(chosen)
    figure = f"false alarms a sensor-hour at {recall * 100:.3g} % recall"
    return _difference(figure, rates[0][0], rates[1][0], values[0] - values[1], drawn.shape[1])


def _areas(first: Evaluation, second: Evaluation, drawn: NDArray[np.float64]) -> Difference | None:
    one, other = first.recordings, second.recordings
    if one is None or other is None:
        return None
    names, session = np.unique(one.sessions, return_inverse=True)
    values = []
    for counts in drawn:
        weights = counts[session]
        if weights[one.positive].sum() > 0 and weights[~one.positive].sum() > 0:
            pair = [area_under_roc(each.scores, each.positive, weights) for each in (one, other)]
            values.append(pair[0] - pair[1])
    whole = [area_under_roc(each.scores, each.positive) for each in (one, other)]
    return _difference("area under the ROC curve, of recordings", whole[0], whole[1], np.array(values), len(names))


def _difference(figure: str, first: float, second: float, values: NDArray[np.float64], sessions: int) -> Difference:
    low, high = expanded_percentile(values, sessions)
    between = float(first - second)
    return Difference(
        figure,
        float(first),
        float(second),
        Interval(between, float(np.minimum(low, between)), float(np.maximum(high, between))),
    )


def _without(alarms: "pandas.DataFrame", others: "pandas.DataFrame", apart_s: float) -> "pandas.DataFrame":
    """Those alarms that no other lies near."""
    codes, at_s = others["recording"].cat.codes.to_numpy(), others["onset_s"].to_numpy()
    order = np.lexsort((at_s, codes))
    codes, at_s = codes[order], at_s[order]
    keep = []
    for code, onset_s in zip(alarms["recording"].cat.codes, alarms["onset_s"], strict=True):
        low, high = np.searchsorted(codes, [code, code + 1])
        place = low + np.searchsorted(at_s[low:high], onset_s - apart_s)
        keep.append(not (place < high and at_s[place] <= onset_s + apart_s))
    return alarms[np.array(keep, dtype=bool)]
