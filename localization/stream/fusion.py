"""Detections as they come in, to incidents as they become certain: the engine of ``tocsin fuse``.

Time is the messages' own. The town has reached a time when three sensors have sent something as late as that, so one
clock that runs ahead hurries nobody. At every step of a fixed lattice the detections up to then are located, and the
rounds to which every sensor in earshot can have answered are published. So a result depends on what was detected and
not on how it was cut into messages, or in which order these came, as long as none is later than the lateness allowed.

Rounds stay open while others may follow from their place; then their detections are spent. What no round took is
forgotten when sound has had its time, so the engine holds some ten seconds of detections and no more.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from tocsin import TocsinError
from tocsin.data.dataframes import Table
from tocsin.inference.detection import Detection
from tocsin.localization.association.back_projection import SHOT_COST
from tocsin.localization.association.consensus import LEAST_SENSORS
from tocsin.localization.association.repeats import SAME_SOUND_S
from tocsin.localization.fitting.acceptance import PLACE_COST
from tocsin.localization.incidents.evidence import EVEN_SCORE, SCORE_SCALE, gunfire_probability, weigh_silence
from tocsin.localization.incidents.grouping import INCIDENT_COLUMNS, SAME_INCIDENT_S, Incident
from tocsin.localization.incidents.revisions import Revisions
from tocsin.localization.incidents.shot import Shot
from tocsin.localization.locate import locate
from tocsin.localization.observation.arrivals import ECHO_MEMORY_S
from tocsin.localization.observation.frames import metres_of
from tocsin.localization.observation.nearby import hearing_at_distance
from tocsin.localization.observation.travel import Air, air_of
from tocsin.localization.stream.clocks import Clocks
from tocsin.localization.stream.neighbourhoods import HEARING_M, neighbourhoods
from tocsin.localization.stream.sensor_register import SensorRegister

Array = npt.NDArray[np.float64]
Key = tuple[str, str]

BETWEEN_ROUNDS_S = 2.0  # rounds that follow each other faster are located together
LONGEST_BURST_S = 10.0
BUSY = 100  # detections of one neighbourhood for which a step is longer by one: seconds are searched less often
LONGEST_STEPS = 20
CROWD = 600  # open detections from which all are one neighbourhood
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
        self._sensors = SensorRegister(complain)
        self._inbox: list[tuple[float, str, str, Detection]] = []
        self._open: dict[Key, Detection] = {}  # in order of time
        self._spent: set[Key] = set()
        self._known: set[Key] = set()
        self._now_s = -np.inf  # the last step taken
        self._located: dict[tuple[Key, ...], list[Shot]] = {}
        self._most = 0  # detections of the largest neighbourhood
        self._rounds: dict[str, Shot] = {}  # shots that may still change
        self._incidents = Revisions(self._metres)
        for sensor in sensors:
            self._sensors.list_(sensor)

    @property
    def latency_bound_s(self) -> float:
        """After a round is discharged, the messages' time until it is published, at most, where it is not ``BUSY``."""
        return self._reach_s + self._lateness_s + self._step_s

    @property
    def held(self) -> int:
        """Detections in memory."""
        return len(self._inbox) + len(self._open)

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
            key = (detection.sensor_id, detection.detection_id)
            time_s = detection.onset_time_utc.timestamp()
            if key in self._known:
                self.counts.duplicates += 1
            elif not self._sensors.stands(detection):
                self.counts.refused += 1
            elif time_s < self._now_s - self._reach_s - BETWEEN_ROUNDS_S:
                self.counts.too_late += 1
            elif self.held >= MOST_DETECTIONS:
                self.counts.crowded_out += 1
            else:
                self.counts.late += time_s <= self._now_s
                self._known.add(key)
                self._sensors.heard_at(detection.sensor_id, time_s)
                heapq.heappush(self._inbox, (time_s, *key, detection))

    def advance(self, now_s: float = -np.inf) -> Table[Incident]:
        """Take every step that is due, and return the revisions of incidents that come of it, in order.

        ``now_s``: seconds since 1970 that are known to have passed though no message says so, as by a silent input.
        """
        until_s = max(self.message_time_s, now_s) - self._lateness_s
        revisions = Table[Incident](columns=INCIDENT_COLUMNS)
        while True:
            next_s = self._next_step_s()
            if next_s is None or next_s > until_s:
                return revisions
            revisions += self._step(next_s)

    def finish(self) -> Table[Incident]:
        """The end of the input: take all steps that are left."""
        return self.advance(np.inf)

    def _next_step_s(self) -> float | None:
        begin_s = self._now_s
        if not self._open and not self._rounds:
            if not self._inbox:
                return None
            begin_s = max(begin_s, self._inbox[0][0])  # nothing happens before
        step = int(np.floor(begin_s / self._step_s)) + 1
        return (step + min(self._most // BUSY, LONGEST_STEPS)) * self._step_s

    def _step(self, now_s: float) -> list[Incident]:
        self._now_s = now_s
        fresh = []
        while self._inbox and self._inbox[0][0] <= now_s:
            fresh.append(self.clocks.correct(heapq.heappop(self._inbox)[3]))
        if fresh:
            everything = sorted(
                [*self._open.values(), *fresh],
                key=lambda item: (item.onset_time_utc, item.sensor_id, item.detection_id),
            )
            self._open = {(item.sensor_id, item.detection_id): item for item in everything}
        end_s = now_s - self._reach_s
        found: list[Shot] = []
        located: dict[tuple[Key, ...], list[Shot]] = {}
        for members in self._neighbourhoods():
            shots = self._located.get(members)
            located[members] = self._locate(members) if shots is None else shots
            found += [shot for shot in located[members] if shot.discharge_time_utc.timestamp() < end_s]
        self._located = located
        self._most = max(map(len, located), default=0)
        self._reconcile(sorted(found, key=lambda shot: (shot.discharge_time_utc, shot.shot_id)))
        self._close(end_s)
        revisions = self._incidents.say()
        self._incidents.forget(end_s - SAME_INCIDENT_S - LONGEST_BURST_S)
        return revisions

    def _neighbourhoods(self) -> list[tuple[Key, ...]]:
        """Detections that are not spent, in groups that no sound joins, each in order of time."""
        keys = [key for key in self._open if key not in self._spent]
        if not keys or len(keys) > CROWD:
            return [tuple(keys)] if keys else []
        places = np.array([self._sensors.places[sensor] for sensor, _ in keys])
        times_s = np.array([self._open[key].onset_time_utc.timestamp() for key in keys])
        groups = neighbourhoods(places, times_s - times_s[0], self._air)
        return [tuple(keys[index] for index in group) for group in groups]

    def _locate(self, members: tuple[Key, ...]) -> list[Shot]:
        sensors = {sensor for sensor, _ in members}
        if len(sensors) < LEAST_SENSORS:
            return []
        chosen = set(members)
        detections = [
            item for key, item in self._open.items() if key in chosen or (key in self._spent and key[0] in sensors)
        ]
        try:
            shots = locate(detections, self._air, self._name, self._spent)
        except TocsinError as error:
            self._complain(f"{len(members)} detections are left out: {error}")
            return []
        here = Counter(shot.place for shot in shots)
        weighed = [(shot, self._weigh(shot, sensors)) for shot in shots]
        # The association, had it known of the silent sensors, would not have found what falls below its own costs.
        return [
            shot
            for before, shot in weighed
            if shot == before or shot.probability >= _least_share(here[shot.place]) * self._gunfire(shot)
        ]

    def _weigh(self, shot: Shot, answered: set[str]) -> Shot:
        """Let the silence of sensors count that are up and sent nothing at all; the association knows of the others."""
        at_s = shot.discharge_time_utc.timestamp()
        silent = self._sensors.silent_at(at_s, answered)
        if not silent:
            return shot
        places = np.array([self._sensors.places[sensor] for sensor in silent])
        hearing = hearing_at_distance(np.hypot(*(places - self._metres(shot)).T))
        return replace(shot, probability=weigh_silence(shot.probability, self._gunfire(shot), hearing))

    def _gunfire(self, shot: Shot) -> float:
        return gunfire_probability([self._open[key] for key in _keys(shot)], shot.airborne)

    def _reconcile(self, found: Sequence[Shot]) -> None:
        """Set the rounds found against those known, which keep their ids."""
        holder = {key: shot.shot_id for shot in self._rounds.values() for key in _keys(shot)}
        left = dict(self._rounds)
        self._rounds = {}
        for shot in found:
            votes = [holder[key] for key in _keys(shot) if holder.get(key) in left]
            known_id = max(votes, key=lambda name: (votes.count(name), name)) if votes else None
            if known_id is not None:
                known = left.pop(known_id)
                shot = replace(shot, shot_id=known.shot_id, incident_id=known.incident_id)
            else:
                shot = replace(shot, incident_id=self._incidents.incident_id(shot))
            self._rounds[shot.shot_id] = shot
            self._incidents.put(shot)
        for shot in left.values():  # not found again: other arrivals explain it otherwise
            self._incidents.take_back(shot)

    def _close(self, end_s: float) -> None:
        """Spend the detections of rounds that nothing follows, and forget what no round can need any more."""
        quiet_s = end_s - BETWEEN_ROUNDS_S
        newest: dict[str, float] = {}
        for shot in self._rounds.values():
            at_s = shot.discharge_time_utc.timestamp()
            newest[shot.incident_id] = max(at_s, newest.get(shot.incident_id, -np.inf))
        floor_s = quiet_s
        for shot in list(self._rounds.values()):
            at_s = shot.discharge_time_utc.timestamp()
            if newest[shot.incident_id] >= quiet_s and at_s >= end_s - LONGEST_BURST_S:
                floor_s = min(floor_s, at_s)
                continue
            del self._rounds[shot.shot_id]
            self.clocks.learn(shot)
            self._spend(shot)
        forgotten = []
        for key, item in self._open.items():
            time_s = item.onset_time_utc.timestamp()
            if time_s >= floor_s:
                break
            self._spent.add(key)
            if time_s < floor_s - ECHO_MEMORY_S:
                forgotten.append(key)
        for key in forgotten:
            del self._open[key]
        self._spent.difference_update(forgotten)
        self.clocks.forget(forgotten)
        if len(self._known) > 2 * self.held + 10_000:
            # Ids of what is forgotten are needed no longer: a copy of it is too late by its time.
            waiting = {(sensor, detection) for _, sensor, detection, _ in self._inbox}
            self._known = waiting | set(self._open)
        self._sensors.prune()

    def _spend(self, shot: Shot) -> None:
        """A round's detections, and those so close at the same sensor that they are the same sound again."""
        heard = {key[0]: self._open[key].onset_time_utc.timestamp() for key in _keys(shot) if key in self._open}
        for key, item in self._open.items():
            if key[0] in heard and abs(item.onset_time_utc.timestamp() - heard[key[0]]) < SAME_SOUND_S:
                self._spent.add(key)

    def _metres(self, shot: Shot) -> Array:
        return metres_of(shot.place, self._sensors.frame)


def _keys(shot: Shot) -> list[Key]:
    return list(zip(shot.residuals_s, shot.detections, strict=True))


def _least_share(rounds: int) -> float:
    """The probability of one sound below which a round, of so many at one place, is none."""
    return float(expit((SHOT_COST + PLACE_COST / rounds - EVEN_SCORE) / SCORE_SCALE))
