"""Incidents that may still change, and what is worth saying of them again."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from tocsin.inference.detection import make_ulid
from tocsin.localization.incidents.grouping import SAME_INCIDENT_M, SAME_INCIDENT_S, Incident, Status, incident_of
from tocsin.localization.incidents.shot import Shot

Array = npt.NDArray[np.float64]

NEWS_PROBABILITY = 0.05
NEWS_M = 1.0
DEGREES_A_METRE = 1e-5


@dataclass
class _Track:
    """An incident: its rounds by ``shot_id``, and what was last said of it."""

    shots: dict[str, Shot] = field(default_factory=dict)
    confirmed: bool = False
    said: Incident | None = None


class Revisions:
    """Rounds in, revisions of incidents out; what was confirmed ends by a withdrawal that is said, or by its age.

    Args:
        metres: place of a shot in a plane, ``(2,)``.
    """

    def __init__(self, metres: Callable[[Shot], Array]) -> None:
        self._metres = metres
        self._tracks: dict[str, _Track] = {}
        self._touched: set[str] = set()

    def incident_id(self, shot: Shot) -> str:
        """Of the nearest round within 50 m and 30 s, or a new one."""
        here, at_s = self._metres(shot), shot.discharge_time_utc.timestamp()
        best, nearest_m = "", SAME_INCIDENT_M
        for incident_id, track in self._tracks.items():
            for other in track.shots.values():
                if abs(other.discharge_time_utc.timestamp() - at_s) > SAME_INCIDENT_S:
                    continue
                apart_m = float(np.hypot(*(self._metres(other) - here)))
                if apart_m <= nearest_m:
                    best, nearest_m = incident_id, apart_m
        return best or make_ulid(shot.discharge_time_utc, f"incident of {shot.shot_id}")

    def put(self, shot: Shot) -> None:
        """Add a round to its incident, or set it anew."""
        self._tracks.setdefault(shot.incident_id, _Track()).shots[shot.shot_id] = shot
        self._touched.add(shot.incident_id)

    def take_back(self, shot: Shot) -> None:
        """A round that is one no longer."""
        if shot.incident_id in self._tracks:
            self._tracks[shot.incident_id].shots.pop(shot.shot_id, None)
            self._touched.add(shot.incident_id)

    def say(self) -> list[Incident]:
        """The incidents of which there is news since the last call."""
        news = []
        for incident_id in sorted(self._touched):
            track = self._tracks[incident_id]
            if not track.shots:
                del self._tracks[incident_id]
                if track.said is not None:
                    news.append(replace(track.said, status=Status.withdrawn, revision=track.said.revision + 1))
                continue
            shots = sorted(track.shots.values(), key=lambda shot: (shot.discharge_time_utc, shot.shot_id))
            incident = incident_of(shots, track.said.revision + 1 if track.said else 1)
            track.confirmed |= incident.status is Status.confirmed
            if track.confirmed:
                incident = replace(incident, status=Status.confirmed)
            if track.said is None or _differ(track.said, incident):
                track.said = incident
                news.append(incident)
        self._touched.clear()
        return news

    def forget(self, before_s: float) -> None:
        """Drop incidents whose last round is older: nothing can join or change them any more."""
        for incident_id, track in list(self._tracks.items()):
            if max(shot.discharge_time_utc.timestamp() for shot in track.shots.values()) < before_s:
                del self._tracks[incident_id]


def _differ(said: Incident, incident: Incident) -> bool:
    """Whether an incident is more than a little other than what was last said of it."""
    before, after = said.place.to_dict(), incident.place.to_dict()
    least = NEWS_M * (1.0 if incident.place.x_m is not None else DEGREES_A_METRE)
    return (
        (said.status, said.cadence, said.shooters, said.ambiguous)
        != (incident.status, incident.cadence, incident.shooters, incident.ambiguous)
        or abs(said.probability - incident.probability) >= NEWS_PROBABILITY
        or max(abs(after[name] - before[name]) for name in after) >= least
        or [(shot.shot_id, set(shot.detections)) for shot in said.shots]
        != [(shot.shot_id, set(shot.detections)) for shot in incident.shots]
    )
