"""The outbox: detections wait on the disk until the broker has acknowledged them, through power cuts and full disks.

What :meth:`Outbox.put` has taken is on the disk when it returns (SQLite, write-ahead log, ``synchronous=FULL``). The
order is that of coming, by a row number that never returns, so that a clock that jumps changes nothing.
"""

import math
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from tocsin import TocsinError
from tocsin.inference.mqtt import LONGEST_PAYLOAD_BYTES
from tocsin.inference.sensor.outbox_file import Row, is_broken, open_outbox_file, rescue, set_aside

ROW_BYTES = 100  # what a row needs beside its text, about
REMEMBERED = 10_000  # acknowledged ids that are known when they come again
MOST_HELD_BYTES = 8 * 2**20  # in memory, while the disk takes nothing


class Outbox:
    """Detections that wait, in a file. Any thread may use it.

    Args:
        path: the file; begun with its folder where there is none. A broken one is renamed to ``NAME.broken-N``, and
            what can be read of it goes into a new one.
        limit_bytes: of all that waits. Beyond it the least confident go first, of equals the oldest, and are counted.
            The file is as large as its fullest state, and a log of 4 MiB lies beside it.
        complain: called with a sentence where the disk is full or fails (once until it works again), or the file was
            broken.

    Raises:
        TocsinError: the file cannot be opened, or another process has it.
    """

    def __init__(self, path: str | Path, limit_bytes: int, complain: Callable[[str], None]) -> None:
        self._path = Path(path)
        self._limit_bytes = limit_bytes
        self._complain = complain
        self._lock = threading.RLock()
        self._db: sqlite3.Connection | None = None
        self._count = self._bytes = self._dropped = 0  # of the file
        self._next_row = 1
        # What the file does not have yet: messages and acknowledgements, of which all is written together, in order.
        self._held: dict[str, Row] = {}
        self._acknowledged: set[int] = set()
        self._sent_held: list[str] = []
        self._dropped_held = 0
        self._fails = False
        begun = self._path.exists() and self._path.stat().st_size > 0
        try:
            self._open()
            self.flush()
        except sqlite3.Error as error:
            if begun:  # numbers that are in it must not be given again
                raise TocsinError(f"{self._path}: cannot read the outbox ({error})") from None
            self._say_once(error)

    @property
    def dropped(self) -> int:
        """How many went because it was full, since it was begun; of those that were on the way some may have come."""
        return self._dropped + self._dropped_held

    def size(self) -> tuple[int, int]:
        """How many wait, and their bytes."""
        with self._lock:
            sizes = [_bytes(row) for row in self._held.values()]
            query = "SELECT -bytes FROM waiting WHERE row=?"
            gone = [found[0] for row in self._acknowledged for found in self._read(query, row)]
            return self._count + len(sizes) - len(gone), self._bytes + sum(sizes) + sum(gone)

    def put(self, detection_id: str, topic: str, payload: bytes, confidence: float) -> bool:
        """Take a message; one whose id waits, or was acknowledged among the last 10,000, is not taken again.

        Args:
            detection_id: fixed by content.
            topic: where it goes.
            payload: at most 65,536 bytes.
            confidence: the more, the longer it stays where room is scarce.

        Returns:
            Whether it is safe: on the disk, or acknowledged. Else it waits in memory, for the disk takes nothing, or
            has gone, for it is the least confident of a full outbox.

        Raises:
            TocsinError: the payload is too long.
        """
        if len(payload) > LONGEST_PAYLOAD_BYTES:
            raise TocsinError(
                f"a message of {len(payload)} bytes is too long: expected {LONGEST_PAYLOAD_BYTES} at most"
            )
        with self._lock:
            if detection_id not in self._held and detection_id not in self._sent_held:
                if self._has(detection_id):
                    return True
                confidence = confidence if math.isfinite(confidence) else 0.0
                self._held[detection_id] = Row(self._next_row, detection_id, topic, payload, confidence)
                self._next_row += 1
            return self.flush() and self._has(detection_id)

    def waiting(self, after_row: int, limit: int) -> list[Row]:
        """The next messages in the order in which they came.

        Args:
            after_row: number of the last one before them; 0 for the first.
            limit: at most so many.
        """
        with self._lock:
            query = (
                "SELECT row, detection_id, topic, payload, confidence FROM waiting WHERE row > ? ORDER BY row LIMIT ?"
            )
            found = [Row(*row) for row in self._read(query, after_row, limit + len(self._acknowledged))]
            held = [row for row in self._held.values() if row.row > after_row]
            return [*(row for row in found if row.row not in self._acknowledged), *held][:limit]

    def acknowledged(self, rows: Collection[int]) -> None:
        """Forget messages that the broker has; their ids are remembered."""
        with self._lock:
            self._acknowledged.update(rows)
            for row in [row for row in self._held.values() if row.row in self._acknowledged]:
                self._sent_held.append(self._held.pop(row.detection_id).detection_id)
            self.flush()

    def flush(self) -> bool:
        """Write what waits in memory, if the disk takes it now; returns whether nothing is left there."""
        with self._lock:
            if not self._held and not self._acknowledged and not self._sent_held and not self._dropped_held:
                return True
            try:
                try:
                    self._write()
                except sqlite3.DatabaseError as error:
                    if not is_broken(error):
                        raise
                    self._set_aside(error)
                    self._write()
            except (sqlite3.Error, TocsinError) as error:
                self._say_once(error)
                self._bound_held()
                return False
            if self._fails:
                self._fails = False
                self._complain(f"{self._path}: the outbox is written again")
            return True

    def close(self) -> None:
        """Write what can be written and close the file; it can be opened again."""
        with self._lock:
            self.flush()
            if self._db is not None:
                self._db.close()
                self._db = None

    def _open(self) -> sqlite3.Connection:
        if self._db is not None:
            return self._db
        try:
            db = open_outbox_file(self._path)
        except sqlite3.Error as error:
            if not is_broken(error):
                raise
            self._set_aside(error)
            db = open_outbox_file(self._path)
        self._db = db
        self._count, self._bytes = db.execute("SELECT COUNT(*), COALESCE(SUM(bytes), 0) FROM waiting").fetchone()
        self._dropped = next((n for (n,) in db.execute("SELECT value FROM counters WHERE name='dropped'")), 0)
        last = next((n for (n,) in db.execute("SELECT seq FROM sqlite_sequence WHERE name='waiting'")), 0)
        self._next_row = max(self._next_row, last + 1)
        return db

    def _set_aside(self, error: sqlite3.Error) -> None:
        """Rename a broken file; what can be read of it waits in memory, before all else, for a new one."""
        if self._db is not None:
            self._db.close()
            self._db = None
        aside = set_aside(self._path)
        saved = rescue(aside)
        self._held = {row.detection_id: row for row in saved.waiting} | self._held
        self._sent_held = saved.sent + self._sent_held
        self._dropped_held += max(saved.dropped, self._dropped)
        self._next_row = max([self._next_row, *(row.row + 1 for row in saved.waiting)])
        self._count = self._bytes = self._dropped = 0
        self._complain(
            f"{self._path} was broken ({error}): it lies beside it as {aside.name}, and the {len(saved.waiting)} "
            "detections that could be read of it go into a new one"
        )

    def _write(self) -> None:
        db = self._open()
        count, total = self._count, self._bytes
        dropped = self._dropped + self._dropped_held
        names = list(self._sent_held)
        with _transaction(db):
            for number in self._acknowledged:
                found = db.execute("SELECT detection_id, bytes FROM waiting WHERE row=?", (number,)).fetchone()
                if found is not None:
                    db.execute("DELETE FROM waiting WHERE row=?", (number,))
                    names.append(found[0])
                    count, total = count - 1, total - found[1]
            if names:
                db.executemany("INSERT OR IGNORE INTO sent (detection_id) VALUES (?)", [(name,) for name in names])
                db.execute("DELETE FROM sent WHERE row <= (SELECT MAX(row) FROM sent) - ?", (REMEMBERED,))
            for row in self._held.values():
                if not _is_sent(db, row.detection_id) and _insert(db, row):
                    count, total = count + 1, total + _bytes(row)
            while total > self._limit_bytes and count:
                least = db.execute("SELECT row, bytes FROM waiting ORDER BY confidence, row LIMIT 1").fetchone()
                db.execute("DELETE FROM waiting WHERE row=?", least[:1])
                count, total, dropped = count - 1, total - least[1], dropped + 1
            if dropped != self._dropped:
                db.execute("INSERT OR REPLACE INTO counters VALUES ('dropped', ?)", (dropped,))
        self._count, self._bytes, self._dropped, self._dropped_held = count, total, dropped, 0
        self._held.clear()
        self._acknowledged.clear()
        self._sent_held.clear()

    def _has(self, detection_id: str) -> bool:
        query = "SELECT 1 FROM waiting WHERE detection_id=?1 UNION ALL SELECT 1 FROM sent WHERE detection_id=?1"
        return bool(self._read(query, detection_id))

    def _read(self, query: str, *values: object) -> list[tuple]:  # type: ignore[type-arg]
        for _ in range(2):  # once more where the file was broken
            if self._db is None:
                return []
            try:
                return self._db.execute(query, values).fetchall()
            except sqlite3.Error as error:
                if not is_broken(error):
                    self._say_once(error)
                    return []
                self._set_aside(error)
                self.flush()
        return []

    def _bound_held(self) -> None:
        total = sum(map(_bytes, self._held.values()))
        for row in sorted(self._held.values(), key=lambda row: (row.confidence, row.row)):
            if total <= min(MOST_HELD_BYTES, self._limit_bytes):
                break
            del self._held[row.detection_id]
            total -= _bytes(row)
            self._dropped_held += 1

    def _say_once(self, error: Exception) -> None:
        if not self._fails:
            self._fails = True
            self._complain(
                f"{self._path}: the outbox cannot be written ({error}); detections wait in memory, where a power cut "
                "would lose them, until it can"
            )


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _insert(db: sqlite3.Connection, row: Row) -> bool:
    return db.execute("INSERT OR IGNORE INTO waiting VALUES (?, ?, ?, ?, ?, ?)", (*row, _bytes(row))).rowcount > 0


def _is_sent(db: sqlite3.Connection, detection_id: str) -> bool:
    return db.execute("SELECT 1 FROM sent WHERE detection_id=?", (detection_id,)).fetchone() is not None


def _bytes(row: Row) -> int:
    return len(row.payload) + len(row.topic.encode()) + len(row.detection_id.encode()) + ROW_BYTES
