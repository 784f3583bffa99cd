"""A file that grows and is rotated, followed by its name.

Where the file is renamed and another created, the old one is read to its end and then the new one; where it is emptied
or written anew in place, reading starts again at its beginning. An emptied file that has grown past the old place
again looks as if it had only grown, so each piece is read together with the last bytes before it, and these must be
as they were.
"""

import os
import select
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tocsin import TocsinError

CHUNK_BYTES = 1 << 16
REMEMBERED_BYTES = 1 << 10


class FollowedFile:
    """The bytes of all files that have a name, one after another.

    Args:
        name: of the file, which need not be there yet.
        complain: called with one sentence about a file that is awaited, or was rotated.
    """

    def __init__(self, name: str, complain: Callable[[str], None]) -> None:
        self._name = name
        self._complain = complain
        self._descriptor = -1
        self._place = 0
        self._before = b""
        self._awaited = False

    def read(self) -> bytes | None:
        """What came since: nothing where nothing did, and ``None`` where one file ends and another begins.

        Raises:
            TocsinError: the file cannot be read.
        """
        if self._descriptor < 0 and not self._open():
            return b""
        chunk = self._next()
        if chunk is None:
            self._complain(f"{self._name} was emptied or written anew: it is read from its beginning")
            self._place, self._before = 0, b""
        elif not chunk and self._has_successor():
            # The last that was written before another file got the name; its writer knows of that one now.
            chunk = self._next()
            if not chunk:
                self._complain(f"{self._name} is another file now: the old one was read to its end")
                self.close()
                return None
        if chunk:
            self._place += len(chunk)
            self._before = (self._before + chunk)[-REMEMBERED_BYTES:]
        return chunk

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def _open(self) -> bool:
        try:
            self._descriptor = open_input(self._name)
        except FileNotFoundError:
            if not self._awaited:
                self._complain(f"{self._name} is not there: it is read when it comes")
            self._awaited = True
            return False
        self._place, self._before, self._awaited = 0, b"", False
        return True

    def _next(self) -> bytes | None:
        """What follows the place that was reached; ``None`` where what came before it is no longer there."""
        with readable(self._name):
            if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):  # a named pipe has no places
                ready, _, _ = select.select([self._descriptor], [], [], 0.0)
                return os.read(self._descriptor, CHUNK_BYTES) if ready else b""
            before = self._before
            found = os.pread(self._descriptor, len(before) + CHUNK_BYTES, self._place - len(before))
        return found[len(before) :] if found.startswith(before) else None

    def _has_successor(self) -> bool:
        """Whether another file has the name; while none has it, the one that was renamed may still grow."""
        try:
            return not os.path.samestat(Path(self._name).stat(), os.fstat(self._descriptor))
        except OSError:
            if not self._awaited:
                self._complain(f"{self._name} is gone: what it was is read on, until another has its name")
            self._awaited = True
            return False


def open_input(name: str) -> int:
    """A descriptor to read from. Raises ``FileNotFoundError``, or ``TocsinError`` where the file cannot be read."""
    try:
        # Without blocking: a named pipe that nobody writes to yet is waited for where a signal can end the wait.
        return os.open(name, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise unreadable(name, error) from None


@contextmanager
def readable(name: str) -> Iterator[None]:
    """Turn what the system says of a file into one sentence."""
    try:
        yield
    except OSError as error:
        raise unreadable(name, error) from None


def unreadable(name: str, error: OSError) -> TocsinError:
    """That a file cannot be read, and what to give."""
    return TocsinError(f"{name} cannot be read ({error.strerror}): give a .jsonl of detections, or -")
