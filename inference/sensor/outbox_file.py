"""The file of an outbox: how it is opened so that it survives a power cut, and what is done where it is broken."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tocsin import TocsinError

WRITERS_WAIT_S = 5.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS waiting (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    detection_id TEXT NOT NULL UNIQUE,
    topic TEXT NOT NULL,
    payload BLOB NOT NULL,
    confidence REAL NOT NULL,
    bytes INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS least ON waiting (confidence, row);
CREATE TABLE IF NOT EXISTS sent (row INTEGER PRIMARY KEY AUTOINCREMENT, detection_id TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""
_BESIDE = ("-wal", "-shm")


class Row(NamedTuple):
    """A message that waits; a greater row came later, and no number is given twice."""

    row: int
    detection_id: str
    topic: str
    payload: bytes
    confidence: float


class Rescued(NamedTuple):
    """What could still be read of a broken file."""

    waiting: list[Row]
    sent: list[str]
    dropped: int


def open_outbox_file(path: Path) -> sqlite3.Connection:
    """Open or begin a file: what is committed is on the disk, and no other process has it.

    Raises:
        TocsinError: it cannot be opened, or another process has it.
        sqlite3.Error: it is broken (see :func:`is_broken`), or the disk is full or fails.
    """
    connection = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=WRITERS_WAIT_S, isolation_level=None, check_same_thread=False)
        # One process alone: two agents with one outbox would send all that is in it twice. WAL then needs no shared
        # memory. FULL: a commit waits until the disk has it, where NORMAL would lose the last ones in a power cut.
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA journal_size_limit=4194304")
        connection.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}COMMIT;")
        found = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != ("ok",):
            raise _broken(str(found[0]))
    except (OSError, sqlite3.Error) as error:
        if connection is not None:
            connection.close()
        if isinstance(error, OSError):
            raise TocsinError(f"{path}: cannot begin the outbox ({error.strerror})") from None
        code = _code(error)
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise TocsinError(f"{path}: another `tocsin listen` has this outbox: each needs its own") from None
        if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY):
            raise TocsinError(f"{path}: cannot write the outbox there ({error})") from None
        raise
    return connection


def is_broken(error: sqlite3.Error) -> bool:
    """Whether the file itself is no database any more, rather than the disk full or failing."""
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def set_aside(path: Path) -> Path:
    """Rename a broken file, with what belongs to it, to the first free ``NAME.broken-N``, and return that."""
    number = 1
    while (aside := path.with_name(f"{path.name}.broken-{number}")).exists():
        number += 1
    for ending in ("", *_BESIDE):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + ending).rename(aside.with_name(aside.name + ending))
    return aside


def rescue(path: Path) -> Rescued:
    """Read what can be read of a broken file: from its beginning up to what is broken, and from its end back to it."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        rows = {row.row: row for order in ("", " DESC") for row in _rows(connection, order)}
        sent = [name for (name,) in _until_broken(connection, "SELECT detection_id FROM sent ORDER BY row")]
        dropped = [value for (value,) in _until_broken(connection, "SELECT value FROM counters WHERE name='dropped'")]
    finally:
        connection.close()
    return Rescued(
        [rows[number] for number in sorted(rows)],
        [name for name in sent if isinstance(name, str)],
        next((value for value in dropped if isinstance(value, int)), 0),
    )


def _rows(connection: sqlite3.Connection, order: str) -> Iterator[Row]:
    query = f"SELECT row, detection_id, topic, payload, confidence FROM waiting ORDER BY row{order}"
    for found in _until_broken(connection, query):
        # A page that was overwritten may still read as rows, of anything.
        if [type(value) for value in found] == [int, str, str, bytes, float]:
            yield Row(*found)


def _until_broken(connection: sqlite3.Connection, query: str) -> Iterator[tuple]:  # type: ignore[type-arg]
    with contextlib.suppress(sqlite3.Error, UnicodeDecodeError):
        yield from connection.execute(query)


def _broken(what: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(what)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest of its bits say more closely
