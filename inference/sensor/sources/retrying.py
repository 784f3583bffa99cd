"""A source that is opened again after it was lost, later each time, with the gap between told."""

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

from tocsin.inference.sensor.sources.block import Block, Source, SourceLost, idle_block

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
# Whoever listens is given a block at least this often, also while there is nothing to hear.
_STEP_S = 0.5


class Retrying:
    """A source in place of another, which it opens again when that is lost.

    The wait before each attempt doubles from 1 s to 60 s and begins at 1 s again when the source has lived for 60 s.
    Chance takes up to half of it away, so that the sensors of a town do not all ask a server in the same moment.

    Args:
        source: the source.
        complain: called once when it is lost, and once when it is back.
        wait: waits for so many seconds and says whether to end, as ``threading.Event().wait`` does.
        rng: chance for the waits.

    Attributes:
        name, ends: those of the source.
        losses: how often it was lost.
        trouble: the sentence that says why there is nothing to hear now, or None.
    """

    def __init__(
        self,
        source: Source,
        complain: Callable[[str], None] = lambda sentence: None,
        wait: Callable[[float], bool] | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._source, self._complain = source, complain
        self._wait = wait or threading.Event().wait
        self._rng = rng or random.Random()
        self.name, self.ends = source.name, source.ends
        self.losses = 0
        self.trouble: str | None = None

    def blocks(self) -> Iterator[Block]:
        """What the source gives, as long as it does not end or ``wait`` says so.

        The first block after a gap begins anew and says how many samples the time since the last one stands for.

        Raises:
            TocsinError: it can never work; what :class:`SourceLost` says is waited for.
        """
        last: Block | None = None
        attempts = 0
        while True:
            opened = self._source.blocks()
            opened_monotonic_s: float | None = None
            try:
                for block in opened:
                    if len(block.samples):
                        if opened_monotonic_s is None:
                            opened_monotonic_s = block.arrived_monotonic_s
                            block = self._after_gap(block, last)
                        last = block
                    yield block
                return
            except SourceLost as error:
                if self.trouble is None:
                    self.losses += 1
                    self.trouble = str(error)
                    self._complain(f"{error}; it is tried again until it is back")
            finally:
                close = getattr(opened, "close", None)
                if close is not None:
                    close()
            if last is not None and opened_monotonic_s is not None:
                lived_s = last.arrived_monotonic_s - opened_monotonic_s
                attempts = 0 if lived_s >= LONGEST_WAIT_S else attempts
            longest_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(attempts, 10))
            attempts += 1
            left_s = longest_s * (1.0 - 0.5 * self._rng.random())
            while left_s > 0:
                if self._wait(min(_STEP_S, left_s)):
                    return
                left_s -= _STEP_S
                yield idle_block(last.sample_rate, last.samples.shape[1]) if last is not None else idle_block()

    def _after_gap(self, block: Block, last: Block | None) -> Block:
        """The first block of a source that was opened, with what was missed since the last."""
        gap_s = 0.0
        if last is not None:
            began_monotonic_s = block.arrived_monotonic_s - len(block.samples) / block.sample_rate
            gap_s = max(0.0, began_monotonic_s - last.arrived_monotonic_s)
        if self.trouble is not None:
            self.trouble = None
            self._complain(f"{self.name} is back" + (f"; {gap_s:.1f} s were not heard" if last is not None else ""))
        # Files wait while nobody listens: of them nothing is missed.
        missed = round(gap_s * block.sample_rate) if block.began_s is None else 0
        return replace(block, begins_anew=True, lost_samples=max(block.lost_samples, missed))
