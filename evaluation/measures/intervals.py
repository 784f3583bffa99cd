"""A figure with its interval, and the exact interval of a Poisson count."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaincinv

# Alarms less than this after one another are one: a window of sound, one answer, one call.
ONE_ALARM_S = 1.0


class Interval(NamedTuple):
    """A figure and the interval that it is stated with."""

    value: float
    low: float
    high: float


class Band(NamedTuple):
    """A figure at every threshold and its interval there, each of shape (thresholds,)."""

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


class Rate(Interval):
    """Events an hour. Where none came, nothing but the upper end is known: it is below that."""


def poisson_rate(count: int, hours: float, confidence: float = 0.95) -> Rate:
    """Events an hour with the exact interval of a Poisson count (Garwood 1936), which chi-square quantiles give."""
    return Rate(*(float(part) for part in poisson_band(count, hours, confidence)))


def poisson_band(counts: ArrayLike, hours: float, confidence: float = 0.95) -> Band:
    """:func:`poisson_rate` of many counts in the same hours, each array of their shape."""
    events, tail = np.asarray(counts, dtype=np.float64), (1.0 - confidence) / 2.0
    low = np.where(events > 0, gammaincinv(np.where(events > 0, events, 1.0), tail), 0.0)
    return Band(events / hours, low / hours, gammaincinv(events + 1, 1.0 - tail) / hours)
