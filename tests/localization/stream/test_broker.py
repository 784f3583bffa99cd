"""Detections of a broker give what the same lines give on stdin; what is not theirs to say is refused."""

import json
import subprocess
import sys

import numpy as np
import pytest
from fusing import Fusing, Sender, shot
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mosquitto import wait_until
from subscriber import address_of

from tocsin import TocsinError
from tocsin.inference.mqtt import LONGEST_PAYLOAD_BYTES, make_topic
from tocsin.localization.stream.reading.broker import Message


def detections_of(*shots):
    """What six sensors hear of shots (x_m, y_m, time_s), in the order in which they hear it."""
    rng = np.random.default_rng(4)
    heard = [item for x_m, y_m, time_s in shots for item in shot(time_s, (x_m, y_m), rng)]
    return sorted(heard, key=lambda item: item.onset_time_utc)


@pytest.fixture
def sender(mosquitto):
    """A client of a broker that was started for it, ``sender.broker``."""
    broker = mosquitto()
    sender = Sender(address_of(broker))
    sender.broker = broker
    yield sender
    sender.close()


def without_input(incidents):
    """What must be equal: the latest revision of each, less what names the input."""
    latest = {item["incident_id"]: item for item in incidents}
    for item in latest.values():
        item.pop("input")
        for one in item["shots"]:
            one.pop("input")
    return sorted(latest.values(), key=lambda item: item["incident_id"])


def on_stdin(detections):
    lines = "".join(item.to_json() + "\n" for item in detections)
    command = [sys.executable, "-m", "tocsin", "fuse"]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_broker_gives_the_incidents_of_the_same_lines_and_refuses_what_is_not_a_sensor_s_to_say(tmp_path, sender):
    detections = detections_of((120.0, 300.0, 10.0), (122.0, 301.0, 12.5), (400.0, 90.0, 31.0))
    report = tmp_path / "report.json"
    fuse = Fusing(tmp_path / "fuse", sender.broker, "--report", report, state=False)
    spoofed = detections[0].model_copy(update={"sensor_id": "s4", "detection_id": ""})
    bad = [
        ("s1", spoofed.to_json().encode()),
        ("s2", b"no detection"),
        ("s3", b"[" * 40_000),
        ("s0", b'{"sensor_id": "s0", "x_m": NaN}'),
        ("s0", b" " * (LONGEST_PAYLOAD_BYTES + 1)),
    ]
    for sensor_id, payload in bad:
        sender.send_raw(make_topic("site", "detections", sensor_id), payload)
    sender.send(*detections, *detections[:7])
    wait_until(lambda: len({item["incident_id"] for item in fuse.lines()}) == 2, "both incidents")
    assert fuse.terminate() == 0
    assert without_input(fuse.lines()) == without_input(on_stdin(detections))
    counts = json.loads(report.read_text())
    assert (counts["bad_lines"], counts["duplicates"]) == (len(bad), 7)
    said = fuse.said()
    assert "a message of sensor s1 says that it is of 's4': each has its own topic" in said
    assert f"a message of sensor s0: {LONGEST_PAYLOAD_BYTES + 1} bytes" in said
    assert "Traceback" not in said


def test_a_fusion_that_is_killed_misses_nothing_and_says_nothing_twice(tmp_path, sender):
    detections = detections_of((120.0, 300.0, 10.0), (122.0, 301.0, 12.5), (400.0, 90.0, 31.0), (402.0, 91.0, 33.0))
    fuse = Fusing(tmp_path / "fuse", sender.broker)
    sender.send(*detections[:7])
    fuse.kill()
    sender.send(*detections[7:15])  # while it is away
    fuse.start()
    wait_until(fuse.lines, "the first incident")
    fuse.kill()
    fuse.start()
    sender.send(*detections[15:])
    wait_until(lambda: without_input(fuse.lines()) == without_input(on_stdin(detections)), "all incidents")
    fuse.kill()
    said = [(item["incident_id"], item["revision"]) for item in fuse.lines()]
    assert len(said) == len(set(said))


@pytest.mark.parametrize("words", [["--state", "s.sqlite"], ["x.jsonl", "--mqtt", "mqtt://localhost"]])
def test_what_does_not_go_together_is_wrong_use(words):
    done = subprocess.run([sys.executable, "-m", "tocsin", "fuse", *words], capture_output=True, text=True)
    assert done.returncode == 2


@settings(max_examples=300, deadline=None)
@given(payload=st.one_of(st.binary(max_size=200), st.text(max_size=100).map(str.encode)))
@example(payload=b'{"sensor_id":"s1","x_m":1e999,"y_m":0,"onset_time_utc":"2026-01-01T00:00:00Z"}')
@example(payload=b'{"a":' * 20_000)
@example(payload=b"9" * 60_000)
@example(payload=b'{"sensor_id":"s1","onset_time_utc":"\xff"}')
def test_no_payload_is_more_than_a_sentence(payload):
    with pytest.raises(TocsinError, match=r"^a message of sensor s1"):
        Message("s1", payload).detection()
