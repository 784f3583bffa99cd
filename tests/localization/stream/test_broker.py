"""Detections of a broker give what the same lines give on stdin; what is not theirs to say is refused."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mosquitto import wait_until

from tocsin import TocsinError
from tocsin.inference.detection import Detection
from tocsin.inference.mqtt import LONGEST_PAYLOAD_BYTES, BrokerAddress, make_topic, new_client
from tocsin.localization.stream.reading.broker import Message

START = datetime(2026, 1, 1, tzinfo=UTC)
SENSORS = [(0.0, 0.0), (500.0, 0.0), (0.0, 500.0), (520.0, 480.0), (260.0, 240.0)]
SITE = "harbour"


def detections_of(sources):
    """What five sensors hear of rounds (x_m, y_m, time_s), in the order in which they hear it."""
    rng, heard = np.random.default_rng(4), []
    for x_m, y_m, time_s in sources:
        for number, (east_m, north_m) in enumerate(SENSORS):
            arrival_s = time_s + np.hypot(x_m - east_m, y_m - north_m) / 340.4 + rng.normal(0.0, 0.002)
            onset = START + timedelta(seconds=float(arrival_s))
            heard.append(Detection(sensor_id=f"s{number}", x_m=east_m, y_m=north_m, onset_time_utc=onset))
    return sorted(heard, key=lambda item: item.onset_time_utc)


class Fuse:
    """`tocsin fuse --mqtt` as a process, with files for what it says."""

    def __init__(self, folder, broker, *words):
        folder.mkdir(exist_ok=True)
        self._out, self._said = folder / "out.jsonl", folder / "said.txt"
        self._words = [sys.executable, "-m", "tocsin", "fuse", "--mqtt", broker.url, "--site", SITE, *words]
        self.start()

    def start(self):
        already = self.said().count("listening to")
        with self._out.open("ab") as out, self._said.open("ab") as said:
            self.process = subprocess.Popen(
                self._words, stdout=out, stderr=said, env={**os.environ, "OMP_NUM_THREADS": "1"}
            )
        wait_until(lambda: self.said().count("listening to") > already, "it listens")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        self.process.terminate()
        return self.process.wait()

    def said(self):
        return self._said.read_text() if self._said.exists() else ""

    def incidents(self):
        return [json.loads(line) for line in self._out.read_text().splitlines()]


@pytest.fixture
def publish(mosquitto):
    """Starts a broker, and gives it with a function that publishes payloads, as the sensor that is named."""
    broker = mosquitto()
    client = new_client(BrokerAddress.parse(broker.url), "test-publisher")
    client.loop_start()

    def send(pairs):
        for sensor_id, payload in pairs:
            client.publish(make_topic(SITE, "detections", sensor_id), payload, qos=1).wait_for_publish(30)

    send.broker = broker
    yield send
    client.disconnect()
    client.loop_stop()


def pairs_of(detections):
    return [(item.sensor_id, item.to_json().encode()) for item in detections]


def without_input(incidents):
    """What must be equal: the latest revision of each, less what names the input."""
    latest = {item["incident_id"]: item for item in incidents}
    for item in latest.values():
        item.pop("input")
        for shot in item["shots"]:
            shot.pop("input")
    return sorted(latest.values(), key=lambda item: item["incident_id"])


def on_stdin(detections):
    lines = "".join(item.to_json() + "\n" for item in detections)
    command = [sys.executable, "-m", "tocsin", "fuse"]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_broker_gives_the_incidents_of_the_same_lines_and_refuses_what_is_not_a_sensor_s_to_say(tmp_path, publish):
    detections = detections_of([(120.0, 300.0, 10.0), (122.0, 301.0, 12.5), (400.0, 90.0, 31.0)])
    report = tmp_path / "report.json"
    fuse = Fuse(tmp_path / "fuse", publish.broker, "--report", str(report))
    spoofed = detections[0].model_copy(update={"sensor_id": "s4", "detection_id": ""})
    bad = [
        ("s1", spoofed.to_json().encode()),
        ("s2", b"no detection"),
        ("s3", b"[" * 40_000),
        ("s0", b'{"sensor_id": "s0", "x_m": NaN}'),
        ("s0", b" " * (LONGEST_PAYLOAD_BYTES + 1)),
    ]
    publish(bad)
    publish(pairs_of([*detections, *detections[:7]]))
    wait_until(lambda: len({item["incident_id"] for item in fuse.incidents()}) == 2, "both incidents")
    assert fuse.end() == 0
    assert without_input(fuse.incidents()) == without_input(on_stdin(detections))
    counts = json.loads(report.read_text())
    assert (counts["bad_lines"], counts["duplicates"]) == (len(bad), 7)
    said = fuse.said()
    assert "a message of sensor s1 says that it is of 's4': each has its own topic" in said
    assert f"a message of sensor s0: {LONGEST_PAYLOAD_BYTES + 1} bytes" in said
    assert "Traceback" not in said


def test_a_fusion_that_is_killed_misses_nothing_and_says_nothing_twice(tmp_path, publish):
    detections = detections_of([(120.0, 300.0, 10.0), (122.0, 301.0, 12.5), (400.0, 90.0, 31.0), (402.0, 91.0, 33.0)])
    fuse = Fuse(tmp_path / "fuse", publish.broker, "--state", str(tmp_path / "state.sqlite"))
    pairs = pairs_of(detections)
    publish(pairs[:7])
    fuse.kill()
    publish(pairs[7:13])  # while it is away
    fuse.start()
    wait_until(lambda: fuse.incidents(), "the first incident")
    fuse.kill()
    fuse.start()
    publish(pairs[13:])
    wait_until(lambda: without_input(fuse.incidents()) == without_input(on_stdin(detections)), "all incidents")
    fuse.kill()
    said = [(item["incident_id"], item["revision"]) for item in fuse.incidents()]
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
