"""Which arrivals belong to one sound: a consensus over all source positions.

Every sensor's arrivals make a function of time, the evidence that direct sound came then. A source position delays
these functions by its travel times; where their sum has a peak, a sound was made there and then. Echoes, misses and
other sounds only fail to add up. The shots of a burst share a position, and their peaks are added for it. Peaks are
sought on a grid (``back_projection.py``); here the arrivals themselves move them to where they agree best.

Calhoun et al. 2021 (arXiv 2108.07377) seek the largest set of pulses that agree within 40 ms; this is the same idea
with weights. The evidence is a ratio of likelihoods: an arrival of given odds against the clutter of all others, and
silence of a sensor against its hearing the shot, which is the less expected the farther it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tocsin.localization.association.back_projection import SEPARATION_S, SHOT_COST, Start, back_project
from tocsin.localization.observation.arrivals import CLUTTER_PER_S, Array, Arrivals, Indices
from tocsin.localization.observation.nearby import (
    LATEST_S,
    PATH_SIGMA_S,
    Nearby,
    hearing_at_distance,
    likelihood,
    loudness_alike_m,
    nearby,
)
from tocsin.localization.observation.travel import Air

TOLERANCE_S = 0.05
LEAST_SENSORS = 3

_STAGES = ((0.028, 4), (0.014, 4), (PATH_SIGMA_S, 5))  # of the climb: kernel (s) and steps
_STEP_M = 25.0  # a climb moves about this far at a time
_OFFSETS_M = 11.0 * np.array([(0.0, 0.0), (1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)])
_HOPELESS = SHOT_COST - 3.0  # a shot of less after the first stage is given up
_BATCH = 256  # climbs at once


@dataclass(frozen=True)
class Candidate:
    """A place, the shots that the arrivals make there, and how well they agree.

    Attributes:
        position_m: in the working frame, ``(2,)``.
        times_s: discharge of each shot after the reference, in order.
        score: natural logarithm of the likelihood ratio of all shots to clutter, less ``SHOT_COST`` each.
        wants: indices of the arrivals that fit its shots.
    """

    position_m: Array
    times_s: Array
    score: float
    wants: Indices


def associate(arrivals: Arrivals, air: Air, about_m: Array | None = None) -> list[Candidate]:
    """Return the places that explain arrivals as shots, the best first.

    Each candidate stands alone: it takes whatever arrivals it needs. The caller accepts those that do not want the
    same ones, and asks again, about the places of those (``about_m``): elsewhere nothing has changed for the better.
    """
    return climb(arrivals, air, back_project(arrivals, air, about_m))


def climb(arrivals: Arrivals, air: Air, starts: Sequence[Start]) -> list[Candidate]:
    """Move places to where the arrivals agree best, from five points about each; the best first, none of no shot."""
    found = []
    for first in range(0, len(starts), _BATCH):
        found += _climb(arrivals, air, starts[first : first + _BATCH])
    return sorted((item for item in found if item.times_s.size), key=lambda item: -item.score)


def _climb(arrivals: Arrivals, air: Air, starts: Sequence[Start]) -> list[Candidate]:
    """Weighted least squares, the weights from the kernel about each arrival: every step climbs (as in a mean shift).

    A *path* is a start and one of its offsets; a row is a path and one of its shots.
    """
    offsets = len(_OFFSETS_M)
    places = (np.array([start.position_m for start in starts])[:, None] + _OFFSETS_M).reshape(-1, 2)
    path = np.repeat(np.arange(len(places)), np.repeat([start.times_s.size for start in starts], offsets))
    times = np.concatenate([np.tile(start.times_s, offsets) for start in starts])
    for stage, (sigma_s, steps) in enumerate(_STAGES):
        near = nearby(arrivals, air, places[path], times)
        for _ in range(steps):
            move, later = _step(near, air, places, times, path, sigma_s)
            places = places + move
            times = times + later
        if stage == 0:
            # Go on with the best of the offsets alone, and with those of its shots that are not hopeless.
            scores = near.evidence(near.lags_s(air, places[path], times), sigma_s) - _HOPELESS
            total = np.bincount(path, np.maximum(scores, 0.0), len(places))
            best = np.arange(0, len(places), offsets) + total.reshape(-1, offsets).argmax(axis=1)
            places = places[best]
            kept = np.isin(path, best) & (scores > 0.0)
            path, times = path[kept] // offsets, times[kept]
            if not times.size:
                return []
    near, lags = _about(arrivals, air, places[path], times)
    scores = near.evidence(lags) - SHOT_COST
    members = members_by_shot(near, lags, times.size)
    scores[[held.size < LEAST_SENSORS for held in members]] = 0.0
    row_of = np.append(np.flatnonzero(np.diff(path, prepend=-1)), path.size)
    return [
        _candidate(places[path[low]], times[low:high], scores[low:high], members[low:high])
        for low, high in pairwise(row_of.tolist())
    ]


def _step(near: Nearby, air: Air, places: Array, times: Array, path: Indices, sigma_s: float) -> tuple[Array, Array]:
    """How far to move each path, ``(paths, 2)``, and each shot, ``(rows,)``: one normal equation a path."""
    if not near.shot.size:
        return np.zeros_like(places), np.zeros_like(times)
    paths_m = near.paths_m(places[path])
    lags = near.lags_s(air, places[path], times)
    sigma = np.hypot(sigma_s, near.sigma_s)
    square = (lags / sigma) ** 2
    # The broad tail is a second, three times wider Gaussian here: it pulls from afar, with little weight.
    narrow, wide = 0.9 * np.exp(-0.5 * square), (0.1 / 3.0) * np.exp(square / -18.0)
    scale = near.odds * near.hearing / (np.sqrt(2.0 * np.pi) * CLUTTER_PER_S * sigma)
    heard = 1.0 - near.hearing[near.first] + np.add.reduceat(scale * (narrow + wide), near.first)
    weight = scale * (narrow + wide / 9.0) / sigma**2 / heard[near.group]
    east, north = paths_m.T / (np.hypot(*paths_m.T) + 1e-9) / air.speed_mps  # slopes of the travel time

    def mean(values: Array) -> Array:
        return np.asarray(np.bincount(near.shot, weight * values, times.size) / mass)

    mass = np.bincount(near.shot, weight, times.size) + 1e-9
    mean_lag, mean_east, mean_north = mean(lags), mean(east), mean(north)

    def moment(first: Array, second: Array, mean_first: Array, mean_second: Array) -> Array:
        return np.asarray(np.bincount(path, mass * (mean(first * second) - mean_first * mean_second), len(places)))

    east_east = moment(east, east, mean_east, mean_east) + 1.0 / _STEP_M**2
    north_north = moment(north, north, mean_north, mean_north) + 1.0 / _STEP_M**2
    east_north = moment(east, north, mean_east, mean_north)
    east_lag, north_lag = moment(east, lags, mean_east, mean_lag), moment(north, lags, mean_north, mean_lag)
    move = np.stack((north_north * east_lag - east_north * north_lag, east_east * north_lag - east_north * east_lag), 1)
    move /= (east_east * north_north - east_north**2)[:, None]
    move *= np.minimum(1.0, _STEP_M / (np.hypot(*move.T) + 1e-9))[:, None]
    return move, mean_lag - mean_east * move[path, 0] - mean_north * move[path, 1]


def shot_scores(
    arrivals: Arrivals, air: Air, position_m: Array, times_s: Array, sigma_s: float = PATH_SIGMA_S
) -> Array:
    """Evidence, ``(shots,)``, for a shot at one place and each of some times: the logarithm of a likelihood ratio."""
    near, lags = _about(arrivals, air, position_m, times_s)
    return near.evidence(lags, sigma_s)


def assign(arrivals: Arrivals, air: Air, position_m: Array, times_s: Array) -> list[Indices]:
    """For each shot the arrival of each sensor, one at most, that fits it best: by its odds and its residual."""
    near, lags = _about(arrivals, air, position_m, times_s)
    return members_by_shot(near, lags, len(times_s))


def _about(arrivals: Arrivals, air: Air, places_m: Array, times_s: Array) -> tuple[Nearby, Array]:
    """What shots, all at one place or each at its own, can have to do with, and how late that came."""
    places = np.broadcast_to(places_m, (len(times_s), 2))
    near = nearby(arrivals, air, places, times_s, LATEST_S)
    return near, near.lags_s(air, places, times_s)


def _members(near: Nearby, lags_s: Array) -> Indices:
    """The pair of each shot and sensor that fits best, where one is within the tolerance."""
    residual = np.abs(lags_s) / PATH_SIGMA_S
    fit = np.log(near.odds) - np.minimum(0.5 * residual**2, 2.0 * residual)
    close = np.flatnonzero(np.abs(lags_s) < TOLERANCE_S)
    by_fit = close[np.lexsort((-fit[close], near.group[close]))]
    group = near.group[by_fit]
    return by_fit[np.flatnonzero(np.diff(group, prepend=-1))]


def members_by_shot(near: Nearby, lags_s: Array, shots: int) -> list[Indices]:
    """For each shot the arrival of each sensor, one at most, that fits best, of pairs late by ``lags_s``."""
    pairs = _members(near, lags_s)
    ends = np.cumsum(np.bincount(near.shot[pairs], minlength=shots))[:-1]
    return [np.sort(indices) for indices in np.split(near.members[pairs], ends)]


def candidate_at(arrivals: Arrivals, air: Air, position_m: Array, times_s: Array) -> Candidate:
    """Score a place exactly; times that make no shot there, or the same one twice, are dropped."""
    near, lags = _about(arrivals, air, position_m, times_s)
    return _candidate(position_m, times_s, near.evidence(lags) - SHOT_COST, members_by_shot(near, lags, len(times_s)))


def _candidate(position_m: Array, times_s: Array, scores: Array, members: Sequence[Indices]) -> Candidate:
    kept: list[int] = []
    for shot in np.argsort(-scores, kind="stable").tolist():
        if scores[shot] > 0.0 and all(abs(times_s[shot] - times_s[other]) > SEPARATION_S / 2 for other in kept):
            kept.append(shot)
    kept.sort(key=lambda shot: float(times_s[shot]))
    wants = np.unique(np.concatenate([members[shot] for shot in kept])) if kept else np.array([], dtype=np.intp)
    return Candidate(position_m, times_s[kept], float(scores[kept].sum()), wants)


def hearing_at(arrivals: Arrivals, position_m: Array) -> Array:
    """Probability, ``(m,)``, that each sensor picks the direct sound of a shot fired at a place."""
    return hearing_at_distance(loudness_alike_m(np.hypot(*(arrivals.sensors_m - position_m).T)))


def evidence(arrivals: Arrivals, sensor: int, at_s: Array, hearing: float, sigma_s: float) -> Array:
    """Evidence of one sensor for a shot whose direct sound would come at given times; negative where it is silent.

    Args:
        arrivals: all arrivals.
        sensor: its index.
        at_s: the times, any shape; the result has the same.
        hearing: probability that the sensor picks such a shot.
        sigma_s: standard deviation of the travel time.
    """
    own = arrivals.sensor == sensor
    sigma = np.hypot(sigma_s, arrivals.sigma_s[own])
    density = likelihood(np.abs(at_s[..., None] - arrivals.time_s[own]) / sigma) / sigma
    ratio = (density @ arrivals.odds[own]) / CLUTTER_PER_S
    return np.asarray(np.log1p(hearing * (ratio - 1.0)))
