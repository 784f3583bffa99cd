"""Further rounds of a burst, by their fingerprint: the same interval after a round that was found, at every sensor.

What buildings do to a path they do to every round of a burst alike. So the arrivals of the next round follow those of
the last by one interval at all sensors, to a millisecond or three, and not to the ten that a place alone can promise.
That finds rounds whose arrivals hardly rise above the reverberation of the one before. Echoes do not repeat like this:
each sensor has its own.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tocsin.localization.association.back_projection import SEPARATION_S
from tocsin.localization.association.consensus import evidence, hearing_at
from tocsin.localization.observation.arrivals import Array, Arrivals, Indices

REPEAT_SIGMA_S = 0.003
REPEAT_TOLERANCE_S = 0.010
LEAST_REPEATERS = 3  # sensors that hear an interval repeat
LEAST_ODDS = 0.25
REPEAT_COST = 4.5  # evidence below which an interval is chance
SAME_SOUND_S = 0.025


def find_repeats(
    arrivals: Arrivals, position_m: Array, shots: Sequence[Indices], times_s: Array
) -> list[tuple[Indices, float, float]]:
    """Rounds that follow, or come before, those found at one place.

    Args:
        arrivals: all arrivals.
        position_m: the place, ``(2,)``.
        shots: for each round found the indices of its arrivals.
        times_s: discharge of each, after the reference.

    Returns:
        For each further round the indices of its arrivals (one a sensor, three at least), its discharge and its
        evidence (natural logarithm of a likelihood ratio).
    """
    lead = int(np.argmax([indices.size for indices in shots]))
    anchors_s = dict(zip(arrivals.sensor[shots[lead]].tolist(), arrivals.time_s[shots[lead]].tolist(), strict=True))
    hearing = hearing_at(arrivals, position_m)
    taken = spent(arrivals, np.concatenate(shots))
    known_s = times_s.tolist()
    found: list[tuple[Indices, float, float]] = []
    while True:
        kept = np.setdiff1d(np.arange(arrivals.time_s.size), taken)
        # Errors of clock and position are the same for every round; and a round that follows another is not the
        # less direct sound for rising little above the reverberation.
        odds = np.maximum(arrivals.odds[kept], LEAST_ODDS)
        free = replace(arrivals.without(taken), sigma_s=arrivals.pick_sigma_s[kept], odds=odds)
        after_s = free.time_s - np.array([anchors_s.get(sensor, np.nan) for sensor in free.sensor.tolist()])
        intervals_s = np.unique(after_s[np.isfinite(after_s)])
        apart = np.abs(times_s[lead] + intervals_s[:, None] - known_s).min(axis=1) > SEPARATION_S / 2
        intervals_s = intervals_s[apart]
        if not intervals_s.size:
            return found
        scores = np.sum(
            [
                evidence(free, sensor, anchor_s + intervals_s, float(hearing[sensor]), REPEAT_SIGMA_S)
                for sensor, anchor_s in anchors_s.items()
            ],
            axis=0,
        )
        best = int(scores.argmax())
        if scores[best] <= REPEAT_COST:
            return found
        members = _members(free, after_s - intervals_s[best])
        taken = np.union1d(taken, kept[members])
        known_s.append(times_s[lead] + float(intervals_s[best]))
        if members.size >= LEAST_REPEATERS:
            taken = np.union1d(taken, spent(arrivals, kept[members]))
            found.append((kept[members], known_s[-1], float(scores[best])))


def spent(arrivals: Arrivals, used: Indices) -> Indices:
    """Arrivals that shots took, and those so close to them at the same sensor that they are the same sound again."""
    index, sensor, time_s = arrivals.index, arrivals.sensor[used], arrivals.time_s[used]
    first = np.searchsorted(index.key, index.key_of(sensor, time_s - SAME_SOUND_S), side="right")
    last = np.searchsorted(index.key, index.key_of(sensor, time_s + SAME_SOUND_S))
    return np.unique(np.concatenate([index.order[low:high] for low, high in zip(first, last, strict=True)]))


def _members(arrivals: Arrivals, misfit_s: Array) -> Indices:
    """The nearest arrival of each sensor within the tolerance."""
    chosen = []
    for sensor in np.unique(arrivals.sensor[np.isfinite(misfit_s)]):
        own = np.flatnonzero((arrivals.sensor == sensor) & (np.abs(misfit_s) < REPEAT_TOLERANCE_S))
        if own.size:
            chosen.append(own[np.abs(misfit_s[own]).argmin()])
    return np.array(chosen, dtype=np.intp)
