"""`tocsin fuse --mqtt` while the broker and the fusion itself are killed: it says what one says that never stopped.

The oracle of the rounds is each shot's own detections. A round is said when a later one is heard, so the last is not
waited for.
"""

import time
from datetime import timedelta

import numpy as np
import pytest
from fusing import START, Fusing, Sender, shot
from mosquitto import wait_until
from subscriber import address_of

SOURCES = [(150.0, 220.0), (300.0, 90.0), (60.0, 330.0), (200.0, 150.0)]


@pytest.fixture
def fusing(tmp_path):
    """A function that starts fusions, which are killed at the end."""
    started = []

    def start(broker, *words, **options):
        started.append(Fusing(tmp_path / f"fusion-{len(started)}", broker, *words, **options))
        return started[-1]

    yield start
    for one in started:
        one.kill()


def ids(shots):
    return sorted(tuple(sorted(item.detection_id for item in heard)) for heard in shots)


def test_sensors_that_come_back_one_by_one_are_waited_for(mosquitto, fusing):
    rng = np.random.default_rng(1)
    shots = [shot(40.0 * number, source, rng) for number, source in enumerate(SOURCES)]
    broker = mosquitto()
    fusion = fusing(broker)
    sender = Sender(address_of(broker))
    sender.send(*shots[0])
    sender.close()
    broker.kill()
    time.sleep(1.0)  # an outage, during which all that follows is heard
    broker.start()
    sender = Sender(address_of(broker))
    wait_until(lambda: "is connected again" in fusion.said(), "the fusion is back")
    for name in ("s3", "s0", "s5", "s1", "s4", "s2"):
        sender.send(*(item for heard in shots[1:] for item in heard if item.sensor_id == name))
        time.sleep(0.3)
    wait_until(lambda: len(fusion.rounds()) >= len(shots) - 1, "all rounds but the last")
    sender.close()
    assert fusion.rounds() == ids(shots[:-1])


def test_a_fusion_that_is_killed_again_and_again_says_nothing_twice(mosquitto, fusing):
    rng = np.random.default_rng(2)
    broker = mosquitto()
    fusion = fusing(broker)
    sender = Sender(address_of(broker))
    shots = [shot(40.0 * number, SOURCES[number % 4], rng) for number in range(9)]
    for number, heard in enumerate(shots):
        cut = int(rng.integers(0, len(heard)))
        sender.send(*heard[:cut])
        if number % 2:
            time.sleep(float(rng.uniform(0.0, 0.3)))
            fusion.kill()
            sender.send(*heard[cut:], *heard[:cut])  # while it is away, and some of it again
            fusion.start()
        else:
            sender.send(*heard[cut:])
    # All of it again, and then other shots: these are all that is new.
    sender.send(*(item for heard in shots for item in heard))
    others = [shot(40.0 * number, SOURCES[0], rng, START + timedelta(hours=1)) for number in range(2)]
    sender.send(*others[0], *others[1])
    wait_until(lambda: len(fusion.rounds()) > len(shots), "all rounds but the last")
    sender.close()
    assert fusion.rounds() == ids([*shots, others[0]])
    revisions = [(line["incident_id"], line["revision"]) for line in fusion.lines()]
    assert len(set(revisions)) == len(revisions) == len(shots) + 1
    assert fusion.terminate() == 0


def test_without_a_state_too_what_comes_again_makes_no_incident(mosquitto, fusing):
    rng = np.random.default_rng(3)
    broker = mosquitto()
    fusion = fusing(broker, state=False)
    sender = Sender(address_of(broker))
    shots = [shot(3600.0 * hour, SOURCES[hour], rng) for hour in range(4)]
    sender.send(*shots[0], *shots[1], *shots[0], *shots[2], *shots[1], *shots[0], *shots[3])
    wait_until(lambda: len(fusion.rounds()) >= 3, "all rounds but the last")
    sender.close()
    assert fusion.terminate() == 0  # without a state it says what is open
    assert fusion.rounds() == ids(shots)
    assert len(fusion.lines()) == len(shots)
