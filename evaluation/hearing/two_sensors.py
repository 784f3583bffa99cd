"""The rule of two sensors, on the live fire's background: an alarm counts where a second sensor heard it, too.

The sensors of a test listen at once, so their alarms can be paired. Ambience of one channel has no second sensor, and
its alarms cannot be taken for independent of a neighbour's, for both hear the same street: of it nothing is said here.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin.data.splits import session_weights
from tocsin.evaluation.hearing.counting import Alarms, Sensor, Shot, Stretch
from tocsin.evaluation.measures.intervals import ONE_ALARM_S, poisson_rate

# Two sensors hear one sound within the time that it needs from one to the other, and so much for onset and clock.
MARGIN_S = 0.1


class Paired(NamedTuple):
    """Alarms of single sensors, and those of them that another sensor of the test confirms, in the same hours."""

    single: Alarms
    confirmed: Alarms


def paired_alarms(stretches: Sequence[Stretch], threshold: float) -> Paired | None:
    """Alarms of each sensor while another one of its test listened to background, and those that two heard.

    An alarm is a sensor's own, as ``Stretch.alarms`` counts it; it is confirmed where another sensor has an event of
    the threshold or more within the distance of the two over the speed of sound and ``MARGIN_S``. None where no two
    sensors listened at once.
    """
    tests: dict[str, list[tuple[Sensor, Stretch]]] = {}
    for stretch in stretches:
        if stretch.sensor is not None:
            tests.setdefault(stretch.sensor.test, []).append((stretch.sensor, stretch))
    listened_s, single, confirmed = 0.0, 0, 0
    for heard in tests.values():
        called = [(sensor, _called(stretch, threshold)) for sensor, stretch in heard]
        for sensor, stretch in heard:
            beside = _overlaps_s(stretch, [own for other, own in heard if other.sensor_id != sensor.sensor_id])
            listened_s += sum(end_s - start_s for start_s, end_s in beside)
            every_s = _called(stretch, threshold).tolist()
            onsets_s = [at_s for at_s in every_s if any(low <= at_s < high for low, high in beside)]
            if not onsets_s:
                continue
            near = np.array([_seconded(at_s, sensor, called) for at_s in onsets_s])
            of_alarm = np.cumsum(np.diff(onsets_s, prepend=-np.inf) > ONE_ALARM_S)
            single += int(of_alarm[-1])
            confirmed += len(set(of_alarm[near].tolist()))
    if not listened_s:
        return None
    hours = listened_s / 3600
    return Paired(*(Alarms(number, hours, poisson_rate(number, hours)) for number in (single, confirmed)))


def rounds_found(shots: Sequence[Shot], threshold: float, sensors: int) -> float | None:
    """Share of the rounds of the live fire that so many sensors found, a firing position counting once."""
    found: dict[tuple[str, str], int] = {}
    for shot in shots:
        if shot.fired:
            place = shot.session, shot.fired
            found[place] = found.get(place, 0) + (shot.probability >= threshold)
    if not found:
        return None
    weights = session_weights([session for session, _ in found])
    return float(np.average([number >= sensors for number in found.values()], weights=weights))


def _called(stretch: Stretch, threshold: float) -> NDArray[np.float64]:
    return np.array(stretch.onsets_s)[np.array(stretch.probabilities) >= threshold]


def _seconded(at_s: float, sensor: Sensor, called: Sequence[tuple[Sensor, NDArray[np.float64]]]) -> bool:
    return any(
        bool((np.abs(onsets_s - at_s) <= math.dist(sensor.place, other.place) / sensor.speed_mps + MARGIN_S).any())
        for other, onsets_s in called
        if other.sensor_id != sensor.sensor_id
    )


def _overlaps_s(stretch: Stretch, others: Sequence[Stretch]) -> list[tuple[float, float]]:
    """When, within a stretch, at least one of the others lasted, too: starts and ends, apart and in order."""
    end_s = stretch.start_s + stretch.duration_s
    cuts = [(max(stretch.start_s, o.start_s), min(end_s, o.start_s + o.duration_s)) for o in others]
    merged: list[tuple[float, float]] = []
    for low, high in sorted(cut for cut in cuts if cut[0] < cut[1]):
        if merged and low <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], high)
        else:
            merged.append((low, high))
    return merged
