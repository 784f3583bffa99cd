"""Shots close in place and time are one incident: its rounds, its cadence, its shooters, and how sure it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from tocsin.data.dataframes import Table
from tocsin.inference.detection import make_ulid
from tocsin.inference.field_types import format_time
from tocsin.localization.fitting.solve import CHI_SQUARE_95_2D, Ellipse
from tocsin.localization.incidents.evidence import rounds_probability
from tocsin.localization.incidents.shot import SCHEMA_VERSION, Place, Shot
from tocsin.localization.observation.arrivals import Site
from tocsin.localization.observation.frames import metres_of

Array = npt.NDArray[np.float64]

SAME_INCIDENT_M = 50.0
SAME_INCIDENT_S = 30.0
# Cyclic rates stated for automatic weapons lie between about 450 (M3) and 1,200 rounds a minute (Glock 18); slower
# ones are rare, and by hand nobody keeps one interval.
SLOWEST_AUTOMATIC_S, FASTEST_AUTOMATIC_S = 60.0 / 300.0, 60.0 / 1200.0
REGULAR = 0.15  # intervals of one run differ from their median by this share at most
LEAST_AUTOMATIC = 3  # rounds
# Places of one shooter lie this far apart by chance in one comparison of a thousand (two dimensions).
CHI_SQUARE_999_2D = 13.815510557964274
INCIDENT_COLUMNS = (
    "input",
    "incident_id",
    "status",
    "revision",
    "first_time_utc",
    "last_time_utc",
    "x_m",
    "y_m",
    "latitude",
    "longitude",
    "semi_major_m",
    "semi_minor_m",
    "azimuth_deg",
    "ambiguous",
    "rounds",
    "cadence",
    "shooters",
    "probability",
)


class Status(StrEnum):
    """How an incident stands."""

    tentative = "tentative"  # no round of it has an unambiguous place
    confirmed = "confirmed"  # one has, or had: only a withdrawal ends it
    withdrawn = "withdrawn"  # later arrivals explain it otherwise


class Cadence(StrEnum):
    """How the rounds follow each other."""

    single = "single"
    multiple = "multiple"
    automatic = "automatic"


@dataclass(frozen=True)
class Incident:
    """Shots of one place and time.

    Attributes:
        incident_id: a ULID, fixed by the first shot.
        status: see :class:`Status`.
        revision: 1 when first published, one more each time that anything of it changes.
        place: of its likeliest shot, as are ``ellipse_95`` and ``ambiguous``.
        first_time_utc: discharge of the first round.
        last_time_utc: discharge of the last round.
        rounds: number of shots.
        cadence: see :func:`cadence_of`; of several shooters that of the fastest.
        shooters: places that lie apart by more than their ellipses; of unambiguous shots, one at least.
        probability: that it was gunfire, from all its shots.
        shots: all of them, in order of time.
    """

    incident_id: str
    status: Status
    revision: int
    place: Place
    ellipse_95: Ellipse
    ambiguous: bool
    first_time_utc: datetime
    last_time_utc: datetime
    rounds: int
    cadence: Cadence
    shooters: int
    probability: float
    shots: tuple[Shot, ...]

    def to_dict(self) -> dict[str, Any]:
        """The fields of the contract, its shots among them, ready for JSON."""
        lead = self.shots[0].to_dict()
        return {
            "schema_version": SCHEMA_VERSION,
            "input": lead["input"],
            "incident_id": self.incident_id,
            "status": self.status.value,
            "revision": self.revision,
            "first_time_utc": format_time(self.first_time_utc),
            "last_time_utc": format_time(self.last_time_utc),
            **self.place.to_dict(),
            "ellipse_95": {
                "semi_major_m": round(self.ellipse_95.semi_major_m, 2),
                "semi_minor_m": round(self.ellipse_95.semi_minor_m, 2),
                "azimuth_deg": round(self.ellipse_95.azimuth_deg, 1),
            },
            "ambiguous": self.ambiguous,
            "rounds": self.rounds,
            "cadence": self.cadence.value,
            "shooters": self.shooters,
            "probability": round(self.probability, 4),
            "shots": [shot.to_dict() for shot in self.shots],
        }

    def to_row(self) -> dict[str, Any]:
        """The same without its shots and with its ellipse in columns, for a table."""
        fields = self.to_dict()
        fields |= fields["ellipse_95"]
        return {name: fields[name] for name in INCIDENT_COLUMNS if name in fields}

    def __str__(self) -> str:
        rounds = f"{self.rounds} round{'s' * (self.rounds > 1)}" + f", {self.cadence.value}" * (self.rounds > 1)
        time = format_time(self.first_time_utc, "milliseconds")
        return (
            f"{self.status.value}: {rounds} from {time} at {self.place}, {self.ellipse_95}, "
            f"probability {self.probability:.3f}"
        )

    def __repr__(self) -> str:
        return f"<Incident {self}>"


def assign_incidents(shots: Sequence[Shot], site: Site) -> list[Shot]:
    """Give each shot, in order of time, the incident of the nearest earlier shot within 50 m and 30 s, or a new one."""
    done: list[Shot] = []
    for shot in shots:
        here = metres_of(shot.place, site.frame)
        near = [
            (float(np.hypot(*(here - metres_of(other.place, site.frame)))), index)
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


def incidents_of(shots: Sequence[Shot]) -> Table[Incident]:
    """Gather shots by their ``incident_id`` (and input), in order of the first round."""
    groups: dict[tuple[str, str], list[Shot]] = {}
    for shot in sorted(shots, key=lambda item: item.discharge_time_utc):
        groups.setdefault((shot.input, shot.incident_id), []).append(shot)
    return Table((incident_of(members) for members in groups.values()), INCIDENT_COLUMNS)


def incident_of(shots: Sequence[Shot], revision: int = 1) -> Incident:
    """One incident of its shots, which are in order of time."""
    lead = max(shots, key=lambda shot: (not shot.ambiguous, shot.probability))
    sources = shooters_of(shots)
    times_s = np.array([shot.discharge_time_utc.timestamp() for shot in shots])
    cadences = [cadence_of(times_s[members]) for members in sources]
    cadence = Cadence.single if len(shots) == 1 else Cadence.multiple
    return Incident(
        incident_id=lead.incident_id,
        status=Status.tentative if lead.ambiguous else Status.confirmed,
        revision=revision,
        place=lead.place,
        ellipse_95=lead.ellipse_95,
        ambiguous=lead.ambiguous,
        first_time_utc=shots[0].discharge_time_utc,
        last_time_utc=shots[-1].discharge_time_utc,
        rounds=len(shots),
        cadence=Cadence.automatic if Cadence.automatic in cadences else cadence,
        shooters=len(sources),
        probability=rounds_probability([shot.probability for shot in shots]),
        shots=tuple(shots),
    )


def cadence_of(times_s: Array) -> Cadence:
    """Cadence of the rounds of one shooter, discharged at times ``(n,)`` in order, seconds.

    ``automatic``: somewhere three rounds or more follow each other at a regular 300 to 1,200 rounds a minute.
    """
    if len(times_s) < 2:
        return Cadence.single
    intervals_s = np.diff(times_s)
    run = LEAST_AUTOMATIC - 1
    for first in range(len(intervals_s) - run + 1):
        part = intervals_s[first : first + run]
        median_s = float(np.median(part))
        if (
            FASTEST_AUTOMATIC_S <= median_s <= SLOWEST_AUTOMATIC_S
            and (np.abs(part - median_s) <= REGULAR * median_s).all()
        ):
            return Cadence.automatic
    return Cadence.multiple


def shooters_of(shots: Sequence[Shot]) -> list[list[int]]:
    """Indices of the shots of each place that lies apart from the others by more than their ellipses.

    Shots without a sure place count to the place that is nearest by their ellipses. A shooter who moves is several.
    """
    places = np.array([_east_north_m(shot.place, shots[0].place) for shot in shots])
    covariances = np.array([_covariance_m2(shot.ellipse_95) for shot in shots])
    # The surest first: what is vague joins what is sharp.
    order = sorted(range(len(shots)), key=lambda index: (shots[index].ambiguous, shots[index].ellipse_95.semi_major_m))
    groups: list[list[int]] = []
    for index in order:
        apart = []
        for group in groups:
            offset = places[index] - places[group[0]]
            apart.append(float(offset @ np.linalg.solve(covariances[index] + covariances[group[0]], offset)))
        if not groups or (min(apart) > CHI_SQUARE_999_2D and not shots[index].ambiguous):
            groups.append([index])
        else:
            groups[int(np.argmin(apart))].append(index)
    return [sorted(group) for group in groups]


def _covariance_m2(ellipse: Ellipse) -> Array:
    azimuth = np.radians(ellipse.azimuth_deg)
    axes = np.array([[np.sin(azimuth), np.cos(azimuth)], [np.cos(azimuth), -np.sin(azimuth)]])
    # A centimetre keeps an exact place from being a division by nothing.
    variances = np.array([ellipse.semi_major_m, ellipse.semi_minor_m]) ** 2 / CHI_SQUARE_95_2D + 1e-4
    return np.asarray(axes.T @ np.diag(variances) @ axes)


def _east_north_m(place: Place, origin: Place) -> Array:
    """Offset within an incident, metres; a sphere will do over so little ground."""
    if place.x_m is not None and place.y_m is not None:
        return np.array([place.x_m - (origin.x_m or 0.0), place.y_m - (origin.y_m or 0.0)])
    degrees = np.array([place.longitude or 0.0, place.latitude or 0.0]) - [
        origin.longitude or 0.0,
        origin.latitude or 0,
    ]
    degrees[0] = (degrees[0] + 180.0) % 360.0 - 180.0
    return np.asarray(degrees * [np.cos(np.radians(origin.latitude or 0.0)), 1.0] * 111_320.0)
