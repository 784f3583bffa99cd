"""Difference in differences, event study and the check of trends before the start, for areas that begin together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from tocsin import TocsinError
from tocsin.evaluation.audit.comparison.glm import fitted_log_ratios, sandwich_interval
from tocsin.evaluation.audit.comparison.panel import Panel
from tocsin.evaluation.audit.comparison.ratios import LogRatios, log_ratios, wald_p
from tocsin.evaluation.measures.intervals import Interval

MOST_BINS = 4  # on either side of the start, in an event study


@dataclass(frozen=True)
class Effect:
    """What came of the treated areas, against the others: a rate ratio, 1 for no effect.

    Attributes:
        ratio: with the jackknife's 95 % interval; NaN at its ends where one side has a single area.
        sandwich: the same ratio with statsmodels' clustered errors and t(areas - 1), to compare with other software.
        p_value: of no effect.
        freedom: degrees of freedom of the interval.
        totals: events of treated before and after, of the others before and after.
        log_error: standard error of the logarithm of the ratio.
    """

    ratio: Interval
    sandwich: Interval
    p_value: float
    freedom: float
    totals: tuple[int, int, int, int]
    log_error: float


@dataclass(frozen=True)
class EventStudy:
    """Rate ratios by time since the start, against the last bin before it.

    Attributes:
        first, last: periods since the start (0 is the first with the system) that each bin spans, shape (bins,).
        ratios: of each bin with its interval; exactly 1 without a width for the reference.
        p_values: of each bin; NaN for the reference.
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    ratios: tuple[Interval, ...]
    p_values: NDArray[np.float64]

    @property
    def arrays(self) -> dict[str, list[float]]:
        """For a plot: middle of each bin in periods, ratio, low and high."""
        middle = ((self.first + self.last) / 2).tolist()
        return {"time": middle} | {
            name: [getattr(ratio, name) for ratio in self.ratios] for name in ("value", "low", "high")
        }


@dataclass(frozen=True)
class Trend:
    """Whether the treated and the other areas went the same way before the start.

    Attributes:
        p_value: of the same way (joint test of ``bins`` - 1 ratios); NaN where areas are too few to say.
        bins: parts that the time before was cut into.
        ratios: of each part but the last against the last, with intervals.
        treated, others: events a period of each side, 1 on average over the time before, shape (periods,), for a plot.
    """

    p_value: float
    bins: int
    ratios: tuple[Interval, ...]
    treated: NDArray[np.float64]
    others: NDArray[np.float64]


def difference_in_differences(panel: Panel) -> Effect:
    """Rate ratio after against before, treated against comparison areas, all of a panel with one start.

    Raises:
        TocsinError: there is no start or several, no period before or after it, or no comparison area.
    """
    start = only_start(panel)
    after = (np.arange(len(panel.periods)) >= start).astype(int)
    found = ratios_by_bin(panel, after)
    active = panel.treated[:, None] & (after == 1)
    totals = tuple(
        int(panel.counts[np.ix_(side, after == when)].sum())
        for side in (panel.treated, ~panel.treated)
        for when in (0, 1)
    )
    nothing = Interval(float("nan"), float("nan"), float("nan"))
    sandwich = sandwich_interval(panel.counts, panel.exposure, active) if min(totals) else nothing
    ratio = found.interval() if min(totals) else nothing
    return Effect(ratio, sandwich, float(found.p_values()[0]), float(found.freedom[0]), totals, float(found.error[0]))  # type: ignore[arg-type]


