"""Where so many sounds come at once that only what may be gunfire is sought.

Five detections a second at every sensor agree by chance nearly everywhere, and hardly any sound stands out. Most of
them are fireworks, and most of those are known for such: without them gunfire is among as few sounds as on any night.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tocsin.inference.detection import Detection

Array = npt.NDArray[np.float64]

# Likelier gunfire than all else. The shipped weights state this for one gunshot in twenty sounds, so it is a likelihood
# ratio of 19 or more.
LEAST_GUNSHOT = 0.5
CROWD_PER_S = 1.5  # direct sounds a second and sensor from which class decides what is sought
CROWD_WINDOW_S = 10.0


def sought(detections: Sequence[Detection], time_s: Array, share: Array, sensors: int) -> npt.NDArray[np.bool_]:
    """Whether each detection is sought with, ``(n,)``: outside a crowd all are.

    In a crowd those are not whose sensor takes them for something else than a gunshot; one without class probabilities
    is.

    Args:
        detections: in order of time.
        time_s: of each, ``(n,)``.
        share: probability of each that it is direct sound, ``(n,)``.
        sensors: how many there are.
    """
    summed = np.append(0.0, np.cumsum(share))
    first = np.searchsorted(time_s, time_s - CROWD_WINDOW_S / 2)
    last = np.searchsorted(time_s, time_s + CROWD_WINDOW_S / 2, "right")
    crowd = (summed[last] - summed[first]) / (CROWD_WINDOW_S * sensors) > CROWD_PER_S
    gunshot = np.array([item.probabilities.get("gunshot", 1.0) for item in detections])
    return np.asarray(~crowd | (gunshot >= LEAST_GUNSHOT))
