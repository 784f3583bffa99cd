"""The system's clock beside the one that is never set, against offsets that are known."""

import numpy as np
import pytest

from tocsin.inference.sensor.system_offset import SystemOffset, read_clocks


def watched(offset_of, moments):
    offset = SystemOffset()
    for moment in moments:
        offset.observe(moment + offset_of(moment), moment)
    return offset


@pytest.mark.parametrize("rate", [0.0, 500e-6, -500e-6])
@pytest.mark.parametrize("apart_s", [0.01, 0.1, 2.0])
def test_a_steady_slew_is_interpolated(rate, apart_s):
    offset = watched(lambda moment: 1.7e9 + rate * moment, np.arange(100.0, 200.0, apart_s))
    for moment in (196.0, 197.03, 197.999):
        assert offset.at(moment) == pytest.approx(moment + 1.7e9 + rate * moment, abs=1e-6)
    assert offset.steps == 0


@pytest.mark.parametrize("step_s", [0.05, -5.0, 86_400.0])
def test_after_a_step_all_is_told_by_the_new_setting(step_s):
    offset = watched(lambda moment: 1.7e9 + step_s * (moment >= 150), np.arange(1000, 1502) / 10)
    assert offset.steps == 1
    for moment in (120.0, 149.95, 150.0, 151.0):
        assert offset.at(moment) == pytest.approx(moment + 1.7e9 + step_s, abs=1e-6)


def test_there_and_back_is_two_steps():
    offset = watched(lambda moment: 5.0 * (20 <= moment < 30), np.arange(0.0, 40.0, 1.0))
    assert offset.steps == 2
    assert offset.at(39.0) == 39.0


def test_both_clocks_are_read_at_the_same_moment():
    readings = np.array([read_clocks() for _ in range(200)])
    assert (np.diff(readings[:, 1]) >= 0).all()
    assert np.median(np.abs(np.diff(readings[:, 0] - readings[:, 1]))) < 1e-4
