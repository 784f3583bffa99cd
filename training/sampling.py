"""The examples of an epoch: balanced by class, source and session, and alike for any number of processes."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from torch.utils.data import Sampler

from tocsin.data.manifests import ManifestRow

CLIPS_OF_A_SESSION = 10


class Draw(NamedTuple):
    """One example to make: a row, and the seed of everything random in it."""

    row: int
    seed: int


def balanced_weights(
    rows: Sequence[ManifestRow], labels: Sequence[str], class_shares: Mapping[str, float]
) -> np.ndarray:
    """Probability of each row, shape ``(rows,)``, summing to 1.

    Classes get ``class_shares`` (those without rows give theirs up). In a class a source gets the square root of its
    size, so that a large one leads without drowning the rest; there a session counts as ``CLIPS_OF_A_SESSION`` clips at
    the most. A source's sessions get equal shares, and so do a session's rows.
    """
    sessions: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, (row, label) in enumerate(zip(rows, labels, strict=True)):
        sessions[label, row.source][row.group].append(index)
    size = {
        key: sum(min(len(members), CLIPS_OF_A_SESSION) for members in groups.values()) ** 0.5
        for key, groups in sessions.items()
    }
    of_class: dict[str, float] = defaultdict(float)
    for (label, _), root in size.items():
        of_class[label] += root
    weights = np.zeros(len(rows))
    for (label, source), groups in sessions.items():
        source_share = class_shares.get(label, 0.0) * size[label, source] / of_class[label]
        for members in groups.values():
            weights[members] = source_share / len(groups) / len(members)
    return weights / weights.sum()


class BalancedSampler(Sampler[Draw]):
    """Draws of one epoch; the global order depends on seed and epoch alone, and each process takes every n-th."""

    def __init__(self, weights: np.ndarray, examples: int, seed: int, rank: int = 0, processes: int = 1) -> None:
        self.weights, self.examples, self.seed = weights, examples // processes * processes, seed
        self.rank, self.processes = rank, processes
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning at the start of every epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[Draw]:
        """Yield this process's draws."""
        generator = np.random.default_rng([self.seed, self.epoch])
        rows = generator.choice(len(self.weights), self.examples, p=self.weights)
        seeds = generator.integers(2**63, size=self.examples)
        for row, seed in list(zip(rows, seeds, strict=True))[self.rank :: self.processes]:
            yield Draw(int(row), int(seed))

    def __len__(self) -> int:
        """Draws of this process."""
        return self.examples // self.processes
