"""Two detectors on the same recordings: what only one gets right, and by how much they differ.

Both heard the same sessions, so a draw holds the same sessions for both, and what makes a session hard for both cancels
out of their difference.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, chdtrc

from tocsin import TocsinError
from tocsin.evaluation.measures.bootstrap import N_RESAMPLES, interval_over_sessions
from tocsin.evaluation.measures.intervals import Interval

Array = NDArray[np.float64]


class McNemar(NamedTuple):
    """What only one of two gets right, and how likely so uneven a division is where both are equally good.

    ``p_exact`` and ``p_mid`` take all for independent; ``p_sessions`` takes sessions alone for independent.
    """

    only_a: int
    only_b: int
    p_exact: float
    p_mid: float
    p_sessions: float


def mcnemar(a_right: ArrayLike, b_right: ArrayLike, sessions: ArrayLike) -> McNemar:
    """McNemar's test of two detectors, for independent cases and for cases of sessions.

    Exact: two-sided binomial test of the discordant cases. Mid-p: that less the chance of just this division, for the
    exact test is right less often than it could be (Fagerland et al. 2013). Of sessions: the statistic of Durkalski et
    al. (2003, eq. 4) in which each session's difference of discordant cases is taken over its cases, against the
    chi-square distribution of one degree; 1 where no case is discordant.

    Args:
        a_right: whether the first is right, bool of shape (cases,).
        b_right: the same of the second.
        sessions: name or number of each case's session, shape (cases,).

    Raises:
        TocsinError: there is no case, or the shapes differ.
    """
    right_a, right_b, names = np.asarray(a_right, dtype=bool), np.asarray(b_right, dtype=bool), np.asarray(sessions)
    if not right_a.shape == right_b.shape == names.shape or right_a.ndim != 1 or not len(names):
        shapes = f"{right_a.shape}, {right_b.shape} and {names.shape}"
        raise TocsinError(f"a comparison needs the answers of both and the session of each case, not shapes {shapes}")
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    discordant, fewer = only_a + only_b, min(only_a, only_b)
    exact = min(1.0, 2.0 * float(bdtr(fewer, discordant, 0.5))) if discordant else 1.0
    here = float(bdtr(fewer, discordant, 0.5) - (bdtr(fewer - 1, discordant, 0.5) if fewer else 0.0))
    mid = (1.0 - here / 2.0 if only_a == only_b else exact - here) if discordant else 1.0
    _, of_case = np.unique(names, return_inverse=True)
    differing = np.bincount(of_case, right_a.astype(float) - right_b.astype(float)) / np.bincount(of_case)
    squares = float((differing**2).sum())
    return McNemar(only_a, only_b, exact, mid, float(chdtrc(1, differing.sum() ** 2 / squares)) if squares else 1.0)


def paired_interval(
    statistic: Callable[[Array], Array],
    sums_a: ArrayLike,
    sums_b: ArrayLike,
    n_resamples: int = N_RESAMPLES,
    confidence: float = 0.95,
    seed: int = 0,
    strata: ArrayLike | None = None,
) -> Interval:
    """Figure of the first detector less that of the second, with the interval of ``interval_over_sessions``.

    Args:
        statistic: sums over sessions, shape (draws, sums), to the figure of each draw, shape (draws,). Recall is
            ``lambda sums: sums[:, 0] / sums[:, 1]`` of what was found and what was there.
        sums_a: what each session adds to each sum by the first, shape (sessions, sums).
        sums_b: the same by the second.
        n_resamples: draws, each of the same sessions for both.
        confidence: of the interval.
        seed: of the draws.
        strata: as in ``resample_counts``.

    Raises:
        TocsinError: the shapes differ.
    """
    first, second = np.asarray(sums_a, dtype=np.float64), np.asarray(sums_b, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 2:
        raise TocsinError(f"sums of both must have one shape (sessions, sums), not {first.shape} and {second.shape}")

    def difference(counts: Array) -> Array:
        return statistic(counts @ first) - statistic(counts @ second)

    return interval_over_sessions(difference, len(first), n_resamples, confidence, seed, strata)
