"""All that a panel says of the areas with the system against those without, in one go, and the answer in words."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from tocsin import TocsinError
from tocsin.evaluation.audit.comparison.differences import (
    Effect,
    EventStudy,
    Trend,
    difference_in_differences,
    event_study,
    trend_before,
)
from tocsin.evaluation.audit.comparison.limits import limits_of
from tocsin.evaluation.audit.comparison.panel import Panel, without_touching
from tocsin.evaluation.audit.comparison.staggered import Staggered, coarser, staggered_effects
from tocsin.evaluation.audit.comparison.synthetic import SyntheticControl, synthetic_control
from tocsin.evaluation.measures.intervals import Interval


@dataclass(frozen=True)
class Comparison:
    """What a comparison found; parts are None where the data do not allow them, and ``lacking`` says why.

    Attributes:
        panel: what was compared, without the areas that touch treated ones where neighbours were given.
        what: is counted, in words, such as ``confirmed shootings``.
        effect, study, trend, synthetic: where all areas began together.
        staggered: where they did not; ``staggered_panel`` has its longer periods.
        beside: the areas that touch treated ones, against the same comparison areas: did it move next door?
        limits: what the data cannot show.
        lacking: sentences on parts that could not be worked out.
    """

    panel: Panel
    what: str
    effect: Effect | None
    study: EventStudy | None
    trend: Trend | None
    synthetic: SyntheticControl | None
    staggered: Staggered | None
    staggered_panel: Panel | None
    beside: Effect | None
    limits: tuple[str, ...]
    lacking: tuple[str, ...]

    @property
    def ratio(self) -> Interval:
        """The rate ratio that the answer rests on."""
        return self.effect.ratio if self.effect else self.staggered.ratio if self.staggered else _NOTHING

    @property
    def answer(self) -> str:
        """The answer in a sentence."""
        against = "the comparison areas" if self.effect else "the areas that had not begun yet"
        return in_words(self.ratio, self.what, against)

    @property
    def arrays(self) -> dict[str, dict[str, list[Any]]]:
        """What plots draw, as plain lists, for those parts that there are.

        - ``both_sides``: ``period``, ``treated``, ``others``: events a period, 1 on average before the first start.
        - ``event_study``: ``time`` (periods since the start), ``value``, ``low``, ``high``: rate ratios.
        - ``synthetic_control``: ``period``, ``observed``, ``synthetic``: events a period; ``placebo_gaps``: a list an
          area, as shares of its own mean before; ``gaps``: the same of the treated areas.
        - ``staggered``: ``time``, ``value``, ``low``, ``high``: events an area and period.
        """
        panel, periods = self.panel, list(self.panel.periods)
        rates, first = panel.counts / panel.exposure, max(1, min(panel.starts))
        sides = [rates[side].sum(axis=0) for side in (panel.treated, ~panel.treated)]
        treated, others = (side / (side[:first].mean() or 1.0) for side in sides)
        found: dict[str, dict[str, list[Any]]] = {
            "both_sides": {"period": periods, "treated": treated.tolist(), "others": others.tolist()}
        }
        if self.study is not None:
            found["event_study"] = dict(self.study.arrays)
        if self.synthetic is not None:
            observed, made = self.synthetic.observed, self.synthetic.synthetic
            found["synthetic_control"] = {
                "period": periods,
                "observed": observed.tolist(),
                "synthetic": made.tolist(),
                "gaps": ((observed - made) / observed[:first].mean()).tolist(),
                "placebo_gaps": self.synthetic.placebo_gaps.tolist(),
            }
        if self.staggered is not None:
            found["staggered"] = dict(self.staggered.arrays)
        return found


_NOTHING = Interval(float("nan"), float("nan"), float("nan"))


def compare(panel: Panel, what: str = "events", neighbours: Mapping[str, Collection[str]] | None = None) -> Comparison:
    """Difference in differences, event study, trends before, synthetic control, or group-time effects.

    Args:
        panel: with areas that had the system from some period on, and others.
        what: is counted, in words.
        neighbours: which areas touch; those that touch treated ones are left out and shown apart.

    Raises:
        TocsinError: no area has the system, none is without it, or there is no time before it.
    """
    if not panel.treated.any():
        raise TocsinError(
            "no area has the system in these periods, so there is nothing to compare: the column treated_from says "
            "from which period on an area had it"
        )
    kept, beside_panel = without_touching(panel, neighbours) if neighbours else (panel, None)
    if kept.treated.all() and len(kept.starts) == 1:
        raise TocsinError(
            "all areas have the system from the same period on, and none is left to compare with: what the city would "
            "have had without it cannot be known from these counts"
        )
    lacking: list[str] = []
    effect = study = trend = synthetic = staggered = longer = beside = None
    if len(kept.starts) == 1:
        effect, study, trend = difference_in_differences(kept), event_study(kept), trend_before(kept)
        if beside_panel is not None:
            beside = difference_in_differences(beside_panel)
        try:
            synthetic = synthetic_control(kept)
        except TocsinError as error:
            lacking.append(_sentence(str(error)))
    else:
        longer = coarser(kept)
        staggered = staggered_effects(longer)
        lacking.append(
            "Areas began at different times: a single difference in differences, event study or synthetic control "
            "would compare areas that have the system with others that have it, too."
        )
    return Comparison(
        kept,
        what,
        effect,
        study,
        trend,
        synthetic,
        staggered,
        longer,
        beside,
        tuple(limits_of(kept, what)),
        tuple(lacking),
    )


def in_words(ratio: Interval, what: str, against: str = "the comparison areas") -> str:
    """A rate ratio as a sentence that says whether it can be told from no change."""
    said = what[:1].upper() + what[1:]
    if math.isnan(ratio.value):
        return f"{said}: nothing can be said, as one side had none before or after."
    change = 100 * (ratio.value - 1)
    moved = f"fell by {-change:.0f} %" if change < 0 else f"rose by {change:.0f} %"
    if math.isnan(ratio.low):
        return f"{said} {moved} against {against}; with so few areas the data cannot tell this from chance."
    top = f"{100 * (ratio.high - 1):+.0f} %" if math.isfinite(ratio.high) else "no bound"
    ends = f"({100 * (ratio.low - 1):+.0f} % to {top})".replace("-", "−")
    if ratio.low <= 1 <= ratio.high:
        return f"{said} {moved} {ends} against {against}; the data cannot tell this from no change."
    return f"{said} {moved} {ends} against {against}, more than chance explains."


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
