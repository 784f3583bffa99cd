"""Counts of what a detector heard: false alarms an hour with their intervals, shots found, thresholds by recall."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tocsin.data.public.pittsburgh import Position
from tocsin.data.splits import session_weights
from tocsin.evaluation.measures.intervals import ONE_ALARM_S, Rate, poisson_rate


class Sensor(NamedTuple):
    """One of several sensors that heard a test of the live fire together; the speed is that of sound in its air."""

    test: str
    sensor_id: str
    place: Position
    speed_mps: float


@dataclass(frozen=True)
class Stretch:
    """Sound without gunfire: its seconds, exact zeros left out, and onset and gunshot probability of its events.

    ``sensor`` is known for the live fire alone; ``start_s`` and the onsets are then on one clock for all sensors of a
    test.
    """

    label: str
    class_name: str
    session: str
    duration_s: float
    onsets_s: tuple[float, ...]
    probabilities: tuple[float, ...]
    start_s: float = 0.0
    sensor: Sensor | None = None

    def alarms(self, threshold: float) -> int:
        """Events of this probability or more; those within ``ONE_ALARM_S`` of the one before are the same alarm."""
        called = [at for at, value in zip(self.onsets_s, self.probabilities, strict=True) if value >= threshold]
        return int((np.diff(called, prepend=-np.inf) > ONE_ALARM_S).sum()) if called else 0


@dataclass(frozen=True)
class Shot:
    """A gunshot that sounded, and the highest gunshot probability of the events there; 0 where there was none.

    ``fired`` names the round of the live fire, which several sensors hear.
    """

    source: str
    session: str
    probability: float
    fired: str = ""


@dataclass(frozen=True)
class Heard:
    """All that was listened to."""

    stretches: tuple[Stretch, ...] = ()
    shots: tuple[Shot, ...] = ()


class Alarms(NamedTuple):
    """Alarms at a threshold, in some hours, and their rate an hour with its exact Poisson interval."""

    number: int
    hours: float
    per_hour: Rate


def joined(parts: Iterable[Heard]) -> Heard:
    """Several recordings' as one, in their order."""
    every = list(parts)
    return Heard(
        tuple(stretch for part in every for stretch in part.stretches),
        tuple(shot for part in every for shot in part.shots),
    )


def alarms(stretches: Sequence[Stretch], threshold: float) -> Alarms | None:
    """Alarms that ``stretches`` would raise at a threshold; None where no time was listened to."""
    hours = sum(stretch.duration_s for stretch in stretches) / 3600
    if hours <= 0:
        return None
    count = sum(stretch.alarms(threshold) for stretch in stretches)
    return Alarms(count, hours, poisson_rate(count, hours))


def recall(shots: Sequence[Shot], threshold: float) -> float | None:
    """Share of the shots found at a threshold, a session counting once; None without shots."""
    if not shots:
        return None
    found = [shot.probability >= threshold for shot in shots]
    return float(np.average(found, weights=session_weights([shot.session for shot in shots])))


def threshold_of_recall(shots: Sequence[Shot], least: float) -> float | None:
    """Highest threshold at which ``recall`` is ``least`` or more; None where no event, or none likely, tells."""
    values = sorted({shot.probability for shot in shots if shot.probability > 0}, reverse=True)
    for value in values:
        if (recall(shots, value) or 0.0) >= least - 1e-12:
            return value
    return None
