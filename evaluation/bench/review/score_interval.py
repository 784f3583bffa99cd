"""Intervals of shares and of recall from a stratified sample, by inverting the score test.

For a value ``v`` of the figure, the likeliest shares ``p_h`` of the strata under which the figure is ``v`` are found
(Lagrange, as Miettinen and Nurminen 1985 for two groups); ``v`` is in the interval where what was heard lies within
``z`` standard deviations, *of those shares*, of it. In one stratum this is Wilson's interval (1927). Unlike intervals
from the estimated variance it has a width where all answers of a stratum agree, as in most strata they do.

Drawing without replacement from ``N`` of which ``n`` are heard counts as ``n (N - 1) / (N - n)`` answers, which gives
the variance of the hypergeometric distribution (Cochran 1977, theorem 3.2); a stratum heard whole is known.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

_CONFIDENCE = 0.95
_ROUNDING = 1e-6  # of a number of alarms, that a bisection leaves
_HALVINGS = 30

Array = NDArray[np.float64]


class Heard(NamedTuple):
    """Answers by stratum, each of shape ``(rows, strata)``: how many were true, heard, and are in the population.

    A stratum without population does not count; any other needs an answer.
    """

    true: Array
    heard: Array
    size: Array

    def share(self) -> Array:
        """True of those heard, 0 in a stratum without answers."""
        return self.true / np.maximum(self.heard, 1)


class Ends(NamedTuple):
    """Value and ends of a figure, each of shape ``(rows,)``; NaN where a stratum without answers leaves it open."""

    value: Array
    low: Array
    high: Array


def share_interval(heard: Heard, confidence: float = _CONFIDENCE) -> Ends:
    """The share of true ones in a population, and its interval, whose ends are outward to whole numbers of them.

    Where nearly all were heard few numbers are possible, and an end between two of them would leave out the outer one.
    """
    size = heard.size.sum(axis=1)
    every = np.maximum(size, 1)
    value = (heard.size * heard.share()).sum(axis=1) / every
    low, high = heard.true.sum(axis=1) / every, 1 - (heard.heard - heard.true).sum(axis=1) / every
    weights = heard.size / every[:, None]
    ends = _invert(heard, lambda theta: (weights, theta), value, low, high, confidence)
    whole = Ends(
        ends.value, np.floor(ends.low * every + _ROUNDING) / every, np.ceil(ends.high * every - _ROUNDING) / every
    )
    return _where(whole, (size > 0) & _answered(heard))


def recall_interval(found: Heard, missed: Heard, confidence: float = _CONFIDENCE) -> Ends:
    """True ones of ``found`` among those of ``found`` and ``missed``, and its interval: a ratio of two totals.

    NaN where nothing true was heard.
    """
    both = Heard(*(np.hstack(pair) for pair in zip(found, missed, strict=True)))
    true = both.size * both.share()
    mine = np.zeros(both.size.shape[1], bool)
    mine[: found.size.shape[1]] = True

    def ratio(totals: Array, others: Array) -> Array:
        part, rest = totals[:, mine].sum(axis=1), others[:, ~mine].sum(axis=1)
        return part / np.maximum(part + rest, 1e-300)

    most = both.size - (both.heard - both.true)
    scale = np.maximum(both.size.sum(axis=1, keepdims=True), 1)

    def contrast(theta: Array) -> tuple[Array, Array]:
        return both.size / scale * np.where(mine, 1 - theta[:, None], -theta[:, None]), np.zeros_like(theta)

    ends = _invert(both, contrast, ratio(true, true), ratio(both.true, most), ratio(most, both.true), confidence)
    return _where(ends, (true.sum(axis=1) > 0) & _answered(both))


def _answered(heard: Heard) -> NDArray[np.bool_]:
    return np.asarray(((heard.heard > 0) | (heard.size == 0)).all(axis=1))


def _where(ends: Ends, known: NDArray[np.bool_]) -> Ends:
    return Ends(*(np.where(known, part, np.nan) for part in ends))


def _invert(
    heard: Heard,
    contrast: Callable[[Array], tuple[Array, Array]],
    value: Array,
    lowest: Array,
    highest: Array,
    confidence: float,
) -> Ends:
    """Ends between which ``contrast`` of a value, ``(coefficients, sum)`` over the shares, is not refuted."""
    z = float(ndtri((1 + confidence) / 2))
    known = (heard.heard >= heard.size) | (heard.heard == 0)
    left = np.where(known, 1.0, heard.size - heard.heard)
    number = np.where(known, 1.0, heard.heard * (heard.size - 1) / left)
    share = heard.share()
    true = number * share

    def within(theta: Array) -> NDArray[np.bool_]:
        coefficients, total = contrast(theta)
        rest = total - np.where(known, coefficients * share, 0.0).sum(axis=1)
        coefficients = np.where(known, 0.0, coefficients)
        likeliest = _constrained(true, number, coefficients, rest)
        variance = (coefficients**2 * likeliest * (1 - likeliest) / number).sum(axis=1)
        return ((coefficients * share).sum(axis=1) - rest) ** 2 <= z**2 * variance

    def end(outside: Array) -> Array:
        inside = value.copy()
        for _ in range(_HALVINGS):
            middle = (inside + outside) / 2
            good = within(middle)
            inside, outside = np.where(good, middle, inside), np.where(good, outside, middle)
        return np.asarray((inside + outside) / 2)

    return Ends(value, end(np.minimum(lowest, value)), end(np.maximum(highest, value)))


def _constrained(true: Array, number: Array, coefficients: Array, total: Array) -> Array:
    """The likeliest shares of which the sum, times ``coefficients``, is ``total``; as near as shares can come.

    With a multiplier ``m`` they solve ``x / p - (n - x) / (1 - p) = m c``, a quadratic in ``p``; their sum falls as
    ``m`` grows.
    """
    largest = abs(coefficients).max(axis=1)
    scale = number.sum(axis=1) / np.where(largest > 0, largest, 1.0)
    low, high = -np.ones(len(total)), np.ones(len(total))
    shares = true / number
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        shares = _shares(true, number, (scale * middle / (1 - middle**2))[:, None] * coefficients)
        above = (coefficients * shares).sum(axis=1) > total
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return shares


def _shares(true: Array, number: Array, pull: Array) -> Array:
    """The root between 0 and 1, in the form that loses no digits: of ``p`` for a pull down, of ``1 - p`` for one up."""
    strength, side = abs(pull), np.where(pull >= 0, true, number - true)
    both = number + strength
    root = 2 * side / (both + np.sqrt(np.maximum(both**2 - 4 * strength * side, 0.0)))
    return np.where(pull >= 0, root, 1 - root)
