"""Raw PCM on standard input, as ``arecord -t raw`` and ``ffmpeg -f s16le`` write it."""

import os
import select
import sys
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.inference.sensor.sources.block import Block, idle_block
from tocsin.inference.sensor.sources.soundness import check_form, silenced
from tocsin.inference.sensor.system_offset import read_clocks

# Bytes of a sample of each coding; all little-endian.
CODINGS = {"s16le": 2, "s24le": 3, "s32le": 4, "f32le": 4}
BLOCK_S = 0.5
_POLL_S = 0.5
_HEADERS = {
    b"RIFF": "WAV",
    b"RF64": "WAV",
    b"fLaC": "FLAC",
    b"OggS": "Ogg",
    b"FORM": "AIFF",
    b"ID3\x03": "MP3",
    b"ID3\x04": "MP3",
}


class PcmReader:
    """Bytes in pieces of any size to whole frames.

    Args:
        coding: one of ``CODINGS``.
        channels: how many samples, one of each channel, make a frame.
    """

    def __init__(self, coding: str, channels: int) -> None:
        if coding not in CODINGS:
            raise TocsinError(f'no coding of PCM is called "{coding}": expected {", ".join(CODINGS)}')
        self._coding, self._channels = coding, channels
        self.frame_bytes = CODINGS[coding] * channels
        self._rest = b""

    def of(self, piece: bytes) -> NDArray[np.float32]:
        """The frames that are whole now, ``(n, channels)``, full scale ±1 and unchecked; a part of one is kept."""
        held = self._rest + piece
        whole = len(held) // self.frame_bytes * self.frame_bytes
        self._rest = held[whole:]
        return _floats(held[:whole], self._coding).reshape(-1, self._channels)

    @property
    def rest_bytes(self) -> int:
        """How many bytes of a frame came that is not whole yet."""
        return len(self._rest)


def _floats(held: bytes, coding: str) -> NDArray[np.float32]:
    if coding == "f32le":
        return np.frombuffer(held, "<f4").astype(np.float32)
    if coding == "s24le":
        # As the three upper bytes of an integer of 32 bits.
        wide = np.zeros((len(held) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(held, np.uint8).reshape(-1, 3)
        integers: NDArray[np.signedinteger] = wide.reshape(-1).view("<i4")
    else:
        integers = np.frombuffer(held, "<i2" if coding == "s16le" else "<i4")
    return integers.astype(np.float32) / np.float32(32768.0 if coding == "s16le" else 2147483648.0)


class StandardInput:
    """A source that is a pipe of raw PCM. Its end is the end of the source.

    Args:
        sample_rate: Hz.
        channels: how many are interleaved.
        coding: one of ``CODINGS``.
        descriptor: of the file to read; that of standard input when ``None``.

    Raises:
        TocsinError: no such coding, or a rate or number of channels out of bounds.
    """

    name = "standard input"
    ends = True

    def __init__(
        self, sample_rate: int, channels: int = 1, coding: str = "s16le", descriptor: int | None = None
    ) -> None:
        check_form(self.name, sample_rate, channels)
        self._rate, self._channels, self._coding = sample_rate, channels, coding
        self._descriptor = descriptor
        PcmReader(coding, channels)  # refuses a coding that is none before anything is read

    def blocks(self) -> Iterator[Block]:
        """What comes in, in blocks of 0.5 s at most. See :class:`~tocsin.inference.sensor.sources.block.Source`.

        Raises:
            TocsinError: standard input is closed or a terminal, cannot be read, or begins as a file with a header.
        """
        descriptor, reader = self._opened(), PcmReader(self._coding, self._channels)
        most = max(1, round(BLOCK_S * self._rate)) * reader.frame_bytes
        first, head = True, b""
        while True:
            try:
                ready, _, _ = select.select([descriptor], [], [], _POLL_S)
                # What is left of a frame counts: no more than a block comes of one piece.
                piece = os.read(descriptor, most - reader.rest_bytes) if ready else b""
            except OSError as error:
                raise TocsinError(f"standard input cannot be read: {error.strerror}") from error
            if ready and not piece:
                return
            if len(head) < 4:
                head += piece[:4]
                _refuse_header(head)
            samples, unsound = silenced(reader.of(piece))
            if len(samples):
                now_s, now_monotonic_s = read_clocks()
                yield Block(samples, self._rate, now_s, now_monotonic_s, begins_anew=first, unsound_samples=unsound)
                first = False
            elif not ready:
                yield idle_block(self._rate, self._channels)

    def _opened(self) -> int:
        if self._descriptor is not None:
            return self._descriptor
        if sys.stdin is None:
            raise TocsinError("standard input is closed: let raw PCM come in by a pipe, as from `arecord -t raw`")
        if sys.stdin.isatty():
            raise TocsinError("standard input is a terminal: let raw PCM come in by a pipe, as from `arecord -t raw`")
        return sys.stdin.fileno()


def _refuse_header(head: bytes) -> None:
    """A header taken for samples would be a bang, and its coding may be another than the one stated."""
    kind = _HEADERS.get(head[:4])
    if kind is not None:
        raise TocsinError(
            f"standard input is a {kind} with a header where raw PCM was expected: type `arecord -t raw`, or "
            "`ffmpeg -i … -f s16le -`"
        )
