"""Areas that began at different times: group-time effects of Callaway and Sant'Anna (2021), by the library csdid.

A Poisson model with fixed effects would compare late areas with early ones that already have the system, and is wrong
where the effect changes over time (Goodman-Bacon 2021). Here each group that began together is compared, period by
period, with areas that have not begun yet, from its last period before. Effects are differences in events a period.
"""

import contextlib
import importlib
import io
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as t_distribution

from tocsin import TocsinError
from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.audit.comparison.panel import Panel
from tocsin.evaluation.measures.intervals import Interval


@dataclass(frozen=True)
class Staggered:
    """Effects in events an area and period, with 95 % intervals of influence functions and t(treated areas - 1).

    Attributes:
        overall: mean effect over all areas and periods with the system (each weighs the same).
        ratio: observed with the system, over that less the effect: the same as a rate ratio, the observed mean fixed.
        groups: first period of each group, its effect at each period: (group, period, effect), for analysts.
        since: periods since the start, 0 for the first with the system; shape (events,).
        effects: at each of these, shape (events,) in all.
        before_p: smallest p-value of the effects before the start times how many there are (Bonferroni), at most 1; NaN
            where there are none.
    """

    overall: Interval
    ratio: Interval
    groups: tuple[tuple[int, int, float], ...]
    since: NDArray[np.int64]
    effects: tuple[Interval, ...]
    before_p: float

    @property
    def arrays(self) -> dict[str, list[float]]:
        """For a plot: periods since the start, effect, low and high."""
        return {"time": [float(value) for value in self.since]} | {
            name: [getattr(effect, name) for effect in self.effects] for name in ("value", "low", "high")
        }


def staggered_effects(panel: Panel) -> Staggered:
    """Group-time effects, by time since the start and overall. Areas that always had it are left out.

    Raises:
        TocsinError: csdid is not installed, no area begins after the first period, or fewer than two areas do.
    """
    pandas = pandas_module("a staggered comparison")
    panel = panel.keep(panel.start != 0)
    if panel.treated.sum() < 2 or (panel.treated.all() and len(panel.starts) < 2):
        raise TocsinError("a staggered comparison needs two areas that begin after the first period, and others")
    rates = panel.counts / panel.exposure * panel.exposure.mean()
    number, length = rates.shape
    frame = pandas.DataFrame(
        {
            "area": np.repeat(np.arange(number), length).astype(float),
            "period": np.tile(np.arange(length), number) + 1.0,
            "began": np.repeat(np.where(panel.treated, panel.start + 1.0, 0.0), length),
            "rate": rates.ravel(),
        }
    )
    # The library prints its tables, and warns of small groups, of which the limits of the data speak.
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        fit = _csdid()(
            yname="rate",
            tname="period",
            idname="area",
            gname="began",
            data=frame,
            xformla="rate~1",
            cband=False,
            control_group=["notyettreated"],
        ).fit(est_method="reg", bstrap=False)
        simple = dict(fit.aggte("simple", bstrap=False, cband=False).atte)
        dynamic = dict(fit.aggte("dynamic", bstrap=False, cband=False).atte)
    since = np.asarray(dynamic["egt"]).astype(int)
    overall = _interval(simple["overall_att"], simple["overall_se"], int(panel.treated.sum()))
    active = panel.treated[:, None] & (np.arange(length) >= panel.start[:, None])
    observed = float(rates[active].mean())
    at = panel.start[panel.treated, None] + since
    areas = ((at >= 0) & (at < length)).sum(axis=0)
    effects = tuple(map(_interval, dynamic["att_egt"], dynamic["se_egt"], areas))
    early = [
        2 * t_distribution.sf(abs(effect.value) / _widened(error, many), many - 1)
        for effect, error, many, when in zip(effects, dynamic["se_egt"], areas, since, strict=True)
        if when < 0 and many > 1 and error > 0
    ]
    groups = zip(fit.results["group"], fit.results["year"], fit.results["att"], strict=True)
    return Staggered(
        overall=overall,
        ratio=Interval(*(observed / (observed - end) if observed > end else float("inf") for end in overall)),
        groups=tuple((int(group) - 1, int(period) - 1, float(effect)) for group, period, effect in groups),
        since=since,
        effects=effects,
        before_p=float(min(1.0, min(early) * len(early))) if early else float("nan"),
    )


def coarser(panel: Panel, widths: tuple[int, ...] = (12, 6, 4, 3, 2)) -> Panel:
    """Add up periods, as many as leave every start at an edge and two sums before the first.

    The base of a group is one period alone: that of a month is a small and noisy count.
    """
    starts = np.array(panel.starts)
    for width in widths:
        first = int(starts[starts > 0].min()) if (starts > 0).any() else 0
        skipped = first % width
        length = (len(panel.periods) - skipped) // width
        if ((starts[starts > 0] - skipped) % width == 0).all() and first - skipped >= 2 * width and length > 2:
            span = slice(skipped, skipped + length * width)
            shape = (len(panel.areas), length, width)
            start = np.where(panel.start > 0, (panel.start - skipped) // width, panel.start)
            note = f"Periods are added up, {width} at a time."
            return Panel(
                panel.areas,
                panel.periods[span][::width],
                panel.counts[:, span].reshape(shape).sum(axis=2),
                panel.exposure[:, span].reshape(shape).mean(axis=2),
                np.where(start < length, start, -1),
                (*panel.notes, note),
            )
    return panel


def _interval(value: float, error: float, areas: int) -> Interval:
    """An effect on so many treated areas; without ends where there is one, of which no spread is known."""
    if areas < 2:
        return Interval(float(value), float("nan"), float("nan"))
    reach = float(t_distribution.ppf(0.975, areas - 1)) * _widened(error, areas)
    return Interval(float(value), float(value) - reach, float(value) + reach)


def _widened(error: float, areas: int) -> float:
    """The library divides by the number of areas, where few need it less one."""
    return float(error) * float(np.sqrt(areas / (areas - 1)))


def _csdid() -> Any:
    try:
        return importlib.import_module("csdid.att_gt").ATTgt
    except ImportError as error:
        raise TocsinError('a staggered comparison needs csdid: type pip install "tocsin[analysis]"') from error
