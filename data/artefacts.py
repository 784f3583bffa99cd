"""What a wire, a converter or a lost packet does to a recording, and no air can: spikes, plugs, stuck and lost blocks.

Such an artefact is loud and sudden, as a shot is. Training adds it to windows that hold none, and what tells jumps from
sounds can be tried on it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

KINDS = ("spike", "stuck buffer", "plug", "lost block")
LEVEL_DBFS = (-30.0, 0.0)  # of spikes and plugs


class Artefact(NamedTuple):
    """What becomes of ``n`` samples.

    ``source``, int64 ``(n,)``, is the index of the sample that is heard in place of each, ``n`` for silence. ``added``,
    float32 ``(n,)`` at full scale 1, comes on top.
    """

    source: NDArray[np.int64]
    added: NDArray[np.float32]

    def on(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Samples ``(n,)`` with the artefact, clipped at full scale."""
        heard = np.append(samples, np.float32(0))[self.source] + self.added
        return np.clip(heard, -1.0, 1.0, dtype=np.float32)


def random_artefact(
    count: int, sample_rate: int, generator: np.random.Generator, kind: str | None = None
) -> tuple[Artefact, int]:
    """An artefact somewhere in ``count`` samples, and the index of the first sample that it changes.

    - ``spike``: one sample.
    - ``stuck buffer``: 10 ms are heard two to ten times.
    - ``plug``: a step that decays by a factor of e in 1 to 100 ms, as a pulled plug pops.
    - ``lost block``: 5 to 60 ms of zeros, or of what came just before.

    Args:
        count: samples, 0.2 s of them at the least.
        sample_rate: Hz.
        generator: of all that is random.
        kind: one of ``KINDS``; a random one by default.
    """
    kind = kind or KINDS[generator.integers(len(KINDS))]
    source, added = np.arange(count), np.zeros(count, np.float32)
    # A block before it to repeat, one behind it to change.
    longest = round(0.06 * sample_rate)
    at = int(generator.integers(longest, count - longest))
    level = generator.choice([-1.0, 1.0]) * 10 ** (generator.uniform(*LEVEL_DBFS) / 20)
    if kind == "spike":
        added[at] = level
    elif kind == "stuck buffer":
        block = round(0.01 * sample_rate)
        end = min(at + block * int(generator.integers(1, 10)), count)
        source[at:end] = at - block + np.arange(end - at) % block
    elif kind == "plug":
        decay_s = 0.001 * 100 ** generator.random()
        added[at:] = level * np.exp(-np.arange(count - at) / (decay_s * sample_rate))
    else:
        length = round(generator.uniform(0.005, 0.06) * sample_rate)
        repeated = generator.random() < 0.5
        source[at : at + length] = np.arange(at - length, at) if repeated else count
    return Artefact(source, added), at
