"""Rate ratios of a Poisson model with an effect for each area and each period, with errors clustered by area.

Where all treated areas begin together and no exposure changes, the maximum of the likelihood of Poisson counts with
fixed effects of areas and periods is a ratio of four totals: what the treated areas had after and before, over the same
of the comparison areas (the margins of such a model are fitted exactly; Bishop, Fienberg and Holland, "Discrete
Multivariate Analysis", 1975, chapter 3). All functions work on many panels at once, which the power of a pilot needs.

The variance is that of the jackknife that leaves out one area after another, treated and others apart (Wolter,
"Introduction to Variance Estimation", 2007, section 4.5). It holds whatever the overdispersion and however counts of
one area hang together over time. The reach is Student's, with the degrees of freedom of Welch and Satterthwaite (1946)
for the share of the variance that Poisson counts would give each side: with few treated areas a t of all areas less one
is far too narrow (MacKinnon and Webb 2017, "Wild bootstrap inference for wildly different cluster sizes").
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import f as f_distribution
from scipy.stats import t as t_distribution

from tocsin import TocsinError
from tocsin.evaluation.measures.intervals import Interval


class LogRatios(NamedTuple):
    """Logarithms of rate ratios and what is known of their errors.

    Attributes:
        value: shape (…, bins - 1); NaN where a total is 0.
        covariance: shape (…, bins - 1, bins - 1); NaN where either side has one area alone.
        freedom: degrees of freedom of each, shape (…, bins - 1).
    """

    value: NDArray[np.float64]
    covariance: NDArray[np.float64]
    freedom: NDArray[np.float64]

    @property
    def error(self) -> NDArray[np.float64]:
        """Standard errors of the logarithms, shape (…, bins - 1)."""
        return np.sqrt(np.diagonal(self.covariance, axis1=-2, axis2=-1))

    def reach(self, confidence: float = 0.95) -> NDArray[np.float64]:
        """How far the interval of a logarithm reaches to either side, shape (…, bins - 1)."""
        return np.asarray(t_distribution.ppf(0.5 + confidence / 2, self.freedom) * self.error)

    def p_values(self) -> NDArray[np.float64]:
        """Two-sided, of no effect; shape (…, bins - 1)."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(2 * t_distribution.sf(np.abs(self.value) / self.error, self.freedom))

    def interval(self, place: int = 0, confidence: float = 0.95) -> Interval:
        """One rate ratio with its interval, of a single panel."""
        middle, reach = self.value[place], self.reach(confidence)[place]
        return Interval(*(float(np.exp(end)) for end in (middle, middle - reach, middle + reach)))


def log_ratios(counts: ArrayLike, treated: ArrayLike, reference: int = 0) -> LogRatios:
    """Rate ratios of each bin of time against a reference bin, treated areas against the others.

    Args:
        counts: events of each area in each bin, shape (…, areas, bins).
        treated: which areas are, shape (areas,).
        reference: the bin that the others are held against.

    Raises:
        TocsinError: the shapes do not fit, or one of the sides has no area.
    """
    events, chosen = np.asarray(counts, dtype=np.float64), np.asarray(treated, dtype=bool)
    if events.ndim < 2 or chosen.shape != events.shape[-2:-1] or events.shape[-1] < 2:
        raise TocsinError(f"counts need the shape (…, areas, bins), treated (areas,): {events.shape}, {chosen.shape}")
    if not chosen.any() or chosen.all():
        raise TocsinError("a comparison needs areas with the system and areas without it, and here is only one kind")
    with np.errstate(divide="ignore", invalid="ignore"):
        sides = [_side(events[..., side, :], reference) for side in (chosen, ~chosen)]
        numbers = [int(chosen.sum()), int((~chosen).sum())]
        freedom = satterthwaite([side[2] for side in sides], numbers)
        value = sides[0][0] - sides[1][0]
    value[~np.isfinite(value)] = np.nan
    return LogRatios(value, sides[0][1] + sides[1][1], freedom)


def satterthwaite(variances: list[NDArray[np.float64]], numbers: list[int]) -> NDArray[np.float64]:
    """Degrees of freedom of a sum of variances, each (…), from so many areas (Satterthwaite 1946)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        below = sum(
            v**2 / (n - 1) if n > 1 else np.full(v.shape, np.inf) for v, n in zip(variances, numbers, strict=True)
        )
        return np.asarray(sum(variances) ** 2 / below)


def wald_p(values: NDArray[np.float64], covariance: NDArray[np.float64], freedom: float) -> float:
    """Whether all values, shape (q,), may be 0: Hotelling's T² (1931), NaN where areas are too few for q values."""
    number = len(values)
    below = freedom - number + 1
    if not below > 0 or not np.isfinite(covariance).all() or not np.isfinite(values).all():
        return float("nan")
    statistic = float(values @ np.linalg.pinv(covariance, hermitian=True) @ values)
    return float(f_distribution.sf(statistic * below / (freedom * number), number, below))


def _side(
    events: NDArray[np.float64], reference: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Of one side's areas: log ratios to the reference bin, their jackknife covariance, and the variance of Poisson."""
    others = [place for place in range(events.shape[-1]) if place != reference]
    number = events.shape[-2]
    totals = events.sum(axis=-2)

    def logs(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.log(sums[..., others]) - np.log(sums[..., [reference]])

    value = logs(totals)
    poisson = 1 / totals[..., others] + 1 / totals[..., [reference]]
    if number == 1:
        return value, np.full((*value.shape, value.shape[-1]), np.nan), poisson
    apart = logs(totals[..., None, :] - events) - value[..., None, :]
    covariance = (number - 1) / number * np.swapaxes(apart, -1, -2) @ apart
    covariance[~np.isfinite(covariance)] = np.nan
    return value, covariance, poisson
