"""The evidence for many shots at once, each from the sensors near it and the arrivals near its predicted ones.

All arrivals are kept in one sorted list, by sensor and then by time, so that what a shot can have to do with is looked
up and not searched: work grows with the number of shots asked for, not with the size of the town.
"""

from dataclasses import dataclass

import numpy as np

from tocsin.localization.observation.arrivals import CLUTTER_PER_S, Array, Arrivals, Indices
from tocsin.localization.observation.travel import Air, travel_times_s

PATH_SIGMA_S = 0.010  # what a town does to the travel time of direct sound (live fire: 9-15 ms)
HEARD = 0.95  # probability that a near sensor picks a shot
HEARING_RANGE_M = 700.0  # where this has fallen to 1/e
LOUD_M = 1000.0  # a sound from farther than this is as loud as it must be to be heard as one from here
REACH_M = 2000.0  # beyond, a sensor says nothing: one in 4000 hears so far
MOST_SENSORS = 48  # the nearest ones hold all that matters
ABOUT_S = 0.15  # arrivals this near to the predicted time are looked at
# What comes late has come round something: one direct sound in so many, and by how much.
LATE_SHARE, LATE_S, LATEST_S = 0.1, 0.3, 0.55


@dataclass(frozen=True)
class Nearby:
    """What ``q`` shots can have to do with, as ``p`` pairs of a shot and an arrival, by shot, sensor and time.

    Attributes:
        shot: of each pair, ``(p,)``, from 0.
        group: the pairs of one shot and one sensor are a group: its number, ``(p,)``, from 0.
        first: the first pair of each group, ``(g,)``.
        members: index of the arrival, ``(p,)``.
        sensors_m: position of the sensor, ``(p, 2)``.
        hearing: probability that the sensor picks the shot, ``(p,)``.
        time_s: of the arrival, ``(p,)``; ``sigma_s`` its standard deviation without the path, ``odds`` those of direct
            sound against anything else.
        silence: evidence of all sensors for each shot if none had heard anything, ``(q,)``.
    """

    shot: Indices
    group: Indices
    first: Indices
    members: Indices
    sensors_m: Array
    hearing: Array
    time_s: Array
    sigma_s: Array
    odds: Array
    silence: Array

    def paths_m(self, places_m: Array) -> Array:
        """From the sensor of each pair to its shot's place, ``(p, 2)``, for places ``(q, 2)``."""
        return np.asarray(places_m[self.shot] - self.sensors_m)

    def lags_s(self, air: Air, places_m: Array, times_s: Array) -> Array:
        """Observed less predicted arrivals, ``(p,)``, of shots at places ``(q, 2)`` and times ``(q,)``."""
        travel_s = travel_times_s(self.paths_m(places_m), np.zeros((1, 2)), air)[:, 0]
        return np.asarray(self.time_s - times_s[self.shot] - travel_s)

    def evidence(self, lags_s: Array, path_sigma_s: float = PATH_SIGMA_S) -> Array:
        """Logarithm of the likelihood ratio of each shot to clutter, ``(q,)``."""
        if not self.shot.size:
            return self.silence
        sigma = np.hypot(path_sigma_s, self.sigma_s)
        late = np.where(lags_s > 0.0, LATE_SHARE / LATE_S * np.exp(-np.abs(lags_s) / LATE_S), 0.0)
        density = likelihood(np.abs(lags_s) / sigma) / sigma + late
        ratio = np.add.reduceat(density * self.odds, self.first) / CLUTTER_PER_S
        hearing = self.hearing[self.first]
        gain = np.log1p(hearing / (1.0 - hearing) * ratio)
        return self.silence + np.bincount(self.shot[self.first], gain, self.silence.size)


def nearby(arrivals: Arrivals, air: Air, places_m: Array, times_s: Array, latest_s: float = ABOUT_S) -> Nearby:
    """Look up sensors within reach of places ``(q, 2)``, and their arrivals about what shots at ``(q,)`` predict."""
    index = arrivals.index
    count = min(len(arrivals.sensor_ids), MOST_SENSORS)
    distance_m, sensor = index.tree.query(places_m, np.arange(1, count + 1))
    heard_as_m = loudness_alike_m(distance_m)
    within = heard_as_m < REACH_M
    hearing = np.where(within, hearing_at_distance(heard_as_m), 0.0)
    expected_s = times_s[:, None] + travel_times_s(places_m, arrivals.sensors_m[sensor], air)
    low = np.searchsorted(index.key, index.key_of(sensor, expected_s - ABOUT_S))
    high = np.searchsorted(index.key, index.key_of(sensor, expected_s + latest_s), side="right")
    counts = np.where(within, high - low, 0).ravel()
    group = np.repeat(np.arange(counts.size), counts)
    ends = np.cumsum(counts)
    members = index.order[np.arange(group.size) - (ends - counts)[group] + low.ravel()[group]]
    present = counts > 0
    return Nearby(
        shot=group // count,
        group=(np.cumsum(present) - 1)[group],
        first=(ends - counts)[present],
        members=members,
        sensors_m=arrivals.sensors_m[arrivals.sensor[members]],
        hearing=hearing.ravel()[group],
        time_s=arrivals.time_s[members],
        sigma_s=arrivals.sigma_s[members],
        odds=arrivals.odds[members],
        silence=np.log1p(-hearing).sum(axis=1),
    )


def hearing_at_distance(distance_m: Array) -> Array:
    """Probability that a sensor picks the direct sound of a shot at a distance."""
    return np.asarray(HEARD * np.exp(-((distance_m / HEARING_RANGE_M) ** 2)))


def loudness_alike_m(distance_m: Array) -> Array:
    """Distances ``(…, m)`` of sensors from a place, from where they would hear a common sound as well as its own.

    How loud a sound was is not known, but it is the same for all: where even the nearest sensor is far, it was loud.
    """
    return np.asarray(distance_m * (LOUD_M / np.maximum(distance_m.min(axis=-1, keepdims=True), LOUD_M)))


def likelihood(lag: Array) -> Array:
    """Density of direct sound at a lag in standard deviations (not negative).

    Nine in ten arrivals are Gaussian, one in ten is bent round something: a broad two-sided tail.
    """
    return np.asarray((0.9 / np.sqrt(2.0 * np.pi)) * np.exp(-0.5 * lag**2) + (0.1 / 6.0) * np.exp(-lag / 3.0))
