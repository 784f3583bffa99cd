"""Lines of an input as they come: a file from end to end, one that grows, or stdin."""

import os
import select
import sys
import time
from collections.abc import Iterator

from tocsin import TocsinError

POLL_S = 0.1
CHUNK_BYTES = 1 << 16
LONGEST_LINE_BYTES = 1 << 20


def batches(name: str, follow: bool) -> Iterator[tuple[float, list[bytes]]]:
    """Seconds waited, and the complete lines that came; none after each ``POLL_S`` without. Ends with the input."""
    if name == "-":
        descriptor = sys.stdin.fileno()
    else:
        try:
            descriptor = os.open(name, os.O_RDONLY)
        except OSError as error:
            raise TocsinError(f"{name} cannot be read ({error.strerror}): give a .jsonl of detections, or -") from None
    rest = b""
    while True:
        begin_s = time.monotonic()
        ready, _, _ = select.select([descriptor], [], [], POLL_S)
        waited_s = time.monotonic() - begin_s
        try:
            chunk = os.read(descriptor, CHUNK_BYTES) if ready else None
        except OSError as error:
            raise TocsinError(f"{name} cannot be read ({error.strerror}): give a .jsonl of detections, or -") from None
        if chunk is None:
            yield waited_s, []
        elif chunk:
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > LONGEST_LINE_BYTES:
                lines, rest = [*lines, rest[:LONGEST_LINE_BYTES]], b""
            yield waited_s, lines
        elif follow and name != "-":
            time.sleep(POLL_S)
            yield POLL_S, []
        else:
            if rest:
                yield 0.0, [rest]
            return
