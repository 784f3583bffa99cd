"""Logs of invented recordings, for tests of the bench."""

import numpy as np
import pandas

from tocsin.evaluation.bench.log import Log, make_log


def random_log(seed: int, recordings: int = 6, sounds: int = 8, detections: int = 20, length_s: float = 30.0) -> Log:
    """Sounds and detections at random, many of them near one another, scores with ties."""
    rng = np.random.default_rng(seed)
    names = [f"r{number}" for number in range(recordings)]
    sessions = [f"s{number // 2}" for number in range(recordings)]
    heard = pandas.DataFrame({"recording": names, "duration_s": length_s, "session": sessions})
    onset_s = np.round(rng.uniform(0, length_s, recordings * sounds), 3)
    truth = pandas.DataFrame({"recording": np.repeat(names, sounds), "onset_s": onset_s, "label": "gunshot"})
    near = rng.choice(onset_s, recordings * detections) + rng.normal(0, 0.15, recordings * detections)
    anywhere = rng.uniform(0, length_s, recordings * detections)
    at_s = np.clip(np.where(rng.random(len(near)) < 0.6, near, anywhere), 0, length_s)
    said = pandas.DataFrame(
        {
            "recording": np.repeat(names, detections),
            "onset_s": np.round(at_s, 3),
            "score": np.round(rng.beta(1, 1, len(at_s)), 2),
        }
    )
    return make_log(heard, truth, said)
