"""What a fusion said before it was started anew, and whether what it says now is news beside that."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from tocsin.localization.incidents.grouping import Incident, Status
from tocsin.localization.incidents.revisions import DEGREES_A_METRE, NEWS_M, NEWS_PROBABILITY

KEPT_INCIDENTS = 1000  # said later than any that detections of ten minutes can make again

TABLES = """
CREATE TABLE IF NOT EXISTS said (incident_id TEXT PRIMARY KEY, line TEXT) WITHOUT ROWID;
"""

_Key = tuple[str, str]


class SaidBefore:
    """Incidents as they were last said.

    An engine that is started anew finds the incidents of its last minutes again, but not always under the ids and
    revisions that they had: a detection that came late then is there from the beginning now. So it is the detections
    that tell which incident one is, and what they make of it whether that is news.

    Args:
        base: a database with the tables of :data:`TABLES`; who calls begins and ends its transactions.
    """

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base
        self._names: dict[str, str] = {}  # the engine's to that under which an incident was said
        # By detection: incidents that were said before this run, and that none of this run is yet.
        self._before: dict[_Key, str] = {}
        for (line,) in base.execute("SELECT line FROM said"):
            incident = json.loads(line)
            self._before |= dict.fromkeys(_keys(incident), incident["incident_id"])

    def news(self, incidents: Iterable[Incident]) -> list[Incident]:
        """Those that are other than they were last said, under the name that they had, each a revision later."""
        news = []
        last: dict[str, dict[str, Any]] = {}
        for incident in incidents:
            name = self._name(incident)
            before = last.get(name) or self._last(name)
            status = incident.status
            if before and before["status"] == Status.confirmed and status is Status.tentative:
                status = Status.confirmed  # only a withdrawal ends it
            revision = before["revision"] + 1 if before else 1
            shots = tuple(replace(shot, incident_id=name) for shot in incident.shots)
            now = replace(incident, incident_id=name, shots=shots, revision=revision, status=status)
            fields = now.to_dict()
            if before is None or _differ(before, fields):
                last[name] = fields
                news.append(now)
        return news

    def note(self, incidents: Iterable[Incident]) -> None:
        """These have gone out."""
        rows = [(item.incident_id, json.dumps(item.to_dict())) for item in incidents]
        self._base.executemany("INSERT OR REPLACE INTO said VALUES (?, ?)", rows)

    def tidy(self) -> None:
        """Forget the oldest where there are too many; ULIDs sort by time."""
        self._base.execute(
            "DELETE FROM said WHERE incident_id NOT IN "
            "(SELECT incident_id FROM said ORDER BY incident_id DESC LIMIT ?)",
            (KEPT_INCIDENTS,),
        )

    def _last(self, name: str) -> dict[str, Any] | None:
        found = self._base.execute("SELECT line FROM said WHERE incident_id = ?", (name,)).fetchone()
        return json.loads(found[0]) if found else None

    def _name(self, incident: Incident) -> str:
        """Under which an incident was said: by most of its detections, where an earlier run said it."""
        if incident.incident_id not in self._names:
            names = [name for key in _keys(incident.to_dict()) if (name := self._before.get(key))]
            same = incident.incident_id in names
            name = incident.incident_id if same or not names else max(sorted(set(names)), key=names.count)
            self._names[incident.incident_id] = name
            self._before = {key: other for key, other in self._before.items() if other != name}
        return self._names[incident.incident_id]


def _keys(incident: dict[str, Any]) -> list[_Key]:
    """Sensor and id of each detection that an incident rests on."""
    return [key for shot in incident["shots"] for key in zip(shot["residuals_s"], shot["detections"], strict=True)]


def _differ(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether an incident is more than a little other than what was last said of it, as the engine judges it."""
    least = NEWS_M * (1.0 if "x_m" in after else DEGREES_A_METRE)
    places = [name for name in ("x_m", "y_m", "latitude", "longitude") if name in after]
    return (
        any(before[name] != after[name] for name in ("status", "cadence", "shooters", "ambiguous"))
        or abs(before["probability"] - after["probability"]) >= NEWS_PROBABILITY
        or any(name not in before or abs(before[name] - after[name]) >= least for name in places)
        or [set(shot["detections"]) for shot in before["shots"]] != [set(shot["detections"]) for shot in after["shots"]]
    )
