"""One figure of an audit: its value and interval, what was divided by what, and the definition in words."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import binomtest

from tocsin.evaluation.measures.intervals import Interval
from tocsin.evaluation.report.section import Cell, Section

# With fewer cases than this on either side of a share, one case more or less moves it much.
SMALL = 5
WILSON = "Wilson score interval, 95 %"
NONE = "no interval: a sum that was counted, not drawn"


@dataclass(frozen=True)
class Metric:
    """A figure that can stand alone in a sentence.

    Attributes:
        key: of the figure, unique in an audit.
        title: what it is, in a few words.
        value: the figure and its 95 % interval; the ends are NaN where none can be stated.
        numerator, numerator_words: what is counted above the line, and its name; None for a quantile.
        denominator, denominator_words: what is counted below the line, and its name.
        definition: one plain sentence.
        method: of the interval.
        caveat: what a reader must know before quoting it, empty where there is nothing.
        unit: of the value, empty for a share.
    """

    key: str
    title: str
    value: Interval
    numerator: float | None
    numerator_words: str
    denominator: float
    denominator_words: str
    definition: str
    method: str
    caveat: str = ""
    unit: str = ""

    @property
    def counted(self) -> str:
        """What was divided by what: ``169 confirmed alerts / 1,042 alerts``."""
        below = f"{_number(self.denominator)} {self.denominator_words}"
        return below if self.numerator is None else f"{_number(self.numerator)} {self.numerator_words} / {below}"


def wilson(count: int, of: int) -> Interval:
    """A share with its 95 % interval (Wilson 1927), ``count`` of ``of`` > 0 cases."""
    found = binomtest(count, of).proportion_ci(0.95, method="wilson")
    return Interval(count / of, float(found.low), float(found.high))


def share_metric(
    key: str,
    title: str,
    count: int,
    of: int,
    count_words: str,
    of_words: str,
    definition: str,
    caveat: str = "",
) -> list[Metric]:
    """The metric of a share with the Wilson interval, as a list; an empty one where there are no cases."""
    if of <= 0:
        return []
    warned = " ".join(filter(None, [small_words(count, of), caveat]))
    return [
        Metric(key, title, wilson(count, of), count, count_words, of, of_words, definition, WILSON, warned),
    ]


def small_words(count: float, of: float) -> str:
    """A warning where fewer than 5 cases lie on one side of a share, else nothing; ``of`` may be infinite."""
    least = min(count, of - count)
    if least >= SMALL:
        return ""
    if least == 0:
        return (
            f"{'None' if count == 0 else 'All'} of {_number(of)}: the interval says how far from it the truth may be."
        )
    which = "are counted" if least == count else "are not"
    total = f" of {_number(of)}" if math.isfinite(of) else ""
    return f"Small numbers: only {_number(least)}{total} {which}, and one more or less moves the figure."


def metrics_section(key: str, title: str, note: str, metrics: Sequence[Metric]) -> Section:
    """A table of metrics: a row each, with what was counted, the definition, the method and the caveat."""
    rows: list[dict[str, Cell]] = [
        {
            "figure": metric.title,
            "value": metric.value,
            "unit": metric.unit or "share",
            "counted": metric.counted,
            "definition": metric.definition,
            "interval": metric.method,
            "caveat": metric.caveat or "–",
        }
        for metric in metrics
    ]
    return Section(key, title, note, rows)


def unstated(value: float) -> Interval:
    """A figure without an interval."""
    return Interval(value, math.nan, math.nan)


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
