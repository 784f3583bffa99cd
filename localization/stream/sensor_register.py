"""The sensors of a stream: where each stands, when it last sent something, and which detections do not fit."""

import heapq
from collections.abc import Callable, Container

import numpy as np
import numpy.typing as npt

from tocsin.inference.detection import Detection
from tocsin.localization.incidents.shot import Shot
from tocsin.localization.observation.arrivals import FARTHEST_M, ONE_SENSOR_M
from tocsin.localization.observation.frames import LocalFrame, metres_of

Array = npt.NDArray[np.float64]

MOST_SENSORS = 20_000
UP_S = 600.0  # a sensor that sent anything so lately is taken to be up


class SensorRegister:
    """Places of sensors in one plane, learnt from their detections.

    Args:
        complain: called with one sentence about each detection that is refused.

    Attributes:
        frame: of the plane; None while positions are in metres.
        places: sensor id to position, ``(2,)`` metres.
    """

    def __init__(self, complain: Callable[[str], None]) -> None:
        self.frame: LocalFrame | None = None
        self.places: dict[str, Array] = {}
        self._latest_s: dict[str, float] = {}
        self._listed: set[str] = set()
        self._complain = complain

    def list_(self, detection: Detection) -> None:
        """Take a sensor that is up though it sends nothing."""
        if self.stands(detection):
            self._listed.add(detection.sensor_id)

    def stands(self, detection: Detection) -> bool:
        """Whether a sensor is in the frame of the others and where it was before; it is complained of where not."""
        name, known = detection.sensor_id, self.places.get(detection.sensor_id)
        if self.places and detection.is_local != (self.frame is None):
            self._complain(
                f"sensor {name} comes in another frame than the first: give all positions as x_m,y_m or all as "
                "latitude,longitude"
            )
            return False
        if not self.places and not detection.is_local:
            self.frame = LocalFrame(detection.latitude or 0.0, detection.longitude or 0.0)
        place = metres_of(detection, self.frame)
        if known is not None:
            if float(np.hypot(*(place - known))) <= ONE_SENSOR_M:
                return True
            self._complain(f"sensor {name} has moved by more than {ONE_SENSOR_M:g} m: name it anew")
            return False
        if self.places and np.abs(place - next(iter(self.places.values()))).max() > 2.0 * FARTHEST_M:
            self._complain(
                f"sensor {name} is more than {2 * FARTHEST_M / 1000:g} km from the first: mend its position, or fuse "
                "each site by itself"
            )
            return False
        self.places[name] = place
        return True

    def metres(self, shot: Shot) -> Array:
        """Place of a shot in the plane, ``(2,)``."""
        return metres_of(shot.place, self.frame)

    def heard_at(self, sensor_id: str, time_s: float) -> None:
        """Note that a sensor sent a detection of this time, seconds since 1970."""
        self._latest_s[sensor_id] = max(time_s, self._latest_s.get(sensor_id, -np.inf))

    def reached_s(self, sensors: int) -> float:
        """The time that so many sensors have reached, seconds since 1970; minus infinity before that."""
        if len(self._latest_s) < sensors:
            return -np.inf
        return float(heapq.nlargest(sensors, self._latest_s.values())[-1])

    def silent_at(self, time_s: float, answered: Container[str]) -> list[str]:
        """Sensors that are up, listed or heard of within ``UP_S``, and did not answer."""
        return [
            name
            for name in self.places
            if name not in answered and (name in self._listed or self._latest_s.get(name, -np.inf) > time_s - UP_S)
        ]

    def prune(self) -> None:
        """Forget those unheard for longest where there are more than ``MOST_SENSORS``; what is listed stays."""
        if len(self.places) > MOST_SENSORS:
            latest = heapq.nlargest(MOST_SENSORS // 2, self._latest_s, key=self._latest_s.__getitem__)
            keep = set(latest) | self._listed
            self.places = {name: place for name, place in self.places.items() if name in keep}
            self._latest_s = {name: time_s for name, time_s in self._latest_s.items() if name in keep}
