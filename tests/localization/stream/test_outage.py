"""How long a fusion waits for sensors after an outage: closed form of their delays."""

import pytest

from tocsin.localization.stream.reading.outage import COME_BACK_S, STILL_S, Outage


def test_the_first_connection_holds_up_nothing():
    outage = Outage()
    outage.found(100.0)
    assert not outage.holds(100.0)
    assert not outage.stands_still(100.0)


@pytest.mark.parametrize(("lasted_s", "hold_s"), [(1.0, 1.0), (30.0, 30.0), (86_400.0, 60.0)])
def test_it_holds_as_long_as_it_lasted_or_a_minute(lasted_s, hold_s):
    outage = Outage()
    outage.found(0.0)
    outage.lost(10.0)
    assert outage.holds(10.0 + lasted_s)
    back_s = 10.0 + lasted_s
    outage.found(back_s)
    assert outage.holds(back_s + hold_s + COME_BACK_S - 0.01)
    assert not outage.holds(back_s + hold_s + COME_BACK_S)


def test_a_broker_that_comes_and_goes_was_away_since_the_first_time():
    outage = Outage()
    outage.lost(0.0)
    outage.found(10.0)
    outage.lost(11.0)
    outage.lost(12.0)
    outage.found(20.0)
    assert outage.holds(20.0 + 20.0 + COME_BACK_S - 0.01)
    outage.lost(100.0)
    outage.found(101.0)
    assert not outage.holds(101.0 + 1.0 + COME_BACK_S)


def test_time_stands_still_at_the_beginning_alone():
    outage = Outage()
    assert not outage.stands_still(0.0)
    outage.lost(0.0)
    assert outage.stands_still(STILL_S - 0.01)
    assert not outage.stands_still(STILL_S)
    outage.found(1.0)
    assert outage.stands_still(2.0 + COME_BACK_S - 0.01)
    assert not outage.stands_still(2.0 + COME_BACK_S)
