"""Two detectors on the same recordings: what differs by more than chance, and what only one of them gets wrong.

Sessions are drawn anew for both at once, so what makes a session hard for both cancels out of the difference.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.evaluation.bench.alarms import false_alarms
from tocsin.evaluation.bench.counts import Counts
from tocsin.evaluation.bench.evaluation import Evaluation
from tocsin.evaluation.bench.operating_point import LeastRecall, amounts
from tocsin.evaluation.measures.bootstrap import interval_over_sessions, ratio
from tocsin.evaluation.measures.intervals import Interval
from tocsin.evaluation.measures.paired import McNemar, mcnemar, paired_interval

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
        found_by_one: McNemar's test of the sounds that only one of both finds; None without sounds.
    """

    first: Evaluation
    second: Evaluation
    at_thresholds: tuple[Difference, ...]
    recall: float
    at_recall: Difference | None
    area: Difference | None
    found_by_one: McNemar | None

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
    differences = []
    found = [evaluation.counts.found_by_session(evaluation.threshold) for evaluation in (first, second)]
    if found[0][1].sum():
        sounds = found[0][1].astype(np.float64)
        differences.append(_ratio("recall", found[0][0], found[1][0], sounds, seed, most=1.0))
    if one.hours.sum() > 0:
        alarms = [evaluation.counts.alarms_by_session(evaluation.threshold) for evaluation in (first, second)]
        differences.append(_ratio("false alarms a sensor-hour", alarms[0], alarms[1], one.hours, seed))
    if recall is None:
        at_first = one.recall(first.threshold)
        recall = at_first.value if at_first else 0.9
    return Comparison(
        first,
        second,
        tuple(differences),
        recall,
        at_equal_recall(one, other, recall, seed),
        _areas(first, second, seed),
        _mcnemar(first, second),
    )


def _mcnemar(first: Evaluation, second: Evaluation) -> McNemar | None:
    found = [evaluation.matched.found_at >= evaluation.threshold for evaluation in (first, second)]
    return mcnemar(found[0], found[1], first.counts.sound_session) if len(found[0]) else None


def _ratio(
    figure: str,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    of: NDArray[np.float64],
    seed: int,
    most: float = np.inf,
) -> Difference:
    sums = [np.stack([counts, of], axis=1) for counts in (first, second)]
    interval = paired_interval(lambda drawn: ratio(drawn[:, 0], drawn[:, 1]), sums[0], sums[1], seed=seed)
    interval = Interval(interval.value, max(interval.low, -most), min(interval.high, most))
    return Difference(figure, float(first.sum() / of.sum()), float(second.sum() / of.sum()), interval)


def at_equal_recall(first: Counts, second: Counts, recall: float, seed: int = 0) -> Difference | None:
    """False alarms a sensor-hour where both find the same share, first less second; None where one never finds it.

    The thresholds are chosen in each draw anew, so that the interval holds what choosing them adds.
    """
    if not len(first.found_at) or first.hours.sum() <= 0:
        return None
    one, other = (_rates_at_recall(counts, LeastRecall(recall)) for counts in (first, second))
    whole = np.ones((1, len(first.sessions)))
    rates = one(whole)[0], other(whole)[0]
    if np.isnan(rates).any():
        return None
    interval = interval_over_sessions(lambda drawn: one(drawn) - other(drawn), len(first.sessions), seed=seed)
    figure = f"false alarms a sensor-hour at {recall * 100:.3g} % recall"
    return Difference(figure, float(rates[0]), float(rates[1]), interval)


def _rates_at_recall(counts: Counts, basis: LeastRecall) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """False alarms a sensor-hour of each draw, NaN where it finds too few at any threshold."""
    falling = counts.curve_thresholds()
    of_sessions = amounts(counts, falling)

    def rates(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        had = of_sessions(drawn)
        places = basis.choose(had)
        return np.where(places >= 0, ratio(had.alarms[np.arange(len(places)), places], had.hours), np.nan)

    return rates


def _areas(first: Evaluation, second: Evaluation, seed: int) -> Difference | None:
    one, other = first.recordings, second.recordings
    if one is None or other is None:
        return None
    names, session = np.unique(one.sessions, return_inverse=True)

    def difference(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        weights = drawn[:, session]
        return one.areas(weights) - other.areas(weights)

    interval = interval_over_sessions(difference, len(names), seed=seed, bounds=(-1.0, 1.0))
    whole = np.ones((1, len(session)))
    areas = float(one.areas(whole)[0]), float(other.areas(whole)[0])
    return Difference("area under the ROC curve, of recordings", *areas, interval)


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
