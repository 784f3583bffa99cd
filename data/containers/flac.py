"""FLAC: the length of a stream whose header leaves it open, from its last whole frame.

A total of 0 samples says that the encoder did not know (RFC 9639, 8.2): it wrote into a pipe, or was switched off.
"""

import re
from typing import BinaryIO

from tocsin.data.containers.part import Part, read_at

MARK = b"fLaC\x00\x00\x00\x22"  # and at once the stream information, which has 34 bytes
_FIRST_FRAME = re.compile(rb"\xff[\xf8\xf9]")
_WINDOW = 1 << 21  # bytes before the end in which the last frame is sought; frames have some thousand
_SIZES = {1: 192, **{code: 576 << code - 2 for code in range(2, 6)}, **{code: 256 << code - 8 for code in range(8, 16)}}


def flac_part(file: BinaryIO, start: int, stop: int) -> Part:
    """The FLAC between two places of the file, with a header that tells its length."""
    head = read_at(file, start, 42)
    total = int.from_bytes(head[21:26]) & 0xFFFFFFFFF
    if total or len(head) < 42:
        return Part(start, stop)
    greatest = int.from_bytes(head[10:12])
    first = max(start + 42, stop - _WINDOW)
    found = _last_frame(read_at(file, first, stop - first), greatest)
    if found is None:
        return Part(start, stop)
    total, end = found
    told = (int.from_bytes(head[21:26]) | total).to_bytes(5)
    return Part(start + 42, first + end, head[:21] + told + head[26:])


def _last_frame(data: bytes, greatest: int) -> tuple[int, int] | None:
    """Samples up to the end of the last whole frame in some bytes, and the place behind it."""
    later = [len(data) - 128, len(data)] if data[-128:-125] == b"TAG" else [len(data)]
    for place in reversed([match.start() for match in _FIRST_FRAME.finditer(data)]):
        samples = _samples_until(data[place : place + 16], greatest)
        if samples is None:
            continue
        end = _end_of_frame(data, place, later)
        if end is not None:
            return samples, end
        later = [place, *later[:7]]
    return None


def _samples_until(header: bytes, greatest: int) -> int | None:
    """Samples of the stream up to the end of a frame with this header; None if it is none (RFC 9639, 9.1)."""
    if len(header) < 16 or header[2] >> 4 == 0 or header[2] & 15 == 15 or header[3] >> 4 > 10 or header[3] & 1:
        return None
    lead = header[4]
    more = 0 if lead < 0x80 else 7 - (lead ^ 0xFF).bit_length()
    if more > 6 or 0x80 <= lead < 0xC0 or any(byte >> 6 != 2 for byte in header[5 : 5 + more]):
        return None
    number = lead if not more else lead & (0x3F >> more)
    for byte in header[5 : 5 + more]:
        number = number << 6 | byte & 0x3F
    place, code = 5 + more, header[2] >> 4
    size = _SIZES.get(code) or int.from_bytes(header[place : place + code - 5]) + 1
    place += code - 5 if code in (6, 7) else 0
    place += {12: 1, 13: 2, 14: 2}.get(header[2] & 15, 0)
    if _remainder(header[:place], 0x07, 8) != header[place]:
        return None
    return (number if header[1] & 1 else number * greatest) + size


def _end_of_frame(data: bytes, start: int, ends: list[int]) -> int | None:
    """At which of some places, in order, the frame that begins at ``start`` ends: there its check sum is right."""
    remainder, place = 0, start
    for end in ends:
        remainder, place = _remainder(data[place:end], 0x8005, 16, remainder), end
        if remainder == 0:
            return end
    return None


def _table(polynomial: int, bits: int) -> list[int]:
    top, mask, table = 1 << bits - 1, (1 << bits) - 1, []
    for value in range(256):
        value <<= bits - 8
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & mask
        table.append(value)
    return table


_TABLES = {(0x07, 8): _table(0x07, 8), (0x8005, 16): _table(0x8005, 16)}


def _remainder(data: bytes, polynomial: int, bits: int, value: int = 0) -> int:
    table, mask = _TABLES[polynomial, bits], (1 << bits) - 1
    for byte in data:
        value = (value << 8 ^ table[value >> bits - 8 ^ byte]) & mask
    return value
