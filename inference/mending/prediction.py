"""Linear prediction of the steps from sample to sample: what they hold that the sound before does not foretell.

A jump, a spike or a splice is news for a few samples, however coloured the sound; sound that begins is news as long as
it sounds. (Godsill and Rayner, Digital Audio Restoration, 1998, chapters 4 and 5.)
"""

import numpy as np
from numpy.typing import NDArray

ORDER = 8
# Added to the power of the steps: a band without sound is no better foretold than by 50 dB, nor better than 16 bit.
_REGULAR, _LEAST_POWER = 1e-5, 1e-10

# As if the steps had so many times their power in a constant: a slope, as behind a pulled plug, is then no news.
_SLOPE = 10.0


def predictor(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """The filter that leaves the news of some steps, ``(ORDER + 1,)``, its first coefficient 1."""
    correlation = np.array([steps[lag:] @ steps[: steps.size - lag] for lag in range(ORDER + 1)]) / steps.size
    correlation[0] = correlation[0] * (1 + _REGULAR) + _LEAST_POWER
    correlation += _SLOPE * correlation[0]
    lags = np.abs(np.arange(ORDER)[:, None] - np.arange(ORDER))
    return np.concatenate(([1.0], -np.linalg.solve(correlation[lags], correlation[1:])))


def news(steps: NDArray[np.float64], filter_: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each step holds that those before it do not foretell; nothing is known before the first."""
    return np.convolve(steps, filter_)[: steps.size]


def foretold(steps: NDArray[np.float64], first: int, stop: int, filter_: NDArray[np.float64]) -> NDArray[np.float64]:
    """Steps from ``first`` to ``stop`` that leave the least news there and in the ``ORDER`` behind, by least squares.

    At least ``ORDER`` steps lie on both sides.
    """
    count = stop - first
    known = steps[first - ORDER : stop + ORDER].copy()
    known[ORDER : ORDER + count] = 0.0
    left = np.convolve(known, filter_)[ORDER : count + 2 * ORDER]
    rows = np.zeros((count + ORDER, count))
    for lag, coefficient in enumerate(filter_):
        rows[np.arange(count) + lag, np.arange(count)] = coefficient
    # The normal equations are as small as the stretch, and well conditioned by the regular predictor.
    return np.asarray(np.linalg.solve(rows.T @ rows, -rows.T @ left), np.float64)
