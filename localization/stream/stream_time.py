"""Whether detections come in time: too late, too early, and what is done where most of them are.

Time is what three sensors have reached, or what the input's silence says. One clock far ahead hurries nobody: what it
sends waits. Three of them do hurry the stream; but where more sensors then come too late by far than in time, the
stream goes back to their time, and those ahead are refused until they come along or their clocks are set.
"""

from collections import deque
from collections.abc import Callable

import numpy as np

from tocsin.inference.detection import Detection
from tocsin.localization.association.consensus import LEAST_SENSORS
from tocsin.localization.stream.sensor_register import UP_S, SensorRegister
from tocsin.localization.stream.voices import Voices

FAR_S = 60.0  # more than any lateness that can be allowed: a clock, or a stream that begins anew
MOST_AHEAD = 100  # detections of one sensor that wait


class StreamTime:
    """The time of a stream.

    Args:
        sensors: of the stream, and when each last sent something.
        patience_s: by how much before the last step a detection may come and still be of use.
        complain: called with one sentence about each detection that is not in time.
        leave: called before the stream goes back, to end what is open.

    Attributes:
        step_s: of the last step taken, seconds since 1970.
        told_s: the time that is known to have come though no message says so.
        too_late: detections that came after they would have been forgotten.
        ahead: detections of clocks far ahead that were not waited for.
    """

    def __init__(
        self, sensors: SensorRegister, patience_s: float, complain: Callable[[str], None], leave: Callable[[], None]
    ) -> None:
        self.step_s = -np.inf
        self.told_s = -np.inf
        self.too_late = 0
        self.ahead = 0
        self._sensors = sensors
        self._patience_s = patience_s
        self._complain = complain
        self._leave = leave
        self._voices = Voices(_one_time)
        self._fast: set[str] = set()  # sensors that were ahead when the stream went back
        self._horizon_before_s = -np.inf  # found again only for what is beyond: time goes on
        self._waiting: dict[str, deque[Detection]] = {}
        self._in_time = 0
        self._in_time_before: dict[str, int] = {}  # as a sensor's first that waits came

    @property
    def waiting(self) -> int:
        """Detections that wait for others to come along."""
        return sum(map(len, self._waiting.values()))

    @property
    def reached_s(self) -> float:
        """The time that three sensors have reached, seconds since 1970; minus infinity before that."""
        return self._sensors.reached_s(LEAST_SENSORS)

    @property
    def newest_s(self) -> float:
        """Onset of the newest detection that is not far ahead, seconds since 1970."""
        return self._sensors.reached_s(1, self._horizon_s())

    def admit(self, detection: Detection) -> list[Detection]:
        """What may be used from now on: this detection, nothing where it is not in time, or also what waited."""
        name, time_s = detection.sensor_id, detection.onset_time_utc.timestamp()
        if time_s < self.step_s - self._patience_s:
            return self._late(detection, time_s)
        if time_s <= self._horizon_before_s or time_s <= self._horizon_s():
            self._fast.discard(name)
            if time_s > self._horizon_before_s - 2.0 * FAR_S:  # what is far behind is of use, but speaks for no time
                self._voices.agree(name)
            self._in_time += 1
            self._sensors.heard_at(name, time_s)
            return [detection, *self.due()] if self._waiting else [detection]
        if name in self._fast:
            self.ahead += 1
            self._complain(f"the clock of sensor {name} is ahead of most by more than {FAR_S:g} s: set it")
            return []
        waiting = self._waiting.setdefault(name, deque())
        if self._in_time - self._in_time_before.setdefault(name, self._in_time) >= LEAST_SENSORS:
            self._complain(
                f"the clock of sensor {name} seems to be ahead of the others by more than {FAR_S:g} s: what it sends "
                "waits for them"
            )
        waiting.append(detection)
        if len(waiting) > MOST_AHEAD:
            waiting.popleft()
            self.ahead += 1
            self._complain(
                f"of sensor {name} more than {MOST_AHEAD} detections wait for others: the oldest are dropped"
            )
        self._sensors.heard_at(name, time_s)
        return self.due()

    def due(self, until_s: float = -np.inf) -> list[Detection]:
        """What waited, and is not far ahead any more, or is not later than a time that is given."""
        horizon_s = max(self._horizon_s(), until_s)
        due = []
        for name, waiting in list(self._waiting.items()):
            # One of a wrong time must not hold back those behind it.
            left = [item for item in waiting if item.onset_time_utc.timestamp() > horizon_s]
            due += [item for item in waiting if item.onset_time_utc.timestamp() <= horizon_s]
            if left:
                self._waiting[name] = deque(left)
            else:
                del self._waiting[name], self._in_time_before[name]
        return due

    def begin_anew(self) -> None:
        """No step was taken, and nothing waits: what did was far ahead even of the time that is left."""
        self.ahead += self.waiting
        self.step_s = self.told_s = self._horizon_before_s = -np.inf
        self._voices.clear()
        self._waiting.clear()
        self._in_time_before.clear()

    def prune(self) -> None:
        """Forget of sensors that the register forgot."""
        self._fast.intersection_update(self._sensors.places)
        for name in [name for name in self._waiting if name not in self._sensors.places]:
            self.ahead += len(self._waiting.pop(name))
            del self._in_time_before[name]

    def _horizon_s(self) -> float:
        """Beyond this time, seconds since 1970, a detection is far ahead."""
        now_s = max(self.reached_s, self.told_s, self.step_s)
        if not np.isfinite(now_s):
            return np.inf
        self._horizon_before_s = now_s + FAR_S
        return self._horizon_before_s

    def _late(self, detection: Detection, time_s: float) -> list[Detection]:
        self.too_late += 1
        if time_s > max(self.step_s, self.reached_s) - self._patience_s - FAR_S:
            self._complain(
                f"sensor {detection.sensor_id} sends what comes too late: raise --lateness-s, or mend its clock"
            )
            return []
        self._complain(
            f"sensor {detection.sensor_id} sends what comes too late by more than {FAR_S:g} s: set its clock, or send "
            "sooner"
        )
        theirs = [item for item in self._voices.contradict(detection) if _one_time(item, detection)]
        if not theirs:
            return []
        self._complain(
            f"more sensors come too late by far than in time, sensor {detection.sensor_id} the last: the stream goes "
            "back to their time"
        )
        self._leave()
        self.too_late -= len(theirs)
        self._fast.update(self._sensors.wind_back(time_s + UP_S))
        return [timely for item in theirs for timely in self.admit(item)]


def _one_time(one: Detection, other: Detection) -> bool:
    return abs((one.onset_time_utc - other.onset_time_utc).total_seconds()) <= UP_S
