"""What networks with AudioSet's classes share as detectors of gunshots: their windows, and the uses of their scores."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

DETECTORS = ("gunshot family", "gunshot family − fireworks", "all explosive classes")


class Places(NamedTuple):
    """Where a network has explosion, gunshot with its four kinds, and fireworks with firecracker."""

    explosion: int
    gunshots: slice
    fireworks: slice


def uses_of(scores: NDArray[np.float32], places: Places) -> NDArray[np.float64]:
    """Scores of all classes, shape (windows, classes), to those of the uses, 0 … 1, shape (windows, 3)."""
    gunshot, fireworks = scores[:, places.gunshots].max(axis=1), scores[:, places.fireworks].max(axis=1)
    explosive = np.maximum(np.maximum(gunshot, fireworks), scores[:, places.explosion])
    return np.stack([gunshot, (1 + gunshot - fireworks) / 2, explosive], axis=1).astype(np.float64)


def windows_of(samples: NDArray[np.float32], window: int, hop: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """First samples of the windows of a waveform, and the windows, shape (windows, window).

    The last ends with the waveform; one that is shorter than a window is mirrored to its length.
    """
    samples = np.pad(samples, (0, max(0, window - len(samples))), mode="reflect")
    last = len(samples) - window
    starts = np.array([*range(0, last, hop), last])
    return starts, np.stack([samples[start : start + window] for start in starts.tolist()])
