"""Sound files and folders of them as a source: each file a recording of its own, with the time when it began."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, tzinfo
from pathlib import Path

from tocsin import TocsinError
from tocsin.data.audio import find_audio
from tocsin.data.sound import is_folder, open_sound
from tocsin.inference.file_times import began, time_in_name
from tocsin.inference.sensor.sources.block import Block, idle_block
from tocsin.inference.sensor.sources.soundness import check_form, silenced
from tocsin.inference.sensor.system_offset import read_clocks

BLOCK_S = 0.5


def file_blocks(
    path: Path,
    stated_s: float | None = None,
    zone: tzinfo = UTC,
    complain: Callable[[str], None] = lambda sentence: None,
) -> Iterator[Block]:
    """One file from end to end, in blocks of 0.5 s with their times, the first of which begins anew.

    Args:
        path: of the file.
        stated_s: when it began, seconds since 1970; by its name or its last change when ``None``.
        zone: of a time in its name that does not say.
        complain: called where only the last change tells.

    Raises:
        TocsinError: it is no sound that can be read, perhaps only from some place on.
    """
    with open_sound(path, 1) as sound:  # all channels are read: so none is compared with another
        rate = sound.sample_rate
        check_form(str(path), rate, sound.channels)
        start = began(path, sound.frames / rate, stated_s, zone)
        if start.source == "modified":
            complain(
                f"{path} has no time in its name: it is taken to have ended when it was written last, give or take "
                f"{start.sigma_s:g} s; name it such as 20181219_004926{path.suffix}, in UTC"
            )
        step, place = max(1, round(BLOCK_S * rate)), 0
        while place < sound.frames:
            stop = min(place + step, sound.frames)
            samples, unsound = silenced(sound.read_channels(place, stop, empty_allowed=place > 0))
            yield Block(
                samples,
                rate,
                *read_clocks(),
                began_s=start.began_s + place / rate,
                begins_anew=place == 0,
                began_sigma_s=start.sigma_s,
                unsound_samples=unsound,
            )
            if len(samples) < stop - place:  # a damaged MP3 ends before it says
                return
            place = stop


class Files:
    """A source that is some files and folders, one recording after the other in order of time.

    Args:
        paths: files, and folders that stand for all sound below them.
        stated_s: when the one file began, seconds since 1970.
        zone: of times in names that do not say theirs.
        real_time: give each block when it would have come from a microphone, and no time but that of its arrival;
            with a stated start from then on, with that time. For demonstrations, and to measure how long it takes
            until a bang is said.
        complain: called with a sentence about a file that is left out, and about a time that is uncertain.
        wait: waits for so many seconds, as ``time.sleep`` does.

    Raises:
        TocsinError: a start is stated and there are several files.
    """

    ends = True

    def __init__(
        self,
        paths: Sequence[str | Path],
        stated_s: float | None = None,
        zone: tzinfo = UTC,
        real_time: bool = False,
        complain: Callable[[str], None] = lambda sentence: None,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._paths = [Path(path) for path in paths]
        self._stated_s, self._zone = stated_s, zone
        self._real_time, self._complain, self._wait = real_time, complain, wait
        self.name = ", ".join(map(str, self._paths))
        if stated_s is not None and (len(self._paths) > 1 or is_folder(self._paths[0])):
            raise TocsinError(f"a start was stated for {self.name}: it can be that of one file only")

    def blocks(self) -> Iterator[Block]:
        """All files. See :class:`~tocsin.inference.sensor.sources.block.Source`.

        Raises:
            TocsinError: nothing is found; or the one file that was named is no sound.
        """
        found = find_audio(self._paths, self._complain)
        alone = len(found) == 1
        once = _Once(self._complain)
        for path in found if alone else sorted(found, key=lambda path: (order_s(path, self._zone), path)):
            blocks = file_blocks(path, self._stated_s, self._zone, once)
            try:
                yield from self._paced(blocks) if self._real_time else blocks
            except TocsinError as error:
                if alone:
                    raise
                self._complain(f"{error}; the other files are heard")
                yield idle_block(begins_anew=True)

    def _paced(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """The blocks when they would have come; from the stated start on, where that lies ahead."""
        ahead_s = 0.0 if self._stated_s is None else max(0.0, self._stated_s - time.time())
        due_s = time.monotonic() + ahead_s
        for block in blocks:
            due_s += len(block.samples) / block.sample_rate
            while (left_s := due_s - time.monotonic()) > BLOCK_S:
                self._wait(BLOCK_S)
                yield idle_block(block.sample_rate, block.samples.shape[1])
            self._wait(max(0.0, left_s))
            # Live sound has no time but that of its arrival, unless one was stated.
            began_s = None if self._stated_s is None else block.began_s
            arrived_s, arrived_monotonic_s = read_clocks()
            yield replace(block, arrived_s=arrived_s, arrived_monotonic_s=arrived_monotonic_s, began_s=began_s)


class _Once:
    """Complains about the first file without a time, and is silent about the others, which are like it."""

    def __init__(self, complain: Callable[[str], None]) -> None:
        self._complain, self._said = complain, False

    def __call__(self, sentence: str) -> None:
        if not self._said:
            self._complain(sentence)
        self._said = True


def order_s(path: Path, zone: tzinfo = UTC) -> float:
    """What files are put in order by, without opening them: the time in the name, else the last change; seconds."""
    named = time_in_name(path.name, zone)
    if named is not None:
        return named.began_s
    try:
        return path.stat().st_mtime
    except OSError:  # whoever opens it says what is wrong
        return float("inf")
