"""The line under points that come late and never early: how a device counts, from when what it counted arrived.

A block arrives when it was captured plus a delay that is never negative. Times of arrival thus lie above a line, and
the line is told by the few that were hardly delayed. The lowest of many delays is exponentially distributed whatever
their distribution is, as long as its density at zero is neither nought nor infinite. With points that are such lowest
ones, weights w that say of how many, and the scale of the delays unknown, the likelihood of a line v + r·t is

    L(v, r) ∝ (Σ wᵢ (yᵢ − v − r tᵢ))^−n    where no point lies under the line, else 0.

Its maximum is the line of Moon, Skelly and Towsley (Estimation and Removal of Clock Skew from Network Delay
Measurements, INFOCOM 1999). Here the whole of it is used: for a rate r the height v has a Pareto distribution under the
highest line of that rate, which is integrated in closed form, and the rate is integrated on a grid.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST_POINTS = 4  # the variance of the height is infinite with fewer
FASTEST = 0.002  # no device that works is off by more
GRID = 65
NEGLIGIBLE = -16.0  # log weight, against the likeliest rate
OUTLYING = 10.0  # times the median height over the line: a thousandth of exponential heights is higher
THINNEST = 0.25
SMALLEST_S = 1e-6  # what clocks are read to

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LowerEdge:
    """The line, and how well it is known.

    Attributes:
        value_s: its height at t = 0, seconds; ``rate`` its rise, seconds a second.
        value_variance: of the height, s²; ``rate_variance`` of the rise; ``covariance`` of both, seconds.
        scale_s: mean height of the points over it, seconds.
    """

    value_s: float
    rate: float
    value_variance: float
    rate_variance: float
    covariance: float
    scale_s: float

    def at(self, time_s: float) -> float:
        """Height of the line at a time, seconds."""
        return self.value_s + self.rate * time_s

    def variance_at(self, time_s: float) -> float:
        """Variance of that height, s²."""
        return self.value_variance + 2 * time_s * self.covariance + time_s**2 * self.rate_variance


def fit_lower_edge(
    times_s: Array, heights_s: Array, weights: Array, rate: float = 0.0, rate_sigma: float | None = None
) -> LowerEdge:
    """The line under points, after those are left out that are far too late to say anything.

    Args:
        times_s: ``(n,)``, n ≥ 4, from the moment that matters, seconds: the height is best told near 0.
        heights_s: ``(n,)``, seconds.
        weights: ``(n,)``, > 0: of how many delays each point is the lowest.
        rate: rise known from before, seconds a second.
        rate_sigma: its standard deviation; None where nothing is known but that it is within ±2000 ppm.
    """
    edge = _posterior(times_s, heights_s, weights, rate, rate_sigma)
    over = (heights_s - edge.value_s - edge.rate * times_s) * weights / weights.mean()
    kept = over <= OUTLYING * np.median(over) + SMALLEST_S
    if kept.all() or np.count_nonzero(kept) < FEWEST_POINTS:
        return edge
    return _posterior(times_s[kept], heights_s[kept], weights[kept], rate, rate_sigma)


def _posterior(times: Array, heights: Array, weights: Array, rate: float, rate_sigma: float | None) -> LowerEdge:
    count = len(times)
    weights = weights / weights.sum()
    mean_time, mean_height = float(weights @ times), float(weights @ heights)
    low, high = -FASTEST, FASTEST
    while True:
        rates = np.linspace(low, high, GRID)
        highest = np.min(heights[:, None] - times[:, None] * rates, axis=0)
        gaps = np.maximum(mean_height - rates * mean_time - highest, SMALLEST_S)
        logs = -(count - 1) * np.log(gaps)
        if rate_sigma is not None:
            logs -= ((rates - rate) / rate_sigma) ** 2 / 2
        logs -= logs.max()
        # The likelihood has one hill: what matters is between the outermost rates that are not negligible.
        matters = np.flatnonzero(logs > NEGLIGIBLE)
        first, last = max(matters[0] - 1, 0), min(matters[-1] + 1, GRID - 1)
        if last - first > GRID // 3:
            break
        low, high = float(rates[first]), float(rates[last])
    share = np.exp(logs)
    share /= share.sum()
    # The Pareto distribution of the height given the rate, and its widening for a thin tail.
    over = heights - times * float(share @ rates) - float(share @ highest)
    lower = float(share @ gaps) / (count - 2)
    wider = _thin_tail((over + lower) * weights)
    wider = _thin_tail((over + wider * lower) * weights)
    below = highest - wider * gaps / (count - 2)
    spread = (wider * gaps) ** 2 * (count - 1) / ((count - 2) ** 2 * (count - 3))
    value, mean_rate = float(share @ below), float(share @ rates)
    return LowerEdge(
        value_s=value,
        rate=mean_rate,
        value_variance=float(share @ (spread + (wider * (below - value)) ** 2)),
        rate_variance=wider**2 * float(share @ (rates - mean_rate) ** 2),
        covariance=wider**2 * float(share @ ((below - value) * (rates - mean_rate))),
        scale_s=float(share @ gaps),
    )


def _thin_tail(over: Array) -> float:
    """How many times farther below its lowest point the line may lie than with exponential heights; at least 1.

    Where a small delay is rarer than that, the heights are rather of a Weibull distribution of shape κ > 1: the lowest
    of n is lower by their mean times n^(−1/κ), not n^(−1), and their coefficient of variation is about κ^(−0.93).
    """
    variation = float(np.std(over)) / max(float(np.mean(over)), SMALLEST_S / len(over))
    shape = min(max(variation, THINNEST) ** (-1 / 0.93), 1 / THINNEST)
    return max(len(over) ** (1 - 1 / shape), 1.0)
