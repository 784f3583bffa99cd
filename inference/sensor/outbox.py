"""The outbox: detections on the disk, until the broker has said that it has them.

What :meth:`Outbox.put` returned from survives a kill and a loss of power (SQLite, write-ahead log, each commit synced).
A detection leaves when the broker acknowledged it, and its id stays for a while, so that a source that is heard again
after a crash does not send it again. Nothing here asks what time it is: rows go in the order in which they came.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tocsin import TocsinError

REMEMBERED = 10_000  # ids of what was acknowledged
MOST_IN_MEMORY = 1000  # detections that a full disk does not take
ROW_BYTES = 200  # of a row besides its text: keys, indices, half-filled pages
_SCHEMA = """
CREATE TABLE IF NOT EXISTS waiting (
    number INTEGER PRIMARY KEY AUTOINCREMENT, detection_id TEXT UNIQUE NOT NULL, topic TEXT NOT NULL,
    payload BLOB NOT NULL, confidence REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS least ON waiting (confidence, number);
CREATE TABLE IF NOT EXISTS sent (number INTEGER PRIMARY KEY AUTOINCREMENT, detection_id TEXT UNIQUE NOT NULL);
CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Letter:
    """A detection that waits: ``number`` is its place in the order of arrival, below 0 while it is in memory alone."""

    number: int
    detection_id: str
    topic: str
    payload: bytes
    confidence: float


class Outbox:
    """Detections that wait, in a file; used by the thread that hears and by the one that sends.

    Args:
        path: of the file. One that is damaged is put aside as ``NAME.broken-1``, and what can be read of it is kept.
        limit_bytes: of all that waits; beyond it the least confident go first, the oldest of them before others.
        complain: called with a sentence about a disk or file that fails.

    Attributes:
        dropped: detections that went because there was no room, ever.
    """

    def __init__(
        self, path: str | Path, limit_bytes: int, complain: Callable[[str], None] = lambda sentence: None
    ) -> None:
        self._path, self._limit_bytes, self._complain = Path(path), limit_bytes, complain
        self._lock = threading.RLock()
        self._in_memory: list[Letter] = []
        self._memory_number = 0
        self._failing = False
        self._count = self._bytes = self.dropped = 0
        self._base = self._opened()

    def put(self, detection_id: str, topic: str, payload: bytes, confidence: float) -> bool:
        """Keep a detection; when this returns True it is on the disk, or was acknowledged before.

        Returns:
            False where the disk does not take it: it is in memory then, and goes to the disk as soon as that does.
        """
        with self._lock:
            self._memory_number -= 1
            self._in_memory.append(Letter(self._memory_number, detection_id, topic, payload, confidence))
            return self.save()

    def save(self) -> bool:
        """Bring to the disk what is in memory because the disk was full; whether nothing is left there."""
        with self._lock:
            try:
                while self._in_memory:
                    self._insert(self._in_memory[0])
                    del self._in_memory[0]
            except sqlite3.Error as error:
                if _is_damaged(error):
                    self._base = self._renewed(error)
                    return self.save()
                self._fails(error)
                return False
            if self._failing:
                self._failing = False
                self._complain(f"{self._path} can be written again; nothing is left in memory")
            return True

    def waiting(self, most: int = 100) -> list[Letter]:
        """The first that wait, in order; behind them those that the disk does not take: they can be sent too."""
        with self._lock:
            letters: list[Letter] = []
            with self._unharmed():
                rows = self._base.execute(
                    "SELECT number, detection_id, topic, payload, confidence FROM waiting ORDER BY number LIMIT ?",
                    (most,),
                )
                letters = [Letter(*row) for row in rows]
            return [*letters, *self._in_memory[: most - len(letters)]]

    def acknowledged(self, numbers: Sequence[int]) -> None:
        """The broker has these: they leave. Where the disk fails they stay on it, and are sent once more."""
        with self._lock:
            self._in_memory = [letter for letter in self._in_memory if letter.number not in numbers]
            with self._unharmed():
                self._remove([number for number in numbers if number > 0])

    def size(self) -> tuple[int, int]:
        """How many wait, those in memory among them, and their bytes."""
        with self._lock:
            memory = sum(len(letter.payload) + len(letter.topic) + ROW_BYTES for letter in self._in_memory)
            return self._count + len(self._in_memory), self._bytes + memory

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self.save()
            self._base.close()

    def _remove(self, numbers: Sequence[int]) -> None:
        marks = ",".join("?" * len(numbers))
        with self._commit():
            gone = self._base.execute(
                f"SELECT detection_id, length(payload) + length(topic) FROM waiting WHERE number IN ({marks})", numbers
            ).fetchall()
            ids = [(detection_id,) for detection_id, _ in gone]
            self._base.executemany("INSERT OR IGNORE INTO sent (detection_id) VALUES (?)", ids)
            self._base.execute(f"DELETE FROM waiting WHERE number IN ({marks})", numbers)
            self._base.execute("DELETE FROM sent WHERE number <= (SELECT max(number) FROM sent) - ?", (REMEMBERED,))
        self._count -= len(gone)
        self._bytes -= sum(size + ROW_BYTES for _, size in gone)

    def _insert(self, letter: Letter) -> None:
        if self._base.execute("SELECT 1 FROM sent WHERE detection_id = ?", (letter.detection_id,)).fetchone():
            return
        size = len(letter.payload) + len(letter.topic) + ROW_BYTES
        gone: list[tuple[int, int]] = []
        with self._commit():
            added = self._base.execute(
                "INSERT OR IGNORE INTO waiting (detection_id, topic, payload, confidence) VALUES (?, ?, ?, ?)",
                (letter.detection_id, letter.topic, letter.payload, letter.confidence),
            ).rowcount
            if not added:
                return
            over = self._bytes + size - self._limit_bytes
            if over > 0:
                rows = self._base.execute(
                    "SELECT number, length(payload) + length(topic) FROM waiting ORDER BY confidence, number"
                )
                for number, length in rows:
                    if over <= 0:
                        break
                    gone.append((number, length + ROW_BYTES))
                    over -= length + ROW_BYTES
                self._base.executemany("DELETE FROM waiting WHERE number = ?", [(number,) for number, _ in gone])
                self._base.execute("INSERT OR REPLACE INTO counts VALUES ('dropped', ?)", (self.dropped + len(gone),))
        self._count += 1 - len(gone)
        self._bytes += size - sum(length for _, length in gone)
        self.dropped += len(gone)

    @contextlib.contextmanager
    def _commit(self) -> Iterator[None]:
        self._base.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._base.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # a failed commit may have rolled back by itself
                self._base.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _unharmed(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if _is_damaged(error):
                self._base = self._renewed(error)
            else:
                self._fails(error)

    def _fails(self, error: sqlite3.Error) -> None:
        if not self._failing:
            self._failing = True
            self._complain(f"{self._path} cannot be written ({error}): detections wait in memory until it can")
        # The least confident goes, as on the disk.
        while len(self._in_memory) > MOST_IN_MEMORY:
            least = min(range(len(self._in_memory)), key=lambda place: self._in_memory[place].confidence)
            del self._in_memory[least]
            self.dropped += 1

    def _opened(self) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return self._connected()
        except sqlite3.Error as error:
            if _is_damaged(error):
                return self._renewed(error)
            raise _unusable(self._path, error) from None
        except OSError as error:
            raise _unusable(self._path, error) from None

    def _connected(self) -> sqlite3.Connection:
        base = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=10.0)
        try:
            base.execute("PRAGMA journal_mode = WAL")
            base.execute("PRAGMA synchronous = FULL")
            base.executescript(_SCHEMA)
            if base.execute("PRAGMA quick_check").fetchone() != ("ok",):
                raise sqlite3.DatabaseError("database disk image is malformed")
            self._count, self._bytes = base.execute(
                "SELECT count(*), coalesce(sum(length(payload) + length(topic) + ?), 0) FROM waiting", (ROW_BYTES,)
            ).fetchone()
            self.dropped = dict(base.execute("SELECT name, value FROM counts")).get("dropped", 0)
        except BaseException:
            base.close()
            raise
        return base

    def _renewed(self, error: sqlite3.Error) -> sqlite3.Connection:
        """Put a damaged file aside, begin anew, and take over what can be read."""
        with contextlib.suppress(AttributeError, sqlite3.Error):
            self._base.close()
        number = 1
        while (aside := self._path.with_name(f"{self._path.name}.broken-{number}")).exists():
            number += 1
        try:
            for suffix in ("-wal", "-shm"):
                part = self._path.with_name(self._path.name + suffix)
                if part.exists():
                    part.rename(aside.with_name(aside.name + suffix))
            self._path.rename(aside)
            base = self._connected()
        except (OSError, sqlite3.Error) as second:
            raise _unusable(self._path, second) from None
        rescued = _readable(aside)
        self._in_memory = rescued + self._in_memory
        self._complain(
            f"{self._path} is damaged ({error}): it is kept as {aside.name}, and {len(rescued)} detections were taken "
            "over from it"
        )
        return base


def _is_damaged(error: sqlite3.Error) -> bool:
    return isinstance(error, sqlite3.DatabaseError) and ("malformed" in str(error) or "not a database" in str(error))


def _readable(path: Path) -> list[Letter]:
    """The rows of a damaged file as far as they can be read."""
    letters: list[Letter] = []
    with contextlib.suppress(sqlite3.Error, TypeError):
        base = sqlite3.connect(path)
        try:
            rows = base.execute("SELECT number, detection_id, topic, payload, confidence FROM waiting ORDER BY number")
            letters.extend(Letter(*row) for row in rows)
        finally:
            base.close()
    return letters


def _unusable(path: Path, error: Exception) -> TocsinError:
    return TocsinError(
        f"{path} cannot be used as an outbox ({getattr(error, 'strerror', None) or error}): mend path of [outbox]"
    )
