"""Which channels of a source are heard: each as a sensor of its own, or their mean as one."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError

# ``all``: each channel is a sensor. ``mean``: their mean is one. Numbers, from 1: these, each a sensor.
Channels = Literal["all", "mean"] | tuple[int, ...]


def parse_channels(text: str) -> Channels:
    """Read ``all``, ``mean`` or numbers from 1 with commas between them, such as ``1,3``.

    Raises:
        TocsinError: it is none of these, or names a channel twice.
    """
    word = text.strip().lower()
    if word == "all":
        return "all"
    if word == "mean":
        return "mean"
    parts = [part.strip() for part in word.split(",")]
    if not all(part.isascii() and part.isdigit() and 0 < len(part) < 6 and int(part) for part in parts):
        raise TocsinError(f'channels "{text}": expected all, mean, or numbers from 1 such as 1,3')
    numbers = tuple(int(part) for part in parts)
    if len(set(numbers)) < len(numbers):
        raise TocsinError(f'channels "{text}" name one twice: each is one sensor')
    return numbers


def chosen_channels(samples: NDArray[np.float32], channels: Channels, name: str) -> NDArray[np.float32]:
    """Samples ``(n, channels)`` to those heard, ``(n, sensors)``. ``name`` is that of the source.

    Raises:
        TocsinError: the source has no such channel.
    """
    if channels == "all":
        return samples
    if channels == "mean":
        return samples.mean(axis=1, dtype=np.float32, keepdims=True)
    has = samples.shape[1]
    for number in channels:
        if not 1 <= number <= has:
            raise TocsinError(f"{name} has {has} channel{'s' if has != 1 else ''}, and no channel {number}")
    return samples[:, [number - 1 for number in channels]]