def event_study(panel: Panel, width: int | None = None) -> EventStudy:
    """Rate ratios in bins of ``width`` periods since the start; errors as in :func:`difference_in_differences`.

    Where no width is given, there are at most four bins on either side. The bins furthest out take what is left.
    """
    start, number = only_start(panel), len(panel.periods)
    wide = width or max(1, -(-max(start, number - start) // MOST_BINS))
    since = np.arange(number) - start
    lowest, highest = -max(1, start // wide), max(1, (number - start) // wide) - 1
    bins = np.clip(since // wide, lowest, highest)
    labels = np.unique(bins)
    # The reference becomes bin 0.
    order = np.concatenate([[-1], labels[labels != -1]])
    found = ratios_by_bin(panel, np.array([int(np.flatnonzero(order == value)[0]) for value in bins]))
    ratios, p_values = {-1: Interval(1.0, float("nan"), float("nan"))}, {-1: float("nan")}
    for place, label in enumerate(order[1:]):
        ratios[int(label)], p_values[int(label)] = found.interval(place), float(found.p_values()[place])
    spans = [since[bins == label] for label in labels]
    return EventStudy(
        np.array([span.min() for span in spans]),
        np.array([span.max() for span in spans]),
        tuple(ratios[int(label)] for label in labels),
        np.array([p_values[int(label)] for label in labels]),
    )


def trend_before(panel: Panel) -> Trend:
    """Test the time before the start alone, cut into as many equal parts as the number of areas lets a test have.

    Errors as in :func:`difference_in_differences`.
    """
    start = only_start(panel)
    before = Panel(panel.areas, panel.periods[:start], panel.counts[:, :start], panel.exposure[:, :start], panel.start)
    rates = panel.counts[:, :start] / panel.exposure[:, :start]
    sides = [rates[side].sum(axis=0) for side in (panel.treated, ~panel.treated)]
    treated, others = (side / side.mean() if side.sum() else side for side in sides)
    if start < 2:
        return Trend(float("nan"), 1, (), treated, others)
    parts = 2
    for wanted in (4, 3, 2):
        if wanted <= start:
            found = ratios_by_bin(before, _parts(start, wanted))
            parts = wanted
            # A test of q ratios by a variance with few degrees of freedom tells little.
            if np.min(found.freedom) >= 4 * (wanted - 1):
                break
    p_value = wald_p(found.value, found.covariance, float(np.min(found.freedom)))
    return Trend(p_value, parts, tuple(found.interval(place) for place in range(parts - 1)), treated, others)


def ratios_by_bin(panel: Panel, bins: NDArray[np.int64]) -> LogRatios:
    """Log ratios of bins 1 and up against bin 0; ``bins`` gives each period its bin, shape (periods,)."""
    if not panel.treated.any() or panel.treated.all():
        raise TocsinError("a comparison needs areas with the system and areas without it, and here is only one kind")
    totals = panel.counts @ np.eye(int(bins.max()) + 1)[bins]
    sums = [totals[side].sum(axis=0) for side in (panel.treated, ~panel.treated)]
    if panel.steady or not np.min(sums):
        return log_ratios(totals, panel.treated)
    return fitted_log_ratios(panel.counts, panel.exposure, panel.treated, bins)


def only_start(panel: Panel) -> int:
    """The one period in which the system began. Raises ``TocsinError`` where that is not so, or has no before."""
    if len(panel.starts) != 1:
        said = "no area has the system" if not panel.starts else f"areas began in {len(panel.starts)} different periods"
        raise TocsinError(f"{said}, expected one start: the column treated_from says when")
    if panel.starts[0] == 0:
        raise TocsinError("the system was there from the first period on: a comparison needs periods before it")
    return panel.starts[0]


def _parts(periods: int, parts: int) -> NDArray[np.int64]:
    """Equal parts of the time before; the last is bin 0, the reference."""
    place = np.arange(periods) * parts // periods
    return np.asarray((place + 1) % parts)


def placebo_findings(panel: Panel, treated: int, start: int, draws: int = 1000, seed: int = 0) -> Interval:
    """How often a made-up start finds an effect where there is none: 0.05 is what is meant to be.

    So many areas, drawn anew each time among those without the system, are taken to have had it from period ``start``
    on. The interval is Wilson's of the share of the draws, which overlap: it is that of the drawing, not of the city.

    Raises:
        TocsinError: there are too few areas or periods.
    """
    never = panel.counts[~panel.treated]
    if not 2 <= treated <= len(never) - 2 or not 1 <= start < len(panel.periods):
        raise TocsinError(
            f"a made-up start needs 2 to {len(never) - 2} of the {len(never)} areas without the system, and a period "
            f"from the second to the last: got {treated} areas and period {start + 1} of {len(panel.periods)}"
        )
    rng = np.random.default_rng(seed)
    totals = np.stack([never[:, :start].sum(axis=1), never[:, start:].sum(axis=1)], axis=1)
    drawn = np.stack([totals[rng.permutation(len(never))] for _ in range(draws)])
    found = log_ratios(drawn, np.arange(len(never)) < treated)
    with np.errstate(invalid="ignore"):
        hits = int((np.abs(found.value) > found.reach()).sum())
    ends = binomtest(hits, draws).proportion_ci(method="wilson")
    return Interval(hits / draws, float(ends.low), float(ends.high))
