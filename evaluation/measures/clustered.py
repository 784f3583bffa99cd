"""Shares and rates with intervals that know how alike the recordings of a session are, at many thresholds at once.

An exact interval takes events for independent. Those of a session are not, so they are worth fewer: as many as would
give independent events the variance that is seen between sessions, and fewer still where that variance is known from
few or uneven sessions. The exact interval of so many is stated. With few sessions, and near 0 and 1, it covers where
the bootstrap does not (benchmarks/interval_coverage.py).

The variance is the jackknife's, for a long session draws the figure to itself; and sessions count as Kish (1965) counts
them, (Σ w)² / Σ w² for weights w, so that one long session and nine short ones are hardly more than one.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, gammaincinv, ndtri, stdtrit

from tocsin import TocsinError
from tocsin.evaluation.measures.intervals import Band, Interval, Rate

Array = NDArray[np.float64]


def share(found: ArrayLike, of: ArrayLike, confidence: float = 0.95) -> Interval:
    """:func:`share_band` at one threshold: ``found`` and ``of`` have shape (sessions,).

    Raises:
        TocsinError: there was nothing to find.
    """
    band = share_band(np.asarray(found)[:, None], of, confidence)
    if np.isnan(band.value[0]):
        raise TocsinError("a share needs cases, and here are none")
    return Interval(*(float(part[0]) for part in band))


def rate(counts: ArrayLike, hours: ArrayLike, confidence: float = 0.95) -> Rate:
    """:func:`rate_band` at one threshold: ``counts`` and ``hours`` have shape (sessions,).

    Raises:
        TocsinError: there are no hours.
    """
    band = rate_band(np.asarray(counts)[:, None], hours, confidence)
    if np.isnan(band.value[0]):
        raise TocsinError("a rate needs time that was listened to, and here is none")
    return Rate(*(float(part[0]) for part in band))


def share_band(found: ArrayLike, of: ArrayLike, confidence: float = 0.95, trials: float | None = None) -> Band:
    """Share of what was there that was found, such as recall, with the interval of Korn and Graubard (1998).

    Clopper and Pearson's interval of ``trials`` over the design effect, and over (t / z)² for a variance that is known
    from few sessions. Where nothing or all was found no variance is seen: so many sessions are so many trials.

    Args:
        found: of each session at each threshold, shape (sessions, thresholds).
        of: what there was to find, shape (sessions,) or as ``found``; a session without any is left out.
        confidence: of the interval at each threshold.
        trials: single things to find, where ``found`` and ``of`` are weighted; the sum of ``of`` where not given.

    Returns:
        NaN where there was nothing to find.

    Raises:
        TocsinError: the shapes do not fit, or more was found than was there.
    """
    hits, all_of = _columns(found, of)
    if (hits > all_of * (1 + 1e-9)).any() or (hits < 0).any():
        raise TocsinError("a share needs between nothing and all found, and in a session more was found than was there")
    share, worth = _worth(hits, all_of, confidence, trials)
    tail, hit, miss = (1.0 - confidence) / 2.0, worth * share, worth * (1 - share)
    with np.errstate(invalid="ignore"):
        low = np.where(hit > 0, betaincinv(hit, miss + 1, tail), share)
        high = np.where(miss > 0, betaincinv(hit + 1, miss, 1.0 - tail), share)
    return Band(share, low, high)


def independent_cases(found: ArrayLike, of: ArrayLike, confidence: float = 0.95) -> float:
    """How many independent cases those of the sessions are worth, as :func:`share` takes them; shape (sessions,)."""
    hits, all_of = _columns(np.asarray(found)[:, None], of)
    return float(_worth(hits, all_of, confidence, None)[1][0])


def _worth(hits: Array, all_of: Array, confidence: float, trials: float | None) -> tuple[Array, Array]:
    """Share at each threshold, and how many independent trials it is known from."""
    total, sessions = all_of.sum(axis=0), _effective(all_of)
    share = np.clip(_divided(hits.sum(axis=0), total), 0.0, 1.0)
    variance = _divided(_variance_of_sum(hits - share * all_of, all_of), total**2)
    singles = total if trials is None else np.full(total.shape, float(trials))
    seen = (share > 0) & (share < 1) & (sessions > 1)
    worth = _divided(share * (1 - share) * _student_over_normal(sessions, confidence) ** -2, variance)
    # No spread between sessions that share what is neither 0 nor 1: trials are as good as independent.
    worth = np.where(seen, np.where(variance > 0, worth, singles), sessions)
    return share, np.minimum(worth, singles)


def rate_band(counts: ArrayLike, hours: ArrayLike, confidence: float = 0.95) -> Band:
    """Events an hour with Garwood's exact interval of a Poisson count, widened by how much sessions differ.

    The count and the hours are divided by the dispersion between sessions, over what a Poisson count has (McCullagh and
    Nelder 1989, section 6.2.3; 1 at the least), and by (t / z)² as in ``share_band``. Where sessions differ no more
    than a Poisson count does, and where nothing was counted or there is but one session, it is Garwood's own.

    Args:
        counts: events of each session at each threshold, shape (sessions, thresholds).
        hours: listened to, shape (sessions,) or as ``counts``; a session without any is left out.
        confidence: of the interval at each threshold.

    Returns:
        NaN where there are no hours.

    Raises:
        TocsinError: the shapes do not fit, or there is an event in no time.
    """
    events, listened = _columns(counts, hours)
    if (events[listened <= 0] != 0).any():
        raise TocsinError("a rate needs hours, and a session has events in none")
    total, sessions = listened.sum(axis=0), _effective(listened)
    count = events.sum(axis=0)
    rate = _divided(count, total)
    dispersion = _divided(_variance_of_sum(events - rate * listened, listened), count)
    wider = (sessions > 1) & (dispersion > 1)
    scale = np.where(wider, dispersion * _student_over_normal(sessions, confidence) ** 2, 1.0)
    tail, worth = (1.0 - confidence) / 2.0, count / scale
    low = np.where(worth > 0, gammaincinv(np.where(worth > 0, worth, 1.0), tail), 0.0)
    return Band(rate, _divided(low * scale, total), _divided(gammaincinv(worth + 1, 1.0 - tail) * scale, total))


def _columns(above: ArrayLike, below: ArrayLike) -> tuple[Array, Array]:
    top, bottom = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    wide = bottom[:, None] if bottom.ndim == 1 else bottom
    if top.ndim != 2 or wide.ndim != 2 or len(top) != len(wide) or wide.shape[1] not in (1, top.shape[1]):
        raise TocsinError(
            f"counts must have the shape (sessions, thresholds), what they are of the same or (sessions,), not "
            f"{top.shape} and {bottom.shape}"
        )
    return top, np.broadcast_to(wide, top.shape)


def _effective(weights: Array) -> Array:
    """Sessions that uneven ones are worth, shape (thresholds,); 0 where none weighs anything."""
    return np.nan_to_num(_divided(weights.sum(axis=0) ** 2, (weights**2).sum(axis=0)))


def _variance_of_sum(residuals: Array, weights: Array) -> Array:
    """The jackknife's variance of a sum of residuals from a common ratio, both of shape (sessions, thresholds)."""
    n_sessions = (weights > 0).sum(axis=0)
    others = 1 - np.nan_to_num(_divided(weights, np.broadcast_to(weights.sum(axis=0), weights.shape)))
    left = _divided(residuals, others)
    # A session that is all there is has no residual.
    return np.nansum(left**2, axis=0) * np.maximum(n_sessions - 1, 0) / np.maximum(n_sessions, 1)


def _student_over_normal(sessions: Array, confidence: float) -> Array:
    tail = (1.0 - confidence) / 2.0
    return stdtrit(np.maximum(sessions - 1, 1), tail) / ndtri(tail)


def _divided(above: Array, below: Array) -> Array:
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
