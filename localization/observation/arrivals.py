"""Detections as arrays: the arrivals of one stretch of time, and the odds of each that it is direct sound.

Direct sound comes before its echoes and is usually the louder, so an arrival that follows a louder one at the same
sensor is seldom direct; nor is one that hardly rises above the noise. The constants were fitted to the published
pulses and to own picks of four firing positions of the live fire of Pittsburgh (1, 2, 4, 6), which agree in them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree
from scipy.special import expit

from tocsin import TocsinError
from tocsin.inference.detection import Detection
from tocsin.localization.observation.crowd import sought
from tocsin.localization.observation.frames import LocalFrame

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

ECHO_MEMORY_S = 0.6
EVEN_SNR_DB = 8.5  # an arrival after quiet, of this rise, is as often direct as not
SNR_SCALE_DB = 3.0
ECHO_MARGIN_DB = 8.0  # an arrival this much louder than all before it is no echo of them
ECHO_SCALE_DB = 5.0
LIKELIEST_DIRECT = 0.95
UNKNOWN_SNR_DB = 12.0
CLUTTER_PER_S = 2.5  # arrivals a second that are not direct, while there are any; divided by their prior odds
QUIET_PER_S = 0.5  # direct sounds a second up to which the clutter of echoes alone counts: the rounds of a burst
BUSY_WINDOW_S = 10.0
MOST_DB = 200.0  # beyond, all rises are alike
MOST_M = 100_000.0  # beyond, all heights are alike
ONE_SENSOR_M = 50.0  # positions stated for one sensor may differ by this much
FARTHEST_M = 10_000.0  # a sensor from the middle of its site; beyond hearing of any other, a mistyped position


@dataclass(frozen=True)
class Index:
    """Arrivals sorted by sensor and then by time, and the sensors as a tree.

    Attributes:
        order: indices of the arrivals in that order, ``(n,)``.
        key: a number that grows along it, ``(n,)``.
        tree: of the positions of the sensors.
        begin_s: a second before the first arrival; ``span_s`` is from there to a second after the last.
    """

    order: Indices
    key: Array
    tree: cKDTree
    begin_s: float
    span_s: float

    def key_of(self, sensor: Indices, time_s: Array) -> Array:
        """Where an arrival at a sensor and a time would come, any shape."""
        return np.asarray(sensor * self.span_s + np.clip(time_s - self.begin_s, 0.0, self.span_s))


@dataclass(frozen=True)
class Arrivals:
    """Arrivals in order of time.

    Attributes:
        detections: what they were made of, ``n`` of them.
        sensor_ids: names of the ``m`` sensors.
        sensors_m: their positions in the working frame, east and north, ``(m, 2)``.
        heights_m: of the sensors, as their detections state them, ``(m,)``; NaN where they do not.
        sensor: index of the sensor of each arrival, ``(n,)``.
        time_s: arrival times after ``reference_s``, ``(n,)``.
        pick_sigma_s: standard deviations of the picks alone, ``(n,)``.
        sigma_s: the same with clock and sensor position (at 340 m/s), which all arrivals of a sensor share, ``(n,)``.
        odds: direct sound against anything else, ``(n,)``.
        reference_s: seconds since 1970.
    """

    detections: tuple[Detection, ...]
    sensor_ids: tuple[str, ...]
    sensors_m: Array
    heights_m: Array
    sensor: Indices
    time_s: Array
    pick_sigma_s: Array
    sigma_s: Array
    odds: Array
    reference_s: float

    @cached_property
    def index(self) -> Index:
        """Made once for each set of arrivals."""
        order = np.argsort(self.sensor, kind="stable")
        begin_s = float(self.time_s[0]) - 1.0
        span_s = float(self.time_s[-1]) + 1.0 - begin_s
        key = self.sensor[order] * span_s + self.time_s[order] - begin_s
        return Index(order, key, cKDTree(self.sensors_m), begin_s, span_s)

    def without(self, used: Indices) -> "Arrivals":
        """The arrivals that are left; their odds stay, so that the echoes of a shot that was found stay echoes."""
        kept = np.setdiff1d(np.arange(len(self.time_s)), used)
        return Arrivals(
            tuple(self.detections[index] for index in kept),
            self.sensor_ids,
            self.sensors_m,
            self.heights_m,
            self.sensor[kept],
            self.time_s[kept],
            self.pick_sigma_s[kept],
            self.sigma_s[kept],
            self.odds[kept],
            self.reference_s,
        )


@dataclass(frozen=True)
class Site:
    """Where the sensors are: the frame of the input, and positions in a working frame centred on them.

    ``frame`` is None where the input is local; then the working frame is the input's own, moved by ``centre_m``.
    """

    frame: LocalFrame | None
    centre_m: tuple[float, float]
    positions_m: dict[str, tuple[float, float]]


def site_of(detections: Sequence[Detection]) -> Site:
    """Find the frame and the position of each sensor (the median of its detections').

    Raises:
        TocsinError: positions in two frames, a sensor at two places, or one far from all others.
    """
    local = [detection.is_local for detection in detections]
    if any(local) != all(local):
        odd = detections[local.index(not local[0])]
        raise TocsinError(
            f"detections come in two frames (sensor {odd.sensor_id} differs): give all as x_m,y_m or all as "
            "latitude,longitude"
        )
    frame = None
    if all(local):
        points = np.array([(detection.x_m, detection.y_m) for detection in detections], dtype=np.float64)
        points = np.clip(points, -1e12, 1e12)  # beyond the Earth and wrong in any case: keep differences finite
    else:
        degrees = np.array([(item.latitude, item.longitude) for item in detections], dtype=np.float64)
        # Across the 180th meridian longitudes jump by 360°; round the first one they do not.
        degrees[:, 1] = degrees[0, 1] + (degrees[:, 1] - degrees[0, 1] + 180.0) % 360.0 - 180.0
        middle = np.median(degrees, axis=0)
        frame = LocalFrame(float(middle[0]), float((middle[1] + 180.0) % 360.0 - 180.0))
        points = frame.to_local(degrees[:, 0], degrees[:, 1])[:, :2]
    by_sensor: dict[str, list[int]] = {}
    for index, detection in enumerate(detections):
        by_sensor.setdefault(detection.sensor_id, []).append(index)
    medians = {}
    for sensor_id, indices in sorted(by_sensor.items()):
        medians[sensor_id] = np.median(points[indices], axis=0)
        spread = float(np.hypot(*(points[indices] - medians[sensor_id]).T).max())
        if spread > ONE_SENSOR_M:
            raise TocsinError(f"sensor {sensor_id} is at places {spread:.0f} m apart: give each sensor its own name")
    names, places = list(medians), np.array(list(medians.values()))
    away_m = np.abs(places - np.median(places, axis=0)).max(axis=1)
    if away_m.max() > FARTHEST_M:
        far = int(away_m.argmax())
        raise TocsinError(
            f"sensor {names[far]} is {away_m[far] / 1000:.4g} km from the middle of all sensors, "
            f"{FARTHEST_M / 1000:g} km at most are expected: mend its position, or locate each site by itself"
        )
    centre = np.mean(list(medians.values()), axis=0) if frame is None else np.zeros(2)
    return Site(
        frame,
        (float(centre[0]), float(centre[1])),
        {name: (float(x - centre[0]), float(y - centre[1])) for name, (x, y) in medians.items()},
    )


def arrivals_of(detections: Sequence[Detection], site: Site) -> Arrivals:
    """Arrays of detections of one stretch of time, in order of arrival; ties go by sensor and id.

    In a crowd of sounds those are left out that a sensor takes for something else than gunfire.
    """
    ordered = sorted(detections, key=lambda item: (item.onset_time_utc, item.sensor_id, item.detection_id))
    sensor_ids = tuple(sorted({item.sensor_id for item in ordered}))
    index_of = {name: index for index, name in enumerate(sensor_ids)}
    reference = ordered[0].onset_time_utc
    sensor = np.array([index_of[item.sensor_id] for item in ordered], dtype=np.intp)
    time_s = np.array([(item.onset_time_utc - reference).total_seconds() for item in ordered])
    stated_m = np.array([item.z_m if item.is_local else item.elevation_m for item in ordered], dtype=np.float64)
    heights_m = np.full(len(sensor_ids), np.nan)
    heights_m[sensor] = np.clip(stated_m, -MOST_M, MOST_M)
    odds, kept = _direct_odds(ordered, sensor, time_s)
    return Arrivals(
        detections=tuple(ordered),
        sensor_ids=sensor_ids,
        sensors_m=np.array([site.positions_m[name] for name in sensor_ids]),
        heights_m=heights_m,
        sensor=sensor,
        time_s=time_s,
        pick_sigma_s=np.array([item.onset_sigma_s for item in ordered]),
        sigma_s=np.array([np.hypot(item.sigma_s, item.position_sigma_m / 340.0) for item in ordered]),
        odds=odds,
        reference_s=reference.timestamp(),
    ).without(np.flatnonzero(~kept))


def _direct_odds(
    detections: Sequence[Detection], sensor: Indices, time_s: Array
) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Odds that each arrival is direct sound, from its rise and from what the same sensor heard just before.

    And whether each is sought with: what is not is no clutter to the others.
    """
    rise_db = np.array([UNKNOWN_SNR_DB if item.snr_db is None else item.snr_db for item in detections])
    rise_db = np.clip(rise_db, -MOST_DB, MOST_DB)
    logit = (rise_db - EVEN_SNR_DB) / SNR_SCALE_DB
    by_sensor = np.argsort(sensor, kind="stable")  # in order of time within a sensor
    for indices in np.split(by_sensor, np.flatnonzero(np.diff(sensor[by_sensor])) + 1):
        earliest = np.searchsorted(time_s[indices], time_s[indices] - ECHO_MEMORY_S)
        for place in range(1, indices.size):
            before = indices[earliest[place] : place]
            if before.size:
                ahead_db = rise_db[indices[place]] - rise_db[before].max()
                logit[indices[place]] += min(0.0, (ahead_db - ECHO_MARGIN_DB) / ECHO_SCALE_DB)
    share = np.clip(expit(logit), 1.0 - LIKELIEST_DIRECT, LIKELIEST_DIRECT)
    odds = share / (1.0 - share)
    kept = sought(detections, time_s, share, np.unique(sensor).size)
    share = np.where(kept, share, 0.0)
    # Where many sounds come, direct sound of one is clutter to the others.
    others_per_s = np.zeros_like(odds)
    for indices in np.split(by_sensor, np.flatnonzero(np.diff(sensor[by_sensor])) + 1):
        summed = np.append(0.0, np.cumsum(share[indices]))
        window = time_s[indices] + BUSY_WINDOW_S * np.array([[-0.5], [0.5]])
        first, last = np.searchsorted(time_s[indices], window[0]), np.searchsorted(time_s[indices], window[1], "right")
        others_per_s[indices] = (summed[last] - summed[first]) / BUSY_WINDOW_S
    odds = odds / (1.0 + np.maximum(others_per_s - QUIET_PER_S, 0.0) * odds / CLUTTER_PER_S)
    return np.asarray(odds), kept
