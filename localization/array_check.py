"""Sensors whose stated position or clock is wrong, from the residuals of many shots.

A clock that is off shifts all arrivals of its sensor alike; a position that is off shifts them by the part of its error
that points along the path, so the shift turns with the bearing of the source. Both are fitted to the residuals of each
sensor, held by the sigmas that such errors may have a priori; they are told apart where the sources lie on different
bearings. What walls do to one bearing looks like such an error: only several places, each with its own path error, make
a verdict.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tocsin.localization.incidents.shot import Shot
from tocsin.localization.observation.arrivals import Site
from tocsin.localization.observation.frames import metres_of
from tocsin.localization.observation.nearby import PATH_SIGMA_S
from tocsin.localization.observation.travel import Air

Array = npt.NDArray[np.float64]

SAME_PLACE_M = 30.0
CLOCK_PRIOR_S, POSITION_PRIOR_M = 1.0, 100.0
VERDICT_SIGMAS = 3.5
CHI_SQUARE_2D = 16.25  # as rare as 3.5 sigmas along two axes
ROUNDS = 10
HUBER_SIGMAS = 1.5


@dataclass(frozen=True)
class Observation:
    """One arrival that holds a located shot.

    Attributes:
        sensor_id: of the sensor; ``sensor_m`` its stated position, ``(2,)``, metres.
        source_m: where the shot was located, ``(2,)``, metres.
        residual_s: observed less predicted arrival.
    """

    sensor_id: str
    sensor_m: tuple[float, float]
    source_m: tuple[float, float]
    residual_s: float


@dataclass(frozen=True)
class SensorCheck:
    """What the residuals of one sensor say.

    Attributes:
        sensor_id: the sensor.
        shots: how many it was heard in; ``places`` from how many places more than 30 m apart.
        clock_s: how far its clock is ahead; ``clock_sigma_s`` the standard deviation.
        east_m: true less stated position; ``north_m`` alike.
        position_sigma_m: standard deviation along the worse axis.
        verdict: ``good``, ``clock``, ``position``, ``clock and position``, ``clock or position`` (not told apart), or
            ``unknown`` where fewer than three places were heard.
    """

    sensor_id: str
    shots: int
    places: int
    clock_s: float
    clock_sigma_s: float
    east_m: float
    north_m: float
    position_sigma_m: float
    verdict: str


def observations_of(shots: Iterable[Shot], site: Site) -> list[Observation]:
    """The arrivals of located, unambiguous shots: those that hold them, and of other sensors the nearest left out."""
    observations = []
    for shot in shots:
        if shot.ambiguous:
            continue
        residuals_s: dict[str, float] = {}
        for item in sorted(shot.rejected, key=lambda item: abs(item.residual_s), reverse=True):
            residuals_s[item.sensor_id] = item.residual_s
        residuals_s.update(shot.residuals_s)
        source_m = metres_of(shot.place, site.frame)
        if site.frame is None:
            source_m = source_m - site.centre_m
        observations += [
            Observation(sensor_id, site.positions_m[sensor_id], (float(source_m[0]), float(source_m[1])), residual_s)
            for sensor_id, residual_s in residuals_s.items()
        ]
    return observations


def check_array(observations: Sequence[Observation], air: Air) -> list[SensorCheck]:
    """Fit an error of clock and position to the residuals of each sensor, in order of sensor id.

    A wrong sensor that holds a place pulls it, and so spreads a part of its error over the others: estimates are low by
    that part. Arrivals that the fits left out tell the whole.
    """
    by_sensor: dict[str, list[Observation]] = {}
    for observation in observations:
        by_sensor.setdefault(observation.sensor_id, []).append(observation)
    return [_check(sensor_id, own, air) for sensor_id, own in sorted(by_sensor.items())]


def _check(sensor_id: str, own: Sequence[Observation], air: Air) -> SensorCheck:
    """One equation a place: the median residual of the shots from there."""
    places = np.array([item.source_m for item in own], dtype=np.float64)
    residual_s = np.array([item.residual_s for item in own])
    group = _groups(places)
    count = int(group.max()) + 1
    late_s = np.array([np.median(residual_s[group == index]) for index in range(count)])
    source_m = np.array([places[group == index].mean(axis=0) for index in range(count)])
    path_m = np.median([item.sensor_m for item in own], axis=0) - source_m
    # A sensor that truly stands farther along the path than stated hears late.
    towards = path_m / np.maximum(np.hypot(*path_m.T), 1.0)[:, None]
    design = np.column_stack((np.ones(count), towards / air.speed_mps)) / PATH_SIGMA_S
    observed = late_s / PATH_SIGMA_S
    prior = np.diag(np.array([CLOCK_PRIOR_S, POSITION_PRIOR_M, POSITION_PRIOR_M]) ** -2.0)
    weight = np.ones(count)
    for _ in range(ROUNDS):
        information = design.T @ (weight[:, None] * design) + prior
        estimate = np.asarray(np.linalg.solve(information, design.T @ (weight * observed)), dtype=np.float64)
        misfit = np.abs(observed - design @ estimate)
        weight = np.minimum(1.0, HUBER_SIGMAS / np.maximum(misfit, 1e-9))
    covariance = np.asarray(np.linalg.inv(information), dtype=np.float64)
    return SensorCheck(
        sensor_id=sensor_id,
        shots=len(own),
        places=count,
        clock_s=float(estimate[0]),
        clock_sigma_s=float(np.sqrt(covariance[0, 0])),
        east_m=float(estimate[1]),
        north_m=float(estimate[2]),
        position_sigma_m=float(np.sqrt(np.linalg.eigvalsh(covariance[1:, 1:])[-1])),
        verdict=_verdict(estimate, covariance, count),
    )


def _groups(places_m: Array) -> npt.NDArray[np.intp]:
    """The number of the place of each shot: within ``SAME_PLACE_M`` of the first shot there."""
    firsts: list[Array] = []
    group = np.zeros(len(places_m), dtype=np.intp)
    for index, place in enumerate(places_m):
        near = [other for other, first in enumerate(firsts) if np.hypot(*(place - first)) <= SAME_PLACE_M]
        group[index] = near[0] if near else len(firsts)
        if not near:
            firsts.append(place)
    return group


def _verdict(estimate: Array, covariance: Array, places: int) -> str:
    if places < 3:
        return "unknown"
    clock = abs(estimate[0]) > VERDICT_SIGMAS * np.sqrt(covariance[0, 0])
    position = estimate[1:] @ np.linalg.solve(covariance[1:, 1:], estimate[1:]) > CHI_SQUARE_2D
    both = estimate @ np.linalg.solve(covariance, estimate) > CHI_SQUARE_2D + 3.0
    if clock or position:
        return "clock and position" if clock and position else "clock" if clock else "position"
    return "clock or position" if both else "good"
