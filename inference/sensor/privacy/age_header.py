"""The header of a sealed file of age, version 1 (C2SP age, "Header"): its recipients' stanzas and its MAC, as text.

Every header has one form: other base64, other ends of lines or other spaces are refused, as the format demands.
"""

import base64
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from tocsin import TocsinError

VERSION = b"age-encryption.org/v1"
NONCE_BYTES, MAC_BYTES = 16, 32
_LINE = 64  # letters of a body's line; a shorter one ends it
_LONGEST_HEADER = 1 << 20  # far more than any count of recipients needs

Part = Literal["header", "key", "mac", "payload"]


class CannotUnseal(TocsinError):  # noqa: N818 - the sentence says what is wrong
    """A sealed file that cannot be opened. ``part`` says where: its header, no key of ours, its MAC, or its payload."""

    def __init__(self, part: Part, sentence: str) -> None:
        super().__init__(sentence)
        self.part = part


class Stanza(NamedTuple):
    """One recipient's part of a header: its words, the first of which is its kind, and its body."""

    words: list[str]
    body: bytes


class Header(NamedTuple):
    """What stands before the payload: the stanzas, the bytes that the MAC is of, and the MAC."""

    stanzas: list[Stanza]
    signed: bytes
    mac: bytes


def write_stanzas(stanzas: Sequence[Stanza]) -> bytes:
    """A header up to its three dashes, which is what the MAC is of."""
    lines = [VERSION]
    for stanza in stanzas:
        lines.append("-> {}".format(" ".join(stanza.words)).encode("ascii"))
        letters = text_of(stanza.body).encode("ascii")
        lines += [letters[start : start + _LINE] for start in range(0, len(letters) + 1, _LINE)]
    return b"\n".join([*lines, b"---"])


def write_header(signed: bytes, mac: bytes) -> bytes:
    """The whole header, with the end of its last line."""
    return signed + b" " + text_of(mac).encode("ascii") + b"\n"


def read_header(sealed: bytes) -> tuple[Header, bytes]:
    """The header of a sealed file, and its payload, which begins with at least a whole nonce.

    Raises:
        CannotUnseal: with ``part`` "header", where anything of it is not as the format says.
    """
    if sealed.startswith(b"-----BEGIN AGE"):
        raise _bad("it is in ASCII armour: type age --decrypt -i KEY_FILE, which reads that too")
    lines: list[bytes] = []
    place = 0
    while not lines or not lines[-1].startswith(b"---"):
        end = sealed.find(b"\n", place, _LONGEST_HEADER)
        if end < 0 or (not lines and sealed[:end] != VERSION):
            raise _bad("it is no file of age, version 1, or its header is cut")
        lines.append(sealed[place:end])
        place = end + 1
    mac_line = lines.pop()
    mac = bytes_of(_visible(mac_line[4:])) if mac_line.startswith(b"--- ") else b""
    payload = sealed[place:]
    if len(mac) != MAC_BYTES or len(payload) < NONCE_BYTES:
        raise _bad("its header ends in no MAC, or is cut")
    rest = iter(lines[1:])
    stanzas = [_read_stanza(line, rest) for line in rest]
    if not stanzas:
        raise _bad("its header names nobody that it was sealed for")
    if len(stanzas) > 1 and any(stanza.words[0] == "scrypt" for stanza in stanzas):
        raise _bad("its header has a passphrase beside other recipients")
    return Header(stanzas, sealed[: place - len(mac_line) - 1] + b"---", mac), payload


def _read_stanza(line: bytes, rest: Iterator[bytes]) -> Stanza:
    start, *words = _visible(line).split(" ")
    if start != "->" or not words or not all(words):
        raise _bad("its header has a line that begins no recipient's part")
    letters: list[str] = []
    for body_line in rest:
        if len(body_line) > _LINE:
            raise _bad("its header has a line that is too long")
        letters.append(_visible(body_line))
        if len(body_line) < _LINE:
            return Stanza(words, bytes_of("".join(letters)))
    raise _bad("its header has a recipient's part without an end")


def _visible(line: bytes) -> str:
    if not all(32 <= code < 127 for code in line):
        raise _bad("its header has bytes that are no visible letters")
    return line.decode("ascii")


def bytes_of(letters: str) -> bytes:
    """Base64 without padding, of which each content has one form. Raises ``CannotUnseal`` where it is another."""
    try:
        found = base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    except ValueError:
        found = b""
    if text_of(found) != letters:
        raise _bad("its header has letters that are no base64")
    return found


def text_of(content: bytes) -> str:
    """Base64 without padding."""
    return base64.b64encode(content).decode("ascii").rstrip("=")


def _bad(sentence: str) -> CannotUnseal:
    return CannotUnseal("header", sentence)
