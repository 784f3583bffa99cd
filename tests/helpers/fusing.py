"""A `tocsin fuse --mqtt` of a test's own, which can be killed and started again, and who sends to it."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
from mosquitto import wait_until

from tocsin.inference.detection import Detection
from tocsin.inference.mqtt import new_client

START = datetime(2026, 1, 1, tzinfo=UTC)
SENSORS = {f"s{i}": xy for i, xy in enumerate([(0, 0), (420, 30), (410, 390), (-20, 400), (200, 610), (-250, 180)])}


def shot(time_s, source, rng, start=START):
    """What six sensors hear of a shot, a detection each, in order of time."""
    heard = []
    for name, (x_m, y_m) in SENSORS.items():
        arrival_s = time_s + np.hypot(source[0] - x_m, source[1] - y_m) / 340.3 + rng.normal(0.0, 0.001)
        time = start + timedelta(seconds=float(arrival_s))
        given = {"snr_db": 20.0, "probabilities": {"gunshot": 0.9}}
        heard.append(Detection(sensor_id=name, onset_time_utc=time, x_m=x_m, y_m=y_m, **given))
    return sorted(heard, key=lambda item: item.onset_time_utc)


class Fusing:
    """The command, with its state in a folder."""

    def __init__(self, folder, broker, *words, state=True) -> None:
        folder.mkdir(exist_ok=True)
        self._out, self._log = folder / "out.jsonl", folder / "said.log"
        self._words = ["--mqtt", broker.url, "--site", "site", *words]
        if state:
            self._words += ["--state", folder / "state.sqlite"]
        self._process = None
        self.start()

    def start(self) -> None:
        """Start it, or start it again, and wait until it listens."""
        before = self.said().count("listening to")
        command = [sys.executable, "-m", "tocsin", "fuse", *map(str, self._words)]
        with self._out.open("ab") as out, self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=out, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"}
            )
        wait_until(lambda: self.said().count("listening to") > before or self.ended(), "it listens")

    def ended(self) -> bool:
        return self._process.poll() is not None

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def terminate(self) -> int:
        self._process.terminate()
        return self._process.wait(timeout=60.0)

    def said(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def lines(self) -> list[dict]:
        """What it wrote, of all its runs; a last line may be torn."""
        text = self._out.read_text() if self._out.exists() else ""
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]

    def rounds(self) -> list[tuple]:
        """Detections of each round of the last revisions, in order."""
        last = {line["incident_id"]: line for line in self.lines()}
        shots = [one for line in last.values() if line["status"] != "withdrawn" for one in line["shots"]]
        return sorted(tuple(sorted(one["detections"])) for one in shots)


class Sender:
    """A client that publishes and waits until the broker has it."""

    def __init__(self, address, client_id="sender") -> None:
        self._client = new_client(address, client_id)
        self._client.loop_start()
        wait_until(self._client.is_connected, "connected")

    def send(self, *detections, site="site") -> None:
        for item in detections:
            self.send_raw(f"tocsin/v1/{site}/detections/{item.sensor_id}", item.to_json())

    def send_raw(self, topic, payload) -> None:
        self._client.publish(topic, payload, qos=1).wait_for_publish(60.0)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
