"""One open sound file as one channel of float32: which bytes are sound, and which of its channels is heard."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache, partial
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.data.containers.part import Part, PartFile
from tocsin.data.containers.parts import parts_of

# All that the decoder (libsndfile) reads and that such an ending stands for; data of other kinds share some endings.
AUDIO_ENDINGS = (
    ".wav", ".wave", ".bwf", ".rf64", ".w64", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc",
    ".au", ".snd", ".caf", ".voc", ".sph", ".nist",
)  # fmt: skip

# Floats may exceed full scale a little; integers stored as floats exceed it by far.
GREATEST = 100.0
# An empty file has no more than a header, and its notes.
_LONGEST_HEADER = 1 << 16
# Channels cancel each other where their mean has less than this share of the power that unrelated channels would leave.
_CANCELLED = 0.1
_FRAME_S, _FRAMES_AT_ONCE = 0.05, 200
# A frame of MP3 may need bits that stand up to nine frames before it.
_LEAD_OF_MP3 = 10 * 1152
_UNKNOWN = 1 << 62  # samples, and more: the decoder's way to say that there is no telling


class _Decoder(soundfile.SoundFile):
    """Reads on from where it stands: its base class seeks after each read, which tears the frames of MP3 apart."""

    place = 0  # samples read so far: codings that cannot seek do not tell theirs

    def seekable(self) -> bool:
        """No more than is asked for."""
        return False


class Sound:
    """An open sound file. ``sample_rate`` is in Hz; ``frames`` is its length; ``channel`` the one heard, or None.

    ``channel`` counts from 0; None is the mean of all. Files that stand joined in one are read as one.
    """

    def __init__(self, path: Path, openers: Sequence[Callable[[], _Decoder]], channel: int | None = None) -> None:
        self.path, self.channel = path, channel
        self._openers = openers
        self._at, self._file = 0, openers[0]()
        self.sample_rate, self.channels = int(self._file.samplerate), int(self._file.channels)
        self._starts = [0, int(self._file.frames)]
        for number in range(1, len(openers)):
            file = self._take(number)
            if (file.samplerate, file.channels) != (self.sample_rate, self.channels):
                self.close()
                raise TocsinError(
                    f"{path} is several files joined, of {self.sample_rate} Hz with {self.channels} channels and of "
                    f"{file.samplerate} Hz with {file.channels}: give each a file of its own"
                )
            self._starts.append(self._starts[-1] + int(file.frames))
        self.frames = self._starts[-1]

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _take(self, number: int) -> _Decoder:
        """The decoder of one of the joined files. One is open at a time, however many there are."""
        if number != self._at:
            self._file.close()
            self._at, self._file = number, self._openers[number]()
        return self._file

    def read(self, start: int, stop: int, empty_allowed: bool = False) -> NDArray[np.float32]:
        """The samples from one place to another, shape ``(n,)``.

        Raises ``TocsinError`` for samples that are NaN, infinite or far beyond full scale, and where the file ends
        before; of a damaged MP3 they are fewer then, and none only where that is allowed.
        """
        frames = self.read_channels(start, stop, empty_allowed)
        if self.channel is not None:
            samples = frames[:, self.channel]
        else:
            samples = frames[:, 0] if frames.shape[1] == 1 else frames.mean(axis=1, dtype=np.float32)
        finite = np.isfinite(samples)
        if not finite.all():
            at_s = (start + int(np.argmin(finite))) / self.sample_rate
            raise TocsinError(
                f"{self.path} has a sample that is NaN or infinite at {at_s:.6f} s: expected finite numbers"
            )
        loudest = float(np.abs(samples).max(initial=0.0))
        if loudest > GREATEST:
            raise TocsinError(
                f"{self.path} has a sample of {loudest:g}: expected -1 to 1; divide integers that were stored as floats"
            )
        return np.ascontiguousarray(samples)

    def read_channels(self, start: int, stop: int, empty_allowed: bool = False) -> NDArray[np.float32]:
        """The same of all channels, shape ``(n, channels)``, unchecked."""
        pieces = []
        for number, (first, end) in enumerate(pairwise(self._starts)):
            if max(first, start) < min(end, stop):
                file = self._take(number)
                place, count = max(start - first, 0), min(stop, end) - max(start, first)
                if file.place != place:
                    lead = min(place, _LEAD_OF_MP3 if file.format == "MP3" else 0)
                    file.seek(place - lead)
                    file.read(lead)
                piece: NDArray[np.float32] = file.read(count, dtype="float32", always_2d=True)
                file.place = place + len(piece)
                # Damage within an MP3 costs some of it; the other formats keep their word or are cut off.
                if len(piece) < count and (file.format != "MP3" or not (len(piece) or empty_allowed)):
                    ends_s, says_s = (first + place + len(piece)) / self.sample_rate, self.frames / self.sample_rate
                    raise TocsinError(
                        f"{self.path} is cut off: it ends after {ends_s:g} s where its header says {says_s:g} s"
                    )
                pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


@contextmanager
def open_sound(path: Path, channel: int | None = None) -> Iterator[Sound]:
    """Open a sound file; ``channel`` (from 1) is heard, or else what ``docs/formats.md`` says of several.

    Raises ``TocsinError`` in one sentence for a file that is missing, a folder, empty, broken or in another format, or
    without that channel; also where that shows only within the ``with``.
    """
    _check_is_file(path)
    try:
        with _opened(path) as sound:
            if channel is not None and not 1 <= channel <= sound.channels:
                has = "1 channel" if sound.channels == 1 else f"{sound.channels} channels"
                raise TocsinError(f"{path} has {has}, and no channel {channel}")
            if channel is not None:
                sound.channel = channel - 1
            elif sound.channels > 1:
                about = path.stat()
                sound.channel = _loudest_if_cancelled(path, about.st_size, about.st_mtime_ns)
            yield sound
    except UnicodeError as error:
        shown = str(path).encode("utf-8", "replace").decode()
        raise TocsinError(f"{shown} has a name that is not UTF-8: rename it") from error
    except (soundfile.SoundFileError, TypeError, OSError) as error:
        # soundfile raises TypeError for endings of headerless formats (.raw), which it would need to be told about.
        if path.suffix.lower() in AUDIO_ENDINGS:
            reason = str(getattr(error, "error_string", error)).strip().rstrip(".")
            raise TocsinError(f"{path} cannot be read, the file is broken or of another format: {reason}") from error
        raise TocsinError(
            f"{path} is of a format that cannot be read: expected WAV, FLAC, OGG or MP3, "
            f"as made by `ffmpeg -i {path.name} {path.stem}.wav`"
        ) from error


def is_folder(path: Path) -> bool:
    """Whether a path is that of a folder."""
    try:
        return path.is_dir()
    except OSError:  # a name too long for the file system is no folder
        return False


def _check_is_file(path: Path) -> None:
    if is_folder(path):
        raise TocsinError(f"{path} is a folder where one audio file was expected")
    try:
        exists = path.is_file()
    except OSError:
        exists = False
    if not exists:
        raise TocsinError(f"{path} does not exist: expected an audio file")
    if path.stat().st_size == 0:
        raise TocsinError(f"{path} is empty (0 bytes): expected an audio file")


@contextmanager
def _opened(path: Path) -> Iterator[Sound]:
    with ExitStack() as stack:
        parts = parts_of(path)
        bytes_of = stack.enter_context(path.open("rb", buffering=0)) if parts else None
        openers = [partial(_decoder, bytes_of, part) for part in parts if bytes_of is not None]
        sound = Sound(path, openers or [partial(_Decoder, path)])
        stack.callback(sound.close)
        if sound.frames >= _UNKNOWN:
            raise TocsinError(f"{path} does not say how long it is, and holds no whole frame: expected some sound")
        if sound.frames == 0:
            size = path.stat().st_size
            if size > _LONGEST_HEADER:
                raise TocsinError(
                    f"{path} holds no samples by its header, which the recorder may not have finished, for it has "
                    f"{size} bytes: mend it, as `ffmpeg -i {path.name} {path.stem}.wav` may do"
                )
            raise TocsinError(f"{path} holds no samples: expected an audio file of some length")
        yield sound


def _decoder(file: BinaryIO, part: Part) -> _Decoder:
    return _Decoder(PartFile(file, part))


@lru_cache(maxsize=256)
def _loudest_if_cancelled(path: Path, size: int, modified_ns: int) -> int | None:
    """The loudest channel of a file whose channels cancel each other in their mean; None where they do not.

    Frames of 50 ms count by the square of their power, so that the bangs decide and not the hours between them, and
    without their mean level, which is no sound. To look once is enough while the file does not change.
    """
    with _opened(path) as sound:
        frame = max(1, round(_FRAME_S * sound.sample_rate))
        mixed, apart, each = 0.0, 0.0, np.zeros(sound.channels)
        for start in range(0, sound.frames, frame * _FRAMES_AT_ONCE):
            samples = sound.read_channels(start, min(start + frame * _FRAMES_AT_ONCE, sound.frames), True)
            # What is no number is refused where it is read. The last frame is filled up with its last sample.
            samples = np.where(np.abs(samples) <= GREATEST, samples, np.float32(0.0))
            samples = np.pad(samples, ((0, -len(samples) % frame), (0, 0)), mode="edge")
            samples = samples.reshape(-1, frame, sound.channels)
            samples -= samples.mean(axis=1, keepdims=True)
            power = np.square(samples).mean(axis=1, dtype=float)
            unrelated = power.sum(axis=1) / sound.channels**2
            mixed += float(unrelated @ np.square(samples.mean(axis=2)).mean(axis=1, dtype=float))
            apart += float(unrelated @ unrelated)
            each += unrelated @ power
    return int(each.argmax()) if mixed < _CANCELLED * apart else None
