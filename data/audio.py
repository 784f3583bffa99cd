"""Reading of audio files: WAV, FLAC, OGG, MP3 and more in, one channel of float32 out, a sentence where that fails."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.data.sound import AUDIO_ENDINGS, is_folder, open_sound

# Sound that the decoder does not read: a folder of it is not passed over in silence.
OTHER_ENDINGS = (
    ".m4a", ".m4b", ".aac", ".alac", ".wma", ".amr", ".awb", ".3gp", ".3ga", ".ape", ".wv", ".tta", ".mka", ".weba",
    ".mp2", ".mpc", ".ac3", ".dts", ".dsf", ".dff", ".ra", ".spx", ".gsm",
)  # fmt: skip

# The HQ filter of soxr reaches about 8 ms to each side at the rates in use (measured from 12 to 192 kHz).
# A part of a file is read with this much more on both sides, so that its edges are resampled as in the whole.
_RESAMPLING_MARGIN_S = 0.02


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

    Channels are averaged; where they cancel each other, the loudest counts. The part from ``start_s`` (seconds) on, of
    ``duration_s`` seconds or to the end, is read by seeking; it is shorter where the file ends before. With
    ``sample_rate`` (Hz) the sound is resampled (soxr, HQ).

    Raises ``TocsinError`` in one sentence for a file that is missing, a folder, empty, broken or in another format, for
    samples that are NaN, infinite or far beyond full scale, and for a part that lies outside the file. A file that was
    cut off is refused where its format shows it (FLAC); a cut WAV, OGG or MP3 is read as far as it goes. A length that
    its header does not know, or that its bytes belie, is taken from the bytes; joined files are read one by one.
    """
    path = Path(path)
    _check_rate(sample_rate)
    if not math.isfinite(start_s) or start_s < 0:
        raise TocsinError(f"{path}: the start must be 0 s or later, not {start_s} s")
    if duration_s is not None and not (math.isfinite(duration_s) and duration_s > 0):
        raise TocsinError(f"{path}: the duration must be above 0 s, not {duration_s} s")
    with open_sound(path) as file:
        file_rate = file.sample_rate
        start = round(start_s * file_rate)
        if start >= file.frames:
            raise TocsinError(f"{path}: a start of {start_s:g} s lies behind its end at {file.frames / file_rate:g} s")
        stop = file.frames if duration_s is None else min(file.frames, start + max(1, round(duration_s * file_rate)))
        if sample_rate in (None, file_rate):
            return Audio(file.read(start, stop), file_rate)
        assert sample_rate is not None
        # The margin before the part is a whole number of samples at both rates.
        step = file_rate // math.gcd(file_rate, sample_rate)
        margin = math.ceil(_RESAMPLING_MARGIN_S * file_rate)
        steps = min(start // step, math.ceil(margin / step))
        last = min(file.frames, stop + margin)
        # A part that ends inside the file has as many samples as its duration says.
        wanted_s = duration_s if duration_s is not None and stop < file.frames else (stop - start) / file_rate
        samples = soxr.resample(file.read(start - steps * step, last), file_rate, sample_rate, "HQ")
    first = steps * step * sample_rate // file_rate
    samples = samples[first : first + max(1, math.floor(wanted_s * sample_rate + 0.5))]  # as the resampler rounds
    if samples.size == 0:
        raise TocsinError(
            f"{path}: {stop - start} samples at {file_rate} Hz are too few to resample to {sample_rate} Hz"
        )
    return Audio(np.ascontiguousarray(samples, dtype=np.float32), sample_rate)


def read_blocks(
    path: str | Path, block_s: float, sample_rate: int | None = None, channel: int | None = None
) -> Iterator[Audio]:
    """Yield a file in consecutive blocks of about ``block_s`` seconds, holding no more than one in memory.

    The blocks, joined, equal ``read_audio`` of the whole file sample by sample, resampling (Hz) included; or they are
    one ``channel`` of it, from 1. Raises ``TocsinError`` as ``read_audio`` does.
    """
    path = Path(path)
    _check_rate(sample_rate)
    if not math.isfinite(block_s) or block_s <= 0:
        raise TocsinError(f"{path}: a block must be longer than 0 s, not {block_s} s")
    with open_sound(path, channel) as file:
        file_rate = file.sample_rate
        block = max(1, round(block_s * file_rate))
        resampler = None
        if sample_rate not in (None, file_rate):
            resampler = soxr.ResampleStream(file_rate, sample_rate, 1, dtype="float32", quality="HQ")
        for start in range(0, file.frames, block):
            stop = min(file.frames, start + block)
            samples = file.read(start, stop, empty_allowed=start > 0)
            last = stop == file.frames or len(samples) < stop - start
            if resampler is not None:
                samples = resampler.resample_chunk(samples, last=last)
            if samples.size:
                yield Audio(samples, sample_rate or file_rate)
            if last:
                return


def file_duration_s(path: str | Path) -> float:
    """Length in seconds of what is read of a file, which is not decoded. Raises ``TocsinError`` as ``read_audio``."""
    with open_sound(Path(path), 1) as file:  # of one channel, so that none is compared with another
        return file.frames / file.sample_rate


def find_audio(
    paths: str | Path | Iterable[str | Path], complain: Callable[[str], None] = lambda sentence: None
) -> list[Path]:
    """List the audio files that some files and folders stand for.

    A file is taken as it is named; a folder stands for every file below it whose name ends in ``AUDIO_ENDINGS``,
    sorted, hidden files left out. Links to folders are followed, each folder once. Each file comes once. ``complain``
    gets a sentence for sound in ``OTHER_ENDINGS`` and for folders that cannot be opened, which are left out.
    Raises ``TocsinError`` where nothing is found.
    """
    named = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    found: dict[Path, None] = {}
    unread: list[Path] = []
    for path in named:
        if is_folder(path):
            inside = sorted(_files_below(path, complain))
            found.update(dict.fromkeys(file for file in inside if file.suffix.lower() in AUDIO_ENDINGS))
            unread += [file for file in inside if file.suffix.lower() in OTHER_ENDINGS]
        else:
            found[path] = None
    left_out = ""
    if unread:
        first, more = unread[0], f" and {len(unread) - 1} more" if len(unread) > 1 else ""
        typed = f"`ffmpeg -i {first.name} {first.stem}.wav`"
        left_out = f"{first}{more} left out, for such a format cannot be read: make each a WAV, as {typed} does"
    if not found:
        where = ", ".join(map(str, named)) or "an empty list of paths"
        expected = f"expected files that end in {', '.join(AUDIO_ENDINGS)}"
        raise TocsinError(f"no audio in {where}: {expected}{'; ' + left_out if left_out else ''}")
    if left_out:
        complain(left_out)
    return list(found)


def _files_below(root: Path, complain: Callable[[str], None]) -> Iterator[Path]:
    """Files of a folder and of those in it, hidden ones left out; links to folders last, so that no name changes."""
    seen: set[Path] = set()
    folders, linked = [root], list[Path]()
    while folders or linked:
        folder = folders.pop() if folders else linked.pop(0)
        if folder.resolve() in seen:
            continue
        seen.add(folder.resolve())
        try:
            entries = sorted(entry for entry in folder.iterdir() if entry.name[0] != ".")
        except OSError as error:
            complain(f"{folder} cannot be opened and is left out: {error.strerror}")
            continue
        for entry in entries:
            if entry.is_dir():
                (linked if entry.is_symlink() else folders).append(entry)
            elif entry.is_file():
                yield entry


def _check_rate(sample_rate: int | None) -> None:
    if sample_rate is not None and sample_rate <= 0:
        raise TocsinError(f"the sample rate must be above 0 Hz, not {sample_rate}")
