"""Blocks from a thread that must never wait, a sound card's or a stream's, to the one that listens."""

import queue
from dataclasses import replace

from tocsin.inference.sensor.sources.block import Block

# A listener that hangs longer than this loses sound, and a machine does not run out of memory.
MOST_S = 10.0


class Handover:
    """A bounded queue that drops what comes while it is full, and says with the next block how much that was.

    One thread gives, another takes.

    Args:
        most_s: seconds of sound that it holds.
    """

    def __init__(self, most_s: float = MOST_S) -> None:
        self._queue: queue.SimpleQueue[Block | Exception] = queue.SimpleQueue()
        self._most_s = most_s
        # Each is written by one thread only, so that neither needs a lock.
        self._given_s = self._taken_s = 0.0
        self._dropped = 0

    def give(self, block: Block) -> None:
        """Hand over a block. Never waits."""
        duration_s = len(block.samples) / block.sample_rate
        if self._given_s - self._taken_s + duration_s > self._most_s:
            self._dropped += len(block.samples) + block.lost_samples
            return
        if self._dropped:
            block = replace(block, begins_anew=True, lost_samples=block.lost_samples + self._dropped)
            self._dropped = 0
        self._given_s += duration_s
        self._queue.put(block)

    def fail(self, error: Exception) -> None:
        """Hand over what ended it: raised at the other side when all that came before is taken."""
        self._queue.put(error)

    def take(self, patience_s: float) -> Block | None:
        """The next block, or None where none came for so long. Raises what was handed over by :meth:`fail`."""
        try:
            block = self._queue.get(timeout=patience_s)
        except queue.Empty:
            return None
        if isinstance(block, Exception):
            raise block
        self._taken_s += len(block.samples) / block.sample_rate
        return block
