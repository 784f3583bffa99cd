"""Causes of misses and false reports, of scenes in which one step is made to fail."""

from dataclasses import replace

import numpy as np
import pytest

from tocsin.acoustics.scene import Scene, arrival_s, simulate_neighbourhood
from tocsin.data.labels import CLASSES
from tocsin.evaluation.demo.causes import Missed, cause_of_miss, sensors_that_heard, source_of_false
from tocsin.evaluation.demo.trial import Trial, conclude
from tocsin.inference.pick import Event

SILENCE = np.zeros(1, np.float32)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return simulate_neighbourhood(4, (("gunshot", 1), ("fireworks", 0)))


def heard_as(scene: Scene, gunshot: str, fireworks: str, sensors: int = 12) -> Trial:
    """The direct sounds alone, under these names, by the first of the sensors."""
    names = {"gunshot": gunshot, "fireworks": fireworks}
    heard = []
    for sensor in range(len(scene.sensors)):
        events = []
        for number, event in enumerate(scene.events):
            label = names[event.label]
            said = {name: 0.9 if name == label else 0.025 for name in CLASSES}
            if sensor < sensors:
                events.append(Event(arrival_s(scene, number, sensor), 0.001, label, 0.9, said, -20.0, 30.0))
        heard.append(sorted(events, key=lambda item: item.onset_s))
    return conclude(scene, [SILENCE] * len(scene.sensors), heard, "none")


def test_nothing_is_lost_where_all_is_heard_as_it_is(scene):
    trial = heard_as(scene, "gunshot", "fireworks")
    assert (trial.score.missed, trial.score.false) == ((), ())
    assert sensors_that_heard(trial, trial.gunfire[0]) == list(range(12))


def test_two_sensors_do_not_hear_a_shooting(scene):
    trial = heard_as(scene, "gunshot", "fireworks", sensors=2)
    assert [cause_of_miss(trial, index) for index in trial.score.missed] == [Missed.unheard]


def test_what_sounds_like_a_firework_is_not_believed(scene):
    trial = heard_as(scene, "fireworks", "fireworks")
    assert [cause_of_miss(trial, index) for index in trial.score.missed] == [Missed.disbelieved]


def test_what_has_no_place_is_not_located(scene):
    trial = replace(heard_as(scene, "fireworks", "fireworks"), others=())
    assert [cause_of_miss(trial, index) for index in trial.score.missed] == [Missed.unlocated]


def test_a_report_that_serves_another_shooting_is_no_other_cause(scene):
    trial = heard_as(scene, "gunshot", "fireworks")
    assert cause_of_miss(trial, 0) is Missed.unmatched


def test_a_firework_called_gunfire_is_a_firework(scene):
    trial = heard_as(scene, "gunshot", "gunshot")
    assert [source_of_false(trial, index) for index in trial.score.false] == ["fireworks"]
    far = replace(trial, incidents=tuple(replace(item, x_m=item.x_m + 500.0) for item in trial.incidents))
    assert [source_of_false(far, index) for index in range(2)] == ["", ""]
