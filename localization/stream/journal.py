"""What a fusion must not forget when it is started anew: what lately came, and what it has said.

The engine is a function of the detections that came and of what it has learnt of clocks, so it is brought back by
giving it those of the last ten minutes again (for as long a silent sensor counts); of what it then says once more,
nothing goes out that had gone out before.
"""

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tocsin import TocsinError
from tocsin.inference.detection import Detection, parse_line
from tocsin.localization.incidents.grouping import Incident
from tocsin.localization.stream import said_before, taken
from tocsin.localization.stream.said_before import SaidBefore
from tocsin.localization.stream.sensor_register import UP_S
from tocsin.localization.stream.taken import Taken

MOST_KEPT = 50_000  # detections; beyond them the oldest go
_TIDY_EVERY = 1000  # detections between two looks for what is old
_TABLES = """
CREATE TABLE IF NOT EXISTS came (
    number INTEGER PRIMARY KEY, sensor_id TEXT, detection_id TEXT, came_s REAL, line TEXT,
    UNIQUE (sensor_id, detection_id)
);
CREATE TABLE IF NOT EXISTS engine (what TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""


class Journal:
    """A file (SQLite) of what lately came and of what was said.

    Args:
        path: of the file; made where it is not there.

    Raises:
        TocsinError: it cannot be written, is no journal, or another process has it.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._untidy = path, 0
        try:
            self._base = sqlite3.connect(path, isolation_level=None)
        except sqlite3.Error as error:
            raise self._unusable(error) from None
        try:
            # Of two fusions with one file each would take what the other then never gets.
            self._base.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._base.execute("PRAGMA journal_mode = WAL")
            # What is acknowledged to the broker is on the disk.
            self._base.execute("PRAGMA synchronous = FULL")
            self._base.executescript(_TABLES + taken.TABLES + said_before.TABLES)
            self._taken, self._said = Taken(self._base), SaidBefore(self._base)
        except sqlite3.Error as error:
            self.close()
            raise self._unusable(error) from None

    def came(self) -> list[Detection]:
        """The detections of the last ten minutes, in the order in which they came."""
        with self._sentences():
            self._tidy()
            lines = self._base.execute("SELECT line FROM came ORDER BY number").fetchall()
        detections = []
        for (line,) in lines:
            with suppress(TocsinError):  # of an earlier version: one that cannot be read must not stop all others
                detections.append(parse_line(str(self._path), line))
        return detections

    def take(self, detections: Iterable[Detection]) -> list[Detection]:
        """Those that were never taken before; they are on the disk afterwards."""
        items = list(detections)
        if not items:
            return []
        now_s = time.time()
        with self._changes():
            fresh = self._taken.fresh(items)
            rows = [(item.sensor_id, item.detection_id, now_s, item.to_json()) for item in fresh]
            self._base.executemany(
                "INSERT OR IGNORE INTO came (sensor_id, detection_id, came_s, line) VALUES (?, ?, ?, ?)", rows
            )
            self._untidy += len(rows)
            if self._untidy >= _TIDY_EVERY:
                self._tidy()
        return fresh

    def news(self, incidents: Iterable[Incident]) -> list[Incident]:
        """What was not said before of them, under the names that they were said by."""
        with self._sentences():
            return self._said.news(incidents)

    def said(self, incidents: Iterable[Incident], reached_s: float) -> None:
        """Note what has gone out, and the time, seconds since 1970, that the engine had reached then."""
        with self._changes():
            self._said.note(incidents)
            self._note("reached_s", reached_s)

    def learnt(self, clocks: dict[str, Any]) -> None:
        """Note what the engine knows of clocks."""
        with self._changes():
            self._note("clocks", clocks)

    @property
    def reached_s(self) -> float:
        """Time that the engine had reached when it last said something, seconds since 1970."""
        return float(self._noted("reached_s", float("-inf")))

    @property
    def clocks(self) -> dict[str, Any]:
        """What was known of clocks."""
        return dict(self._noted("clocks", {}))

    def _note(self, what: str, value: object) -> None:
        self._base.execute("INSERT OR REPLACE INTO engine VALUES (?, ?)", (what, json.dumps(value)))

    def _noted(self, what: str, absent: Any) -> Any:
        with self._sentences():
            found = self._base.execute("SELECT value FROM engine WHERE what = ?", (what,)).fetchone()
        return absent if found is None else json.loads(found[0])

    def _tidy(self) -> None:
        """Forget what is old, by the clock that it came by: one that is set only forgets sooner, or later."""
        self._untidy = 0
        self._base.execute("DELETE FROM came WHERE came_s < (SELECT max(came_s) FROM came) - ?", (UP_S,))
        self._base.execute("DELETE FROM came WHERE number <= (SELECT max(number) FROM came) - ?", (MOST_KEPT,))
        self._said.tidy()

    @contextmanager
    def _changes(self) -> Iterator[None]:
        with self._sentences():
            self._base.execute("BEGIN IMMEDIATE")
            yield
            self._base.execute("COMMIT")

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._unusable(error) from None

    def _unusable(self, error: sqlite3.Error) -> TocsinError:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return TocsinError(f"another `tocsin fuse` has {self._path}: each needs a --state of its own")
        return TocsinError(f"{self._path} cannot be used as --state ({error}): give another file, or make room there")

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()
