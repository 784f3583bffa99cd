"""What a city's counts do without any change: levels of areas, seasons, and how they spread beyond chance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.evaluation.audit.comparison.panel import Panel


@dataclass(frozen=True)
class Background:
    """Counts of an area in a period: Poisson around level × season × lasting × passing, the last two of gamma law.

    Attributes:
        levels: events a period of each area, shape (areas,).
        season: factor of each period of the year, 1 on average, shape (periods of a year,).
        passing: variance of the factor that is drawn anew for each area and period.
        lasting: variance of the factor that an area keeps all the time before, and another all the time after: what
            areas drift apart. It is this that no longer pilot averages out.
    """

    levels: NDArray[np.float64]
    season: NDArray[np.float64]
    passing: float
    lasting: float


def background_of(panel: Panel, year: int = 12) -> Background:
    """Estimate it from a table, by moments; treated areas with what they had before the start only, where any began.

    With levels of areas and periods m, E[(y - m)²] = m + a m² of a negative binomial count (Cameron and Trivedi,
    "Regression Analysis of Count Data", 2013, chapter 3): once for single periods, once for both halves of the
    time. What the halves keep of it is lasting.

    Args:
        panel: two areas and four periods or more.
        year: periods of a year: 12 months, or 52 weeks.

    Raises:
        TocsinError: there is less, or no event.
    """
    length = min(panel.starts, default=len(panel.periods)) or len(panel.periods)
    counts = panel.counts[panel.counts[:, :length].sum(axis=1) > 0][:, :length]
    if len(counts) < 2 or length < 4:
        raise TocsinError(
            f"the spread of counts needs two areas with events and four periods before the start, and here are "
            f"{len(counts)} and {length}"
        )
    half = length // 2
    single = _overdispersion(counts)
    halves = np.stack([counts[:, :half].sum(axis=1), counts[:, length - half :].sum(axis=1)], axis=1)
    of_halves = _overdispersion(halves)
    # The mean of an area takes up half of what its two halves drift apart: single is passing + lasting / 2, and the
    # halves are lasting + passing / half.
    passing = max(0.0, (single - of_halves / 2) / (1 - 1 / (2 * half)))
    season = np.ones(year)
    if length >= 2 * year:
        by_period = counts.sum(axis=0)
        sums = np.array([by_period[place::year].mean() for place in range(year)])
        season = sums / sums.mean()
    return Background(counts.mean(axis=1), season, passing, max(0.0, of_halves - passing / half))


def even_background(events_a_year: float, areas: int, passing: float, lasting: float, year: int = 12) -> Background:
    """Areas that share a year's events evenly, where a city knows no more than their sum."""
    if events_a_year <= 0 or areas < 1:
        raise TocsinError(f"events a year and areas must be above 0, and are {events_a_year:g} and {areas}")
    return Background(np.full(areas, events_a_year / areas / year), np.ones(year), passing, lasting)


def _overdispersion(counts: NDArray[np.float64]) -> float:
    """The a in variance = m + a m², around the margins' fit; below 0 where counts spread less than by chance."""
    rows, columns = counts.shape
    fitted = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    spread = ((counts - fitted) ** 2).sum() * rows * columns / ((rows - 1) * (columns - 1))
    return float((spread - fitted.sum()) / (fitted**2).sum())
