"""Quantiles with intervals from order statistics, which hold for any distribution."""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom

from tocsin.evaluation.measures.intervals import Interval

ORDER_STATISTICS = "order statistics, 95 % (sign test), of any distribution"


def quantile(values: ArrayLike, at: float, confidence: float = 0.95) -> Interval:
    """The quantile at the share ``at`` of ``values``, shape (n,), n > 0, with its interval.

    The number of values below the true quantile is binomial, so two of the sorted values enclose it (David and
    Nagaraja, "Order Statistics", 2003, section 7.1). At one half it is the interval of the sign test. The ends are NaN
    where there are too few values for one of that confidence.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    number, tail = len(ordered), (1.0 - confidence) / 2.0
    low, high = int(binom.ppf(tail, number, at)), int(binom.ppf(1.0 - tail, number, at)) + 1
    value = float(np.quantile(ordered, at))
    if low < 1 or high > number:
        return Interval(value, math.nan, math.nan)
    return Interval(value, float(ordered[low - 1]), float(ordered[high - 1]))
