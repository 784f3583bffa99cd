"""Detections as they come in, to incidents as they become certain: the engine of ``tocsin fuse``.

Time is the messages' own. The town has reached a time when three sensors have sent something as late as that, so one
clock that runs ahead hurries nobody. At every step of a fixed lattice the detections up to then are located, and the
rounds to which every sensor in earshot can have answered are published. So a result depends on what was detected and
not on how it was cut into messages, or in which order these came, as long as none is later than the lateness allowed.

Rounds stay open while others may follow from their place; then their detections are spent. What no round took is
forgotten when sound has had its time, so the engine holds some ten seconds of detections and no more.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from tocsin.data.dataframes import Table
from tocsin.inference.detection import Detection
from tocsin.localization.association.consensus import LEAST_SENSORS
from tocsin.localization.incidents.grouping import INCIDENT_COLUMNS, Incident
from tocsin.localization.observation.travel import Air, air_of
from tocsin.localization.stream.clocks import Clocks
from tocsin.localization.stream.neighbourhoods import HEARING_M
from tocsin.localization.stream.open_detections import OpenDetections, key_of
from tocsin.localization.stream.rounds import BETWEEN_ROUNDS_S, Rounds
from tocsin.localization.stream.search import Search
from tocsin.localization.stream.sensor_register import SensorRegister
from tocsin.localization.stream.stream_time import StreamTime

BUSY = 100  # detections of one neighbourhood for which a step is longer by one: seconds are searched less often
LONGEST_STEPS = 20
MOST_DETECTIONS = 200_000


@dataclass
class Counts:
    """What became of the detections: how many, in all."""

    received: int = 0
    duplicates: int = 0
    late: int = 0  # after their step was taken, used where their neighbourhood is still open
    too_late: int = 0  # after they would have been forgotten
    ahead: int = 0  # of a clock that runs far ahead, where it was not waited for
    refused: int = 0  # position in another frame, or elsewhere than before
    crowded_out: int = 0  # beyond the cap

    @property
    def used(self) -> int:
        """Detections that were taken, or are held back until it is known whether they fit."""
        return self.received - self.duplicates - self.too_late - self.ahead - self.refused - self.crowded_out


class Fusion:
    """Takes detections, gives revisions of incidents.

    Args:
        air: the air; 15 °C and still, and not sure of it, where not given.
        input_name: what to write into ``input``.
        lateness_s: how much later than others a message may come; every answer waits for this.
        step_s: of the lattice; an answer waits for this at most.
        sensors: one detection each (of any time) of sensors that are known to be up though they send nothing.
        complain: called with one sentence about each detection that is refused.
    """

    def __init__(
        self,
        air: Air | None = None,
        input_name: str = "",
        lateness_s: float = 0.5,
        step_s: float = 0.5,
        sensors: Iterable[Detection] = (),
        complain: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self.counts = Counts()
        self.clocks = Clocks()
        self._air = air or air_of({})
        self._name = input_name
        self._lateness_s = lateness_s
        self._step_s = step_s
        self._complain = complain
        self._reach_s = HEARING_M / self._air.speed_mps
        self._due: list[Incident] = []  # revisions that the next call is to give
        self._sensors = SensorRegister(complain, self._begin_anew, self._forget)
        self._time = StreamTime(self._sensors, self._reach_s + BETWEEN_ROUNDS_S, complain, self._begin_anew)
        self._clear()
        self._sensors.list_(sensors)

    def _clear(self) -> None:
        self._detections = OpenDetections()
        self._search = Search(self._detections, self._sensors, self._air, self._name, self._complain)
        self._rounds = Rounds(self._sensors.metres)

    def _begin_anew(self) -> None:
        """Where the stream is of another site, or time, from now on: end what is open as at the end of an input."""
        self._due += self._steps_until(np.inf)
        self._clear()
        self._time.begin_anew()

    def _forget(self, sensor_id: str) -> None:
        """What a sensor sent from where it stands no longer."""
        self.clocks.forget(self._detections.drop(sensor_id))

    @property
    def latency_bound_s(self) -> float:
        """After a round is discharged, the messages' time until it is published, at most, where it is not ``BUSY``."""
        return self._reach_s + self._lateness_s + self._step_s

    @property
    def held(self) -> int:
        """Detections in memory."""
        return len(self._detections) + self._time.waiting + self._sensors.waiting

    @property
    def message_time_s(self) -> float:
        """The time that three sensors have reached, seconds since 1970; minus infinity before that."""
        return self._time.reached_s

    @property
    def answered_s(self) -> float:
        """The time by which :meth:`advance` takes the steps that were taken, seconds since 1970."""
        return self._time.step_s + self._lateness_s

    @property
    def newest_s(self) -> float:
        """Onset of the newest detection that is not far ahead of the others, seconds since 1970."""
        return self._time.newest_s

    def push(self, detections: Iterable[Detection]) -> None:
        """Take detections in any order; one that was taken already is counted and left."""
        for detection in detections:
            self.counts.received += 1
            if key_of(detection) in self._detections:
                self.counts.duplicates += 1
                continue
            for fitting in self._sensors.admit(detection):
                for timely in self._time.admit(fitting):
                    self._put(timely)
        self._count()

    def advance(self, now_s: float = -np.inf) -> Table[Incident]:
        """Take every step that is due, and return the revisions of incidents that come of it, in order.

        ``now_s``: seconds since 1970 that are known to have passed though no message says so, as by a silent input.
        """
        self._time.told_s = now_s
        for detection in self._time.due():
            self._put(detection)
        return self._revisions(max(self.message_time_s, now_s) - self._lateness_s)

    def finish(self) -> Table[Incident]:
        """The end of the input: take all steps that are left."""
        if self._sensors.waiting:
            self._complain(
                f"{self._sensors.waiting} detections are of fewer than {LEAST_SENSORS} sensors that agree where they "
                "are: no place is found from fewer"
            )
        for detection in self._time.due(np.inf):
            self._put(detection)
        for name in self._sensors.alone(2.0 * HEARING_M):
            self._complain(
                f"sensor {name} is farther than {2e-3 * HEARING_M:g} km from every other, no sound is heard by both: "
                "mend its position if that is wrong"
            )
        return self._revisions(np.inf)

    def _revisions(self, until_s: float) -> Table[Incident]:
        revisions, self._due = Table(self._due + self._steps_until(until_s), INCIDENT_COLUMNS), []
        self._count()
        return revisions

    def _put(self, detection: Detection) -> None:
        if key_of(detection) in self._detections:  # it came twice while it was held back
            self.counts.duplicates += 1
        elif self.held >= MOST_DETECTIONS:
            self.counts.crowded_out += 1
        else:
            self.counts.late += detection.onset_time_utc.timestamp() <= self._time.step_s
            self._detections.put(detection)

    def _count(self) -> None:
        self.counts.refused, self.counts.too_late = self._sensors.refused, self._time.too_late
        self.counts.ahead = self._time.ahead

    def _steps_until(self, until_s: float) -> list[Incident]:
        revisions: list[Incident] = []
        while True:
            next_s = self._next_step_s()
            if next_s is None or next_s > until_s:
                return revisions
            revisions += self._step(next_s)

    def _next_step_s(self) -> float | None:
        begin_s = self._time.step_s
        if not self._detections.open and not self._rounds:
            first_s = self._detections.next_s
            if first_s is None:
                return None
            begin_s = max(begin_s, first_s)  # nothing happens before
        step = int(np.floor(begin_s / self._step_s)) + 1
        return (step + min(self._search.most // BUSY, LONGEST_STEPS)) * self._step_s

    def _step(self, now_s: float) -> list[Incident]:
        self._time.step_s = now_s
        self._detections.take(now_s, self.clocks.correct)
        end_s = now_s - self._reach_s
        self._rounds.reconcile(self._search.rounds(end_s))
        closed, floor_s = self._rounds.close(end_s)
        for shot in closed:
            self.clocks.learn(shot)
            self._search.close(shot, end_s)
            self._detections.spend(shot)
        self.clocks.forget(self._detections.forget(floor_s))
        self._sensors.prune(self._detections.sensors)
        self._time.prune()
        return self._rounds.say(end_s)
