"""Whether a probability means what it says: reliability by bins, expected calibration error, Brier score."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tocsin import TocsinError

BINS = 15


class Bin(NamedTuple):
    """Answers whose stated probability lies in one bin: their share of all weight, what was stated, what came true."""

    low: float
    high: float
    share: float
    stated: float
    observed: float


def reliability(stated: ArrayLike, came_true: ArrayLike, weights: ArrayLike | None = None) -> list[Bin]:
    """Bins of equal width that hold answers; a probability on an edge belongs to the bin below, 0 to the first.

    ``stated`` (0 … 1), ``came_true`` (bool) and ``weights`` have shape (n,). Raises ``TocsinError`` for none, or for
    what is no probability.
    """
    said, true, weighted = _checked(stated, came_true, weights)
    places = np.clip(np.ceil(said * BINS).astype(int) - 1, 0, BINS - 1)
    bins = []
    for place in np.unique(places):
        inside = places == place
        weight = weighted[inside].sum()
        if weight > 0:
            means = ((weighted[inside] * values[inside]).sum() / weight for values in (said, true))
            bins.append(Bin(place / BINS, (place + 1) / BINS, float(weight / weighted.sum()), *map(float, means)))
    return bins


def expected_calibration_error(stated: ArrayLike, came_true: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Mean distance of what was stated from what came true, over 15 bins of equal width (Guo et al. 2017, eq. 3).

    Shapes and errors as in ``reliability``.
    """
    return sum(bin.share * abs(bin.stated - bin.observed) for bin in reliability(stated, came_true, weights))


def at_share(stated: ArrayLike, taught: ArrayLike, told: float) -> NDArray[np.float64]:
    """Probabilities ``(n,)`` stated for a share ``taught`` of positives, a number or ``(n,)``, as they are at ``told``.

    Bayes' rule on the odds (Elkan 2001, theorem 2; Saerens et al. 2002): what is rarer is less likely, by so much.
    """
    said, share = np.asarray(stated, dtype=np.float64), np.asarray(taught, dtype=np.float64)
    for_it, against_it = said * told / share, (1.0 - said) * (1.0 - told) / (1.0 - share)
    return np.asarray(for_it / (for_it + against_it))


def brier_score(stated: ArrayLike, came_true: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Mean squared distance of the probability from 1 or 0 (Brier 1950, of one class). As ``reliability``."""
    said, true, weighted = _checked(stated, came_true, weights)
    return float(np.average((said - true) ** 2, weights=weighted))


def _checked(
    stated: ArrayLike, came_true: ArrayLike, weights: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    said, true = np.asarray(stated, dtype=np.float64), np.asarray(came_true, dtype=np.float64)
    weighted = np.ones(said.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    if not said.shape == true.shape == weighted.shape or said.ndim != 1 or weighted.sum() <= 0:
        raise TocsinError(
            f"probabilities, outcomes and weights must have one shape (n,), not {said.shape}, {true.shape} and "
            f"{weighted.shape}, and weigh something"
        )
    if not ((said >= 0) & (said <= 1)).all():
        raise TocsinError("a probability lies between 0 and 1, and here is one that does not")
    return said, true, weighted
