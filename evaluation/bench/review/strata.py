"""Strata of scores: where to cut a log so that what lies in one part is much alike.

The cuts are those of Dalenius and Hodges (1959): equal steps of the cumulated square root of the frequencies. They come
near the least variance that cuts can reach (Cochran 1977, section 5A.7). Quantiles would not: most scores of a log lie
at its ends, where truth is hardly in doubt, and quantiles would cut those ends finely and the doubtful middle not.
"""

import numpy as np
from numpy.typing import NDArray

BINS = 100


def lower_edges(scores: NDArray[np.float64], count: int, cut: float | None = None) -> NDArray[np.float64]:
    """Lowest score of each stratum, rising: ``count`` of them, or fewer where no more hold anything.

    Args:
        scores: shape ``(n,)``.
        count: strata wanted, 1 or more.
        cut: a score at which a stratum must begin; the nearest other edge moves there. With one stratum it makes two.

    Returns:
        Shape ``(strata,)``; a score belongs to the last stratum whose edge it reaches (``stratum_of``).
    """
    frequencies, bounds = np.histogram(scores, bins=BINS)
    steps = np.cumsum(np.sqrt(frequencies))
    inner = bounds[1 + np.searchsorted(steps, steps[-1] * np.arange(1, count) / count)]
    if cut is not None:
        nearest = int(np.argmin(abs(inner - cut))) if len(inner) else 0
        inner = np.append(np.delete(inner, nearest) if len(inner) else inner, cut)
    edges = np.unique(np.append(inner, scores.min()))
    edges = edges[edges >= scores.min()]
    held = np.bincount(stratum_of(scores, edges), minlength=len(edges))
    return edges[held > 0]


def stratum_of(scores: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.intp]:
    """Place of the stratum of each score, shape as ``scores``."""
    return np.searchsorted(edges, scores, side="right") - 1
