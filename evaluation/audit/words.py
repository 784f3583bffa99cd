"""Figures of an audit in the words of a sentence."""

import math

from tocsin.evaluation.audit.metrics.metric import Metric
from tocsin.evaluation.measures.intervals import Interval

_SELDOM, _YEAR = 0.1, 365.0  # fewer a day than this are said by the year


def percent(share: float) -> str:
    """A share as ``16.2 %``."""
    return f"{100 * share:.1f} %"


def value(metric: Metric) -> str:
    """The figure alone: a share in per cent, an amount with thousands, else with its unit."""
    return _said(metric.value.value, metric.unit)


def interval(metric: Metric) -> str:
    """Its interval and what was counted: ``14.1 to 18.6 % (95 %); 169 confirmed alerts / 1,042 alerts``."""
    ends = ends_of(metric.value, metric.unit)
    return f"{ends} (95 %); {metric.counted}" if ends else metric.counted


def ends_of(figure: Interval, unit: str = "") -> str:
    """The ends of an interval, empty where none can be stated."""
    if math.isnan(figure.low):
        return ""
    low, high = _said(figure.low, unit), _said(figure.high, unit)
    # The unit stands once where both ends have the same.
    same = next((end for end in (" %", f" {unit}", " a year") if low.endswith(end) and high.endswith(end)), "")
    return f"{low.removesuffix(same)} to {high}"


def _said(number: float, unit: str) -> str:
    if not unit:
        return percent(number)
    if unit == "a day" and number < _SELDOM:
        return f"{number * _YEAR:.1f} a year"
    if len(unit) == 3 and unit.isupper():
        return f"${number:,.0f}" if unit == "USD" else f"{number:,.0f} {unit}"
    digits = 0 if abs(number) >= 100 or unit in ("s", "m") else 1 if abs(number) >= 10 else 2
    return f"{number:,.{digits}f} {unit}"
