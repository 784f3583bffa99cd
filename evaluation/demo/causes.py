"""Where a shooting was lost on its way from sound to report, and what a false report really was.

A shooting has to be heard by three sensors, located, and believed. The first of these that failed is the cause: what
was not heard could not be located, and what was not located was never judged.
"""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from tocsin.acoustics.scene import arrival_s
from tocsin.evaluation.demo.scoring import WITHIN_M, WITHIN_S
from tocsin.evaluation.demo.trial import Located, Trial
from tocsin.localization.association.consensus import LEAST_SENSORS

HEARD_WITHIN_S = 0.03  # of the direct sound: what comes later is an echo
# A firework goes on for seconds, and is as false when its third bang is taken for gunfire as when its first is.
SAME_SOUND_S = 5.0


class Missed(StrEnum):
    """The first step that a missed shooting did not pass."""

    unheard = "heard by fewer than three sensors"
    unlocated = "heard, not located"
    disbelieved = "located, believed no gunfire"
    unmatched = "reported, matched with another shooting"


def cause_of_miss(trial: Trial, missed: int) -> Missed:
    """Where a shooting was lost.

    Args:
        trial: a scene and what became of it.
        missed: index of the shooting among ``trial.gunfire``, as in ``trial.score.missed``.
    """
    number = trial.gunfire[missed]
    if len(sensors_that_heard(trial, number)) < LEAST_SENSORS:
        return Missed.unheard
    event = trial.scene.events[number]
    if _near(trial.incidents, event.x_m, event.y_m, event.discharge_s - WITHIN_S, event.discharge_s + WITHIN_S):
        return Missed.unmatched
    if _near(trial.others, event.x_m, event.y_m, event.discharge_s - WITHIN_S, event.discharge_s + WITHIN_S):
        return Missed.disbelieved
    return Missed.unlocated


def source_of_false(trial: Trial, false: int) -> str:
    """Label of the bang that was reported as gunfire, or an empty string where there was none.

    Args:
        trial: a scene and what became of it.
        false: index of the report among ``trial.incidents``, as in ``trial.score.false``.
    """
    report = trial.incidents[false]
    for event in trial.scene.events:
        before_s, after_s = event.discharge_s - WITHIN_S, event.discharge_s + SAME_SOUND_S
        if _near([report], event.x_m, event.y_m, before_s, after_s):
            return event.label
    return ""


def sensors_that_heard(trial: Trial, number: int) -> list[int]:
    """Indices of the sensors with an onset at the direct sound's arrival of an event of the scene."""
    return [
        sensor
        for sensor, events in enumerate(trial.heard)
        if any(abs(event.onset_s - arrival_s(trial.scene, number, sensor)) <= HEARD_WITHIN_S for event in events)
    ]


def _near(incidents: Sequence[Located], x_m: float, y_m: float, after_s: float, before_s: float) -> list[Located]:
    """Those with a round in a time, within the distance of a match."""
    return [
        item
        for item in incidents
        if np.hypot(item.x_m - x_m, item.y_m - y_m) <= WITHIN_M
        and any(after_s <= round_s <= before_s for round_s in item.rounds_s)
    ]
