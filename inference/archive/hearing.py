"""One recording heard by one process on one thread: a pure function that processes and Ray both map."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from tocsin import TocsinError
from tocsin.data.audio import read_blocks
from tocsin.inference.archive.recordings import Recording
from tocsin.inference.audio_model import BLOCK_S, AudioModel, checked_rates, events_in

# The last digits depend on the threads of matrix products, and processes that have a core each need no more.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
IN_FLIGHT = 4  # recordings a worker that are given and not yet taken, so that none waits for its next


@dataclass(frozen=True)
class Heard:
    """What a recording gave.

    Attributes:
        recording: that was heard.
        duration_s: seconds listened to.
        rows: those of ``tocsin detect``.
        failed: the sentence that says why it could not be read; empty where it was.
    """

    recording: Recording
    duration_s: float
    rows: list[dict[str, Any]]
    failed: str = ""


@dataclass(frozen=True)
class Hearing:
    """The function itself, with all that it depends on; processes get it by pickling.

    Attributes:
        model: an ``.onnx`` file, from the root, that every process can open.
        threshold: gunshot probability from which a bang is called a gunshot.
        labels: of the rows to keep.
    """

    model: str
    threshold: float
    labels: frozenset[str]

    def __call__(self, recording: Recording) -> Heard:
        """Hear a recording; one that cannot be read is no error, but ``failed``."""
        model = _model(self.model)
        blocks = read_blocks(recording.absolute, BLOCK_S, channel=recording.channel)
        try:
            events, duration_s = events_in(checked_rates(recording.absolute, blocks), model, self.threshold)
        except TocsinError as error:
            return Heard(recording, 0.0, [], str(error))
        kept = (replace(event, path=recording.path) for event in events if event.label in self.labels)
        return Heard(recording, duration_s, [event.to_row() for event in kept])


@lru_cache(maxsize=1)
def _model(path: str) -> AudioModel:
    return AudioModel(path)


@contextmanager
def one_thread() -> Iterator[None]:
    """While it is entered, processes that are begun have one thread each for matrix products.

    Libraries read that as they are loaded, which a new process does by itself.
    """
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
