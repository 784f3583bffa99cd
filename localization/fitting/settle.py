"""A place that holds: the arrivals it takes, the fit to them, and the evidence for each of its shots."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tocsin.localization.association.back_projection import SHOT_COST
from tocsin.localization.association.consensus import (
    LEAST_SENSORS,
    Candidate,
    assign,
    candidate_at,
    hearing_at,
    shot_scores,
)
from tocsin.localization.association.repeats import find_repeats
from tocsin.localization.fitting.solve import Solution, solve
from tocsin.localization.fitting.trajectory import TRAJECTORY_COST, Shock, shock_of, unexplained
from tocsin.localization.observation.arrivals import Arrivals, Indices
from tocsin.localization.observation.travel import Air

Array = npt.NDArray[np.float64]

_SHOCK_FITS = 4
_SETTLED_M = 1.0
CROWD = 600  # arrivals among which early ones are everywhere, by chance, and no cone is sought
_OTHERS, _SAME_PLACE_M = 4, 15.0  # places sought besides, and how far apart
MOVE_COST = 2.0
BLAST_AFTER_SHOCK = 0.5
_SECTOR_DEG, _SECTOR_STEP_DEG = 65.0, 45.0


@dataclass(frozen=True)
class Located:
    """A candidate, the fit of its place, the evidence for each of its shots, and the shock waves ahead of them."""

    candidate: Candidate
    solution: Solution
    evidence: Array
    shock: Shock | None = None

    @property
    def n_sensors(self) -> int:
        """The most that hold one of its shots."""
        return max(indices.size for indices in self.solution.used)

    @property
    def heard(self) -> list[Indices]:
        """For each shot the arrivals of its blast and of its shock wave."""
        shocks = self.shock.members if self.shock else [np.array([], dtype=np.intp)] * len(self.solution.used)
        return [np.concatenate(pair) for pair in zip(self.solution.used, shocks, strict=True)]


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


def with_shock_wave(arrivals: Arrivals, air: Air, located: Located, others: Sequence[Candidate]) -> Located:
    """Tell shock waves from blasts where a Mach cone explains arrivals, and fit the place to the blasts alone.

    Shock waves taken for blasts may have drawn the place to where no cone fits. So it is also sought at the other
    candidates for the same arrivals, and with what lies ahead left out, for every azimuth in turn; the best of all, of
    blasts and cone together, is kept.
    """
    if arrivals.time_s.size > CROWD:
        return located
    best = _with_cone(arrivals, air, located, located.solution, None)
    solution = located.solution
    if not unexplained(arrivals, air, solution.position_m, solution.times_s, solution.used):
        return best
    used = np.concatenate(solution.used)
    least = best.candidate.score + MOVE_COST
    starts: list[tuple[float | None, list[Indices], Array]] = [
        (azimuth_deg, behind, solution.position_m) for azimuth_deg, behind in _less_ahead(arrivals, solution)
    ]
    places_m = [solution.position_m]
    for item in others:
        if len(places_m) > _OTHERS:
            break
        away_m = np.hypot(*(np.array(places_m) - item.position_m).T).min()
        if away_m < _SAME_PLACE_M or np.isin(used, item.wants).sum() < 2:
            continue
        places_m.append(item.position_m)
        chosen = assign(arrivals, air, item.position_m, item.times_s)
        if min(indices.size for indices in chosen) >= LEAST_SENSORS:
            starts.append((None, chosen, item.position_m))
    for azimuth_deg, chosen, about_m in starts:
        other = _with_cone(arrivals, air, located, solve(arrivals, air, chosen, about_m), azimuth_deg)
        if other.candidate.score > least:
            best, least = other, other.candidate.score
    return best


def _less_ahead(arrivals: Arrivals, solution: Solution) -> Iterator[tuple[float | None, list[Indices]]]:
    """For azimuths all round the arrivals of each shot that are not ahead, each choice once."""
    seen = {np.concatenate(solution.used).tobytes()}
    for azimuth_deg in np.arange(0.0, 360.0, _SECTOR_STEP_DEG).tolist():
        behind = []
        for used in solution.used:
            east, north = (arrivals.sensors_m[arrivals.sensor[used]] - solution.position_m).T
            off_deg = np.abs((np.degrees(np.arctan2(east, north)) - azimuth_deg + 180.0) % 360.0 - 180.0)
            behind.append(used[off_deg > _SECTOR_DEG])
        key = np.concatenate(behind).tobytes()
        if key not in seen and min(indices.size for indices in behind) > LEAST_SENSORS:
            seen.add(key)
            yield azimuth_deg, behind


def _with_cone(
    arrivals: Arrivals, air: Air, located: Located, solution: Solution, azimuth_deg: float | None
) -> Located:
    """The place with the cone that explains most, about an azimuth or any; as it was located where there is none."""
    result = located
    for _ in range(_SHOCK_FITS):
        sigma_m = float(np.sqrt(np.trace(solution.covariance[:2, :2]) / 2.0))
        near = assign(arrivals, air, solution.position_m, solution.times_s)
        shock = shock_of(arrivals, air, solution.position_m, solution.times_s, near, min(sigma_m, 10.0), azimuth_deg)
        if shock is None:
            break
        shocks = np.concatenate(shock.members)
        blasts = [indices[~np.isin(indices, shocks)] for indices in near]
        if min(indices.size for indices in blasts) < LEAST_SENSORS:
            break
        before_m = solution.position_m
        solution = solve(arrivals, air, blasts, before_m)
        evidence = _evidence_beside(arrivals, air, solution, shock)
        score = float((evidence - SHOT_COST).sum())
        wants = np.unique(np.concatenate((*solution.used, shocks)))
        candidate = Candidate(solution.position_m, solution.times_s, score, wants)
        if score > result.candidate.score:
            result = Located(candidate, solution, evidence, shock)
        if np.hypot(*(solution.position_m - before_m)) < _SETTLED_M:
            break
    return result


def _evidence_beside(arrivals: Arrivals, air: Air, solution: Solution, shock: Shock) -> Array:
    """Evidence for each shot from its blast and its shock wave, each arrival as one of them.

    A sensor that picked the shock wave may have missed the blast for it: that silence counts less.
    """
    left = arrivals.without(np.concatenate(shock.members))
    evidence = shot_scores(left, air, solution.position_m, solution.times_s)
    hearing = hearing_at(arrivals, solution.position_m)
    for index, (blasts, shocks) in enumerate(zip(solution.used, shock.members, strict=True)):
        silent = np.setdiff1d(arrivals.sensor[shocks], arrivals.sensor[blasts])
        evidence[index] += np.log((1.0 - BLAST_AFTER_SHOCK * hearing[silent]) / (1.0 - hearing[silent])).sum()
    return np.asarray(evidence + (shock.evidence - TRAJECTORY_COST) / len(evidence))


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
