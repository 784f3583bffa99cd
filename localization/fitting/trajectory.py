"""Arrivals that come before the blast, tried as the shock wave of a supersonic round: its azimuth and Mach number.

A place that holds is asked which earlier arrivals a Mach cone from there explains. The evidence is a ratio of
likelihoods as in the association: each sensor that the cone passes has picked it, or not, against clutter; all rounds
of a place fly one way. Sensors on one side of the trajectory only see a plane wave, of azimuth and Mach angle together:
then the arrivals are explained, and the trajectory is not observable.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tocsin.localization.fitting.shock_wave import LEAST_MACH, MOST_MACH, Trajectory, shock_arrivals_s
from tocsin.localization.observation.arrivals import CLUTTER_PER_S, Array, Arrivals, Indices
from tocsin.localization.observation.nearby import LATEST_S, PATH_SIGMA_S, likelihood
from tocsin.localization.observation.travel import Air, travel_times_s

REACH_M = 1000.0  # farther off a shock wave is not looked for
MOST_SENSORS = 24
LEAST_SENSORS = 3
LEAST_UNEXPLAINED = 2  # sensors, for a place to be sought elsewhere
LEAST_LEAD_S = 0.025  # before the blast; what is nearer is the blast
SHOCK_SIGMA_S = 0.012  # of the model, with the path
HEARD = 0.6  # probability that a sensor that the cone passes picks it: flights end early
TRAJECTORY_COST = 9.0  # evidence below which the agreement is chance
ECHO_SHARE = 0.3  # of the odds is left to what comes in the reverberation of an earlier round
REVERBERATION_S = 1.0
BUSY_PER_S = 4.0  # arrivals at a sensor before its blasts, from which all is chance
MOST_SIGMA_DEG = 5.0  # of an azimuth that is reported
SAME_MODE = 2.0  # trajectories of less evidence than the best by this are as possible

_AZIMUTHS_DEG = np.arange(0.0, 360.0, 3.0)
_ABOUT_DEG = np.arange(-30.0, 31.0, 3.0)
_MACHS = np.geomspace(LEAST_MACH, MOST_MACH, 16)
_GRID_SIGMA_S = 0.03
_ZOOMS = ((3.0, 0.08, 0.02), (1.0, 0.03, SHOCK_SIGMA_S), (0.4, 0.01, SHOCK_SIGMA_S))  # degrees, of Mach's log; sigma
_MODES = 5
_MACH_SIGMA = 0.6  # before anything is known


@dataclass(frozen=True)
class Shock:
    """What a Mach cone explains.

    Attributes:
        members: for each round the indices of the arrivals that are its shock wave.
        trajectory: where it is observable.
        evidence: natural logarithm of the likelihood ratio to no shock wave, as of one round.
        azimuth_deg, mach: of the likeliest cone, observable or not.
    """

    members: tuple[Indices, ...]
    trajectory: Trajectory | None
    evidence: float
    azimuth_deg: float
    mach: float


@dataclass(frozen=True)
class _Early:
    """Arrivals before the blasts, as pairs of a round and an arrival, sorted by round and sensor."""

    sensors_m: Array  # (s, 2), those looked at
    direct_s: Array  # (s,), travel times of the blast
    round: Indices
    sensor: Indices  # into sensors_m
    members: Indices
    delay_s: Array  # arrival less discharge
    sigma_s: Array
    weight: Array  # density of the pair as a shock wave counts by this against what it is otherwise
    first: Indices  # pair of each round and sensor
    rounds: int
    window_s: float  # of all rounds and sensors, in which shock waves may come


def shock_of(
    arrivals: Arrivals,
    air: Air,
    position_m: Array,
    times_s: Array,
    used: Sequence[Indices],
    place_sigma_m: float,
    about_deg: float | None = None,
) -> Shock | None:
    """The Mach cone from a place that explains arrivals before its blasts, or None where chance would as well.

    Args:
        arrivals: all arrivals.
        air: the air.
        position_m: the place, ``(2,)``.
        times_s: discharges after the reference.
        used: for each round the indices of the arrivals taken for its blast; they may be shock waves as well.
        place_sigma_m: standard deviation of the place.
        about_deg: look only within 30° of this azimuth.
    """
    early = _early(arrivals, air, position_m, times_s, used)
    if early is None:
        return None
    azimuths_deg = _AZIMUTHS_DEG if about_deg is None else about_deg + _ABOUT_DEG
    grid = np.stack(np.meshgrid(azimuths_deg, _MACHS, indexing="ij"), -1)
    place_s = place_sigma_m / air.speed_mps
    scores = _evidence(early, air, position_m, grid, float(np.hypot(_GRID_SIGMA_S, place_s)))
    modes = []
    for _ in range(_MODES):
        best = np.unravel_index(int(scores.argmax()), scores.shape)
        if scores[best] <= 0.0:
            break
        centre = grid[best]
        apart = np.abs((grid[..., 0] - centre[0] + 180.0) % 360.0 - 180.0) < 8.0
        scores[apart & (np.abs(np.log(grid[..., 1] / centre[1])) < 0.15)] = -np.inf
        modes.append(_zoom(early, air, position_m, centre, place_s))
    modes = [mode for mode in modes if mode[0] > TRAJECTORY_COST]
    if not modes:
        return None
    modes.sort(key=lambda mode: -mode[0])
    score, centre = modes[0]
    pairs = _members(early, air, position_m, centre, place_s)
    clutter_per_s = (early.members.size - pairs.size + 0.5) / early.window_s
    score -= float(np.log(np.maximum(early.weight[pairs] * clutter_per_s, 1.0)).sum()) / early.rounds
    if score <= TRAJECTORY_COST:
        return None
    sensors = np.unique(early.sensor[pairs]).size
    if sensors < LEAST_SENSORS:
        return None
    members = tuple(early.members[pairs[early.round[pairs] == index]] for index in range(early.rounds))
    sigmas = _sigmas(early, air, position_m, centre, pairs, place_s)
    rivals = [
        mode
        for value, mode in modes[1:]
        if value > modes[0][0] - SAME_MODE
        and (abs((mode[0] - centre[0] + 180.0) % 360.0 - 180.0) > 5.0 + 3.0 * sigmas[0])
    ]
    trajectory = None
    if not rivals and sigmas[0] < MOST_SIGMA_DEG and _on_both_sides(early, position_m, centre, pairs):
        trajectory = Trajectory(float(centre[0] % 360.0), float(sigmas[0]), float(centre[1]), float(sigmas[1]), sensors)
    return Shock(members, trajectory, score, float(centre[0]), float(centre[1]))


def unexplained(arrivals: Arrivals, air: Air, position_m: Array, times_s: Array, used: Sequence[Indices]) -> bool:
    """Whether two sensors within reach heard something about the shots, and nothing of it is taken for a blast."""
    index = arrivals.index
    sensor, direct_s = _within_reach(arrivals, air, position_m)
    silent = ~np.isin(sensor, arrivals.sensor[np.concatenate(used)])
    sensor, direct_s = sensor[silent], direct_s[silent]
    expected_s = times_s[:, None] + direct_s
    low = np.searchsorted(index.key, index.key_of(sensor, expected_s - direct_s * (1.0 - 1.0 / MOST_MACH)))
    high = np.searchsorted(index.key, index.key_of(sensor, expected_s + LATEST_S))
    return int((high > low).any(axis=0).sum()) >= LEAST_UNEXPLAINED


def _within_reach(arrivals: Arrivals, air: Air, position_m: Array) -> tuple[Indices, Array]:
    """The nearest sensors, and the travel times of the blast to them."""
    count = min(len(arrivals.sensor_ids), MOST_SENSORS)
    _, sensor = arrivals.index.tree.query(position_m, np.arange(1, count + 1), distance_upper_bound=REACH_M)
    sensor = sensor[sensor < len(arrivals.sensor_ids)]
    return sensor, travel_times_s(position_m, arrivals.sensors_m[sensor], air)


def _early(arrivals: Arrivals, air: Air, position_m: Array, times_s: Array, used: Sequence[Indices]) -> _Early | None:
    index = arrivals.index
    sensor, direct_s = _within_reach(arrivals, air, position_m)
    expected_s = times_s[:, None] + direct_s
    low = np.searchsorted(index.key, index.key_of(sensor, expected_s - direct_s * (1.0 - 1.0 / MOST_MACH)))
    high = np.searchsorted(index.key, index.key_of(sensor, expected_s - LEAST_LEAD_S))
    counts = np.maximum(high - low, 0).ravel()
    if (counts.reshape(high.shape).any(axis=0)).sum() < LEAST_SENSORS:
        return None
    window_s = len(times_s) * float(np.maximum(direct_s * (1.0 - 1.0 / MOST_MACH), LEAST_LEAD_S).sum())
    group = np.repeat(np.arange(counts.size), counts)
    members = index.order[np.arange(group.size) - (np.cumsum(counts) - counts)[group] + low.ravel()[group]]
    round_, place = group // sensor.size, group % sensor.size
    if group.size / window_s > BUSY_PER_S:
        return None
    holder = np.full(arrivals.time_s.size, -1)
    for number, indices in enumerate(used):
        holder[indices] = number
    mine = (holder[members] == -1) | (holder[members] == round_)
    group, members, round_, place = group[mine], members[mine], round_[mine], place[mine]
    lag_s = arrivals.time_s[members] - expected_s[round_, place]
    sigma = np.hypot(PATH_SIGMA_S, arrivals.sigma_s[members])
    odds = arrivals.odds[members].copy()
    # What follows the blast of an earlier round is rather its echo.
    after_s = arrivals.time_s[members][:, None] - expected_s[:, place].T
    odds[((after_s > 0.0) & (after_s < REVERBERATION_S)).any(axis=1)] *= ECHO_SHARE
    weight = odds / CLUTTER_PER_S
    blast = holder[members] == round_
    weight[blast] = 1.0 / np.maximum(likelihood(np.abs(lag_s[blast]) / sigma[blast]) / sigma[blast], 0.5)
    first = np.flatnonzero(np.diff(group, prepend=-1))
    # Could these ever be enough?
    most = (
        np.log1p(HEARD * (np.add.reduceat(weight * 0.37 / SHOCK_SIGMA_S, first) - 1.0)) if first.size else np.zeros(0)
    )
    if np.unique(place).size < LEAST_SENSORS or np.maximum(most, 0.0).sum() <= TRAJECTORY_COST * len(times_s):
        return None
    return _Early(
        sensors_m=arrivals.sensors_m[sensor],
        direct_s=direct_s,
        round=round_,
        sensor=place,
        members=members,
        delay_s=arrivals.time_s[members] - times_s[round_],
        sigma_s=arrivals.sigma_s[members],
        weight=weight,
        first=first,
        rounds=len(times_s),
        window_s=window_s,
    )


def _evidence(early: _Early, air: Air, position_m: Array, cells: Array, sigma_s: float) -> Array:
    """Logarithm of the likelihood ratio of each cell ``(…, 2)``, azimuth and Mach number, to no shock wave at all."""
    shock_s = shock_arrivals_s(position_m, early.sensors_m, cells[..., 0], cells[..., 1], air)
    # Where the cone hardly leads, its wave is the blast and tells nothing.
    leads = early.direct_s - shock_s > LEAST_LEAD_S
    sigma = np.hypot(sigma_s, early.sigma_s)
    lag = np.abs(early.delay_s - np.nan_to_num(shock_s, nan=-1e3)[..., early.sensor]) / sigma
    density = np.where(leads[..., early.sensor], likelihood(lag) / sigma * early.weight, 0.0)
    ratio = np.add.reduceat(density, early.first, axis=-1)
    gain = np.log1p(HEARD / (1.0 - HEARD) * ratio).sum(axis=-1)
    # What a town does to a path it does to all rounds alike: more rounds make it surer by no more than their mean.
    return np.asarray(gain / early.rounds + leads.sum(axis=-1) * np.log1p(-HEARD))


def _zoom(early: _Early, air: Air, position_m: Array, centre: Array, place_s: float) -> tuple[float, Array]:
    steps = np.linspace(-1.0, 1.0, 7)
    score = -np.inf
    for azimuth_deg, log_mach, sigma_s in _ZOOMS:
        azimuth, mach = np.meshgrid(
            centre[0] + azimuth_deg * steps,
            np.clip(centre[1] * np.exp(log_mach * steps), LEAST_MACH, MOST_MACH),
            indexing="ij",
        )
        cells = np.stack((azimuth, mach), -1).reshape(-1, 2)
        scores = _evidence(early, air, position_m, cells, float(np.hypot(sigma_s, place_s)))
        centre, score = cells[int(scores.argmax())], float(scores.max())
    return score, centre


def _members(early: _Early, air: Air, position_m: Array, centre: Array, place_s: float) -> Indices:
    """The pair of each round and sensor that fits best."""
    shock_s = shock_arrivals_s(position_m, early.sensors_m, centre[0], centre[1], air)
    lag_s = early.delay_s - shock_s[early.sensor]
    sigma = np.hypot(np.hypot(SHOCK_SIGMA_S, place_s), early.sigma_s)
    leads = (early.direct_s - shock_s)[early.sensor] > LEAST_LEAD_S
    fit = np.where(leads & (np.abs(lag_s) < 3.0 * sigma), likelihood(np.abs(lag_s) / sigma) * early.weight, 0.0)
    fit = np.nan_to_num(fit)
    chosen = []
    for pairs in np.split(np.arange(fit.size), early.first[1:]):
        best = int(pairs[fit[pairs].argmax()])
        if fit[best] / sigma[best] > 1.0:
            chosen.append(best)
    return np.array(chosen, dtype=np.intp)


def _on_both_sides(early: _Early, position_m: Array, centre: Array, pairs: Indices) -> bool:
    azimuth = np.radians(centre[0])
    aside_m = (early.sensors_m[early.sensor[pairs]] - position_m) @ np.array([np.cos(azimuth), -np.sin(azimuth)])
    return bool(aside_m.min() < 0.0 < aside_m.max())


def _sigmas(early: _Early, air: Air, position_m: Array, centre: Array, pairs: Indices, place_s: float) -> Array:
    """Standard deviations of azimuth (degrees) and Mach number, to first order, with a broad prior for the latter."""
    sensor = early.sensor[pairs]

    def delays_s(step: Array) -> Array:
        at = centre + step
        return shock_arrivals_s(position_m, early.sensors_m[sensor], at[0], at[1], air)

    steps = np.diag([0.05, 0.002])
    columns = [np.nan_to_num((delays_s(step) - delays_s(-step)) / (2.0 * step.sum())) for step in steps]
    sigma = np.hypot(np.hypot(SHOCK_SIGMA_S, place_s), early.sigma_s[pairs]) * np.sqrt(np.bincount(sensor)[sensor])
    jacobian = np.stack(columns, -1) / sigma[:, None]
    information = jacobian.T @ jacobian + np.diag([1.0 / 180.0**2, 1.0 / _MACH_SIGMA**2])
    return np.sqrt(np.diag(np.linalg.inv(information)))
