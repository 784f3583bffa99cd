"""The place of a shot from the arrivals that belong to it: a robust fit, its covariance, its residuals.

Maximum likelihood with a soft-L1 loss, so that an arrival that is late by an echo pulls a little and not with its
square. The shots of a burst are fitted together: one place, a discharge time each. What the town does to the travel
time to a sensor, and the errors of its clock and position, are the same for all shots of a burst, so more shots do not
make them smaller. An error of the temperature or the wind is the same for all sensors, so it is no part of the weights:
it moves the place as a whole, and that is added to the covariance. The height of the source is fitted where it is asked
for, along the slant paths to the heights of the sensors.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

from tocsin.localization.observation.arrivals import Arrivals, Indices
from tocsin.localization.observation.nearby import PATH_SIGMA_S
from tocsin.localization.observation.travel import Air, travel_times_s, weather_delays_s

Array = npt.NDArray[np.float64]

SOFT_SCALE = 1.5  # standard deviations up to which the loss is about a square
UNSEEN_SIGMA_M = 10_000.0
REJECT_SIGMAS = 4.0
CHI_SQUARE_95_2D = 5.991464547107979
_GRADIENT_STEP_M = 0.01


@dataclass(frozen=True)
class Ellipse:
    """95 % ellipse: half axes in metres, and the azimuth of the longer, degrees clockwise from north, 0 … 180."""

    semi_major_m: float
    semi_minor_m: float
    azimuth_deg: float

    def __str__(self) -> str:
        return f"95 % within {self.semi_major_m:.1f} m × {self.semi_minor_m:.1f} m"


@dataclass(frozen=True)
class Solution:
    """The fit of one place to the arrivals of its shots.

    Attributes:
        position_m: in the working frame, ``(2,)``.
        times_s: discharge of each shot after the reference, ``(shots,)``.
        covariance: of ``x, y, times…`` in metres and seconds, ``(2 + shots, 2 + shots)``.
        used: for each shot the arrivals that hold it, as indices.
        rejected: for each shot the arrivals that the fit left out, as indices.
        residuals_s: for each shot observed less predicted arrival, those of ``used``.
        height_m: of the source, in the datum of the sensors' heights, where it was fitted.
        height_sigma_m: its standard deviation.
        airborne: the height is above where guns are fired. See ``tocsin.localization.fitting.elevation``.
    """

    position_m: Array
    times_s: Array
    covariance: Array
    used: tuple[Indices, ...]
    rejected: tuple[Indices, ...]
    residuals_s: tuple[Array, ...]
    height_m: float | None = None
    height_sigma_m: float | None = None
    airborne: bool = False

    def travel_s(self, arrivals: Arrivals, air: Air) -> Array:
        """Travel times to all sensors, ``(m,)``, slant where the height was fitted."""
        if self.height_m is None:
            return travel_times_s(self.position_m, arrivals.sensors_m, air)
        return travel_times_s(np.append(self.position_m, self.height_m), _slant_sensors_m(arrivals), air)

    @property
    def ellipse(self) -> Ellipse:
        """95 % ellipse of the position."""
        return ellipse_of(self.covariance[:2, :2])


def ellipse_of(covariance: Array) -> Ellipse:
    """95 % ellipse of a Gaussian position with covariance ``(2, 2)``, square metres, axes east and north."""
    values, vectors = np.linalg.eigh(covariance)
    half_axes = np.sqrt(CHI_SQUARE_95_2D * np.maximum(values, 0.0))
    east, north = vectors[:, 1]
    return Ellipse(float(half_axes[1]), float(half_axes[0]), float(np.degrees(np.arctan2(east, north)) % 180.0))


def solve(
    arrivals: Arrivals,
    air: Air,
    shots: Sequence[Indices],
    start_m: Array,
    path_sigma_s: float = PATH_SIGMA_S,
    heights_m: tuple[float, float] | None = None,
) -> Solution:
    """Fit one place and a discharge time a shot.

    Arrivals more than ``REJECT_SIGMAS`` from the fit are left out, one after the other, the worst first, while a shot
    keeps three.

    Args:
        arrivals: the arrays that the indices point into.
        air: the air.
        shots: for each shot the indices of its arrivals, at most one a sensor, at least one shot.
        start_m: a place near the solution, ``(2,)``, or ``(3,)`` to fit the height as well.
        path_sigma_s: standard deviation of the travel time to a sensor, for walls, ground and wind gradients.
        heights_m: lowest and highest height that the source may have, where it is fitted.
    """
    axes = start_m.size
    sensors_m = arrivals.sensors_m if axes == 2 else _slant_sensors_m(arrivals)
    used = [np.array(shot, dtype=np.intp) for shot in shots]
    rejected: list[list[int]] = [[] for _ in shots]
    travel_s = travel_times_s(start_m, sensors_m, air)
    times = [np.median(arrivals.time_s[shot] - travel_s[arrivals.sensor[shot]]) for shot in used]
    parameters = np.concatenate((start_m, times))
    while True:
        parameters, whitened, jacobian, weather = _fit(
            arrivals, sensors_m, air, used, parameters, path_sigma_s, heights_m
        )
        shot_of = np.repeat(np.arange(len(used)), [len(shot) for shot in used])
        spare = np.array([len(shot) > 3 for shot in used])[shot_of]
        worst = int(np.where(spare, np.abs(whitened), 0.0).argmax())
        if not spare[worst] or abs(whitened[worst]) <= REJECT_SIGMAS:
            break
        shot = int(shot_of[worst])
        place = worst - int(np.flatnonzero(shot_of == shot)[0])
        rejected[shot].append(int(used[shot][place]))
        used[shot] = np.delete(used[shot], place)
    # A direction that the arrivals do not see at all gets the sigma of a weak prior, not none.
    information = jacobian.T @ jacobian
    information[:axes, :axes] += np.eye(axes) / UNSEEN_SIGMA_M**2
    covariance = np.asarray(np.linalg.inv(information), dtype=np.float64)
    moved = covariance @ jacobian.T @ weather
    covariance += moved @ moved.T
    travel_s = travel_times_s(parameters[:axes], sensors_m, air)
    kept = np.delete(np.arange(parameters.size), np.arange(2, axes))
    return Solution(
        position_m=parameters[:2],
        times_s=parameters[axes:],
        covariance=covariance[np.ix_(kept, kept)],
        used=tuple(used),
        rejected=tuple(np.array(sorted(indices), dtype=np.intp) for indices in rejected),
        residuals_s=tuple(
            arrivals.time_s[shot] - time_s - travel_s[arrivals.sensor[shot]]
            for shot, time_s in zip(used, parameters[axes:], strict=True)
        ),
        height_m=float(parameters[2]) if axes == 3 else None,
        height_sigma_m=float(np.sqrt(covariance[2, 2])) if axes == 3 else None,
    )


def _slant_sensors_m(arrivals: Arrivals) -> Array:
    """Sensors with their heights, ``(m, 3)``; NaN where those are not known."""
    return np.column_stack((arrivals.sensors_m, arrivals.heights_m))


def _fit(
    arrivals: Arrivals,
    all_sensors_m: Array,
    air: Air,
    shots: Sequence[Indices],
    start: Array,
    path_sigma_s: float,
    heights_m: tuple[float, float] | None,
) -> tuple[Array, Array, Array, Array]:
    """At the minimum of the soft-L1 loss: parameters; and whitened residuals, Jacobian and errors of the weather."""
    members = np.concatenate(shots)
    shot_of = np.repeat(np.arange(len(shots)), [len(shot) for shot in shots])
    sensor = arrivals.sensor[members]
    heard = np.bincount(sensor)[sensor]  # shots of the burst that this sensor took part in
    pick_s = arrivals.pick_sigma_s[members]
    shared_variance = arrivals.sigma_s[members] ** 2 - pick_s**2 + path_sigma_s**2
    sigma = np.sqrt(pick_s**2 + heard * shared_variance)
    sensors_m = all_sensors_m[sensor]
    axes = sensors_m.shape[1]
    # Metres and seconds in one vector: times are fitted as the metres that sound goes in them.
    speed = air.speed_mps
    scale = np.concatenate((np.ones(axes), np.full(len(shots), 1.0 / speed)))

    def whitened(scaled: Array) -> Array:
        times = scaled[axes:] / speed
        return np.asarray((arrivals.time_s[members] - times[shot_of] - _travel(scaled[:axes])) / sigma)

    def _travel(position_m: Array) -> Array:
        return travel_times_s(position_m, sensors_m, air)

    def jacobian(scaled: Array) -> Array:
        columns = np.zeros((members.size, scaled.size))
        for axis in range(axes):
            step = np.zeros(axes)
            step[axis] = _GRADIENT_STEP_M
            change = _travel(scaled[:axes] + step) - _travel(scaled[:axes] - step)
            columns[:, axis] = -change / (2.0 * _GRADIENT_STEP_M)
        columns[np.arange(members.size), axes + shot_of] = -1.0 / speed
        return np.asarray(columns / sigma[:, None])

    bounds = np.array([[-np.inf], [np.inf]]).repeat(start.size, axis=1)
    if heights_m is not None:
        bounds[:, 2] = heights_m
    result = least_squares(whitened, start / scale, jacobian, bounds, loss="soft_l1", f_scale=SOFT_SCALE, max_nfev=60)
    weather = weather_delays_s(result.x[:axes], sensors_m, air) / sigma[:, None]
    return result.x * scale, whitened(result.x), jacobian(result.x) / scale, weather
