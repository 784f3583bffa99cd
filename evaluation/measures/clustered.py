"""Shares and rates with intervals that know of sessions: sounds of one session resemble one another.

Both take an exact interval (Clopper and Pearson 1934 of a share, Garwood 1936 of a rate) for as many independent cases
as the spread between sessions says the data are worth: Korn and Graham 1998, "Confidence intervals for proportions with
small expected number of positive counts estimated from survey data". Other than a bootstrap they have a width where all
or none was found.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta, norm, t

from tocsin import TocsinError
from tocsin.evaluation.measures.intervals import Interval, Rate, poisson_rate


class Worth(NamedTuple):
    """How many independent cases the data are worth, of how many in how many sessions."""

    independent: float
    cases: float
    sessions: int


def share(hits: ArrayLike, of: ArrayLike, confidence: float = 0.95) -> Interval:
    """Share of cases with its interval; ``hits`` and ``of`` count those of each session, shape (sessions,).

    Sessions without cases say nothing. Where all sessions agree that all or none was hit, a session counts as one case.

    Raises:
        TocsinError: there is no case.
    """
    hit, cases = _cases(hits, of)
    value, worth = hit.sum() / cases.sum(), worth_of(hit, cases, confidence).independent
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if value == 0 else float(beta.ppf(tail, value * worth, (1 - value) * worth + 1))
    high = 1.0 if value == 1 else float(beta.ppf(1 - tail, value * worth + 1, (1 - value) * worth))
    return Interval(float(value), low, high)


def worth_of(hits: ArrayLike, of: ArrayLike, confidence: float = 0.95) -> Worth:
    """Of a share: the effective sample size, with the degrees of freedom of the sessions; as :func:`share`."""
    hit, cases = _cases(hits, of)
    sessions, number = len(cases), cases.sum()
    value = hit.sum() / number
    if sessions < 2 or value in (0.0, 1.0):
        return Worth(float(sessions), float(number), sessions)
    variance = sessions / (sessions - 1) * ((hit - value * cases) ** 2).sum() / number**2
    independent = value * (1 - value) / variance if variance > 0 else np.inf
    # The variance is itself an estimate from few sessions.
    ratio = t.ppf(0.5 + confidence / 2, max(number - 1, 1)) / t.ppf(0.5 + confidence / 2, sessions - 1)
    return Worth(float(min(independent * ratio**2, number)), float(number), sessions)


def rate(counts: ArrayLike, hours: ArrayLike, confidence: float = 0.95) -> Rate:
    """Events an hour with an interval wider than the Poisson one by what sessions differ more than chance lets them.

    ``counts`` and ``hours`` are of each session, shape (sessions,). With one session, or no event, it is the Poisson
    interval: nothing tells how sessions differ.

    Raises:
        TocsinError: there is no time.
    """
    count, time = np.asarray(counts, dtype=np.float64), np.asarray(hours, dtype=np.float64)
    if time.sum() <= 0:
        raise TocsinError("a rate needs time that was listened to, and here is none")
    total, sessions = count.sum(), int((time > 0).sum())
    value = total / time.sum()
    exact = poisson_rate(int(total), float(time.sum()), confidence)
    if total == 0 or sessions < 2:
        return exact
    spread = sessions / (sessions - 1) * ((count - value * time) ** 2).sum() / total
    ratio = t.ppf(0.5 + confidence / 2, sessions - 1) / norm.ppf(0.5 + confidence / 2)
    # A session weighs as much less as sessions differ more; never more than an event of its own.
    factor = max(1.0, spread * ratio**2)
    low, high = _garwood(total / factor, confidence)
    return Rate(float(value), float(low * factor / time.sum()), float(high * factor / time.sum()))


def _garwood(count: float, confidence: float) -> tuple[float, float]:
    from scipy.special import gammaincinv

    tail = (1.0 - confidence) / 2.0
    return float(gammaincinv(count, tail)), float(gammaincinv(count + 1, 1 - tail))


def _cases(hits: ArrayLike, of: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    hit, cases = np.asarray(hits, dtype=np.float64), np.asarray(of, dtype=np.float64)
    some = cases > 0
    if not some.any():
        raise TocsinError("a share needs cases, and here are none")
    return hit[some], cases[some]
