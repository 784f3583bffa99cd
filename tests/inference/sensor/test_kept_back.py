"""What a broker refuses: by the reason codes of MQTT 5, on a clock that the test turns."""

import pytest

from tocsin.inference.sensor.kept_back import LONGEST_S, NOBODY_READS, SHORTEST_S, KeptBack
from tocsin.inference.sensor.outbox_file import Row


def row(number: int, sensor_id: str = "roof-1") -> Row:
    return Row(number, f"d{number}", f"tocsin/v1/site/detections/{sensor_id}", b"x", 0.5)


@pytest.fixture
def said() -> list[str]:
    return []


def test_what_is_not_authorised_keeps_its_topic_back_and_no_other(said):
    kept = KeptBack(said.append)
    assert not kept
    kept.refuse(row(1), 0x87, "Not authorized", 100.0)
    assert kept
    assert kept.holds(row(2), 100.0)
    assert not kept.holds(row(3, "roof-2"), 100.0)
    assert not kept.holds(row(2), 100.0 + SHORTEST_S)


def test_a_message_that_does_not_fit_stands_in_nobodys_way(said):
    kept = KeptBack(said.append)
    kept.refuse(row(1), 0x95, "Packet too large", 100.0)
    assert kept.holds(row(1), 100.0)
    assert not kept.holds(row(2), 100.0)


def test_the_delay_doubles_up_to_the_longest(said):
    kept, now_s, delays_s = KeptBack(said.append), 0.0, []
    for _ in range(9):
        kept.refuse(row(1), 0x87, "Not authorized", now_s)
        kept.refuse(row(2), 0x87, "Not authorized", now_s)  # was on its way as well, and counts no more
        delay_s = next(delay for delay in range(1000) if not kept.holds(row(1), now_s + delay))
        delays_s.append(delay_s)
        now_s += delay_s
        assert kept.has_due(now_s)
        assert not kept.has_due(now_s)
    assert delays_s == [min(SHORTEST_S * 2**n, LONGEST_S) for n in range(9)]


def test_it_is_said_once_until_the_broker_takes_something(said):
    kept = KeptBack(said.append)
    for now_s in (0.0, 1000.0, 2000.0):
        kept.refuse(row(1), 0x87, "Not authorized", now_s)
        kept.refuse(row(3, "roof-2"), 0x97, "Quota exceeded", now_s)
    assert len(said) == 2
    assert "detections/roof-1 (Not authorized)" in said[0]
    kept.accept(row(1))
    assert not kept.holds(row(1), 2000.0)
    kept.refuse(row(1), 0x87, "Not authorized", 3000.0)
    assert len(said) == 3
    assert not kept.holds(row(1), 3000.0 + SHORTEST_S)  # and the delay begins anew


def test_a_new_connection_tries_all_again(said):
    kept = KeptBack(said.append)
    kept.refuse(row(1), 0x87, "Not authorized", 0.0)
    kept.try_again()
    assert not kept.holds(row(1), 0.0)
    kept.refuse(row(1), 0x87, "Not authorized", 0.0)
    assert kept.holds(row(1), 1.5 * SHORTEST_S)


def test_what_nobody_reads_waits_a_minute_at_most(said):
    kept, now_s, delays_s = KeptBack(said.append), 0.0, []
    for _ in range(6):
        kept.refuse(row(1), NOBODY_READS, "No matching subscribers", now_s)
        delay_s = next(delay for delay in range(1000) if not kept.holds(row(2), now_s + delay))
        delays_s.append(delay_s)
        now_s += delay_s
    assert delays_s == [5, 10, 20, 40, 60, 60]
    assert said == [f"nobody reads what is sent to {row(1).topic}: it waits until a fusion subscribes"]
