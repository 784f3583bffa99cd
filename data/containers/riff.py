"""WAV: where its sound ends, whatever its header says of the length.

The size of the data chunk is written last, so a recorder that was switched off leaves 0, or what was right some minutes
ago, and a stream 0xFFFFFFFF or another number that is too large. A size is believed where the file ends at the end of
the data, or another chunk stands there. Else the sound goes on to the chunks that close the file, where there are any.
"""

from typing import BinaryIO, Literal

import numpy as np

from tocsin.data.containers.part import Part, find_all, read_at

_MOST_OF_RIFF = 0xFFFFFF00  # bytes of sound: its sizes have 32 bits, those of RF64 have 64
_LONGEST_CLOSE = 1 << 24  # the chunks that close a file are sought in so many bytes before its end
_LONGEST_FORM = 1 << 12
_PIECE = 1 << 20
# A chunk of such a name that runs past the end of the file was cut off; it is no sound.
_KNOWN = (
    b"LIST", b"id3 ", b"bext", b"iXML", b"axml", b"fact", b"cue ", b"smpl", b"JUNK", b"PAD ", b"_PMX",
    b"acid", b"cart", b"inst", b"minf", b"strc", b"DISP", b"PEAK", b"afsp", b"SAUR",
)  # fmt: skip
# Tags of other formats, of which no chunk is one: ID3 and TAG, APETAGEX, LYRICSBEGIN.
_TAGS = (b"ID3", b"TAG", b"APETA", b"LYRIC")

Order = Literal["little", "big"]


def wav_parts(file: BinaryIO, size: int) -> list[Part]:
    """The parts of a file of ``size`` bytes that begins as a WAV: one, or as many as were joined."""
    parts, start = [], 0
    while start < size:
        part, start = _first_and_next(file, start, size)
        parts.append(part)
    return parts


def _first_and_next(file: BinaryIO, start: int, size: int) -> tuple[Part, int]:
    """The WAV that begins at ``start``, and where the next one does: at ``size`` where there is none."""
    order: Order = "big" if read_at(file, start, 4) == b"RIFX" else "little"
    place, form, long_size = start + 12, b"", 0
    name, told = _chunk(file, place, order)
    while name != b"data":
        if len(name) < 4:  # the file ends without any: the decoder says so
            return Part(start, size), size
        if name == b"fmt " and told < _LONGEST_FORM:
            form = read_at(file, place, 8 + told)
        elif name == b"ds64":
            long_size = int.from_bytes(read_at(file, place + 16, 8), order)
        place += 8 + told + told % 2
        name, told = _chunk(file, place, order)
    first = place + 8
    told = long_size if long_size and told == 0xFFFFFFFF else told
    after = _after(file, first + told, told, size, order)
    if after is not None:
        return Part(start, after), after
    after = next((place - 8 for place in find_all(file, b"WAVEfmt ", first, size)), size)
    stop = _start_of_close(file, first, after, order)
    if not form or (stop == size < first + told < first + 0xFFFFFFFF):
        return Part(start, size), size  # cut off: the decoder reads as far as it goes
    return Part(first, stop, _header(form, stop - first, order)), after


def _after(file: BinaryIO, end: int, told: int, size: int, order: Order) -> int | None:
    """Where the next WAV begins behind data that end at ``end``; ``size`` where none does, None if the data go on."""
    if end > size:
        return None
    if size - end < 8:
        return size
    for begin in dict.fromkeys((end + told % 2, end)):  # the byte that makes a size even may be missing
        place = begin
        while True:
            name, length = _chunk(file, place, order)
            if name in (b"RIFF", b"RF64", b"RIFX") and read_at(file, place + 8, 4) == b"WAVE":
                return place
            if read_at(file, place, 5).startswith(_TAGS):
                return size
            if len(name) < 4 or not _is_name(name) or place + 8 + length > size:
                break
            place += 8 + length + length % 2
        if place > begin or name in _KNOWN:
            return size
    # Space that was set aside and never filled.
    if told and all(not read_at(file, place, _PIECE).strip(b"\0") for place in range(end, size, _PIECE)):
        return size
    return None


def _start_of_close(file: BinaryIO, first: int, stop: int, order: Order) -> int:
    """Where the chunks begin that end exactly at ``stop``; ``stop`` where there are none."""
    closed = stop
    while True:
        for start in range(max(first, closed - _LONGEST_CLOSE), closed - 7, _PIECE):
            piece = np.frombuffer(read_at(file, start, min(_PIECE + 7, closed - start)), np.uint8)
            count = len(piece) - 7
            digits = [piece[4 + digit : 4 + digit + count].astype(np.int64) for digit in range(4)]
            lengths = sum(
                value << 8 * digit for digit, value in enumerate(digits if order == "little" else digits[::-1])
            )
            left = closed - 8 - start - np.arange(count)
            hits = np.flatnonzero((lengths == left) | ((lengths == left - 1) & (lengths % 2 == 1)))
            names = [hit for hit in hits.tolist() if _is_name(piece[hit : hit + 4].tobytes())]
            if names:
                closed = start + names[0]
                break
        else:
            return closed


def _header(form: bytes, count: int, order: Order) -> bytes:
    """What stands before ``count`` bytes of sound; ``form`` is the format chunk."""

    def number(value: int, digits: int = 4) -> bytes:
        return value.to_bytes(digits, order)

    if count <= _MOST_OF_RIFF:
        about = b"RIFX" if order == "big" else b"RIFF"
        return about + number(12 + len(form) + count) + b"WAVE" + form + b"data" + number(count)
    lengths = number(48 + len(form) + count, 8) + number(count, 8) + number(0, 8) + number(0)
    full = number(0xFFFFFFFF)
    return b"RF64" + full + b"WAVEds64" + number(len(lengths)) + lengths + form + b"data" + full


def _chunk(file: BinaryIO, place: int, order: Order) -> tuple[bytes, int]:
    head = read_at(file, place, 8)
    return head[:4], int.from_bytes(head[4:], order)


def _is_name(name: bytes) -> bool:
    return all(32 <= letter < 127 for letter in name)
