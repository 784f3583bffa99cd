"""The bootstrap over sessions that every interval of the bench rests on, for many thresholds at once.

Recordings of one session resemble one another, so whole sessions are drawn with replacement, never recordings or
windows (a cluster bootstrap; Davison and Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8). A draw
is kept as how often it holds each session. What is summed over sessions is then a matrix product for all draws and
thresholds.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, ndtr, stdtrit

from tocsin import TocsinError
from tocsin.evaluation.measures.intervals import Band, Interval

N_RESAMPLES = 1000
# Thresholds that are drawn for in one go, so that memory stays flat however many there are.
_AT_ONCE = 2_000

# Counts of the sessions in each draw, shape (draws, sessions), to the figure of each draw, shape (draws,).
OfCounts = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def resample_counts(
    n_sessions: int, n_resamples: int = N_RESAMPLES, seed: int = 0, strata: ArrayLike | None = None
) -> NDArray[np.float64]:
    """How often each draw holds each session, shape (n_resamples, n_sessions).

    As many sessions are drawn, with replacement, as there are. ``strata``, shape (n_sessions,), names the kind of each:
    every draw then holds as many of a kind as there are, so that no draw lacks one.

    Raises:
        TocsinError: there is no session, or ``strata`` has another length.
    """
    if n_sessions < 1:
        raise TocsinError("a bootstrap over sessions needs at least one session, and here is none")
    kinds = np.zeros(n_sessions, dtype=int) if strata is None else np.asarray(strata)
    if kinds.shape != (n_sessions,):
        raise TocsinError(
            f"strata must name the kind of each of the {n_sessions} sessions, not have shape {kinds.shape}"
        )
    rng = np.random.default_rng(seed)
    counts = np.empty((n_resamples, n_sessions))
    for kind in np.unique(kinds):
        places = np.flatnonzero(kinds == kind)
        counts[:, places] = rng.multinomial(len(places), np.full(len(places), 1 / len(places)), n_resamples)
    return counts


def expanded_percentile(
    values: ArrayLike, n_sessions: int, confidence: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper ends of the expanded percentile interval (Hesterberg 2015, section 4.1.2), each (…).

    ``values`` of the draws have shape (n_resamples, …); a draw that has no value there (NaN) is left out. The plain
    percentile interval of few sessions is too narrow, by the root of (n - 1) / n and by normal quantiles in place of
    Student's. So its tails are taken as Φ(-√(n / (n - 1)) t(n - 1)). One session says nothing of others: both are NaN.
    """
    drawn = np.asarray(values, dtype=np.float64)
    nothing = np.full(drawn.shape[1:], np.nan)
    if n_sessions < 2 or not len(drawn):
        return nothing, nothing.copy()
    reach = -stdtrit(n_sessions - 1, (1.0 - confidence) / 2.0) * np.sqrt(n_sessions / (n_sessions - 1))
    tail = float(ndtr(-reach))
    lacking = np.isnan(drawn)
    if not lacking.any():
        low, high = np.quantile(drawn, [tail, 1.0 - tail], axis=0)
        return np.asarray(low), np.asarray(high)
    none = lacking.all(axis=0)
    # A place without any value would make NumPy warn.
    low, high = np.nanquantile(np.where(none, 0.0, drawn), [tail, 1.0 - tail], axis=0)
    return np.where(none, np.nan, low), np.where(none, np.nan, high)


