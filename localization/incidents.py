"""Shots close in place and time are one incident: rounds of one shooting."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from tocsin.inference.detection import make_ulid
from tocsin.localization.arrivals import Site
from tocsin.localization.shot import Place, Shot
from tocsin.localization.solve import Ellipse

SAME_INCIDENT_M = 50.0
SAME_INCIDENT_S = 30.0


@dataclass(frozen=True)
class Incident:
    """Shots of one place and time.

    Attributes:
        incident_id: a ULID, fixed by the first shot.
        place: of its likeliest shot, as are ``ellipse_95`` and ``ambiguous``.
        first_time_utc: discharge of the first round.
        last_time_utc: discharge of the last round.
        rounds: number of shots.
        probability: that it was gunfire: the highest of its shots.
        shots: all of them, in order of time.
    """

    incident_id: str
    place: Place
    ellipse_95: Ellipse
    ambiguous: bool
    first_time_utc: datetime
    last_time_utc: datetime
    rounds: int
    probability: float
    shots: tuple[Shot, ...]


def assign_incidents(shots: Sequence[Shot], site: Site) -> list[Shot]:
    """Give each shot, in order of time, the incident of the nearest earlier shot within 50 m and 30 s, or a new one."""
    done: list[Shot] = []
    for shot in shots:
        here = _metres(shot.place, site)
        near = [
            (float(np.hypot(*(here - _metres(other.place, site)))), index)
            for index, other in enumerate(done)
            if (shot.discharge_time_utc - other.discharge_time_utc).total_seconds() <= SAME_INCIDENT_S
        ]
        distance_m, index = min(near, default=(np.inf, -1))
        if distance_m <= SAME_INCIDENT_M:
            incident_id = done[index].incident_id
        else:
            incident_id = make_ulid(shot.discharge_time_utc, f"incident of {shot.shot_id}")
        done.append(replace(shot, incident_id=incident_id))
    return done


def incidents_of(shots: Sequence[Shot]) -> list[Incident]:
    """Gather shots by their ``incident_id`` (and input), in order of the first round."""
    groups: dict[tuple[str, str], list[Shot]] = {}
    for shot in sorted(shots, key=lambda item: item.discharge_time_utc):
        groups.setdefault((shot.input, shot.incident_id), []).append(shot)
    incidents = []
    for members in groups.values():
        lead = max(members, key=lambda shot: (not shot.ambiguous, shot.probability))
        incidents.append(
            Incident(
                incident_id=lead.incident_id,
                place=lead.place,
                ellipse_95=lead.ellipse_95,
                ambiguous=lead.ambiguous,
                first_time_utc=members[0].discharge_time_utc,
                last_time_utc=members[-1].discharge_time_utc,
                rounds=len(members),
                probability=max(shot.probability for shot in members),
                shots=tuple(members),
            )
        )
    return incidents


def _metres(place: Place, site: Site) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    if site.frame is None or place.x_m is not None:
        return np.array([place.x_m, place.y_m], dtype=np.float64)
    return np.asarray(site.frame.to_local(place.latitude or 0.0, place.longitude or 0.0)[:2])
