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
from tocsin.inference.archive.hearing import ONE_THREAD, Heard, Hearing
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
        self._address, self._hearing = address, hearing
        self.workers = workers or 0

    def __enter__(self) -> Self:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
        where: dict[str, Any] = {"address": self._address}
        if self._address == "local":
            where |= {"num_cpus": self.workers or None, "include_dashboard": False}
        try:
            self._ray.init(
                **where, runtime_env={"env_vars": ONE_THREAD}, log_to_driver=False, logging_level=logging.ERROR
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise TocsinError(
                f"there is no Ray at {self._address}: begin one with `ray start --head`, or type --ray local ({error})"
            ) from error
        self.workers = self.workers or max(1, int(self._ray.cluster_resources().get("CPU", 1)))
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
