"""Recordings heard by processes of this machine, few at a time: what waits does not grow with the archive."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from types import TracebackType
from typing import Protocol, Self

from tocsin import TocsinError
from tocsin.inference.archive.hearing import IN_FLIGHT, Heard, Hearing, one_thread
from tocsin.inference.archive.recordings import Recording

_LOOK_S = 0.2  # how long a signal may go unseen


class Pool(Protocol):
    """Workers that recordings are given to; ``in_flight`` are given and not yet taken, at most."""

    in_flight: int

    def submit(self, recording: Recording) -> "Future[Heard]":
        """Give a recording to the next worker that is free."""


def heard_by(
    pool: Pool, recordings: Iterable[Recording], stopped: Callable[[], bool] = lambda: False
) -> Iterator[Heard]:
    """What recordings give, as they are done; no more than the pool's ``in_flight`` wait at any time.

    Args:
        pool: the workers.
        recordings: taken from as there is room.
        stopped: asked between two; once it is true nothing more is given or awaited.

    Raises:
        TocsinError: a worker was ended from outside.
    """
    queue, waiting = iter(recordings), dict[Future[Heard], Recording]()
    while not stopped():
        for recording in islice(queue, pool.in_flight - len(waiting)):
            waiting[pool.submit(recording)] = recording
        if not waiting:
            return
        for future in wait(waiting, _LOOK_S, FIRST_COMPLETED).done:
            try:
                heard = future.result()
            except BrokenProcessPool:
                at_work = ", ".join(sorted(recording.path for recording in waiting.values()))
                raise TocsinError(
                    f"a worker was ended, as where memory runs out, at one of {at_work}: type the same again, which "
                    "goes on from here, with --workers 1 where it ends again"
                ) from None
            del waiting[future]
            yield heard


class Processes:
    """Processes of this machine, each with one model and one thread. To be entered; on leaving they end.

    Args:
        workers: how many.
        hearing: what each does.
    """

    def __init__(self, workers: int, hearing: Hearing) -> None:
        self.in_flight = IN_FLIGHT * workers
        self._workers, self._hearing = workers, hearing

    def __enter__(self) -> Self:
        self._others = set(multiprocessing.active_children())
        self._one_thread = one_thread()
        self._one_thread.__enter__()
        context = multiprocessing.get_context("spawn")
        self._executor = ProcessPoolExecutor(self._workers, context, _begin)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # Nobody waits for what is not done by now: it is not in the journal, and so heard next time.
        for process in set(multiprocessing.active_children()) - self._others:
            process.terminate()
        self._executor.shutdown(cancel_futures=True)
        self._one_thread.__exit__(None, None, None)

    def submit(self, recording: Recording) -> "Future[Heard]":
        """Give a recording to the next process that is free."""
        try:
            return self._executor.submit(self._hearing, recording)
        except BrokenProcessPool as error:
            broken: Future[Heard] = Future()
            broken.set_exception(error)
            return broken


def _begin() -> None:
    """What a worker does first: leave Ctrl-C to its parent, and end with it, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
