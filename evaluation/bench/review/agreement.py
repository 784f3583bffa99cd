"""How far two reviewers agree beyond chance: Cohen's kappa and its interval."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from tocsin.evaluation.measures.intervals import Interval


def cohens_kappa(counts: NDArray[np.float64], confidence: float = 0.95) -> Interval | None:
    """Cohen's kappa (1960) of a square table: one's answers by row, the other's by column.

    The standard error is that of Fleiss, Cohen and Everitt (1969). The lower end is at most that which
    Wilson's lower end of the share agreed upon gives, for agreement everywhere has no standard error. None where there
    are no answers, or both gave one answer to all and chance alone explains it.
    """
    number = counts.sum()
    if not number:
        return None
    shares = counts / number
    rows, columns, agreed = shares.sum(axis=1), shares.sum(axis=0), float(np.trace(shares))
    chance = float(rows @ columns)
    if chance >= 1 - 1e-12:
        return None
    kappa = (agreed - chance) / (1 - chance)
    diagonal = np.diag(shares)
    first = (diagonal * (1 - (rows + columns) * (1 - kappa)) ** 2).sum()
    # p_ij (p_.i + p_j.)²: the column's share of i and the row's of j.
    crossed = shares * (columns[:, None] + rows[None, :]) ** 2
    second = (1 - kappa) ** 2 * (crossed.sum() - np.trace(crossed))
    variance = (first + second - (kappa - chance * (1 - kappa)) ** 2) / ((1 - chance) ** 2 * number)
    z = float(ndtri((1 + confidence) / 2))
    half = z * float(np.sqrt(max(variance, 0.0)))
    wilson = (agreed + z**2 / (2 * number) - z * np.sqrt(agreed * (1 - agreed) / number + z**2 / (4 * number**2))) / (
        1 + z**2 / number
    )
    low = min(kappa - half, (float(wilson) - chance) / (1 - chance))
    return Interval(kappa, max(low, -1.0), min(kappa + half, 1.0))
