"""Signals that end a command which runs for ever: it stops where nothing is half done, and says what it still holds."""

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # typed, from a service manager, from a terminal that closes


class StopSignals:
    """While it is entered, the first signal to end is noted, and the second does what it did before.

    A signal that was ignored stays so, as ``nohup`` means it.

    Args:
        noted: called when it is.

    Attributes:
        came: whether one did.
    """

    def __init__(self, noted: Callable[[], object] = lambda: None) -> None:
        self.came = False
        self._noted = noted
        self._before: dict[int, signal._HANDLER] = {}

    def __enter__(self) -> Self:
        for number in (getattr(signal, name) for name in NAMES if hasattr(signal, name)):
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.came = True
        self._noted()
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()


def outlive_broken_connections() -> None:
    """Let a broken pipe or connection be an error of whoever writes to it, and not the end of the process.

    A broker, or whoever asks for metrics, may go in the middle of an answer. ``tocsin`` ends quietly there, as commands
    in a pipe do; what runs for years must not.
    """
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
