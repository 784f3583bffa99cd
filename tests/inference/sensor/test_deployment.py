"""Agents, a real broker and a fusion, each a process: what was heard arrives once, whatever is killed on the way."""

import csv
import json
import resource
import subprocess
import sys
import time
from datetime import timedelta

import numpy as np
import pytest
import soundfile
from mosquitto import PATIENCE_S, wait_until
from subscriber import Subscriber, address_of

from tocsin.acoustics.scene import render_scene, simulate_neighbourhood
from tocsin.data.public.pittsburgh import read_live_fire, write_array_recording
from tocsin.evaluation.demo.trial import FRAME, START_UTC
from tocsin.inference.array_recording import detect_array, read_array_recording
from tocsin.inference.detection import parse_line
from tocsin.inference.mqtt import make_filter

# The second scene is another site's, an hour later.
SCENES = (("north", 1, 12, timedelta(0)), ("south", 2, 8, timedelta(hours=1)))


class Agent:
    """`tocsin listen` on one recording, which can be killed and started again.

    It computes with as many threads as this process does: the last digits, and so the ids of content, depend on that.
    """

    def __init__(self, settings, limit_bytes=None):
        self.settings, self.log, self.process = settings, settings.with_suffix(".log"), None
        self.start(limit_bytes)

    def start(self, limit_bytes=None):
        def full_disk():
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tocsin", "listen", str(self.settings)],
                stdout=subprocess.DEVNULL,
                stderr=log if limit_bytes is None else subprocess.PIPE,  # a full disk takes no log either
                preexec_fn=None if limit_bytes is None else full_disk,
            )

    def kill(self):
        self.process.kill()
        self.process.wait()

    def ended(self):
        return self.process.poll() is not None


