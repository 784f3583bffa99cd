"""Clocks that are off: what the residuals of located shots say of each sensor, and the correction it takes.

A sensor whose clock is off by more than a town does to a path is left out of a shot, and its arrival is named among
the rejected, off by the same time again and again; echoes differ from place to place. So a sensor's offset is where
most of its latest shots have an arrival, and shots without one there are evidence against it.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
from scipy.stats import theilslopes

from tocsin.inference.detection import Detection
from tocsin.localization.incidents.shot import Shot
from tocsin.localization.observation.nearby import PATH_SIGMA_S

Array = npt.NDArray[np.float64]

LEAST_SENSORS = 5  # with fewer a wrong clock bends the place instead of showing in a residual
MEMORY = 12  # shots of a sensor: a clock that jumps is known again after half as many
LEAST_SHOTS = 5
LEAST_SHARE = 0.6
SAME_OFFSET_S = 0.02  # two sigma of what a town does to a path
WORTH_CORRECTING_S = 0.02  # below, an offset may be the paths'
DRIFT_OVER_S = 600.0  # a drift is told from an offset only over longer than this
FORGET_S = 6 * 3600.0  # as long a drift is followed, where no shot says how it goes on


@dataclass(frozen=True)
class Clock:
    """What is known of a sensor's clock.

    Attributes:
        offset_s: how much it was fast at ``at_s``; observed less predicted arrival.
        sigma_s: standard deviation of that.
        drift_ppm: by how much it gains, millionths; 0 where the shots are too few or too close to tell.
        shots: located shots that it rests on.
        at_s: seconds since 1970.
    """

    offset_s: float
    sigma_s: float
    drift_ppm: float
    shots: int
    at_s: float

    @property
    def is_off(self) -> bool:
        """Whether the offset is more than paths and chance make."""
        return abs(self.offset_s) > max(WORTH_CORRECTING_S, 3.0 * self.sigma_s)


class Clocks:
    """Offsets of the sensors' clocks, learnt shot by shot; memory is bounded by the number of sensors.

    Attributes:
        clocks: what is known, by sensor.
        lessons: shots that were learnt from.
    """

    def __init__(self) -> None:
        self._residuals: dict[str, deque[tuple[float, Array]]] = {}
        self._corrections: dict[tuple[str, str], float] = {}
        self.clocks: dict[str, Clock] = {}
        self.lessons = 0

    def state(self) -> dict[str, list[tuple[float, list[float]]]]:
        """What the clocks are known by, ready for JSON: of each sensor times and residuals, seconds."""
        return {name: [(at_s, raw.tolist()) for at_s, raw in own] for name, own in self._residuals.items()}

    def restore(self, state: Mapping[str, Iterable[tuple[float, list[float]]]]) -> None:
        """Know what :meth:`state` gave, and nothing else; corrections that were made stay noted."""
        self._residuals = {
            name: deque(((at_s, np.array(raw)) for at_s, raw in own), MEMORY) for name, own in state.items()
        }
        known = {name: _clock_of(list(own)) for name, own in self._residuals.items()}
        self.clocks = {name: clock for name, clock in known.items() if clock is not None}

    def correct(self, detection: Detection) -> Detection:
        """The detection as a right clock would have stamped it, with the uncertainty of the correction."""
        clock = self.clocks.get(detection.sensor_id)
        if clock is None or not clock.is_off:
            return detection
        ahead_s = np.clip(detection.onset_time_utc.timestamp() - clock.at_s, -FORGET_S, FORGET_S)
        offset_s = round(clock.offset_s + clock.drift_ppm * 1e-6 * ahead_s, 6)
        self._corrections[detection.sensor_id, detection.detection_id] = offset_s
        return detection.model_copy(
            update={
                "onset_time_utc": detection.onset_time_utc - timedelta(seconds=offset_s),
                "clock_sigma_s": float(np.hypot(detection.clock_sigma_s, clock.sigma_s)),
            }
        )

    def forget(self, keys: Iterable[tuple[str, str]]) -> None:
        """Drop what was noted of detections that no shot will hold any more."""
        for key in keys:
            self._corrections.pop(key, None)

    def learn(self, shot: Shot) -> None:
        """Take the residuals of a shot whose place is sure; others say nothing."""
        if shot.ambiguous or shot.n_sensors < LEAST_SENSORS:
            return
        self.lessons += 1
        at_s = shot.discharge_time_utc.timestamp()
        seen: dict[str, list[float]] = {}
        for detection_id, (sensor_id, residual_s) in zip(shot.detections, shot.residuals_s.items(), strict=True):
            seen[sensor_id] = [residual_s + self._corrections.get((sensor_id, detection_id), 0.0)]
        for item in shot.rejected:
            raw_s = item.residual_s + self._corrections.get((item.sensor_id, item.detection_id), 0.0)
            if item.sensor_id not in shot.residuals_s:
                seen.setdefault(item.sensor_id, []).append(raw_s)
        for sensor_id, raw in seen.items():
            own = self._residuals.setdefault(sensor_id, deque(maxlen=MEMORY))
            own.append((at_s, np.array(raw)))
            clock = _clock_of(list(own))
            if clock is None:
                self.clocks.pop(sensor_id, None)
            else:
                self.clocks[sensor_id] = clock
        for sensor_id in [name for name, own in self._residuals.items() if abs(at_s - own[-1][0]) > FORGET_S]:
            del self._residuals[sensor_id]
            self.clocks.pop(sensor_id, None)

    def off(self) -> dict[str, Clock]:
        """Sensors whose clocks are off, by name."""
        return {name: clock for name, clock in sorted(self.clocks.items()) if clock.is_off}


def _clock_of(shots: list[tuple[float, Array]]) -> Clock | None:
    """The offset on which the latest shots of a sensor agree, or ``None`` where they do not."""
    latest = shots[-1][0]
    every = np.concatenate([raw for _, raw in shots])
    best: list[tuple[float, float]] = []
    for guess in every:
        nearest = [(at_s, float(raw[np.abs(raw - guess).argmin()])) for at_s, raw in shots]
        agree = [(at_s, value) for at_s, value in nearest if abs(value - guess) <= SAME_OFFSET_S]
        if len(agree) > len(best):
            best = agree
    if len(best) < max(LEAST_SHOTS, LEAST_SHARE * len(shots)):
        return None
    times_s, offsets_s = np.array(best).T
    drift = 0.0
    if np.ptp(times_s) > DRIFT_OVER_S:
        slope, _, low, high = theilslopes(offsets_s, times_s)
        drift = float(slope) if low * high > 0 else 0.0  # only where its 95 % interval leaves 0 out
    now_s = float(np.median(offsets_s + drift * (latest - times_s)))
    spread_s = 1.4826 * float(np.median(np.abs(offsets_s + drift * (latest - times_s) - now_s)))
    sigma_s = max(spread_s, PATH_SIGMA_S) / np.sqrt(len(best))
    return Clock(now_s, float(sigma_s), drift * 1e6, len(best), latest)
