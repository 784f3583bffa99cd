"""A part of a file that is a sound file of its own, and the file object that shows it to the decoder as one."""

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Part:
    """The bytes ``start`` to ``stop`` of a file behind ``header``, which stands in the place of its own header."""

    start: int
    stop: int
    header: bytes = b""


class PartFile(io.RawIOBase):
    """A part as a file that can be read and sought. Parts of one file share its handle."""

    def __init__(self, file: BinaryIO, part: Part) -> None:
        self._file, self._part = file, part
        self._size = len(part.header) + part.stop - part.start
        self._place = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Bytes from the start of the part."""
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a byte; the place from the start of the part."""
        self._place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # all that is ever handed over
        """Fill the buffer as far as the part goes; the number of bytes."""
        header, wanted = self._part.header, min(len(buffer), max(self._size - self._place, 0))
        data = header[self._place : self._place + wanted]
        if len(data) < wanted:
            self._file.seek(self._part.start + self._place + len(data) - len(header))
            data += self._file.read(wanted - len(data))
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)


def read_at(file: BinaryIO, start: int, count: int) -> bytes:
    """So many bytes from a place on, fewer where the file ends."""
    file.seek(start)
    return file.read(count)


def find_all(file: BinaryIO, mark: bytes, start: int, stop: int) -> Iterator[int]:
    """Places of a mark between two places of the file, in order, holding a piece of it in memory."""
    for first in range(start, stop, _CHUNK):
        piece = read_at(file, first, min(_CHUNK + len(mark) - 1, stop - first))
        place = piece.find(mark)
        while place >= 0:
            yield first + place
            place = piece.find(mark, place + 1)
