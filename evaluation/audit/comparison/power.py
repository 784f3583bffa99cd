"""Power before a pilot: how large and how long must it be to see an effect, by simulation of the city's own counts.

Each simulated pilot is judged as a real one would be: :func:`difference_in_differences`, by the ratio of totals that
it is. An effect is found where the 95 % interval lies on its side of 1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from tocsin import TocsinError
from tocsin.evaluation.audit.comparison.background import Background
from tocsin.evaluation.audit.comparison.ratios import log_ratios
from tocsin.evaluation.measures.intervals import Interval

SIMULATIONS = 1000
WEAKEST, STEP = 0.1, 0.1  # the lowest rate ratio that is looked for, and the steps towards it


@dataclass(frozen=True)
class Pilot:
    """A design: areas with and without the system, and periods before and after its start."""

    treated: int
    others: int
    before: int
    after: int


@dataclass(frozen=True)
class PilotPower:
    """What a pilot would show.

    Attributes:
        pilot: the design.
        events: that its treated areas have on average before, and would have after without an effect.
        power: of each rate ratio asked for, with the Monte Carlo interval of the simulation.
        smallest: the rate ratio of the weakest fall found in four of five cases; NaN where not even a fall of 90 % is.
    """

    pilot: Pilot
    events: tuple[float, float]
    power: tuple[tuple[float, Interval], ...]
    smallest: float


def pilot_power(
    background: Background,
    pilot: Pilot,
    ratios: Sequence[float] = (0.9, 0.8, 0.7),
    simulations: int = SIMULATIONS,
    seed: int = 0,
) -> PilotPower:
    """Simulate a pilot; each simulation draws its areas from the city's, with replacement.

    Args:
        background: as :func:`background_of` estimates it.
        pilot: the design; two areas or more on each side.
        ratios: rate ratios to give the power for, such as 0.8 for a fall by 20 %.
        simulations: how many.
        seed: of the draws.

    Raises:
        TocsinError: the design has a side of one area, or no time before or after.
    """
    if min(pilot.treated, pilot.others) < 2 or min(pilot.before, pilot.after) < 1:
        raise TocsinError(
            f"a pilot needs two areas with and two without the system, and periods before and after: got {pilot}"
        )
    rng = np.random.default_rng(seed)
    means = _means(background, pilot, simulations, rng)
    counts, chosen = rng.poisson(means).astype(float), np.arange(means.shape[1]) < pilot.treated

    def found(ratio: float) -> int:
        drawn, after = counts.copy(), means[:, chosen, 1]
        # The same draws for every ratio, so that a larger effect is never found less often by chance.
        drawn[:, chosen, 1] = np.random.default_rng([seed, 1]).poisson(after * ratio)
        result = log_ratios(drawn, chosen)
        with np.errstate(invalid="ignore"):
            beyond = np.abs(result.value) > result.reach()
        right = np.sign(result.value) == np.sign(np.log(ratio))
        return int((beyond & right).sum())

    power = []
    for ratio in ratios:
        hits = found(ratio)
        ends = binomtest(hits, simulations).proportion_ci(method="wilson")
        power.append((float(ratio), Interval(hits / simulations, float(ends.low), float(ends.high))))
    return PilotPower(
        pilot,
        (float(means[:, chosen, 0].sum(axis=1).mean()), float(means[:, chosen, 1].sum(axis=1).mean())),
        tuple(power),
        _smallest(lambda ratio: found(ratio) / simulations),
    )


def pilot_grid(
    background: Background,
    treated: Sequence[int],
    after: Sequence[int],
    others: int,
    before: int,
    ratios: Sequence[float] = (0.9, 0.8, 0.7),
    simulations: int = SIMULATIONS,
    seed: int = 0,
) -> list[PilotPower]:
    """Every number of treated areas with every length, in that order."""
    return [
        pilot_power(background, Pilot(areas, others, before, periods), ratios, simulations, seed)
        for areas in treated
        for periods in after
    ]


def _smallest(power_at: Callable[[float], float], wanted: float = 0.8) -> float:
    """The ratio nearest 1 with the wanted power: down by steps, as a total of 0 shows nothing, then by halves."""
    high = 1.0
    while high > WEAKEST + STEP / 2:
        low = high - STEP
        if power_at(low) >= wanted:
            for _ in range(4):
                middle = (low + high) / 2
                low, high = (middle, high) if power_at(middle) >= wanted else (low, middle)
            return low
        high = low
    return float("nan")


def _means(background: Background, pilot: Pilot, simulations: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Expected events before and after, with all that spreads them but Poisson's chance: (simulations, areas, 2)."""
    shape = (simulations, pilot.treated + pilot.others)
    levels = rng.choice(background.levels, shape)
    means = np.empty((*shape, 2))
    year, first = len(background.season), -pilot.before
    for place, span in enumerate((np.arange(first, 0), np.arange(pilot.after))):
        season = background.season[span % year]
        factors = np.ones((*shape, 1))
        if background.passing > 0:
            factors = rng.gamma(1 / background.passing, background.passing, (*shape, len(span)))
        sums = (factors * season).sum(axis=-1)
        lasting = rng.gamma(1 / background.lasting, background.lasting, shape) if background.lasting > 0 else 1.0
        means[..., place] = levels * sums * lasting
    return means
