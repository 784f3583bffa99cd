"""The lines of the log of what became of every clip, each with a hash of all before it; and how they are checked.

A line is canonical JSON (sorted keys, no spaces, ASCII) with its hash as the last member::

    {"number":2,"time_utc":"2026-01-01T00:00:00.000Z","what":"clip_written",…,"hash":"5f0c…"}

The hash is SHA-256 of the hash of the line before, as 64 hexadecimal digits (zeros before the first), and of the line's
bytes without its ``,"hash":"…"``. So no byte of a line can be changed, and none removed or put between, without
breaking the chain at that line, unless everything after it is computed anew. A chain alone cannot show that its *end*
was cut off, or that it was computed anew: for that, compare it with a :class:`Head` that was published earlier.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self

from tocsin import TocsinError

NO_HASH = "0" * 64
LONGEST_LINE = 1 << 14
_HASH_MEMBER = re.compile(rb',"hash":"([0-9a-f]{64})"\}\n')
_HASH_BYTES = len(',"hash":"') + 64 + len('"}\n')
_HEAD = re.compile(r"(\d{1,15}):([0-9a-f]{64})")
_OWN_FIELDS = ("number", "time_utc", "what", "hash")


class Head(NamedTuple):
    """How many lines a log has, and the hash of the last: ``NUMBER:HASH`` as text."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """A head from its text. Raises ``TocsinError`` where it is none."""
        match = _HEAD.fullmatch(text.strip())
        if match is None:
            raise TocsinError(f"{text[:80]!r} is no head of a log: expected NUMBER:HASH with 64 hexadecimal digits")
        return cls(int(match[1]), match[2])


class BrokenLog(TocsinError):  # noqa: N818 - the sentence says what is broken
    """A log whose chain breaks. ``line`` is the first line that does not follow, counted from 1."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(sentence)
        self.line = line


class Verified(NamedTuple):
    """What a look at a whole log found.

    Attributes:
        head: of its whole lines.
        torn: the bytes after the last whole line, b"" where there are none: a line that was being written.
        whole_bytes: how long the whole lines are.
        counts: how many lines say what.
    """

    head: Head
    torn: bytes
    whole_bytes: int
    counts: dict[str, int]


def verify(path: str | Path, head: Head | None = None) -> Verified:
    """Read a log and check that each line follows from the one before.

    Args:
        path: the file.
        head: one that was published before: the log must have that line, with that hash. The only way to see that an
            end was cut off, or that everything was written anew.

    Raises:
        BrokenLog: naming the first line that breaks, what was expected and what it has.
        TocsinError: the file cannot be read.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            return _verified(path, file, head)
    except OSError as error:
        raise TocsinError(f"{path}: cannot be read: {error.strerror or error}") from None


def _verified(path: Path, file: BinaryIO, head: Head | None) -> Verified:
    last, whole_bytes, torn = Head(0, NO_HASH), 0, b""
    counts: dict[str, int] = {}
    for line in _lines(file):
        if not line.endswith(b"\n") and len(line) < LONGEST_LINE:
            torn = line
            break
        last, fields = _follow(path, last, line)
        whole_bytes += len(line)
        counts[fields["what"]] = counts.get(fields["what"], 0) + 1
        if head is not None and head.number == last.number and head.hash != last.hash:
            raise BrokenLog(
                last.number,
                f"{path}, line {last.number}: expected the published hash {head.hash}, found {last.hash}: "
                "everything up to there was written anew",
            )
    if head is not None and last.number < head.number:
        raise BrokenLog(
            last.number + 1,
            f"{path}, line {last.number + 1}: expected lines up to {head.number}, which was published, found the end: "
            "it was cut off",
        )
    return Verified(last, torn, whole_bytes, counts)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.readline(LONGEST_LINE), b"")


def _follow(path: Path, before: Head, line: bytes) -> tuple[Head, dict[str, Any]]:
    """The head after one more whole line, and its fields. Raises ``BrokenLog`` where it does not follow."""
    number = before.number + 1

    def broken(expected: str, found: str) -> BrokenLog:
        return BrokenLog(number, f"{path}, line {number}: expected {expected}, found {found}")

    stated = _HASH_MEMBER.fullmatch(line[-_HASH_BYTES:])
    if stated is None:
        raise broken('a line that ends in ,"hash":"…"}', ascii(line[-40:].decode("utf-8", "replace")))
    body = line[:-_HASH_BYTES] + b"}"
    computed = _hash(before.hash, body)
    if computed != stated[1].decode():
        raise broken(f"the hash {computed} of its content and of what stands before it", stated[1].decode())
    # Whoever computes hashes can write any content: it is looked at too.
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise broken("JSON", "something else, though its hash fits") from None
    if not isinstance(fields, dict) or fields.get("number") != number or not isinstance(fields.get("what"), str):
        raise broken(f'a JSON object with "number":{number} and "what"', "something else, though its hash fits")
    return Head(number, computed), fields


def line_after(before: Head, time_utc: str, what: str, fields: Mapping[str, Any]) -> tuple[Head, bytes]:
    """One more line, and the head with it.

    Args:
        before: the head so far.
        time_utc: when it happened.
        what: what happened, such as ``clip_written``.
        fields: what else is to be known; ``None`` is left out.

    Raises:
        TocsinError: fields that JSON cannot hold, that are too long, or that have the names of a line's own.
    """
    taken = [name for name in _OWN_FIELDS if name in fields]
    if taken:
        raise TocsinError(f"a line of a log has its own {taken[0]}: give that field another name")
    number, given = before.number + 1, {name: value for name, value in fields.items() if value is not None}
    entry = {"number": number, "time_utc": time_utc, "what": what, **given}
    try:
        body = json.dumps(entry, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise TocsinError(f"a line of a log cannot hold this: {error}") from None
    digest = _hash(before.hash, body)
    line = body[:-1] + f',"hash":"{digest}"}}\n'.encode("ascii")
    if len(line) >= LONGEST_LINE:
        raise TocsinError(f"a line of a log would have {len(line)} bytes: less than {LONGEST_LINE} are expected")
    return Head(number, digest), line


def _hash(before: str, body: bytes) -> str:
    return hashlib.sha256(before.encode("ascii") + body).hexdigest()
