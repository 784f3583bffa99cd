"""Figures as people say them."""

import numpy as np

from tocsin.evaluation.measures.intervals import Interval, Rate
from tocsin.evaluation.report.section import text


def percent(share: Interval) -> str:
    """``93 % (88–96 %)``; without the interval where nothing tells it."""
    ends = "" if np.isnan(share.low) else f" ({share.low * 100:.0f}–{share.high * 100:.0f} %)"
    return f"{share.value * 100:.0f} %{ends}"


def rate_in_words(rate: Rate) -> str:
    """False alarms in the unit in which the number is easiest to grasp."""
    if not rate.value:
        return f"no false alarm; fewer than {a_day(rate)} a sensor-day are possible"
    if rate.value >= 2:
        return f"{text(rate)} false alarms a sensor-hour"
    if rate.value * 24 >= 0.2:
        return f"{a_day(rate)} false alarms a sensor-day"
    week = Rate(*(value * 168 for value in rate))
    return f"{text(week)} false alarms a sensor-week"


def a_day(rate: Rate) -> str:
    """A rate an hour as one a day, with its interval; of nothing the upper end alone."""
    if not rate.value:
        return f"{rate.high * 24:.2g}"
    return text(Rate(*(value * 24 for value in rate)))
