"""Which parts of a file are sound files of their own: none where the decoder may take the whole as it is."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from tocsin.data.containers.flac import MARK as FLAC_MARK
from tocsin.data.containers.flac import flac_part
from tocsin.data.containers.mpeg import is_mp3, mp3_parts
from tocsin.data.containers.part import Part, find_all, read_at
from tocsin.data.containers.riff import wav_parts

_WAVE64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"


def parts_of(path: Path) -> tuple[Part, ...]:
    """The sound files that stand in a file one behind the other, each with a header that is right about its length.

    Empty where the file is one sound file and its header may be believed, and where it is of a kind that is not looked
    into. Raises ``OSError`` where the file cannot be read.
    """
    about = path.stat()
    return _parts(str(path), about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=256)
def _parts(path: str, size: int, modified_ns: int) -> tuple[Part, ...]:
    """The same; to look once is enough while the file does not change."""
    with Path(path).open("rb", buffering=1 << 16) as file:
        parts = tuple(_looked_into(file, size, Path(path).suffix.lower()))
    return () if parts == (Part(0, size),) else parts


def _looked_into(file: BinaryIO, size: int, ending: str) -> list[Part]:
    head = read_at(file, 0, 16)
    if head[:4] in (b"RIFF", b"RF64", b"RIFX") and head[8:12] == b"WAVE":
        return wav_parts(file, size)
    for mark, part in _MARKS.items():
        if head.startswith(mark):
            return [part(file, start, stop) for start, stop in _between(find_all(file, mark, 0, size), size)]
    if head[:4] == b"OggS":
        return [Part(start, stop) for start, stop in _between(_links(file, size), size)]
    return mp3_parts(file, size) if head[:3] == b"ID3" or is_mp3(head) or ending == ".mp3" else []


def _between(starts: Iterator[int], size: int) -> list[tuple[int, int]]:
    """From the start and each of some places to the next, and from the last to the end."""
    places = sorted({0, *starts})
    return list(zip(places, [*places[1:], size], strict=True))


def _links(file: BinaryIO, size: int) -> Iterator[int]:
    """Where the streams of a chained Ogg begin; several that begin together are one link."""
    behind = -1
    for place in find_all(file, b"OggS\x00\x02" + bytes(8), 0, size):
        if place != behind:
            yield place
        head = read_at(file, place, 27 + 255).ljust(27, b"\0")
        behind = place + 27 + head[26] + sum(head[27 : 27 + head[26]])


def _au_part(file: BinaryIO, start: int, stop: int) -> Part:
    """With the length of the sound where its header says 0."""
    head = read_at(file, start, 12)
    first = int.from_bytes(head[4:8])
    if len(head) < 12 or any(head[8:12]) or not 24 <= first <= stop - start:
        return Part(start, stop)
    header = head[:8] + (stop - start - first).to_bytes(4) + read_at(file, start + 12, first - 12)
    return Part(start + first, stop, header)


def _wave64_part(file: BinaryIO, start: int, stop: int) -> Part:
    """Without what stands behind the sound, which the decoder takes for sound."""
    place = start + 40
    while place + 24 <= stop:
        head = read_at(file, place, 24)
        length = int.from_bytes(head[16:], "little")
        if head[:16] == _WAVE64_DATA:
            return Part(start, place + length if 24 < length <= stop - place else stop)
        place += max(24, length + -length % 8)
    return Part(start, stop)


def _caf_part(file: BinaryIO, start: int, stop: int) -> Part:
    """With the length of the sound where its header leaves that open (-1, as the format allows at the end)."""
    place = start + 8
    while place + 12 <= stop:
        head = read_at(file, place, 12)
        length = int.from_bytes(head[4:], signed=True)
        if head[:4] == b"data":
            if 0 < length <= stop - place - 12:
                return Part(start, stop)
            told = (stop - place - 12).to_bytes(8)
            return Part(place + 12, stop, read_at(file, start, place + 4 - start) + told)
        place += 12 + max(length, 0)
    return Part(start, stop)


_MARKS: dict[bytes, Callable[[BinaryIO, int, int], Part]] = {
    FLAC_MARK: flac_part,
    b".snd\x00\x00\x00": _au_part,
    b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00": _wave64_part,
    b"caff\x00\x01\x00\x00desc": _caf_part,
}
