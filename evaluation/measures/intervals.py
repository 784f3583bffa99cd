"""A figure with its interval, and the exact interval of a Poisson count."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv


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
    tail = (1.0 - confidence) / 2.0
    low = float(gammaincinv(count, tail)) if count else 0.0
    return Rate(count / hours, low / hours, float(gammaincinv(count + 1, 1.0 - tail)) / hours)