def write_array(folder, recordings, weather):
    """An array recording: ``recordings`` are (samples, rate, row of the table)."""
    folder.mkdir(parents=True)
    rows = []
    for samples, rate, row in recordings:
        soundfile.write(folder / row["path"], samples, rate)
        rows.append(row)
    with (folder / "recordings.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (folder / "weather.json").write_text(json.dumps(weather))
    return folder


def simulated(folder, seed, count, later):
    scene = simulate_neighbourhood(seed)
    recordings = []
    for sensor, samples in zip(scene.sensors[:count], render_scene(scene), strict=False):
        latitude, longitude, elevation_m = (float(value) for value in FRAME.to_geographic(sensor.surveyed_m))
        row = {
            "path": f"{sensor.sensor_id}.wav",
            "sensor_id": sensor.sensor_id,
            "start_time_utc": (START_UTC + later).isoformat(),
            "latitude": latitude,
            "longitude": longitude,
            "elevation_m": elevation_m,
            "position_sigma_m": 0.5,
            "clock_sigma_s": sensor.clock_sigma_s,
        }
        recordings.append((samples, scene.sample_rate, row))
    return write_array(folder, recordings, {"temperature_c": float(round(scene.atmosphere.temperature_c))})


def settings_of(folder, recording, broker, site):
    """The file of an agent that hears one recording of an array."""
    place = "\n".join(f"{name} = {value}" for name, value in recording.place.items() if value is not None)
    path = folder / f"{site}-{recording.sensor_id}.toml"
    path.write_text(
        f'[sensor]\nid = "{recording.sensor_id}"\n{place}\n'
        f"[source]\naddress = {json.dumps(str(recording.path))}\n"
        f'start_time_utc = "{recording.start_time_utc.isoformat()}"\n'
        f'[broker]\nurl = "{broker.url}"\nsite = "{site}"\nfrom_probability = 0.0\n'
        f"[outbox]\npath = {json.dumps(str(path.with_suffix('.sqlite')))}\n"
    )
    return path


def by_id(reader):
    """What came, each once."""
    return {item.detection_id: item for item in (parse_line("wire", payload) for payload in reader.payloads)}


def tocsin(*words):
    done = subprocess.run(
        [sys.executable, "-m", "tocsin", *map(str, words)], capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def shots_of(lines):
    """Shots less what names the input."""
    return [{name: value for name, value in line.items() if name != "input"} for line in lines]


def test_twenty_agents_lose_nothing_while_broker_and_agents_are_killed_and_a_disk_is_full(tmp_path, mosquitto):
    rng = np.random.default_rng(20260301)
    server = mosquitto()
    arrays = {site: read_array_recording(simulated(tmp_path / site, *of)) for site, *of in SCENES}
    readers = {
        site: Subscriber(address_of(server), make_filter(site, "detections"), f"reader-{site}") for site in arrays
    }
    agents = [
        (Agent(settings_of(tmp_path, recording, server, site), 60_000 if number == 3 and site == "north" else None))
        for site, array in arrays.items()
        for number, recording in enumerate(array.recordings)
    ]
    assert len(agents) == 20
    full = agents[3]
    for victim in 4 + rng.choice(len(agents) - 4, 5, replace=False):
        time.sleep(float(rng.uniform(0.2, 1.5)))
        # mosquitto acknowledges before it saves: what comes while nobody reads can die with it (docs/delivery.md).
        wait_until(lambda: all(reader.is_connected for reader in readers.values()), "readers are back")
        agents[victim].kill()
        server.kill()
        time.sleep(float(rng.uniform(0.0, 0.5)))
        server.start()
        agents[victim].start()
    said = full.process.communicate(timeout=PATIENCE_S)[1].decode()
    assert "cannot be written" in said, said
    assert said.count("cannot be written") == 1
    full.start()  # with room again: what the disk did not take, and the broker not before the end, it hears anew
    for _ in range(20):  # an agent may end with detections left, when the broker was away: it is started again
        wait_until(lambda: all(agent.ended() for agent in agents), "agents end")
        left = [agent for agent in agents if "are left in" in agent.log.read_text().rpartition("listening")[2]]
        if not left:
            break
        for agent in agents:
            agent.start()
    assert {agent.process.returncode for agent in agents} == {0}
    for site, array in arrays.items():
        expected = detect_array(array)
        wanted, reader = {item.detection_id for item in expected}, readers[site]
        wait_until(lambda wanted=wanted, reader=reader: wanted <= set(by_id(reader)), "arrival")
        reader.close()
        unique = by_id(reader)
        assert set(unique) == wanted
        table = tmp_path / f"{site}.jsonl"
        table.write_text("".join(item.to_json() + "\n" for item in unique.values()))
        weather = ("--temperature-c", array.weather.temperature_c)
        assert shots_of(tocsin("locate", table, "--format", "jsonl", *weather)) == shots_of(
            tocsin("locate", tmp_path / site, "--format", "jsonl")
        )


@pytest.mark.parametrize("name", ["FP1/test_001", "FP2/test_028", "FP6/test_110"])
def test_the_live_fire_through_agents_gives_the_incidents_of_its_files(tmp_path, mosquitto, recordings, name):
    [test] = read_live_fire(recordings / "live-fire" / "pittsburgh-2018" / name)
    array = read_array_recording(write_array_recording(test, tmp_path / "array"))
    weather = ["--temperature-c", str(array.weather.temperature_c)]
    weather += ["--wind-speed-mps", str(array.weather.wind_speed_mps)]
    weather += ["--wind-from-deg", str(array.weather.wind_from_deg)]
    server = mosquitto()
    command = [sys.executable, "-m", "tocsin", "fuse", "--mqtt", server.url, "--site", "live-fire", *weather]
    said = tmp_path / "fused.log"
    with (tmp_path / "fused.jsonl").open("wb") as out, said.open("wb") as log:
        fusion = subprocess.Popen([*command, "--state", str(tmp_path / "state.sqlite")], stdout=out, stderr=log)
    wait_until(lambda: "listening to" in said.read_text(), "subscription")
    agents = [Agent(settings_of(tmp_path, recording, server, "live-fire")) for recording in array.recordings]
    wait_until(lambda: all(agent.ended() for agent in agents), "agents end")
    assert {agent.process.returncode for agent in agents} == {0}
    expected = tocsin("locate", tmp_path / "array", "--format", "jsonl")

    def rounds():
        lines = [json.loads(line) for line in (tmp_path / "fused.jsonl").read_text().splitlines()]
        latest = {line["incident_id"]: line for line in lines}
        return [shot for line in latest.values() if line["status"] != "withdrawn" for shot in line["shots"]]

    def told(shots):
        names = ("discharge_time_utc", "x_m", "y_m", "ellipse_95", "detections", "probability", "ambiguous")
        return sorted(([shot[name] for name in names] for shot in shots), key=str)

    try:
        wait_until(lambda: len(rounds()) >= len(expected), "incidents")
    finally:
        fusion.terminate()
        fusion.wait()
    assert told(rounds()) == told(expected)
    assert len(expected) == test.rounds
