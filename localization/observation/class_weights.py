"""What the class that a sensor states says of each detection: gunfire, or something else that bangs?

A sensor speaks by its likelihood ratio: the odds of a gunshot that it states over those for which it states them
(Bayes' rule in odds; Good 1950, *Probability and the Weighing of Evidence*). ``background`` says that it heard little,
not what it heard: it takes weight from a sensor instead.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import logit

from tocsin.inference.detection import Detection

Array = npt.NDArray[np.float64]

# Share of gunshots among the sounds for which the shipped weights state probabilities (``gunshot_share`` of the card).
STATED_FOR = 0.05
MOST_RATIO = 20.0  # one sensor says no more than this, either way
CROWD_PER_S = 1.5  # direct sounds a second and sensor from which class decides what is sought
CROWD_WINDOW_S = 10.0


def gunfire_ratios(detections: Sequence[Detection]) -> Array:
    """Likelihood ratio of a gunshot to all else that bangs, of each detection, ``(n,)``, from 1/20 to 20.

    It is (p / (1 − p)) / (s / (1 − s)) to the power of 1 − b: p is the stated probability of a gunshot if it was no
    background, b that of background, and s ``STATED_FOR``. It is 1 where no probability of a gunshot is stated.
    """
    background = np.array([item.probabilities.get("background", 0.0) for item in detections])
    gunshot = np.array([item.probabilities.get("gunshot", np.nan) for item in detections])
    share = np.clip(gunshot / np.maximum(1.0 - background, 1e-6), 0.001, 0.999)
    log_ratio = (1.0 - background) * (logit(share) - logit(STATED_FOR))
    return np.asarray(np.exp(np.clip(np.nan_to_num(log_ratio), -np.log(MOST_RATIO), np.log(MOST_RATIO))))


def in_crowd(time_s: Array, share: Array, sensors: int) -> npt.NDArray[np.bool_]:
    """Whether each detection falls into seconds of more than ``CROWD_PER_S`` direct sounds a sensor, ``(n,)``.

    Args:
        time_s: of each detection, in order, ``(n,)``.
        share: probability of each that it is direct sound, ``(n,)``.
        sensors: how many there are.
    """
    summed = np.append(0.0, np.cumsum(share))
    first = np.searchsorted(time_s, time_s - CROWD_WINDOW_S / 2)
    last = np.searchsorted(time_s, time_s + CROWD_WINDOW_S / 2, "right")
    return np.asarray((summed[last] - summed[first]) / (CROWD_WINDOW_S * sensors) > CROWD_PER_S)
