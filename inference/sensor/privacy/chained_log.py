"""The log of what became of every clip, as the sensor writes it: lines are only ever added, and survive power loss."""

import hashlib
import os
import secrets
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import time
from types import TracebackType
from typing import Any, Self

from tocsin import TocsinError
from tocsin.inference.field_types import format_time
from tocsin.inference.sensor.privacy.log_lines import NO_HASH, BrokenLog, Head, line_after, verify
from tocsin.inference.sensor.privacy.whole_files import sync_folder

_LONGEST_TORN = 1 << 13  # bytes of a torn line that are kept


class ChainedLog:
    """A log that one process appends to. Each line is on the disk when ``append`` returns.

    What it finds when it is opened is verified. A last line that power loss tore is replaced by a line ``torn_line``
    that keeps its bytes, and the chain goes on. A file whose chain is broken is set aside under another name, and a new
    log begins that says so, with the SHA-256 of that file: a sensor goes on hearing, and nothing is hidden.

    Attributes:
        head: of its last line; publish it, for it alone can show later that an end was cut off.

    Args:
        path: the file; its folder is made.
        complain: called with a sentence where something was torn or broken.
        now: the system's clock, seconds since 1970.

    Raises:
        TocsinError: another process has it open.
        OSError: it cannot be written.
    """

    def __init__(
        self, path: str | Path, complain: Callable[[str], None] | None = None, now: Callable[[], float] = time
    ) -> None:
        self.path = Path(path)
        self.head = Head(0, NO_HASH)
        self._now = now
        self._complain = complain or (lambda sentence: None)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._open_locked()
        try:
            self._go_on()
        except BaseException:
            self.close()
            raise

    def append(self, what: str, **fields: Any) -> Head:
        """Add a line, and return the head, when the disk has it.

        Args:
            what: what happened, such as ``clip_written``.
            **fields: what else is to be known; what JSON can hold, no NaN, ``None`` is left out.

        Raises:
            TocsinError: fields that JSON cannot hold, that are too long, or that have the names of the log's own.
            OSError: the disk is full or gone. The log is as it was before.
        """
        self._write_at(os.fstat(self._file).st_size, what, fields)
        return self.head

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open_locked(self) -> int:
        import fcntl  # of POSIX: `tocsin log verify` runs where it is absent

        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            raise TocsinError(f"{self.path}: another process writes this log: stop it first") from None
        sync_folder(self.path.parent)
        return file

    def _go_on(self) -> None:
        try:
            found = verify(self.path)
        except BrokenLog as broken:
            self._begin_anew(broken)
            return
        self.head = found.head
        if found.torn:
            kept = {"bytes": len(found.torn), "base64": b64encode(found.torn[:_LONGEST_TORN]).decode()}
            # It is written over what it keeps: at no time is either of them lost.
            self._write_at(found.whole_bytes, "torn_line", kept)
            self._complain(f"{self.path}: its last line was torn, as by a loss of power; it is kept in the line after")
        elif not found.head.number:
            self._begin()

    def _begin(self, **fields: Any) -> None:
        # A name by chance, so that no two logs have the same hashes.
        self._write_at(0, "log_begun", {"log_id": secrets.token_hex(16), **fields})

    def _begin_anew(self, broken: BrokenLog) -> None:
        with self.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        aside = self.path.with_name(f"{self.path.name}.broken-{digest[:16]}")
        self.path.rename(aside)
        os.close(self._file)
        self._file = self._open_locked()
        self._begin(broken_log=aside.name, broken_log_sha256=digest, broken_line=broken.line)
        self._complain(f"{broken}; it is set aside as {aside.name}, and a new log begins")

    def _write_at(self, place: int, what: str, fields: dict[str, Any]) -> None:
        moment = format_time(datetime.fromtimestamp(self._now(), UTC), "milliseconds")
        head, line = line_after(self.head, moment, what, fields)
        before = os.fstat(self._file).st_size
        try:
            if os.pwrite(self._file, line, place) != len(line):
                raise OSError(f"{self.path}: the disk took a part of a line only")
            os.ftruncate(self._file, place + len(line))
            os.fsync(self._file)
        except OSError:
            if place == before:  # of a torn line, what is left stays for the next try
                os.ftruncate(self._file, place)
            raise
        self.head = head
