"""ZIP archives split over several files (``.z01``, ``.z02`` … ``.zip``), which the standard library does not read.

PKWARE APPNOTE.TXT 6.3.10: 4.3.12 central directory, 4.3.14 to 4.3.16 its end, 4.5.3 ZIP64 extra field, 8 splitting.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_CHUNK_BYTES = 1 << 20
_MOST_COMMENT_BYTES = 65_535
_STORED, _DEFLATED = 0, 8


@dataclass(frozen=True)
class _Entry:
    name: str
    method: int
    crc: int
    packed_bytes: int
    part: int
    offset: int


class SplitZip:
    """The parts of one archive in order, the ``.zip`` last. Entries are stored or deflated, and not encrypted."""

    def __init__(self, parts: Sequence[Path]) -> None:
        self.parts = list(parts)
        self.starts = [0]
        for part in self.parts:
            self.starts.append(self.starts[-1] + part.stat().st_size)

    def extract_all(self, folder: Path) -> None:
        """Write every entry below ``folder``. Raises ``zipfile.BadZipFile`` for a missing part or broken content."""
        folder = folder.resolve()
        with ExitStack() as stack:
            files = [stack.enter_context(part.open("rb")) for part in self.parts]
            for entry in self._entries(files):
                target = (folder / entry.name).resolve()
                if not target.is_relative_to(folder):
                    raise zipfile.BadZipFile(f"the entry {entry.name!r} lies outside of the folder")
                if entry.name.endswith("/"):
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as output:
                    for chunk in self._content(files, entry):
                        output.write(chunk)

    def _read(self, files: Sequence[BinaryIO], at: int, size: int) -> bytes:
        """``size`` bytes from a place counted over all parts."""
        found = b""
        for number, file in enumerate(files):
            if len(found) < size and at + len(found) < self.starts[number + 1]:
                file.seek(at + len(found) - self.starts[number])
                found += file.read(size - len(found))
        if len(found) < size:
            raise zipfile.BadZipFile("it ends too early: is one of its parts missing?")
        return found

    def _entries(self, files: Sequence[BinaryIO]) -> Iterator[_Entry]:
        whole = self.starts[-1]
        tail_at = max(self.starts[-2], whole - _MOST_COMMENT_BYTES - 22)
        tail = self._read(files, tail_at, whole - tail_at)
        found = tail.rfind(b"PK\x05\x06")
        if found < 0:
            raise zipfile.BadZipFile("its last part has no central directory")
        disk, part, _, count, size, offset, _ = struct.unpack("<4H2LH", tail[found + 4 : found + 22])
        locator = tail[found - 20 : found] if found >= 20 else b""
        if locator[:4] == b"PK\x06\x07":
            end_part, end_offset, disks = struct.unpack("<LQL", locator[4:])
            self._check_parts(disks)
            end = self._read(files, self.starts[end_part] + end_offset, 56)
            part, _, count, size, offset = struct.unpack("<L4Q", end[20:56])
        else:
            self._check_parts(disk + 1)
        directory = self._read(files, self.starts[part] + offset, size)
        at = 0
        for _ in range(count):
            if directory[at : at + 4] != b"PK\x01\x02":
                raise zipfile.BadZipFile("its central directory is broken")
            flags, method, _, _, crc, packed, plain = struct.unpack("<4H3L", directory[at + 8 : at + 28])
            n_name, n_extra, n_comment, part = struct.unpack("<4H", directory[at + 28 : at + 36])
            (offset,) = struct.unpack("<L", directory[at + 42 : at + 46])
            name = directory[at + 46 : at + 46 + n_name].decode("utf-8" if flags & 0x800 else "cp437")
            extra = directory[at + 46 + n_name : at + 46 + n_name + n_extra]
            plain, packed, offset, part = _with_zip64(extra, plain, packed, offset, part)
            if flags & 1 or method not in (_STORED, _DEFLATED):
                raise zipfile.BadZipFile(f"the entry {name!r} is encrypted, or packed by method {method}")
            yield _Entry(name, method, crc, packed, part, offset)
            at += 46 + n_name + n_extra + n_comment

    def _check_parts(self, stated: int) -> None:
        if stated != len(self.parts):
            raise zipfile.BadZipFile(f"it says that it has {stated} parts, found {len(self.parts)}")

    def _content(self, files: Sequence[BinaryIO], entry: _Entry) -> Iterator[bytes]:
        at = self.starts[entry.part] + entry.offset
        header = self._read(files, at, 30)
        if header[:4] != b"PK\x03\x04":
            raise zipfile.BadZipFile(f"the entry {entry.name!r} is not where the directory says")
        at += 30 + sum(struct.unpack("<2H", header[26:30]))
        inflate = zlib.decompressobj(-15) if entry.method == _DEFLATED else None
        crc, left = 0, entry.packed_bytes
        try:
            while left:
                packed = self._read(files, at, min(left, _CHUNK_BYTES))
                at, left = at + len(packed), left - len(packed)
                chunk = inflate.decompress(packed) if inflate else packed
                if inflate and not left:
                    chunk += inflate.flush()
                crc = zlib.crc32(chunk, crc)
                yield chunk
        except zlib.error as error:
            raise zipfile.BadZipFile(f"the entry {entry.name!r} is broken: {error}") from error
        if crc != entry.crc:
            raise zipfile.BadZipFile(f"the entry {entry.name!r} is broken: its checksum differs")


def _with_zip64(extra: bytes, plain: int, packed: int, offset: int, part: int) -> tuple[int, int, int, int]:
    """The fields of an entry, with those that did not fit taken from its ZIP64 extra field."""
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack("<2H", extra[at : at + 4])
        if kind == 1:
            inside = extra[at + 4 : at + 4 + size]
            if plain == 0xFFFFFFFF:
                plain, inside = struct.unpack("<Q", inside[:8])[0], inside[8:]
            if packed == 0xFFFFFFFF:
                packed, inside = struct.unpack("<Q", inside[:8])[0], inside[8:]
            if offset == 0xFFFFFFFF:
                offset, inside = struct.unpack("<Q", inside[:8])[0], inside[8:]
            if part == 0xFFFF:
                part = struct.unpack("<L", inside[:4])[0]
        at += 4 + size
    return plain, packed, offset, part
