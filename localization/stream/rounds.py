"""Rounds that may still change, and what is said of their incidents."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tocsin.localization.incidents.grouping import SAME_INCIDENT_S, Incident
from tocsin.localization.incidents.revisions import Revisions
from tocsin.localization.incidents.shot import Shot
from tocsin.localization.stream.open_detections import keys_of

Array = npt.NDArray[np.float64]

BETWEEN_ROUNDS_S = 2.0  # rounds that follow each other faster are located together
LONGEST_BURST_S = 10.0


class Rounds:
    """Rounds from one search to the next, each with its id and its incident.

    Args:
        metres: place of a shot in the plane of the sensors, ``(2,)``.
    """

    def __init__(self, metres: Callable[[Shot], Array]) -> None:
        self._rounds: dict[str, Shot] = {}
        self._incidents = Revisions(metres)

    def __len__(self) -> int:
        return len(self._rounds)

    def reconcile(self, found: Sequence[Shot]) -> None:
        """Set the rounds found against those known, which keep their ids."""
        holder = {key: shot.shot_id for shot in self._rounds.values() for key in keys_of(shot)}
        left = dict(self._rounds)
        self._rounds = {}
        for shot in found:
            votes = [holder[key] for key in keys_of(shot) if holder.get(key) in left]
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

    def close(self, end_s: float) -> tuple[list[Shot], float]:
        """Let go of the rounds that nothing follows: these, and the time from which those that are left need theirs."""
        quiet_s = end_s - BETWEEN_ROUNDS_S
        newest: dict[str, float] = {}
        for shot in self._rounds.values():
            at_s = shot.discharge_time_utc.timestamp()
            newest[shot.incident_id] = max(at_s, newest.get(shot.incident_id, -np.inf))
        closed, floor_s = [], quiet_s
        for shot in list(self._rounds.values()):
            at_s = shot.discharge_time_utc.timestamp()
            if newest[shot.incident_id] >= quiet_s and at_s >= end_s - LONGEST_BURST_S:
                floor_s = min(floor_s, at_s)
                continue
            closed.append(self._rounds.pop(shot.shot_id))
        return closed, floor_s

    def say(self, end_s: float) -> list[Incident]:
        """The incidents of which there is news; those are forgotten that no round after a time can join."""
        revisions = self._incidents.say()
        self._incidents.forget(end_s - SAME_INCIDENT_S - LONGEST_BURST_S)
        return revisions
