"""Which of the places found may stand: the best first, each arrival once, and no echo for a sound of its own."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tocsin.localization.association.back_projection import SEARCH_REACH_M, Start
from tocsin.localization.association.consensus import Candidate
from tocsin.localization.association.repeats import SAME_SOUND_S, spent
from tocsin.localization.fitting.ambiguity import ONE_ANSWER_M, SURE_SENSORS
from tocsin.localization.fitting.elevation import with_elevation
from tocsin.localization.fitting.settle import Located, settle, with_repeats, with_shock_wave
from tocsin.localization.observation.arrivals import Array, Arrivals
from tocsin.localization.observation.nearby import LOUD_M
from tocsin.localization.observation.travel import Air, travel_times_s

PLACE_COST = 4.5  # evidence below which a place is none: an area holds many, and chance picks the best of them
CHANCE_COST = 2.5  # more of it for each e-fold of sensors beyond four
ECHO_COST = 1.2  # an arrival in the reverberation of another sound is direct three times less often
SHARED_ARRIVALS = 2  # that make two places rivals; those that share one by chance are other sounds
REVERBERATION_S = 1.0
_RIVALS = 16


def echoes_of(arrivals: Arrivals, air: Air, best: Located) -> npt.NDArray[np.bool_]:
    """The arrivals that come where the echoes of a sound that was found would."""
    index, solution = arrivals.index, best.solution
    near = index.tree.query_ball_point(solution.position_m, SEARCH_REACH_M, return_sorted=True)
    sensor = np.array(near, dtype=np.intp)
    direct_s = solution.times_s[:, None] + travel_times_s(solution.position_m, arrivals.sensors_m[sensor], air)
    first = np.searchsorted(index.key, index.key_of(sensor, direct_s + SAME_SOUND_S)).ravel()
    last = np.searchsorted(index.key, index.key_of(sensor, direct_s + REVERBERATION_S)).ravel()
    result = np.zeros(arrivals.time_s.size, dtype=bool)
    for low, high in zip(first, last, strict=True):
        result[index.order[low:high]] = True
    return result


def less_echoes(candidate: Candidate, echoes: npt.NDArray[np.bool_], places_m: Sequence[Array]) -> Candidate:
    """Count it against a place that its arrivals may be echoes of sounds found elsewhere, and not by chance alike.

    A wall that echoes one round echoes the next alike, so the echoes of a burst agree as well as its direct sound.
    """
    if not places_m or np.hypot(*(np.array(places_m) - candidate.position_m).T).min() < ONE_ANSWER_M:
        return candidate
    return replace(candidate, score=candidate.score - ECHO_COST * float(echoes[candidate.wants].sum()))


def _place_cost(arrivals: Arrivals, position_m: Array) -> float:
    """Evidence below which a place is none: the more sensors, the more of them agree by chance."""
    sensors = arrivals.index.tree.query_ball_point(position_m, SEARCH_REACH_M, return_length=True)
    return PLACE_COST + CHANCE_COST * float(np.log(max(sensors / 4.0, 1.0)))


def _surer(
    arrivals: Arrivals, air: Air, located: Located, candidates: Sequence[Candidate], claimed: npt.NDArray[np.bool_]
) -> Located:
    """A place beyond where sources are sought, held by more sensors than the three that fit theirs whatever they heard.

    Candidates at the rim may be on the way to it, and of less evidence than it has.
    """
    best, wants = located, np.concatenate(located.solution.used)
    for item in candidates[:_RIVALS]:
        if claimed[item.wants].any() or np.isin(item.wants, wants).sum() < SHARED_ARRIVALS:
            continue
        other = settle(arrivals, air, item)
        if other is None or arrivals.index.tree.query(other.solution.position_m)[0] < LOUD_M:
            continue
        if other.candidate.score > best.candidate.score and other.n_sensors > best.n_sensors:
            best = other
    return best


def accept(
    arrivals: Arrivals, air: Air, candidates: Sequence[Candidate]
) -> tuple[list[tuple[Located, list[Candidate]]], list[Start]]:
    """The places that hold and want no arrival of a better one, each with its rivals; and those that do."""
    accepted: list[tuple[Located, list[Candidate]]] = []
    contested: list[Start] = []
    claimed = np.zeros(arrivals.time_s.size, dtype=bool)
    for candidate in candidates:
        cost = _place_cost(arrivals, candidate.position_m)
        if candidate.score < cost:
            continue
        located = None
        if not claimed[candidate.wants].any():
            located = settle(arrivals, air, candidate)
            if located is None or located.candidate.score < cost:
                continue
            if located.n_sensors < SURE_SENSORS:
                located = _surer(arrivals, air, located, candidates, claimed)
            located = with_repeats(arrivals, air, located)
            others = [item for item in candidates if item is not candidate and not claimed[item.wants].any()]
            located = with_shock_wave(arrivals, air, located, others)
            used = np.concatenate(located.heard)
            if claimed[used].any():
                located = None
        if located is None:
            contested.append(Start(candidate.position_m, candidate.times_s, candidate.score))
            claimed[candidate.wants] = True
            continue
        located = with_elevation(arrivals, air, located, claimed)
        used = np.union1d(used, np.concatenate(located.solution.used))
        holds = np.zeros_like(claimed)
        holds[used] = True
        rivals = [item for item in candidates if item is not candidate and holds[item.wants].sum() >= SHARED_ARRIVALS]
        claimed[spent(arrivals, used)] = True
        accepted.append((located, rivals))
    return accepted, contested if accepted else []
