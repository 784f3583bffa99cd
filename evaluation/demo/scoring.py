"""Located incidents against the truth: how far off, how many missed, how many false.

An incident and a true gunfire match where they lie within a stated distance and time of each other, each once at
most. What is left on the side of the truth was missed; what is left on the side of the incidents is false, and so is
gunfire reported where a firework or a backfire was, for those are no gunfire to match with.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from tocsin import TocsinError

WITHIN_M = 50.0
WITHIN_S = 1.0


@dataclass(frozen=True)
class Gunfire:
    """Gunfire, true or reported.

    Attributes:
        x_m: place, metres east in a frame that truth and reports share; ``y_m`` north.
        rounds_s: discharge of each round known, one at least, seconds on a clock that both share.
    """

    x_m: float
    y_m: float
    rounds_s: tuple[float, ...]


@dataclass(frozen=True)
class Match:
    """A true gunfire and the incident that reports it, by their places in the two sequences.

    Attributes:
        truth: index of the true gunfire.
        incident: index of the incident.
        error_m: horizontal distance between them.
        time_error_s: the round reported less the round fired, of the two rounds nearest in time.
    """

    truth: int
    incident: int
    error_m: float
    time_error_s: float


@dataclass(frozen=True)
class Score:
    """Outcome: the matches in the order of the truth, indices of true gunfire missed, indices of false incidents."""

    matches: tuple[Match, ...]
    missed: tuple[int, ...]
    false: tuple[int, ...]

    @property
    def median_error_m(self) -> float | None:
        """Median distance over the matches; ``None`` where nothing matched, for then there is no error to state."""
        return float(np.median([match.error_m for match in self.matches])) if self.matches else None


def score(
    truth: Sequence[Gunfire], incidents: Sequence[Gunfire], within_m: float = WITHIN_M, within_s: float = WITHIN_S
) -> Score:
    """Match reported gunfire with true gunfire, one to one: as many as can be, and of those the nearest.

    Args:
        truth: all gunfire that there was, and nothing else.
        incidents: all that was reported as gunfire.
        within_m: greatest distance of a match, inclusive.
        within_s: greatest time between a round of the one and the nearest round of the other, inclusive.

    Raises:
        TocsinError: a limit is negative or no number.
    """
    for name, limit in (("within_m", within_m), ("within_s", within_s)):
        if not limit >= 0:
            raise TocsinError(f"{name} must be a number from 0 up, got {limit}")
    distance_m = _distances_m(truth, incidents)
    admissible = (distance_m <= within_m) & (_apart_s(truth, incidents) <= within_s)
    # One pair more outweighs any saving in distance; what is not admissible costs as much as no pair at all.
    penalty = 1.0 + (min(distance_m.shape) + 1) * distance_m[admissible].max(initial=0.0)
    rows, columns = linear_sum_assignment(np.where(admissible, distance_m, penalty))
    matches = tuple(
        Match(int(row), int(column), float(distance_m[row, column]), _time_error_s(truth[row], incidents[column]))
        for row, column in zip(rows, columns, strict=True)
        if admissible[row, column]
    )
    matched, reported = {match.truth for match in matches}, {match.incident for match in matches}
    return Score(
        matches,
        tuple(index for index in range(len(truth)) if index not in matched),
        tuple(index for index in range(len(incidents)) if index not in reported),
    )


def _distances_m(truth: Sequence[Gunfire], incidents: Sequence[Gunfire]) -> NDArray[np.float64]:
    """Shape ``(truth, incidents)``."""
    true, reported = (np.array([(item.x_m, item.y_m) for item in side]).reshape(-1, 2) for side in (truth, incidents))
    return np.asarray(np.hypot(*np.moveaxis(true[:, None] - reported, -1, 0)))


def _apart_s(truth: Sequence[Gunfire], incidents: Sequence[Gunfire]) -> NDArray[np.float64]:
    """Seconds from a true round to the reported one that is nearest to it, shape ``(truth, incidents)``."""
    return np.array([[abs(_time_error_s(true, reported)) for reported in incidents] for true in truth]).reshape(
        len(truth), len(incidents)
    )


def _time_error_s(true: Gunfire, reported: Gunfire) -> float:
    return min((late - early for early in true.rounds_s for late in reported.rounds_s), key=abs)
