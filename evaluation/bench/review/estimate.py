"""From answers to figures: precision, false alarms a sensor-day, recall, and how far reviewers agree."""

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.evaluation.bench.review.agreement import cohens_kappa
from tocsin.evaluation.bench.review.answers import ANSWERS, verdicts
from tocsin.evaluation.bench.review.called import Alarms, quiet_heard
from tocsin.evaluation.bench.review.score_interval import Ends, Heard, recall_interval, share_interval
from tocsin.evaluation.measures.intervals import Interval
from tocsin.evaluation.report.section import Cell, Section

if TYPE_CHECKING:
    import pandas


class Curve(NamedTuple):
    """Figures at thresholds ``(t,)``: alarms of the log, clips heard, and two bounds of precision and of recall.

    The bounds differ by what the unsure answers are taken for: against the detector, and for it. ``recall`` is None
    without quiet time. ``more`` is how many more clips would halve the interval of precision.
    """

    thresholds: NDArray[np.float64]
    alarms: NDArray[np.float64]
    heard: NDArray[np.float64]
    precision: tuple[Ends, Ends]
    recall: tuple[Ends, Ends] | None
    more: NDArray[np.float64]
    unsure: int


def curve_of(sample: "pandas.DataFrame", verdict: NDArray[np.float64]) -> Curve:
    """Figures at every threshold of a sample, from ``verdicts``. Raises ``TocsinError`` where no alarm was answered."""
    alarm = (sample["kind"] == "alarm").to_numpy()
    if np.isnan(verdict[alarm]).all():
        raise TocsinError("no alarm of the sample has an answer: nothing can be estimated")
    against, in_favour = (np.where(verdict == 0.5, taken, verdict) for taken in (0.0, 1.0))
    low, high = Alarms(sample, against), Alarms(sample, in_favour)
    thresholds = low.thresholds()
    called = low.called(thresholds), high.called(thresholds)
    quiet = [quiet_heard(sample, true, len(thresholds)) for true in (in_favour, against)]
    recall = None
    if quiet[0] is not None and quiet[1] is not None:
        # Against the detector an unsure alarm is false, and what is unsure elsewhere was missed.
        missed = _beside(high.rest(called[1]), quiet[0]), _beside(low.rest(called[0]), quiet[1])
        recall = recall_interval(called[0], missed[0]), recall_interval(called[1], missed[1])
    return Curve(
        thresholds,
        called[0].size.sum(axis=1),
        called[0].heard.sum(axis=1),
        (share_interval(called[0]), share_interval(called[1])),
        recall,
        more_to_halve(called[0]),
        int((verdict == 0.5).sum()),
    )


def more_to_halve(heard: Heard) -> NDArray[np.float64]:
    """How many more clips, in the same strata, would halve an interval, shape ``(rows,)``.

    The variance of a stratum goes with ``1 / n - 1 / N``, of which a quarter is wanted.
    """
    size, number = np.maximum(heard.size, 1), np.maximum(heard.heard, 1)
    wanted = 1 / (1 / size + np.maximum(1 / number - 1 / size, 0) / 4)
    return np.where(heard.size > 0, np.ceil(wanted - 1e-9) - heard.heard, 0).clip(0).sum(axis=1)


