"""What a fusion must not forget when it is started anew: what lately came, and what it has said.

The engine is a function of the detections that came, so it is brought back by giving it those of the last ten minutes
again (for as long a silent sensor counts); of what it then says once more, nothing goes out that had gone out before.
"""

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tocsin import TocsinError
from tocsin.inference.detection import Detection, parse_line
from tocsin.localization.incidents.grouping import Incident
from tocsin.localization.stream.sensor_register import UP_S

MOST_KEPT = 50_000  # detections; beyond them the oldest go
KEPT_INCIDENTS = 10_000
_TIDY_EVERY = 1000  # detections between two looks for what is old


class Journal:
    """A file (SQLite) of what lately came and of what was said.

    Args:
        path: of the file; made where it is not there.

    Raises:
        TocsinError: it cannot be written, or is no journal.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._untidy = path, 0
        try:
            self._base = sqlite3.connect(path, isolation_level=None)
            self._base.execute("PRAGMA journal_mode = WAL")
            # What is acknowledged to the broker is on the disk.
            self._base.execute("PRAGMA synchronous = FULL")
            self._base.executescript(
                """
                CREATE TABLE IF NOT EXISTS came (
                    number INTEGER PRIMARY KEY, sensor_id TEXT, detection_id TEXT, came_s REAL, line TEXT,
                    UNIQUE (sensor_id, detection_id)
                );
                CREATE TABLE IF NOT EXISTS said (incident_id TEXT PRIMARY KEY, revision INTEGER) WITHOUT ROWID;
                """
            )
        except sqlite3.Error as error:
            raise self._unusable(error) from None

    def came(self) -> list[Detection]:
        """The detections of the last ten minutes, in the order in which they came."""
        try:
            self._tidy()
            lines = self._base.execute("SELECT line FROM came ORDER BY number").fetchall()
        except sqlite3.Error as error:
            raise self._unusable(error) from None
        return [parse_line(str(self._path), line) for (line,) in lines]

    def keep(self, detections: Iterable[Detection]) -> None:
        """Have them on the disk; those that are there already stay as they are."""
        now_s = time.time()
        rows = [(item.sensor_id, item.detection_id, now_s, item.to_json()) for item in detections]
        if not rows:
            return
        with self._changes():
            self._base.executemany(
                "INSERT OR IGNORE INTO came (sensor_id, detection_id, came_s, line) VALUES (?, ?, ?, ?)", rows
            )
            self._untidy += len(rows)
            if self._untidy >= _TIDY_EVERY:
                self._tidy()

    def news(self, incidents: Iterable[Incident]) -> list[Incident]:
        """Those of which this revision, or a later one, was not said before."""
        said = dict(self._base.execute("SELECT incident_id, revision FROM said"))
        return [item for item in incidents if item.revision > said.get(item.incident_id, 0)]

    def said(self, incidents: Iterable[Incident]) -> None:
        """Note what has gone out."""
        rows = [(item.incident_id, item.revision) for item in incidents]
        if rows:
            with self._changes():
                self._base.executemany("INSERT OR REPLACE INTO said VALUES (?, ?)", rows)

    def _tidy(self) -> None:
        """Forget what is old, by the clock that it came by: one that is set only forgets sooner, or later."""
        self._untidy = 0
        self._base.execute("DELETE FROM came WHERE came_s < (SELECT max(came_s) FROM came) - ?", (UP_S,))
        self._base.execute("DELETE FROM came WHERE number <= (SELECT max(number) FROM came) - ?", (MOST_KEPT,))
        # ULIDs sort by time.
        self._base.execute(
            "DELETE FROM said WHERE incident_id NOT IN "
            "(SELECT incident_id FROM said ORDER BY incident_id DESC LIMIT ?)",
            (KEPT_INCIDENTS,),
        )

    @contextmanager
    def _changes(self) -> Iterator[None]:
        try:
            self._base.execute("BEGIN IMMEDIATE")
            yield
            self._base.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._unusable(error) from None

    def _unusable(self, error: sqlite3.Error) -> TocsinError:
        return TocsinError(f"{self._path} cannot be used as --state ({error}): give another file, or make room there")

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()
