"""What every source of sound gives: blocks of samples, with what is known of their time and of what was lost."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.inference.sensor.system_offset import read_clocks


class SourceLost(TocsinError):  # noqa: N818 - it is the source that is lost
    """A device or a stream went away; to open it again may help. The sentence says what happened."""


@dataclass(frozen=True)
class Block:
    """Samples that came together.

    Attributes:
        samples: ``(n, channels)`` float32, full scale ±1, all finite; n may differ from block to block.
        sample_rate: Hz, nominal; the same until a block begins anew. An empty block may come before it is known: 0.
        arrived_s: the system's clock when the last sample had come, seconds since 1970.
        arrived_monotonic_s: the same moment by the clock that is never set and that nobody steers, seconds; both as
            :func:`~tocsin.inference.sensor.system_offset.read_clocks` gives them.
        began_s: when the first sample was taken, seconds since 1970, where the source knows it (files with a time);
            None where only the arrival tells.
        begins_anew: whether samples are missing before it, or nothing came before: what was open is to be ended.
        lost_samples: how many are missing before it, as far as the source can tell; 0 where it cannot.
        began_sigma_s: standard deviation of ``began_s``, seconds; 0 where the time was stated.
        unsound_samples: how many of ``samples`` were no sound (NaN, infinite, far beyond full scale): silence is there.
    """

    samples: NDArray[np.float32]
    sample_rate: int
    arrived_s: float
    arrived_monotonic_s: float
    began_s: float | None = None
    begins_anew: bool = False
    lost_samples: int = 0
    began_sigma_s: float = 0.0
    unsound_samples: int = 0


def idle_block(sample_rate: int = 0, channels: int = 1, begins_anew: bool = False) -> Block:
    """An empty block: nothing came up to now; with ``begins_anew`` what was open is at its end."""
    samples = np.zeros((0, channels), np.float32)
    return Block(samples, sample_rate, *read_clocks(), begins_anew=begins_anew)


class Source(Protocol):
    """Something that can be listened to.

    Attributes:
        name: how it is named to people: a device, a path, an address without its password.
        ends: whether it comes to an end by itself, as files do.
    """

    name: str
    ends: bool

    def blocks(self) -> Iterator[Block]:
        """Open it and give what it hears until it ends; may be called again after :class:`SourceLost`.

        A block at least every second while it lives, so that whoever listens can look after other things; it may be
        empty. The generator's ``close`` lets go of the device.

        Raises:
            SourceLost: it went away, or could not be opened now.
            TocsinError: it can never work as it is set (no such coding, a path that is no sound).
        """
        ...
