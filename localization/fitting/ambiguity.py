"""Whether arrivals decide a place: mirror solutions, too few sensors, ranges that no longer cross.

Three sensors fit some place exactly whatever they heard, echo or not; four or five often fit two. All places that the
association found are weighed against each other, and what cannot be decided is said, with its alternatives.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tocsin.localization.fitting.solve import Ellipse

Array = npt.NDArray[np.float64]

ONE_ANSWER_M = 25.0  # places closer than this are one answer
SURE_SENSORS = 4
LEAST_WEIGHT = 0.8
# The evidence knows nothing of how echoes of one wall go together, so its differences promise too much.
TEMPERATURE = 1.3
LONGEST_SEMI_MAJOR_M = 100.0
LEAST_ALTERNATIVE = 0.01


@dataclass(frozen=True)
class Verdict:
    """Whether a place is ambiguous, its weight, and the alternatives: index and weight, the likeliest first."""

    ambiguous: bool
    weight: float
    alternatives: tuple[tuple[int, float], ...]


def judge(ellipse: Ellipse, n_sensors: int, positions_m: Array, scores: Array) -> Verdict:
    """Weigh the places found against each other.

    Args:
        ellipse: of the best place.
        n_sensors: sensors that hold it.
        positions_m: of all places, the best first, ``(places, 2)``.
        scores: their evidence, natural logarithms, ``(places,)``.
    """
    shares = np.exp((scores - scores[0]) / TEMPERATURE)
    own = max(ONE_ANSWER_M, ellipse.semi_major_m)
    groups: list[int] = [0]
    for index in range(1, len(scores)):
        apart = np.hypot(*(positions_m[groups] - positions_m[index]).T)
        if apart[0] > own and (apart[1:] > ONE_ANSWER_M).all():
            groups.append(index)
    weights = shares[groups] / shares[groups].sum()
    alternatives = tuple(
        (index, float(weight))
        for index, weight in zip(groups[1:], weights[1:], strict=True)
        if weight >= LEAST_ALTERNATIVE
    )
    ambiguous = bool(
        n_sensors < SURE_SENSORS or weights[0] < LEAST_WEIGHT or ellipse.semi_major_m > LONGEST_SEMI_MAJOR_M
    )
    return Verdict(ambiguous, float(weights[0]), alternatives)
