"""What a comparison cannot show: too few areas, too few events, and the smallest effect that it could have seen."""

from typing import NamedTuple

import numpy as np
from scipy.stats import t as t_distribution

from tocsin.evaluation.audit.comparison.panel import Panel

FEW_AREAS = 5
FEW_EVENTS = 30


class Seeable(NamedTuple):
    """The weakest fall and rise, as rate ratios, that such data show in four of five cases."""

    fall: float
    rise: float


def smallest_seen(log_error: float, freedom: float, power: float = 0.8, confidence: float = 0.95) -> Seeable:
    """Rate ratios that would be told from 1 with that power, by the error that the data turned out to have.

    The sum of both quantiles of Student's t times the standard error of the logarithm (Bloom 1995, "Minimum detectable
    effects"). NaN where there is no error to go by.
    """
    reach = (t_distribution.ppf(0.5 + confidence / 2, freedom) + t_distribution.ppf(power, freedom)) * log_error
    return Seeable(float(np.exp(-reach)), float(np.exp(reach)))


def limits_of(panel: Panel, what: str = "events") -> list[str]:
    """Sentences on the areas, the events and the time that there are too few of; none where all is enough."""
    treated, others = int(panel.treated.sum()), int((~panel.treated).sum())
    found = []
    if treated == 1:
        found.append(
            "Only one area had the system: how much areas differ by chance cannot be known from it, so there is no "
            "interval, and only the placebos of the synthetic control say what chance can do."
        )
    elif treated < FEW_AREAS:
        found.append(
            f"Only {treated} areas had the system: the interval is wide because so few areas say little of others."
        )
    if others < FEW_AREAS:
        found.append(f"Only {others} areas are there to compare with: what they had in common may be chance.")
    if others and 1 / (others + 1) > 0.05:
        found.append(
            f"With {others} comparison areas no placebo test can give a p-value below {1 / (others + 1):.2f}, however "
            "large the effect."
        )
    since = np.where(panel.treated, panel.start, min(panel.starts, default=0))
    after = np.arange(len(panel.periods)) >= since[:, None]
    for side, name in ((panel.treated, "areas with the system"), (~panel.treated, "comparison areas")):
        for when, said in ((~after, "before"), (after, "after")):
            events = int(panel.counts[side[:, None] & when].sum())
            if events < FEW_EVENTS and side.any():
                # An interval of a count alone, at ±2 √n.
                by_chance = f"a count of {events} moves by ±{200 / events**0.5:.0f} % by chance alone" if events else ""
                ending = by_chance or "no ratio can be formed"
                found.append(f"The {name} had only {events} {what} {said} the start: {ending}.")
    if panel.starts and panel.starts[0] < 12:
        found.append(f"Only {panel.starts[0]} periods lie before the first start: a trend before it is hard to see.")
    return found
