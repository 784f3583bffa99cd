"""The sensors of a stream: where each stands, when it last sent something, and which detections do not fit."""

import heapq
from collections import deque
from collections.abc import Callable, Container, Iterable

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from tocsin.inference.detection import Detection
from tocsin.localization.association.consensus import LEAST_SENSORS
from tocsin.localization.incidents.shot import Shot
from tocsin.localization.observation.arrivals import FARTHEST_M, ONE_SENSOR_M
from tocsin.localization.observation.frames import LocalFrame, metres_of
from tocsin.localization.stream.voices import LATELY, Voices

Array = npt.NDArray[np.float64]

MOST_SENSORS = 20_000
UP_S = 600.0  # a sensor that sent anything so lately is taken to be up
MOST_M = 1e12  # beyond the Earth and wrong in any case: keep differences finite
FIRST_LISTED = 20  # of a list, one of these is of the site that most are of
LAST_PLACES = 5  # of a sensor, where it says to stand: most of them decide


class SensorRegister:
    """Places of sensors in one plane, learnt from their detections.

    Which plane, and where, three sensors decide that agree, or more where others did; until then nothing is taken.

    Args:
        complain: called with one sentence about each detection that is refused, and about what was decided anew.
        leave: called before the site is another, while the old places still hold.
        moved: called with the name of a sensor that stands elsewhere from now on.

    Attributes:
        frame: of the plane; None while positions are in metres.
        places: sensor id to position, ``(2,)`` metres.
        refused: detections that did not fit.
    """

    def __init__(
        self, complain: Callable[[str], None], leave: Callable[[], None], moved: Callable[[str], None]
    ) -> None:
        self.frame: LocalFrame | None = None
        self.places: dict[str, Array] = {}
        self.refused = 0
        self._complain = complain
        self._leave = leave
        self._moved = moved
        self._first = np.zeros(2)  # the place of the sensor that the site was known by
        self._decided = False
        self._said: dict[str, deque[Array]] = {}
        self._latest_s: dict[str, float] = {}
        self._list: list[Detection] = []
        self._listed: set[str] = set()
        self._voices = Voices(_one_site)

    @property
    def waiting(self) -> int:
        """Detections held back until three sensors agree where the site is."""
        return len(self._voices) if not self._decided else 0

    def list_(self, sensors: Iterable[Detection]) -> None:
        """Take sensors that are up though they send nothing; one that most others contradict is complained of."""
        self._list = list(sensors)
        if self._list:
            half = len(self._list) / 2
            some = (
                one for one in self._list[:FIRST_LISTED] if sum(_one_site(one, other) for other in self._list) > half
            )
            self._settle(next(some, self._list[0]))

    def admit(self, detection: Detection) -> list[Detection]:
        """What may be used from now on: this detection, nothing where it does not fit, or also what was held back."""
        if not self._decided:
            if len(self._voices) == LATELY:
                self._refuse(
                    f"no {LEAST_SENSORS} sensors agree where they are: {LATELY} detections are kept, older are dropped"
                )
            held = self._voices.contradict(detection)
            if held:
                self._settle(next(item for item in held if _one_site(item, detection)))
            return [fitting for item in held for fitting in self.admit(item)]
        place, reason = self._place(detection)
        if place is not None:
            self._voices.agree(detection.sensor_id)
            if self._stays(detection.sensor_id, place):
                return [detection]
            self._refuse(
                f"sensor {detection.sensor_id} has moved by more than {ONE_SENSOR_M:g} m: that is believed when most "
                f"of its last {LAST_PLACES} detections say so"
            )
            return []
        self._refuse(reason)
        theirs = [item for item in self._voices.contradict(detection) if _one_site(item, detection)]
        if not theirs:
            return []
        self._complain(
            f"more sensors say what sensor {detection.sensor_id} says of where they are than what was taken to hold: "
            "theirs is the site from now on"
        )
        self._leave()
        self.refused -= len(theirs)
        self._settle(theirs[0])
        return [fitting for item in theirs for fitting in self.admit(item)]

    def metres(self, shot: Shot) -> Array:
        """Place of a shot in the plane, ``(2,)``."""
        return metres_of(shot.place, self.frame)

    def heard_at(self, sensor_id: str, time_s: float) -> None:
        """Note that a sensor sent a detection of this time, seconds since 1970."""
        self._latest_s[sensor_id] = max(time_s, self._latest_s.get(sensor_id, -np.inf))

    def reached_s(self, sensors: int, until_s: float = np.inf) -> float:
        """The time that so many sensors have reached, seconds since 1970; minus infinity before that.

        ``until_s``: those that are beyond count for nothing.
        """
        latest_s = heapq.nlargest(sensors, (time_s for time_s in self._latest_s.values() if time_s <= until_s))
        return float(latest_s[-1]) if len(latest_s) == sensors else -np.inf

    def wind_back(self, time_s: float) -> list[str]:
        """Sensors that are beyond a time, seconds since 1970; it is forgotten that they are."""
        beyond = [name for name, latest_s in self._latest_s.items() if latest_s > time_s]
        for name in beyond:
            del self._latest_s[name]
        return beyond

    def alone(self, apart_m: float) -> list[str]:
        """Sensors that are farther than this from every other."""
        if len(self.places) < 2:
            return []
        places = np.array(list(self.places.values()))
        nearest_m = cKDTree(places).query(places, k=2)[0][:, 1]
        return [name for name, away_m in zip(self.places, nearest_m, strict=True) if away_m > apart_m]

    def silent_at(self, time_s: float, answered: Container[str]) -> list[str]:
        """Sensors that are up, listed or heard of within ``UP_S``, and did not answer."""
        return [
            name
            for name in self.places
            if name not in answered and (name in self._listed or self._latest_s.get(name, -np.inf) > time_s - UP_S)
        ]

    def prune(self, needed: Callable[[], set[str]]) -> None:
        """Forget those unheard for longest of more than ``MOST_SENSORS``; what is needed or listed stays."""
        if len(self.places) > MOST_SENSORS:
            latest = heapq.nlargest(MOST_SENSORS // 2, self._latest_s, key=self._latest_s.__getitem__)
            keep = set(latest) | self._listed | needed()
            self.places = {name: place for name, place in self.places.items() if name in keep}
            self._said = {name: said for name, said in self._said.items() if name in keep}
            self._latest_s = {name: time_s for name, time_s in self._latest_s.items() if name in keep}

    def _settle(self, detection: Detection) -> None:
        """The site is where this sensor is; nothing else is known of it but what the list says."""
        self.frame = None if detection.is_local else LocalFrame(detection.latitude or 0.0, detection.longitude or 0.0)
        self._first, self._decided = _metres(detection, self.frame), True
        self.places, self._said, self._latest_s, self._listed = {}, {}, {}, set()
        for sensor in self._list:
            place, reason = self._place(sensor)
            if place is None:
                self._complain(reason)
            elif not self._stays(sensor.sensor_id, place):
                self._complain(f"sensor {sensor.sensor_id} is listed at two places: give each sensor its own name")
            else:
                self._listed.add(sensor.sensor_id)
                self._voices.agree(sensor.sensor_id)

    def _place(self, detection: Detection) -> tuple[Array | None, str]:
        """Position in the plane, ``(2,)``; or none, and the sentence why, where it is not of this frame and site."""
        name = detection.sensor_id
        if detection.is_local != (self.frame is None):
            return None, (
                f"sensor {name} comes in another frame than most: give all positions as x_m,y_m or all as "
                "latitude,longitude"
            )
        place = _metres(detection, self.frame)
        if np.abs(place - self._first).max() > 2.0 * FARTHEST_M:
            return None, (
                f"sensor {name} is more than {2 * FARTHEST_M / 1000:g} km from the first of its site: mend its "
                "position, or fuse each site by itself"
            )
        return place, ""

    def _stays(self, name: str, place: Array) -> bool:
        """Whether a sensor is where it was before, or where most of its last detections say that it is now."""
        known = self.places.setdefault(name, place)
        said = self._said.setdefault(name, deque(maxlen=LAST_PLACES))
        said.append(place)
        if _near(place, known):
            return True
        if sum(_near(place, other) for other in said) <= sum(_near(known, other) for other in said):
            return False
        self._complain(
            f"sensor {name} stands more than {ONE_SENSOR_M:g} m from where it stood, by most of what it sent"
        )
        self._moved(name)
        self.places[name] = place
        return True

    def _refuse(self, reason: str) -> None:
        self.refused += 1
        self._complain(reason)


def _metres(item: Detection, frame: LocalFrame | None) -> Array:
    return np.clip(metres_of(item, frame), -MOST_M, MOST_M)


def _near(one: Array, other: Array) -> bool:
    return float(np.hypot(*(one - other))) <= ONE_SENSOR_M


def _one_site(one: Detection, other: Detection) -> bool:
    """Whether the positions of two sensors are in one frame, and within a site of each other."""
    if one.is_local != other.is_local:
        return False
    frame = None if one.is_local else LocalFrame(one.latitude or 0.0, one.longitude or 0.0)
    return bool(np.abs(_metres(one, frame) - _metres(other, frame)).max() <= 2.0 * FARTHEST_M)
