"""Reading of audio files: WAV, FLAC, OGG and MP3 in, one channel of float32 out, one sentence where that fails."""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from tocsin import TocsinError

AUDIO_ENDINGS = (".wav", ".flac", ".ogg", ".mp3")

# The HQ filter of soxr reaches about 8 ms to each side at the rates in use (measured from 12 to 192 kHz).
# A part of a file is read with this much more on both sides, so that its edges are resampled as in the whole.
_RESAMPLING_MARGIN_S = 0.02
# Floats may exceed full scale a little; integers stored as floats exceed it by far.
_GREATEST = 100.0


@dataclass(frozen=True)
class Audio:
    """One channel of sound.

    ``samples`` is float32 of shape (n,), full scale ±1 (0 dBFS); ``sample_rate`` is in Hz.
    """

    samples: NDArray[np.float32]
    sample_rate: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate


def read_audio(
    path: str | Path, sample_rate: int | None = None, start_s: float = 0.0, duration_s: float | None = None
) -> Audio:
    """Read a file, or a part of it, as one channel.

    Channels are averaged. The part from ``start_s`` (seconds) on, of ``duration_s`` seconds or to the end, is read by
    seeking; it is shorter where the file ends before. With ``sample_rate`` (Hz) the sound is resampled (soxr, HQ).

    Raises ``TocsinError`` in one sentence for a file that is missing, a folder, empty, broken or in another format, for
    samples that are NaN, infinite or far beyond full scale, and for a part that lies outside the file. A file that was
    cut off is refused where its format shows it (FLAC); a cut WAV, OGG or MP3 is read as far as it goes.
    """
    path = Path(path)
    _check_rate(sample_rate)
    if not math.isfinite(start_s) or start_s < 0:
        raise TocsinError(f"{path}: the start must be 0 s or later, not {start_s} s")
    if duration_s is not None and not (math.isfinite(duration_s) and duration_s > 0):
        raise TocsinError(f"{path}: the duration must be above 0 s, not {duration_s} s")
    with _opened(path) as file:
        file_rate = file.samplerate
        start = round(start_s * file_rate)
        if start >= file.frames:
            raise TocsinError(f"{path}: a start of {start_s:g} s lies behind its end at {file.frames / file_rate:g} s")
        stop = file.frames if duration_s is None else min(file.frames, start + max(1, round(duration_s * file_rate)))
        if sample_rate in (None, file_rate):
            return Audio(_read_frames(file, path, start, stop), file_rate)
        assert sample_rate is not None
        # The margin before the part is a whole number of samples at both rates.
        step = file_rate // math.gcd(file_rate, sample_rate)
        margin = math.ceil(_RESAMPLING_MARGIN_S * file_rate)
        steps = min(start // step, math.ceil(margin / step))
        last = min(file.frames, stop + margin)
        # A part that ends inside the file has as many samples as its duration says.
        wanted_s = duration_s if duration_s is not None and stop < file.frames else (stop - start) / file_rate
        samples = soxr.resample(_read_frames(file, path, start - steps * step, last), file_rate, sample_rate, "HQ")
    first = steps * step * sample_rate // file_rate
    samples = samples[first : first + max(1, round(wanted_s * sample_rate))]
    if samples.size == 0:
        raise TocsinError(
            f"{path}: {stop - start} samples at {file_rate} Hz are too few to resample to {sample_rate} Hz"
        )
    return Audio(np.ascontiguousarray(samples, dtype=np.float32), sample_rate)


def read_blocks(path: str | Path, block_s: float, sample_rate: int | None = None) -> Iterator[Audio]:
    """Yield a file in consecutive blocks of about ``block_s`` seconds, holding no more than one in memory.

    The blocks, joined, equal ``read_audio`` of the whole file sample by sample, resampling (Hz) included.
    Raises ``TocsinError`` as ``read_audio`` does.
    """
    path = Path(path)
    _check_rate(sample_rate)
    if not math.isfinite(block_s) or block_s <= 0:
        raise TocsinError(f"{path}: a block must be longer than 0 s, not {block_s} s")
    with _opened(path) as file:
        file_rate = file.samplerate
        block = max(1, round(block_s * file_rate))
        resampler = None
        if sample_rate not in (None, file_rate):
            resampler = soxr.ResampleStream(file_rate, sample_rate, 1, dtype="float32", quality="HQ")
        for start in range(0, file.frames, block):
            stop = min(file.frames, start + block)
            samples = _read_frames(file, path, start, stop, empty_allowed=start > 0)
            last = stop == file.frames or len(samples) < stop - start
            if resampler is not None:
                samples = resampler.resample_chunk(samples, last=last)
            if samples.size:
                yield Audio(samples, sample_rate or file_rate)
            if last:
                return


def file_duration_s(path: Path) -> float:
    """Length in seconds by the header alone. Raises ``TocsinError`` for a file that is no audio or holds none."""
    try:
        information = soundfile.info(path)
    except (soundfile.SoundFileError, OSError) as error:
        raise TocsinError(f"{path} cannot be read, expected audio such as {', '.join(AUDIO_ENDINGS)}") from error
    if information.frames == 0:
        raise TocsinError(f"{path} holds no samples: expected an audio file of some length")
    return float(information.frames / information.samplerate)


def find_audio(paths: str | Path | Iterable[str | Path]) -> list[Path]:
    """List the audio files that some files and folders stand for.

    A file is taken as it is named; a folder stands for every file below it whose name ends in ``AUDIO_ENDINGS``,
    sorted, hidden files left out. Each file comes once. Raises ``TocsinError`` where nothing is found.
    """
    named = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    found: dict[Path, None] = {}
    for path in named:
        if _is_folder(path):
            inside = (file for file in path.rglob("*") if file.suffix.lower() in AUDIO_ENDINGS and file.is_file())
            visible = (file for file in inside if not any(part[0] == "." for part in file.relative_to(path).parts))
            found.update(dict.fromkeys(sorted(visible)))
        else:
            found[path] = None
    if not found:
        where = ", ".join(map(str, named)) or "an empty list of paths"
        raise TocsinError(f"no audio in {where}: expected files that end in {', '.join(AUDIO_ENDINGS)}")
    return list(found)


def _check_rate(sample_rate: int | None) -> None:
    if sample_rate is not None and sample_rate <= 0:
        raise TocsinError(f"the sample rate must be above 0 Hz, not {sample_rate}")


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name too long for the file system is no folder
        return False


@contextmanager
def _opened(path: Path) -> Iterator[soundfile.SoundFile]:
    if _is_folder(path):
        raise TocsinError(f"{path} is a folder where one audio file was expected")
    try:
        exists = path.is_file()
    except OSError:
        exists = False
    if not exists:
        raise TocsinError(f"{path} does not exist: expected an audio file")
    if path.stat().st_size == 0:
        raise TocsinError(f"{path} is empty (0 bytes): expected an audio file")
    try:
        with soundfile.SoundFile(path) as file:
            if file.frames == 0:
                raise TocsinError(f"{path} holds no samples: expected an audio file of some length")
            yield file
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


def _read_frames(
    file: soundfile.SoundFile, path: Path, start: int, stop: int, empty_allowed: bool = False
) -> NDArray[np.float32]:
    if file.tell() != start:
        file.seek(start)
    frames: NDArray[np.float32] = file.read(stop - start, dtype="float32", always_2d=True)
    # The header of an MP3 gives an estimate of its length; the other formats keep their word or are cut off.
    if len(frames) < stop - start and (file.format != "MP3" or not (len(frames) or empty_allowed)):
        ends_s, says_s = (start + len(frames)) / file.samplerate, file.frames / file.samplerate
        raise TocsinError(f"{path} is cut off: it ends after {ends_s:g} s where its header says {says_s:g} s")
    samples: NDArray[np.float32] = frames[:, 0] if frames.shape[1] == 1 else frames.mean(axis=1, dtype=np.float32)
    finite = np.isfinite(samples)
    if not finite.all():
        at_s = (start + int(np.argmin(finite))) / file.samplerate
        raise TocsinError(f"{path} has a sample that is NaN or infinite at {at_s:.6f} s: expected finite numbers")
    loudest = float(np.abs(samples).max(initial=0.0))
    if loudest > _GREATEST:
        raise TocsinError(
            f"{path} has a sample of {loudest:g}: expected -1 to 1; divide integers that were stored as floats"
        )
    return np.ascontiguousarray(samples)
