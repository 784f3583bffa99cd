"""Detections in memory: those that wait for their step, those that are open, and those that a round has spent."""

import heapq
from collections.abc import Callable, Iterable

from tocsin.inference.detection import Detection
from tocsin.localization.association.repeats import SAME_SOUND_S
from tocsin.localization.incidents.shot import Shot
from tocsin.localization.observation.arrivals import ECHO_MEMORY_S

Key = tuple[str, str]  # sensor and id of a detection

SPARE_IDS = 10_000  # ids of what was forgotten that are kept, as many again as detections are held


def key_of(detection: Detection) -> Key:
    """What tells a detection from all others."""
    return detection.sensor_id, detection.detection_id


def keys_of(shot: Shot) -> list[Key]:
    """Of the detections that a round holds."""
    return list(zip(shot.residuals_s, shot.detections, strict=True))


class OpenDetections:
    """Detections that a round may still need.

    Attributes:
        open: those whose step was taken, in order of time.
        spent: of these, the ones that no further round may use; their echoes are still known by them.
    """

    def __init__(self) -> None:
        self.open: dict[Key, Detection] = {}
        self.spent: set[Key] = set()
        self._waiting: list[tuple[float, str, str, Detection]] = []
        self._known: set[Key] = set()

    def __len__(self) -> int:
        return len(self._waiting) + len(self.open)

    def __contains__(self, key: Key) -> bool:
        """Whether a detection was put before, and is not so long forgotten that a copy would be too late."""
        return key in self._known

    @property
    def next_s(self) -> float | None:
        """Time of the first that waits, seconds since 1970."""
        return self._waiting[0][0] if self._waiting else None

    def put(self, detection: Detection) -> None:
        """Let a detection wait for its step."""
        key = key_of(detection)
        self._known.add(key)
        heapq.heappush(self._waiting, (detection.onset_time_utc.timestamp(), *key, detection))

    def take(self, now_s: float, correct: Callable[[Detection], Detection]) -> None:
        """Open those up to a time, each as ``correct`` gives it."""
        fresh = []
        while self._waiting and self._waiting[0][0] <= now_s:
            fresh.append(correct(heapq.heappop(self._waiting)[3]))
        if fresh:
            everything = sorted(
                [*self.open.values(), *fresh],
                key=lambda item: (item.onset_time_utc, item.sensor_id, item.detection_id),
            )
            self.open = {key_of(item): item for item in everything}

    def drop(self, sensor_id: str) -> list[Key]:
        """Forget what a sensor sent, and return its keys."""
        self._waiting = [item for item in self._waiting if item[1] != sensor_id]
        heapq.heapify(self._waiting)
        dropped = [key for key in self.open if key[0] == sensor_id]
        for key in dropped:
            del self.open[key]
        self.spent.difference_update(dropped)
        return dropped

    def sensors(self) -> set[str]:
        """Names of those that sent what is in memory."""
        return {item[1] for item in self._waiting} | {sensor for sensor, _ in self.open}

    def unspent(self) -> list[Key]:
        """Those that a round may use, in order of time."""
        return [key for key in self.open if key not in self.spent]

    def around(self, members: Iterable[Key]) -> list[Detection]:
        """The members, and what is spent of their sensors, for it may explain them as echoes; in order of time."""
        chosen = set(members)
        sensors = {sensor for sensor, _ in chosen}
        return [item for key, item in self.open.items() if key in chosen or (key in self.spent and key[0] in sensors)]

    def of(self, shot: Shot) -> list[Detection]:
        """The detections that a round holds."""
        return [self.open[key] for key in keys_of(shot)]

    def spend(self, shot: Shot) -> None:
        """A round's detections, and those so close at the same sensor that they are the same sound again."""
        heard = {key[0]: self.open[key].onset_time_utc.timestamp() for key in keys_of(shot) if key in self.open}
        for key, item in self.open.items():
            if key[0] in heard and abs(item.onset_time_utc.timestamp() - heard[key[0]]) < SAME_SOUND_S:
                self.spent.add(key)

    def forget(self, floor_s: float) -> list[Key]:
        """Spend what is older than any round can need, drop what explains no echo any more, and return its keys."""
        forgotten = []
        for key, item in self.open.items():
            time_s = item.onset_time_utc.timestamp()
            if time_s >= floor_s:
                break
            self.spent.add(key)
            if time_s < floor_s - ECHO_MEMORY_S:
                forgotten.append(key)
        for key in forgotten:
            del self.open[key]
        self.spent.difference_update(forgotten)
        if len(self._known) > 2 * len(self) + SPARE_IDS:
            # Ids of what is forgotten are needed no longer: a copy of it is too late by its time.
            waiting = {(sensor, detection) for _, sensor, detection, _ in self._waiting}
            self._known = waiting | set(self.open)
        return forgotten
