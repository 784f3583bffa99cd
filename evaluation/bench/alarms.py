"""False alarms: detections that follow one another closely are one alarm, which is false where none of them is right.

Whoever is called out is called once, by a crackle of fireworks as by a single bang.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tocsin.evaluation.bench.matching import NEITHER, TRUE, Matched
from tocsin.evaluation.measures.intervals import ONE_ALARM_S

if TYPE_CHECKING:
    import pandas


def false_alarm_steps(matched: Matched, one_alarm_s: float = ONE_ALARM_S) -> NDArray[np.int8]:
    """By how many the false alarms change when the threshold falls to the score of a detection, shape (detections,).

    The sum over the detections that reach a threshold is the number of false alarms there; a step may be −1, where a
    detection joins two alarms, or makes one right. With ``one_alarm_s`` 0 every false detection is an alarm.
    """
    detections, outcome = matched.log.detections, matched.outcome
    steps = np.zeros(len(detections), np.int8)
    counted = np.flatnonzero(outcome != NEITHER)
    if one_alarm_s <= 0:
        steps[counted] = outcome[counted] != TRUE
        return steps
    codes = detections["recording"].cat.codes.to_numpy()[counted]
    onset_s = detections["onset_s"].to_numpy()[counted]
    linked = (np.diff(onset_s) <= one_alarm_s) & (np.diff(codes) == 0)
    begins = np.flatnonzero(np.append(True, ~linked)) if len(counted) else np.zeros(0, np.intp)
    ends = np.append(begins[1:], len(counted))
    alone = ends - begins == 1
    single = counted[begins[alone]]
    steps[single] = outcome[single] != TRUE
    scores = detections["score"].to_numpy()
    for begin, end in zip(begins[~alone].tolist(), ends[~alone].tolist(), strict=True):
        places = counted[begin:end]
        steps[places] = _steps_of(onset_s[begin:end], scores[places], outcome[places] == TRUE, one_alarm_s)
    return steps


def false_alarms(matched: Matched, threshold: float, one_alarm_s: float = ONE_ALARM_S) -> "pandas.DataFrame":
    """The false alarms at a threshold, the highest first: a row each, that of its highest detection.

    Its columns are those of the detections, and ``detections``, the number of them that are this alarm.
    """
    every = matched.log.detections
    counted = (every["score"].to_numpy() >= threshold) & (matched.outcome != NEITHER)
    reached = every[counted]
    apart = (np.diff(reached["onset_s"], prepend=-np.inf) > one_alarm_s) | (one_alarm_s <= 0)
    apart |= np.diff(reached["recording"].cat.codes, prepend=-1) != 0
    alarm = np.cumsum(apart) - 1
    number = int(alarm[-1]) + 1 if len(alarm) else 0
    right = np.bincount(alarm[matched.outcome[counted] == TRUE], minlength=number) > 0
    # The first of the highest detections of each alarm stands for it.
    order = np.lexsort((-reached["score"].to_numpy(), alarm))
    first = order[np.searchsorted(alarm[order], np.arange(number))]
    said = reached.iloc[first].assign(detections=np.bincount(alarm, minlength=number))[~right]
    return said.sort_values("score", ascending=False, kind="stable", ignore_index=True)


def _steps_of(
    onset_s: NDArray[np.float64], scores: NDArray[np.float64], right: NDArray[np.bool_], one_alarm_s: float
) -> NDArray[np.int8]:
    """The steps of detections, in order of time, of which each is linked to the next."""
    number = len(onset_s)
    at, is_right = onset_s.tolist(), right.tolist()
    steps = np.zeros(number, np.int8)
    # Taken away one by one, the lowest first, from a list linked both ways: each then knows its neighbours among
    # those that are higher. Put back, the highest first, alarms only grow and join.
    order = np.argsort(-scores, kind="stable").tolist()
    before, after = list(range(-1, number - 1)), list(range(1, number + 1))
    neighbours: list[tuple[int, int]] = [(-1, number)] * number
    for place in reversed(order):
        left, next_one = before[place], after[place]
        neighbours[place] = (left, next_one)
        if left >= 0:
            after[left] = next_one
        if next_one < number:
            before[next_one] = left
    parent, holds_right = list(range(number)), is_right[:]

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for place in order:
        left, next_one = neighbours[place]
        joins = [left] if left >= 0 and at[place] - at[left] <= one_alarm_s else []
        joins += [next_one] if next_one < number and at[next_one] - at[place] <= one_alarm_s else []
        roots = {root(other) for other in joins}
        false_before = sum(not holds_right[other] for other in roots)
        right_now = is_right[place] or any(holds_right[other] for other in roots)
        for other in roots:
            parent[other] = place
        holds_right[place] = right_now
        steps[place] = (not right_now) - false_before
    return steps
