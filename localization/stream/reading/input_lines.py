"""Lines of an input as they come: a file from end to end, one that grows, or stdin."""

import os
import select
import sys
import time
from collections.abc import Callable, Iterator

from tocsin import TocsinError
from tocsin.localization.stream.reading.followed_file import CHUNK_BYTES, FollowedFile, open_input, readable, unreadable

POLL_S = 0.1
LONGEST_LINE_BYTES = 1 << 20


def batches(name: str, follow: bool, complain: Callable[[str], None]) -> Iterator[tuple[float, list[bytes]]]:
    """Seconds waited, and the complete lines that came; none after each ``POLL_S`` without. Ends with the input.

    Args:
        name: of a file; ``-`` is stdin.
        follow: go on at the end of a file, and with the file that takes its name.
        complain: called with one sentence about a file that is awaited, or was rotated.

    Raises:
        TocsinError: the file cannot be read.
    """
    lines = _Lines()
    for waited_s, chunk in _followed(name, complain) if follow and name != "-" else _pieces(name):
        yield waited_s, lines.last() if chunk is None else lines.of(chunk)
    yield 0.0, lines.last()


class _Lines:
    """Complete lines of the pieces of an input. Of one that is too long the beginning is a line, and the rest none."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    def of(self, chunk: bytes) -> list[bytes]:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if lines and self._skipping:
            del lines[0]
            self._skipping = False
        if self._skipping:
            self._rest = b""
        elif len(self._rest) > LONGEST_LINE_BYTES:
            lines.append(self._rest[:LONGEST_LINE_BYTES])
            self._rest, self._skipping = b"", True
        return lines

    def last(self) -> list[bytes]:
        """What came without its end; then a new line begins."""
        lines = [self._rest] if self._rest else []
        self._rest, self._skipping = b"", False
        return lines


def _pieces(name: str) -> Iterator[tuple[float, bytes]]:
    """Seconds waited and bytes, of stdin or of a file up to its end."""
    if name == "-" and sys.stdin is None:
        raise TocsinError("stdin is closed: give a .jsonl of detections, or let them come in by a pipe")
    try:
        descriptor = sys.stdin.fileno() if name == "-" else open_input(name)
    except FileNotFoundError as error:
        raise unreadable(name, error) from None
    try:
        while True:
            begin_s = time.monotonic()
            ready, _, _ = select.select([descriptor], [], [], POLL_S)
            waited_s = time.monotonic() - begin_s
            with readable(name):
                chunk = os.read(descriptor, CHUNK_BYTES) if ready else b""
            if ready and not chunk:
                return
            yield waited_s, chunk
    finally:
        if name != "-":
            os.close(descriptor)


def _followed(name: str, complain: Callable[[str], None]) -> Iterator[tuple[float, bytes | None]]:
    """Seconds waited and bytes, of all files of this name, without end; ``None`` between two of them."""
    file = FollowedFile(name, complain)
    try:
        while True:
            chunk = file.read()
            if chunk == b"":
                time.sleep(POLL_S)
            yield POLL_S if chunk == b"" else 0.0, chunk
    finally:
        file.close()
