"""Recordings heard by Ray, on one machine or many: the same function, the same interface as processes of one's own.

Every machine must see the recordings, and the weights where they are a file of one's own, under the same path.
"""

import importlib
import logging
import os
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self

from tocsin import TocsinError
from tocsin.inference.archive.hearing import IN_FLIGHT, ONE_THREAD, Heard, Hearing, one_thread
from tocsin.inference.archive.recordings import Recording


class RayTasks:
    """Tasks of Ray, a processor each. To be entered; on leaving Ray is left, or ended where it was begun here.

    Args:
        address: ``local`` begins a Ray on this machine; ``auto`` is the one that runs here; else where its head is.
        workers: tasks at a time; as many as there are processors when ``None``.
        hearing: what each does.

    Raises:
        TocsinError: Ray is not installed, or there is none at the address.
    """

    def __init__(self, address: str, workers: int | None, hearing: Hearing) -> None:
        try:
            self._ray: Any = importlib.import_module("ray")
        except ImportError as error:
            raise TocsinError('--ray needs Ray: type pip install "tocsin[cluster]"') from error
        self._address, self._workers, self._hearing = address, workers, hearing
        self.in_flight = 0

    def __enter__(self) -> Self:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
        quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
        try:
            if self._address == "local":
                with one_thread():  # its processes have the environment of this one
                    self._ray.init(self._address, num_cpus=self._workers, include_dashboard=False, **quiet)
            else:
                self._ray.init(self._address, runtime_env={"env_vars": ONE_THREAD}, **quiet)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise TocsinError(
                f"there is no Ray at {self._address}: begin one with `ray start --head`, or type --ray local ({error})"
            ) from error
        there = max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        # Of a Ray that others share, no more processors are taken than was asked for.
        self.in_flight = self._workers if self._workers and self._address != "local" else IN_FLIGHT * there
        self._task = self._ray.remote(num_cpus=1)(_hear)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ray.shutdown()

    def submit(self, recording: Recording) -> "Future[Heard]":
        """Give a recording to the next processor of Ray that is free."""
        future: Future[Heard] = self._task.remote(self._hearing, recording).future()
        return future


def _hear(hearing: Hearing, recording: Recording) -> Heard:
    return hearing(recording)
