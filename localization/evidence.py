"""Was it gunfire? Evidence of all sensors that heard a sound, and of those that should have."""

from collections.abc import Sequence

import numpy as np

from tocsin.inference.detection import Detection


def gunfire_probability(detections: Sequence[Detection]) -> float:
    """Probability that a sound was gunfire, from all its detections; 1 where none carries class probabilities.

    ``background`` says that a sensor heard little, not what it heard: it takes weight from a sensor instead.
    """
    logits, weights = [], []
    for detection in detections:
        gunshot = detection.probabilities.get("gunshot")
        if gunshot is None:
            continue
        background = detection.probabilities.get("background", 0.0)
        share = float(np.clip(gunshot / max(1.0 - background, 1e-6), 0.001, 0.999))
        logits.append(np.log(share / (1.0 - share)))
        weights.append(max(1.0 - background, 0.01))
    if not logits:
        return 1.0
    return float(1.0 / (1.0 + np.exp(-np.average(logits, weights=weights))))