def interval_over_sessions(
    statistic: OfCounts,
    n_sessions: int,
    n_resamples: int = N_RESAMPLES,
    confidence: float = 0.95,
    seed: int = 0,
    strata: ArrayLike | None = None,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Interval:
    """Any figure of sessions, with the widest of three intervals on each side.

    These are the expanded percentile interval; the same turned about the figure (Davison and Hinkley 1997, eq. 5.6),
    which knows of figures that the draws push to one side, as they do a calibration error; and Student's with the
    standard error of leaving out one session at a time (section 2.7), on the scale of the log odds where the figure has
    bounds. With few or uneven sessions each alone covers less than it states, and together most nearly what they state
    (benchmarks/interval_coverage.py). A figure at its bound is stated as Clopper and Pearson state one of as many
    trials as there are sessions.

    Args:
        statistic: counts of the sessions in each draw, shape (draws, sessions), to the figure of each draw, (draws,),
            NaN where it has none.
        n_sessions: those that have a say in the figure.
        n_resamples: draws.
        confidence: of the interval.
        seed: of the draws.
        strata: as in ``resample_counts``.
        bounds: what the figure cannot be below and above, such as 0 and 1.

    Returns:
        Ends of NaN for a single session, or one of each kind.
    """
    kinds = np.zeros(n_sessions, dtype=int) if strata is None else np.unique(strata, return_inverse=True)[1]
    value = float(statistic(np.ones((1, n_sessions)))[0])
    freedom = n_sessions - len(np.unique(kinds))
    if freedom < 1 or np.isnan(value):
        return Interval(value, np.nan, np.nan)
    drawn = statistic(resample_counts(n_sessions, n_resamples, seed, strata))
    low, high = expanded_percentile(drawn, freedom + 1, confidence)
    left_low, left_high = _jackknife(statistic, value, kinds, freedom, confidence, bounds)
    # Without the only session of its kind there may be no figure: then the draws alone speak.
    lows, highs = np.array([low, 2 * value - high, left_low]), np.array([high, 2 * value - low, left_high])
    ends = np.clip([np.fmin.reduce(lows), np.fmax.reduce(highs)], *bounds)
    return Interval(value, float(ends[0]), float(ends[1]))


def _jackknife(
    statistic: OfCounts,
    value: float,
    kinds: NDArray[np.intp],
    freedom: int,
    confidence: float,
    bounds: tuple[float, float],
) -> tuple[float, float]:
    """Ends of Student's interval from leaving out one session at a time, as ``interval_over_sessions`` says."""
    tail, (least, most) = (1.0 - confidence) / 2.0, bounds
    if np.isfinite(bounds).all() and not least < value < most:
        reached = tail ** (1 / len(kinds)) * (most - least)
        return (least + reached, most) if value >= most else (least, most - reached)
    without = np.concatenate([statistic(rows) for rows in _without_one(len(kinds))])
    scaled = np.isfinite(bounds).all()
    at = value
    if scaled:
        at = float(logit((value - least) / (most - least)))
        # A figure that is at its bound without one session lies as far as the log odds of this from it.
        without = logit(np.clip((without - least) / (most - least), 1e-4, 1 - 1e-4))
    variance = 0.0
    for kind in np.unique(kinds):
        left = without[kinds == kind]
        variance += (len(left) - 1) / len(left) * float(((left - left.mean()) ** 2).sum())
    reach = -stdtrit(freedom, tail) * np.sqrt(variance)
    ends = np.array([at - reach, at + reach])
    if scaled:
        ends = least + (most - least) * expit(ends)
    return float(ends[0]), float(ends[1])


def _without_one(n_sessions: int) -> Iterator[NDArray[np.float64]]:
    """Counts of all sessions but one, for each, some hundred rows at a time."""
    for start in range(0, n_sessions, 500):
        rows = np.ones((min(500, n_sessions - start), n_sessions))
        rows[np.arange(len(rows)), start + np.arange(len(rows))] = 0
        yield rows


def session_curve_band(
    numerators: ArrayLike,
    denominators: ArrayLike,
    n_resamples: int = N_RESAMPLES,
    confidence: float = 0.95,
    seed: int = 0,
    strata: ArrayLike | None = None,
) -> Band:
    """A ratio of sums over sessions at every threshold, with its interval from drawn sessions.

    Of shares and rates the intervals of ``clustered`` cover better (benchmarks/interval_coverage.py): this one serves
    ratios that are neither.

    Args:
        numerators: what each session adds above the line at each threshold, shape (sessions, thresholds).
        denominators: what it adds below, shape (sessions,) where no threshold changes it, else as ``numerators``.
        n_resamples: draws of sessions, the same ones at every threshold.
        confidence: of the interval at each threshold, not of the band as a whole.
        seed: of the draws.
        strata: as in ``resample_counts``.

    Returns:
        NaN where the sum below the line is 0, and for the ends where only one session adds to it.

    Raises:
        TocsinError: the shapes do not fit, or there is no session.
    """
    above, below = np.asarray(numerators, dtype=np.float64), np.asarray(denominators, dtype=np.float64)
    if below.ndim == 1:
        below = below[:, None]
    if above.ndim != 2 or below.ndim != 2 or len(above) != len(below) or below.shape[1] not in (1, above.shape[1]):
        raise TocsinError(
            f"numerators must have the shape (sessions, thresholds), denominators the same or (sessions,), not "
            f"{above.shape} and {np.shape(denominators)}"
        )
    counts = resample_counts(len(above), n_resamples, seed, strata)
    counting = np.broadcast_to((below > 0).sum(axis=0), above.shape[1:])
    value = ratio(above.sum(axis=0), below.sum(axis=0))
    low, high = np.full(value.shape, np.nan), np.full(value.shape, np.nan)
    for start in range(0, above.shape[1], _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        drawn = ratio(counts @ above[:, part], counts @ (below if below.shape[1] == 1 else below[:, part]))
        # Sessions that add nothing below the line are no evidence: the others alone say how few there are.
        for n_sessions in np.unique(counting[part]):
            places = np.flatnonzero(counting[part] == n_sessions)
            low[start + places], high[start + places] = expanded_percentile(drawn[:, places], n_sessions, confidence)
    return Band(value, low, high)


def ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """``above / below``, NaN where that is a division by 0."""
    out = np.full(np.broadcast_shapes(above.shape, below.shape), np.nan)
    return np.divide(above, below, out=out, where=np.broadcast_to(below > 0, out.shape))
