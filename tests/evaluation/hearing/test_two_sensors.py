"""The rule of two sensors: cases worked by hand on sensors 340 m apart, a second of sound."""

import pytest

from tocsin.data.public.pittsburgh import Position
from tocsin.evaluation.hearing.counting import Sensor, Shot, Stretch
from tocsin.evaluation.hearing.two_sensors import paired_alarms, rounds_found

NEAR = Sensor("FP1/test_001", "near", Position(0, 0, 0), 340.0)
FAR = Sensor("FP1/test_001", "far", Position(0, 340, 0), 340.0)


def background(sensor, start_s, end_s, *onsets_s, probability=0.9):
    probabilities = (probability,) * len(onsets_s)
    return Stretch("b", "background", "s", end_s - start_s, onsets_s, probabilities, start_s, sensor)


def test_an_alarm_is_confirmed_within_the_time_of_sound_between_the_sensors():
    # A second of travel and a tenth: 2.0 and 3.05 may be one sound, 5.0 and 6.2 are not.
    paired = paired_alarms([background(NEAR, 0, 10, 2.0, 5.0), background(FAR, 0, 10, 3.05, 6.2)], 0.5)
    assert (paired.single.number, paired.confirmed.number) == (4, 2)
    assert paired.single.hours == pytest.approx(20 / 3600)


def test_alarms_of_one_sensor_confirm_each_other_never():
    paired = paired_alarms([background(NEAR, 0, 4, 2.0), background(NEAR, 5, 9, 5.1), background(FAR, 0, 9)], 0.5)
    assert (paired.single.number, paired.confirmed.number) == (2, 0)


def test_only_time_in_which_two_sensors_listen_counts():
    paired = paired_alarms([background(NEAR, 0, 10, 1.0, 5.0), background(FAR, 4, 6), background(FAR, 6, 7)], 0.5)
    # 4 to 7 at each of the two; the alarm at 1.0 nobody could have confirmed.
    assert paired.single.hours == pytest.approx(6 / 3600)
    assert (paired.single.number, paired.confirmed.number) == (1, 0)
    assert paired_alarms([background(NEAR, 0, 10, 1.0)], 0.5) is None


def test_another_test_and_a_lower_probability_confirm_nothing():
    elsewhere = FAR._replace(test="FP1/test_002")
    stretches = [background(NEAR, 0, 10, 2.0), background(FAR, 0, 10, 2.0, probability=0.4)]
    assert paired_alarms([*stretches, background(elsewhere, 0, 10, 2.0)], 0.5).confirmed.number == 0
    assert paired_alarms(stretches, 0.4).confirmed.number == 2


def test_events_of_one_alarm_are_confirmed_once():
    stretches = [background(NEAR, 0, 10, 2.0, 2.5, 3.2), background(FAR, 0, 10, 3.0)]
    paired = paired_alarms(stretches, 0.5)
    assert (paired.single.number, paired.confirmed.number) == (2, 2)


def test_rounds_count_by_the_sensors_that_found_them():
    # Two rounds at one position, one at another that weighs as much as both; a clip is no round.
    shots = [
        *(Shot("x", "FP1", probability, "1#0") for probability in (0.9, 0.8, 0.1)),
        *(Shot("x", "FP1", probability, "1#1") for probability in (0.9, 0.1)),
        Shot("x", "FP2", 0.1, "2#0"),
        Shot("clips", "s", 0.9),
    ]
    assert rounds_found(shots, 0.5, 1) == pytest.approx(0.5)
    assert rounds_found(shots, 0.5, 2) == pytest.approx(0.25)
    assert rounds_found(shots[-1:], 0.5, 1) is None
