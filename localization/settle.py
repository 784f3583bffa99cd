"""A place that holds: the arrivals it takes, the fit to them, and the evidence for each of its shots."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tocsin.localization.arrivals import Arrivals, Indices
from tocsin.localization.association import LEAST_SENSORS, Candidate, assign, candidate_at, shot_scores
from tocsin.localization.back_projection import SHOT_COST
from tocsin.localization.repeats import find_repeats
from tocsin.localization.solve import Solution, solve
from tocsin.localization.travel import Air

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Located:
    """A candidate, the fit of its place, and the evidence for each of its shots."""

    candidate: Candidate
    solution: Solution
    evidence: Array


def settle(arrivals: Arrivals, air: Air, candidate: Candidate) -> Located | None:
    """Take the arrivals that fit a candidate, fit the place to them, and score it there; twice, for arrivals change."""
    solution = None
    for _ in range(2):
        chosen = assign(arrivals, air, candidate.position_m, candidate.times_s)
        chosen = _once_each([indices for indices in chosen if indices.size >= LEAST_SENSORS])
        if not chosen:
            return None
        solution = solve(arrivals, air, chosen, candidate.position_m)
        candidate = candidate_at(arrivals, air, solution.position_m, solution.times_s)
    if solution is None or not candidate.times_s.size:
        return None
    kept = np.isin(solution.times_s, candidate.times_s)
    if not kept.all():
        chosen = [indices for indices, keep in zip(chosen, kept, strict=True) if keep]
        solution = solve(arrivals, air, chosen, solution.position_m)
        scores = shot_scores(arrivals, air, solution.position_m, solution.times_s)
        score = float((scores - SHOT_COST).sum())
        candidate = Candidate(solution.position_m, solution.times_s, score, np.unique(np.concatenate(solution.used)))
    return Located(candidate, solution, shot_scores(arrivals, air, solution.position_m, solution.times_s))


def with_repeats(arrivals: Arrivals, air: Air, located: Located) -> Located:
    """Add the rounds that only their fingerprint shows, and fit the place to all."""
    solution = located.solution
    repeats = find_repeats(arrivals, solution.position_m, solution.used, solution.times_s)
    if not repeats:
        return located
    chosen = [*solution.used, *(indices for indices, _, _ in repeats)]
    evidence = np.concatenate((located.evidence, [score for _, _, score in repeats]))
    fitted = solve(arrivals, air, chosen, solution.position_m)
    return Located(located.candidate, fitted, evidence)


def _once_each(chosen: Sequence[Indices]) -> list[Indices]:
    """Give an arrival that two shots of a burst want to the first that asked."""
    taken: set[int] = set()
    result = []
    for indices in chosen:
        free = np.array([index for index in indices if int(index) not in taken], dtype=np.intp)
        if free.size >= LEAST_SENSORS:
            taken.update(int(index) for index in free)
            result.append(free)
    return result
