"""What can be heard at all: bounds on rate and channels that a header may state, and samples that are no sound."""

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.data.sound import GREATEST

# Below, no bang is left to hear; above stands no recorder in use. Headers that say more are broken, or hostile.
LOWEST_RATE, HIGHEST_RATE = 2000, 768_000
MOST_CHANNELS = 64


def check_form(name: str, sample_rate: int, channels: int) -> None:
    """Refuse sound of a form that no recorder has, before memory is taken for it.

    Args:
        name: of the source, as it is named to people.
        sample_rate: Hz.
        channels: how many there are.

    Raises:
        TocsinError: the rate, or the number of channels, is out of bounds.
    """
    if not LOWEST_RATE <= sample_rate <= HIGHEST_RATE:
        raise TocsinError(f"{name} has a rate of {sample_rate} Hz: expected {LOWEST_RATE} to {HIGHEST_RATE} Hz")
    if not 1 <= channels <= MOST_CHANNELS:
        raise TocsinError(f"{name} has {channels} channels: expected 1 to {MOST_CHANNELS}")


def silenced(samples: NDArray[np.float32]) -> tuple[NDArray[np.float32], int]:
    """Samples with silence for those that are NaN, infinite or far beyond full scale, and how many those were."""
    sound = np.abs(samples) <= GREATEST
    unsound = int(sound.size - np.count_nonzero(sound))
    return (np.where(sound, samples, np.float32(0.0)), unsound) if unsound else (samples, 0)
