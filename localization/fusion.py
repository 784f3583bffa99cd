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
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from scipy.special import expit

from tocsin import TocsinError
from tocsin.inference.detection import Detection
from tocsin.localization.acceptance import PLACE_COST
from tocsin.localization.arrivals import ECHO_MEMORY_S, FARTHEST_M, ONE_SENSOR_M, Arrivals
from tocsin.localization.association import hearing_at
from tocsin.localization.back_projection import SHOT_COST
from tocsin.localization.clocks import Clocks
from tocsin.localization.evidence import EVEN_SCORE, SCORE_SCALE, gunfire_probability, weigh_silence
from tocsin.localization.geometry import LocalFrame
from tocsin.localization.incidents import SAME_INCIDENT_S, Incident
from tocsin.localization.locate import locate
from tocsin.localization.repeats import SAME_SOUND_S
from tocsin.localization.revisions import Revisions
from tocsin.localization.shot import Shot
from tocsin.localization.travel import Air

Array = npt.NDArray[np.float64]
Key = tuple[str, str]

HEARING_M = 1500.0  # farther, fewer than one in a hundred sensors hear a shot
LEAST_SENSORS = 3
BETWEEN_ROUNDS_S = 2.0  # rounds that follow each other faster are located together
LONGEST_BURST_S = 10.0
REVERBERATION_S = 1.0
UP_S = 600.0  # a sensor that sent anything so lately is taken to be up
BUSY = (
    100  # detections of one neighbourhood for which a step is longer by one: the same seconds are searched less often
)
LONGEST_STEPS = 20
CROWD = 600  # open detections from which all are one neighbourhood
MOST_DETECTIONS = 200_000
MOST_SENSORS = 20_000


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
        self._air = air or Air()
        self._name = input_name
        self._lateness_s = lateness_s
        self._step_s = step_s
        self._complain = complain
        self._reach_s = HEARING_M / self._air.speed_mps
        self._frame: LocalFrame | None = None
        self._places: dict[str, Array] = {}
        self._latest: dict[str, float] = {}
        self._listed: set[str] = set()
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
            if self._stands(sensor):
                self._listed.add(sensor.sensor_id)

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
        if len(self._latest) < LEAST_SENSORS:
            return -np.inf
        return float(heapq.nlargest(LEAST_SENSORS, self._latest.values())[-1])

    @property
    def newest_s(self) -> float:
        """Onset of the newest detection of all, seconds since 1970; a clock that runs ahead may have made it."""
        return max(self._latest.values(), default=-np.inf)

    def push(self, detections: Iterable[Detection]) -> None:
        """Take detections in any order; one that was taken already is counted and left."""
        for detection in detections:
            self.counts.received += 1
            key = (detection.sensor_id, detection.detection_id)
            time_s = detection.onset_time_utc.timestamp()
            if key in self._known:
                self.counts.duplicates += 1
            elif not self._stands(detection):
                self.counts.refused += 1
            elif time_s < self._now_s - self._reach_s - BETWEEN_ROUNDS_S:
                self.counts.too_late += 1
            elif self.held >= MOST_DETECTIONS:
                self.counts.crowded_out += 1
            else:
                self.counts.late += time_s <= self._now_s
                self._known.add(key)
                self._latest[detection.sensor_id] = max(time_s, self._latest.get(detection.sensor_id, -np.inf))
                heapq.heappush(self._inbox, (time_s, *key, detection))

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
        places = np.array([self._places[sensor] for sensor, _ in keys])
        times_s = np.array([self._open[key].onset_time_utc.timestamp() for key in keys])
        times_s -= times_s[0]
        speed, farthest_m = self._air.speed_mps - self._air.wind_speed_mps, 2.0 * HEARING_M
        points = np.column_stack((places, times_s * speed))
        radius_m = float(np.hypot(farthest_m, farthest_m + speed * REVERBERATION_S))
        pairs = cKDTree(points).query_pairs(radius_m, output_type="ndarray")
        apart_m = np.hypot(*(places[pairs[:, 0]] - places[pairs[:, 1]]).T)
        apart_s = np.abs(times_s[pairs[:, 0]] - times_s[pairs[:, 1]])
        pairs = pairs[(apart_m <= farthest_m) & (apart_s <= apart_m / speed + REVERBERATION_S)]
        links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(keys), len(keys)))
        count, labels = connected_components(links, directed=False)
        groups: list[list[Key]] = [[] for _ in range(count)]
        for key, label in zip(keys, labels.tolist(), strict=True):
            groups[label].append(key)
        return [tuple(group) for group in groups]

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
        silent = [
            sensor
            for sensor in self._places
            if sensor not in answered and (sensor in self._listed or self._latest.get(sensor, -np.inf) > at_s - UP_S)
        ]
        if not silent:
            return shot
        nothing, none = np.zeros(0), np.zeros(0, dtype=np.intp)
        places = np.array([self._places[sensor] for sensor in silent])
        idle = Arrivals((), tuple(silent), places, none, nothing, nothing, nothing, nothing, 0.0)
        hearing = hearing_at(idle, self._metres(shot))
        return replace(shot, probability=weigh_silence(shot.probability, self._gunfire(shot), hearing))

    def _gunfire(self, shot: Shot) -> float:
        return gunfire_probability([self._open[key] for key in _keys(shot)])

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
        if len(self._places) > MOST_SENSORS:
            keep = set(heapq.nlargest(MOST_SENSORS // 2, self._latest, key=self._latest.__getitem__)) | self._listed
            self._places = {name: place for name, place in self._places.items() if name in keep}
            self._latest = {name: time_s for name, time_s in self._latest.items() if name in keep}

    def _spend(self, shot: Shot) -> None:
        """A round's detections, and those so close at the same sensor that they are the same sound again."""
        heard = {key[0]: self._open[key].onset_time_utc.timestamp() for key in _keys(shot) if key in self._open}
        for key, item in self._open.items():
            if key[0] in heard and abs(item.onset_time_utc.timestamp() - heard[key[0]]) < SAME_SOUND_S:
                self._spent.add(key)

    def _stands(self, detection: Detection) -> bool:
        """Whether a sensor is in the frame of the others and where it was before; it is complained of where not."""
        known = self._places.get(detection.sensor_id)
        local = detection.is_local
        if self._places and local != (self._frame is None):
            self._complain(
                f"sensor {detection.sensor_id} comes in another frame than the first: give all positions as x_m,y_m "
                "or all as latitude,longitude"
            )
            return False
        if not self._places and not local:
            self._frame = LocalFrame(detection.latitude or 0.0, detection.longitude or 0.0)
        place = self._local_m(detection.x_m, detection.y_m, detection.latitude, detection.longitude)
        if known is not None:
            if float(np.hypot(*(place - known))) <= ONE_SENSOR_M:
                return True
            self._complain(f"sensor {detection.sensor_id} has moved by more than {ONE_SENSOR_M:g} m: name it anew")
            return False
        if self._places and np.abs(place - next(iter(self._places.values()))).max() > 2.0 * FARTHEST_M:
            self._complain(
                f"sensor {detection.sensor_id} is more than {2 * FARTHEST_M / 1000:g} km from the first: mend its "
                "position, or fuse each site by itself"
            )
            return False
        self._places[detection.sensor_id] = place
        return True

    def _metres(self, shot: Shot) -> Array:
        return self._local_m(shot.place.x_m, shot.place.y_m, shot.place.latitude, shot.place.longitude)

    def _local_m(self, x_m: float | None, y_m: float | None, latitude: float | None, longitude: float | None) -> Array:
        if self._frame is None:
            return np.array([x_m or 0.0, y_m or 0.0])
        return np.asarray(self._frame.to_local(latitude or 0.0, longitude or 0.0)[:2])


def _keys(shot: Shot) -> list[Key]:
    return list(zip(shot.residuals_s, shot.detections, strict=True))


def _least_share(rounds: int) -> float:
    """The probability of one sound below which a round, of so many at one place, is none."""
    return float(expit((SHOT_COST + PLACE_COST / rounds - EVEN_SCORE) / SCORE_SCALE))
