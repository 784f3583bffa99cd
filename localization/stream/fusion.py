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

from tocsin.inference.detection import Detection
from tocsin.localization.association.consensus import LEAST_SENSORS
from tocsin.localization.incidents.grouping import Incident
from tocsin.localization.observation.travel import Air
from tocsin.localization.stream.clocks import Clocks
from tocsin.localization.stream.neighbourhoods import HEARING_M
from tocsin.localization.stream.open_detections import OpenDetections, key_of
from tocsin.localization.stream.rounds import BETWEEN_ROUNDS_S, Rounds
from tocsin.localization.stream.search import Search
from tocsin.localization.stream.sensor_register import SensorRegister

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
    refused: int = 0  # position in another frame, or elsewhere than before
    crowded_out: int = 0  # beyond the cap


class Fusion:
    """Takes detections, gives revisions of incidents.

    Args:
        air: the air; 15 °C and still where not given.
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
        air = air or Air()
        self._lateness_s = lateness_s
        self._step_s = step_s
        self._reach_s = HEARING_M / air.speed_mps
        self._now_s = -np.inf  # the last step taken
        self._sensors = SensorRegister(complain)
        self._detections = OpenDetections()
        self._search = Search(self._detections, self._sensors, air, input_name, complain)
        self._rounds = Rounds(self._sensors.metres)
        for sensor in sensors:
            self._sensors.list_(sensor)

    @property
    def latency_bound_s(self) -> float:
        """After a round is discharged, the messages' time until it is published, at most, where it is not ``BUSY``."""
        return self._reach_s + self._lateness_s + self._step_s

    @property
    def held(self) -> int:
        """Detections in memory."""
        return len(self._detections)

    @property
    def message_time_s(self) -> float:
        """The time that three sensors have reached, seconds since 1970; minus infinity before that."""
        return self._sensors.reached_s(LEAST_SENSORS)

    @property
    def newest_s(self) -> float:
        """Onset of the newest detection of all, seconds since 1970; a clock that runs ahead may have made it."""
        return self._sensors.reached_s(1)

    def push(self, detections: Iterable[Detection]) -> None:
        """Take detections in any order; one that was taken already is counted and left."""
        for detection in detections:
            self.counts.received += 1
            time_s = detection.onset_time_utc.timestamp()
            if key_of(detection) in self._detections:
                self.counts.duplicates += 1
            elif not self._sensors.stands(detection):
                self.counts.refused += 1
            elif time_s < self._now_s - self._reach_s - BETWEEN_ROUNDS_S:
                self.counts.too_late += 1
            elif self.held >= MOST_DETECTIONS:
                self.counts.crowded_out += 1
            else:
                self.counts.late += time_s <= self._now_s
                self._sensors.heard_at(detection.sensor_id, time_s)
                self._detections.put(detection)

    def advance(self, now_s: float = -np.inf) -> list[Incident]:
        """Take every step that is due, and return the revisions of incidents that come of it, in order.

        ``now_s``: seconds since 1970 that are known to have passed though no message says so, as by a silent input.
        """
        until_s = max(self.message_time_s, now_s) - self._lateness_s
        revisions: list[Incident] = []
        while True:
            next_s = self._next_step_s()
            if next_s is None or next_s > until_s:
                return revisions
            revisions += self._step(next_s)

    def finish(self) -> list[Incident]:
        """The end of the input: take all steps that are left."""
        return self.advance(np.inf)

    def _next_step_s(self) -> float | None:
        begin_s = self._now_s
        if not self._detections.open and not self._rounds:
            first_s = self._detections.next_s
            if first_s is None:
                return None
            begin_s = max(begin_s, first_s)  # nothing happens before
        step = int(np.floor(begin_s / self._step_s)) + 1
        return (step + min(self._search.most // BUSY, LONGEST_STEPS)) * self._step_s

    def _step(self, now_s: float) -> list[Incident]:
        self._now_s = now_s
        self._detections.take(now_s, self.clocks.correct)
        end_s = now_s - self._reach_s
        self._rounds.reconcile(self._search.rounds(end_s))
        closed, floor_s = self._rounds.close(end_s)
        for shot in closed:
            self.clocks.learn(shot)
            self._detections.spend(shot)
        self.clocks.forget(self._detections.forget(floor_s))
        self._sensors.prune()
        return self._rounds.say(end_s)