def sections_of(
    sample: "pandas.DataFrame",
    reviewers: "Mapping[str, pandas.DataFrame]",
    at: Sequence[float] = (),
    sensor_days: float | None = None,
    every: bool = False,
) -> list[Section]:
    """Tables of the figures; ``every`` threshold, or those ``at`` and where strata begin."""
    verdict = verdicts(sample, list(reviewers.values()))
    curve = curve_of(sample, verdict)
    shown = range(len(curve.thresholds)) if every else _places(curve.thresholds, [*at, *_named(sample)])
    alarms, quiet = (int((sample["kind"] == kind).sum()) for kind in ("alarm", "quiet"))
    note = (
        f"{int((~np.isnan(verdict)).sum())} of {alarms + quiet} clips answered, {alarms} alarms and {quiet} pieces of "
        f"quiet time drawn ({sample['design'].iloc[0]}). Intervals are of 95 %, and of the sampling of this log alone: "
        "other days may differ. `clips to halve` says how many more would halve the interval of precision. "
        "Clips that nobody answered are taken for missing at random."
    )
    if curve.unsure:
        note += f" {curve.unsure} are unsure or disagreed upon: taken against the detector, and in favour of it."
    if curve.recall is None:
        note += " Recall is not known: no quiet time was heard (`tocsin review sample --quiet 100`)."
    if sensor_days is None:
        note += " With --sensor-days false alarms a sensor-day are stated too."
    sections = [Section("review", "How often it is wrong", note, [_row(curve, row, sensor_days) for row in shown])]
    if len(reviewers) > 1:
        sections.append(_agreement(reviewers))
    return sections


def _row(curve: Curve, row: int, sensor_days: float | None) -> dict[str, Cell]:
    """A threshold's figures. The precision of alarms gives the false ones among them: their number is known."""
    alarms = float(curve.alarms[row])
    cells: dict[str, Cell] = {"threshold": f"{curve.thresholds[row]:.4g}", "alarms": int(alarms)}
    cells["heard"] = int(curve.heard[row])
    sides = ((0, ", unsure as false"), (1, ", unsure as true")) if curve.unsure else ((0, ""),)
    for side, suffix in sides:
        precision = _interval(curve.precision[side], row)
        cells["precision" + suffix] = precision
        if sensor_days is not None:
            per_day = alarms / sensor_days
            cells["false alarms a sensor-day" + suffix] = precision and Interval(
                *((1 - share) * per_day for share in (precision.value, precision.high, precision.low))
            )
    if curve.recall is not None:
        for side, suffix in ((0, ", unsure against"), (1, ", unsure in favour")) if curve.unsure else ((0, ""),):
            cells["recall" + suffix] = _interval(curve.recall[side], row)
    cells["clips to halve"] = int(curve.more[row])
    return cells


def _agreement(reviewers: "Mapping[str, pandas.DataFrame]") -> Section:
    rows: list[dict[str, Cell]] = []
    for (one, first), (other, second) in itertools.combinations(reviewers.items(), 2):
        both = first.merge(second, on="id", suffixes=("_a", "_b"))
        counts = np.array([[((both.answer_a == a) & (both.answer_b == b)).sum() for b in ANSWERS] for a in ANSWERS])
        agreed = float(np.trace(counts) / len(both)) if len(both) else None
        kappa = cohens_kappa(counts.astype(np.float64))
        rows.append({"reviewers": f"{one}, {other}", "clips": len(both), "agreed": agreed, "kappa": kappa})
    note = (
        "Cohen's kappa of all six answers, over the clips that both answered, each counting once: 1 is agreement "
        "everywhere, 0 what chance gives."
    )
    return Section("agreement", "Do reviewers agree?", note, rows)


def _named(sample: "pandas.DataFrame") -> list[float]:
    figure = str(sample["figure"].iloc[0]) if "figure" in sample else ""
    edges = sample["stratum_from"].dropna().unique().tolist()
    return [*edges, float(figure.partition("@")[2])] if "@" in figure else edges


def _places(thresholds: NDArray[np.float64], wanted: Sequence[float]) -> list[int]:
    """Places of the lowest thresholds that reach each of those wanted; those beyond the last have none."""
    places = np.unique(np.searchsorted(thresholds, np.asarray(wanted)))
    return [int(place) for place in places if place < len(thresholds)]


def _interval(ends: Ends, row: int) -> Interval | None:
    found = Interval(*(float(part[row]) for part in ends))
    return None if np.isnan(found.value) else found


def _beside(one: Heard, other: Heard) -> Heard:
    return Heard(*(np.hstack(pair) for pair in zip(one, other, strict=True)))
