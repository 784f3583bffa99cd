"""Sentences on stderr of a command that runs for ever: what is new is said at once, and nothing fills the log."""

from collections.abc import Callable

FIRST_SUM = 100


class Sayings:
    """The first few sentences as they come; of those that follow, or are as before, the number whenever it doubled.

    Args:
        say: called with each sentence that is said.
        what: what the sentences are about, of one and of many: ``"line is no detection"``.
        in_full: sentences that are said as they come, those that differ.

    Attributes:
        count: sentences, said or not.
    """

    def __init__(self, say: Callable[[str], None], what: tuple[str, str], in_full: int) -> None:
        self.count = 0
        self._say = say
        self._what = what
        self._in_full = in_full
        self._said: set[str] = set()
        self._next_sum = FIRST_SUM

    def say(self, sentence: str) -> None:
        """One sentence more."""
        self.count += 1
        if sentence not in self._said and len(self._said) < self._in_full:
            self._said.add(sentence)
            self._say(sentence)
        elif self.count >= self._next_sum:
            self._say(f"{self._sum()} so far, the last: {sentence}")
        if self.count >= self._next_sum:
            self._next_sum *= 2

    def close(self) -> None:
        """How many there were."""
        if self.count > self._in_full:
            self._say(f"{self._sum()}, of which the first {self._in_full} are named above")
        elif self.count:
            self._say(self._sum())

    def _sum(self) -> str:
        return f"{self.count} {self._what[self.count > 1]}"
