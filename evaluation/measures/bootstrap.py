"""The bootstrap over sessions: whole sessions are drawn anew, never windows or detections.

Windows of one session resemble one another, so drawing them would pass for far more evidence than there is (a cluster
bootstrap; Davison and Hinkley 1997, "Bootstrap Methods and their Application", section 3.8).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, t


def resample_counts(sessions: int, draws: int, seed: int = 0) -> NDArray[np.int64]:
    """How often each session is drawn, shape (draws, sessions): each row sums to the number of sessions."""
    return np.random.default_rng(seed).multinomial(sessions, np.full(sessions, 1 / sessions), size=draws)


def expanded_percentile(
    values: ArrayLike, sessions: int, confidence: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ends of the expanded percentile interval of drawn ``values``, shape (draws, …), each of shape (…).

    The plain percentiles are too narrow for few sessions by the factor that a t interval is wider than a normal one
    with the variance over n; the levels are moved by it (Hesterberg 2015, "What teachers should know about the
    bootstrap", section 3.2, equation 7).
    """
    degrees = max(sessions - 1, 1)
    widened = t.ppf((1 - confidence) / 2, degrees) * np.sqrt(sessions / degrees)
    level = float(norm.cdf(widened))
    low, high = np.quantile(np.asarray(values, dtype=np.float64), [level, 1 - level], axis=0)
    return low, high
