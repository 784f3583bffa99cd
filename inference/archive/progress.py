"""How far a run is: hours of sound, how many times as fast as they passed, and the time that is left."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from tocsin.inference.archive.hearing import Heard

_EVERY_S = 60.0  # between two lines where nobody watches a bar


class ArchiveProgress:
    """A bar on a terminal, else a line a minute. To be entered.

    The share that is done is one of bytes, for how long a file is, is known when it was heard.

    Args:
        size: of all that is to be heard, bytes.
        console: of stderr.
        clock: seconds, from anywhere.
    """

    def __init__(self, size: int, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._size, self._console, self._clock = max(size, 1), console, clock
        self.recordings, self.sound_s, self._done = 0, 0.0, 0
        columns = (TextColumn("listening"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[what]}"))
        self._bar = Progress(
            *columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
        )
        self._task = self._bar.add_task("listening", total=self._size, what="")

    def __enter__(self) -> Self:
        self._began_s = self._said_s = self._clock()
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def advance(self, heard: Heard) -> None:
        """Count a recording."""
        self.recordings += not heard.failed
        self.sound_s += heard.duration_s
        self._done += heard.recording.size
        self._bar.update(self._task, completed=self._done, what=str(self))
        now_s = self._clock()
        if not self._console.is_terminal and now_s - self._said_s >= _EVERY_S:
            self._said_s = now_s
            left_s = (now_s - self._began_s) * (self._size / max(self._done, 1) - 1)
            share = self._done / self._size
            line = f"{self}, {share:.0%} of all, {_said(left_s)} left"
            self._console.print(line, highlight=False, soft_wrap=True)

    def __str__(self) -> str:
        """Such as ``120.5 h of sound in 1,446 recordings, 220 × real time``."""
        taken_s = max(self._clock() - self._began_s, 1e-3)
        sound = f"{self.sound_s / 3600:.1f} h" if self.sound_s >= 360 else f"{self.sound_s:.0f} s"
        return f"{sound} of sound in {self.recordings:,} recordings, {self.sound_s / taken_s:.0f} × real time"


def _said(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
