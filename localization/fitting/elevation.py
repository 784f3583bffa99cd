"""How high a sound was made: a refit along slant paths, and whether that is above where guns are fired.

A place is found in the plane. A sound from above reaches near sensors later than a place in the plane says, and far
ones less so; where the sensors that heard it tell its height, its arrivals are chosen and the place is fitted again in
space, with the errors of the fit in the plane, the weather's among them. Heights are in the datum of the sensors'; the
ground is taken to be where the sensors about the place stand, for no map is at hand.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tocsin.localization.association.back_projection import SHOT_COST
from tocsin.localization.association.consensus import LEAST_SENSORS, members_by_shot
from tocsin.localization.fitting.settle import Located
from tocsin.localization.fitting.solve import solve
from tocsin.localization.observation.arrivals import CLUTTER_PER_S, Array, Arrivals
from tocsin.localization.observation.nearby import LATEST_S, MOST_SENSORS, PATH_SIGMA_S, Nearby, nearby
from tocsin.localization.observation.travel import Air, travel_times_s

LEAST_SENSORS_IN_SPACE = 6  # four unknowns, and two arrivals that can contradict them
LARGEST_SIGMA_M = 25.0
HIGHEST_M = 400.0  # above the ground
LOW_M = 25.0  # above the ground; what is lower may be a gun on a roof
LEAST_GAIN = 4.0  # of evidence over the best place below LOW_M
NORMAL_95_ONE_SIDED = 1.6448536269514722
NEAREST = 4  # sensors that tell where the ground is

_STARTS_M = np.array([10.0, 60.0, 130.0, 230.0])  # above the ground; the first stays below LOW_M
_STAGES = ((0.08, 5), (0.028, 4), (PATH_SIGMA_S, 5))  # of the climb: kernel (s) and steps
_STEP_M = 50.0


def with_elevation(arrivals: Arrivals, air: Air, located: Located, claimed: npt.NDArray[np.bool_]) -> Located:
    """Fit the place in space where its height is observable, else return it as it is.

    The slant path hardly depends on the height of a low source, and a shot near the ground is best placed in the
    plane. So the height is kept where no place below ``LOW_M`` explains the arrivals as well, by ``LEAST_GAIN``; at
    least ``LEAST_SENSORS_IN_SPACE`` sensors hold it; and its standard deviation is at most ``LARGEST_SIGMA_M``. Where
    the lower 95 % bound is above ``LOW_M`` too, the source was ``airborne``.

    Args:
        arrivals: the arrays that the indices of ``located`` point into.
        air: the air.
        located: a place in the plane.
        claimed: arrivals of other places, which this one may not take, ``(n,)``.
    """
    if located.shock is not None:  # a bullet's is no firework's
        return located
    flat = located.solution
    shots = flat.times_s.size
    near = nearby(arrivals, air, np.broadcast_to(flat.position_m, (shots, 2)), flat.times_s, LATEST_S)
    sensor = arrivals.sensor[near.members]
    if np.unique(sensor[np.isfinite(arrivals.heights_m[sensor])]).size < LEAST_SENSORS_IN_SPACE:
        return located
    ground_m = ground_at(arrivals, flat.position_m)
    sensors_m = np.column_stack((near.sensors_m, arrivals.heights_m[sensor]))
    places, times = _climb(near, sensors_m, air, flat.position_m, flat.times_s, ground_m)
    lags = _lags_s(near, sensors_m, air, places, times)
    scores = np.array([near.evidence(row) for row in lags])
    best = int(scores[1:].sum(axis=1).argmax()) + 1
    # What the town does to a path it does to all rounds of a burst: they do not add up, the one that tells most counts.
    gain = float((scores[best] - scores[0]).max())
    if gain < LEAST_GAIN:
        return located
    taken, kept, chosen = claimed.copy(), [], []
    for shot, indices in enumerate(members_by_shot(near, lags[best], shots)):
        free = indices[~taken[indices]]
        if free.size >= LEAST_SENSORS:  # else it is one that another explains, seen in the plane as a second
            kept.append(shot)
            chosen.append(free)
            taken[free] = True
    if not kept:
        return located
    fitted = solve(arrivals, air, chosen, places[best], heights_m=(ground_m, ground_m + HIGHEST_M))
    above_m, sigma_m = (fitted.height_m or 0.0) - ground_m, fitted.height_sigma_m or 0.0
    held = np.unique(arrivals.sensor[np.concatenate(fitted.used)]).size
    if held < LEAST_SENSORS_IN_SPACE or sigma_m > LARGEST_SIGMA_M or not 1.0 < above_m < HIGHEST_M - 1.0:
        return located
    airborne = above_m - NORMAL_95_ONE_SIDED * sigma_m > LOW_M
    candidate = replace(
        located.candidate,
        position_m=fitted.position_m,
        times_s=fitted.times_s,
        score=max(located.candidate.score, float((scores[best, kept] - SHOT_COST).sum())),
        wants=np.unique(np.concatenate(fitted.used)),
    )
    evidence = np.maximum(located.evidence, scores[best])[kept]
    return Located(candidate, replace(fitted, airborne=airborne), evidence)


def ground_at(arrivals: Arrivals, position_m: Array) -> float:
    """Height of the nearest sensors of known height, the nearer the more; metres. NaN where no near one is known."""
    count = min(len(arrivals.sensor_ids), MOST_SENSORS)
    distance_m, sensor = arrivals.index.tree.query(position_m, np.arange(1, count + 1))
    known = np.flatnonzero(np.isfinite(arrivals.heights_m[sensor]))[:NEAREST]
    if not known.size:
        return float("nan")
    return float(np.average(arrivals.heights_m[sensor[known]], weights=1.0 / (distance_m[known] + 10.0)))


def _climb(
    near: Nearby, sensors_m: Array, air: Air, position_m: Array, times_s: Array, ground_m: float
) -> tuple[Array, Array]:
    """From each start to where the arrivals agree best: places ``(s, 3)``, times ``(s, k)``.

    Weighted least squares with the weights from the kernel about each arrival, as ``association`` does in the plane.
    """
    starts = _STARTS_M.size
    places = np.column_stack((np.tile(position_m, (starts, 1)), ground_m + _STARTS_M))
    times = np.tile(times_s, (starts, 1))
    highest_m = np.append(ground_m + LOW_M, np.full(starts - 1, ground_m + HIGHEST_M))
    of_shot = (near.shot[:, None] == np.arange(times_s.size)).astype(np.float64)
    for sigma_s, steps in _STAGES:
        for _ in range(steps):
            lags = _lags_s(near, sensors_m, air, places, times)
            weight = _weights(near, lags, sigma_s)
            paths = np.nan_to_num(places[:, None] - sensors_m)
            slopes = paths / ((np.linalg.norm(paths, axis=-1, keepdims=True) + 1e-9) * air.speed_mps)
            terms = np.concatenate((slopes, lags[..., None]), axis=-1)
            means = (terms * weight[..., None]).swapaxes(1, 2) @ of_shot / (weight @ of_shot + 1e-9)[:, None]
            terms -= means.swapaxes(1, 2)[:, near.shot]
            normal = (terms[..., :3] * weight[..., None]).swapaxes(1, 2) @ terms
            move = np.linalg.solve(normal[..., :3] + np.eye(3) / _STEP_M**2, normal[..., 3:])[..., 0]
            move *= np.minimum(1.0, 2.0 * _STEP_M / (np.linalg.norm(move, axis=1) + 1e-9))[:, None]
            moved = places + move
            moved[:, 2] = np.clip(moved[:, 2], ground_m, highest_m)
            times = times + means[:, 3] - ((moved - places)[:, None] @ means[:, :3])[:, 0]
            places = moved
    return places, times


def _weights(near: Nearby, lags_s: Array, sigma_s: float) -> Array:
    """Of all pairs, ``(s, p)``: how much each arrival is direct sound by the kernel, over its variance."""
    sigma = np.hypot(sigma_s, near.sigma_s)
    square = (lags_s / sigma) ** 2
    narrow, wide = 0.9 * np.exp(-0.5 * square), (0.1 / 3.0) * np.exp(square / -18.0)
    scale = near.odds * near.hearing / (np.sqrt(2.0 * np.pi) * CLUTTER_PER_S * sigma)
    heard = 1.0 - near.hearing[near.first] + np.add.reduceat(scale * (narrow + wide), near.first, axis=1)
    return np.asarray(scale * (narrow + wide / 9.0) / sigma**2 / heard[:, near.group])


def _lags_s(near: Nearby, sensors_m: Array, air: Air, places: Array, times: Array) -> Array:
    """Observed less predicted arrivals of all pairs, ``(s, p)``; out of all reach where the height is not known."""
    lags = near.time_s - times[:, near.shot] - travel_times_s(places, sensors_m, air)
    return np.nan_to_num(lags, nan=1000.0)
