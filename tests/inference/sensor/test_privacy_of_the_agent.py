"""The whole agent keeps no sound: an hour of voices leaves none on disk or wire, and memory none after 15 s."""

import csv
import json
import subprocess
import sys
import time

import numpy as np
import soundfile
from memory import found_in_memory
from mosquitto import wait_until

from tocsin.data.audio import read_audio
from tocsin.inference.mqtt import BrokerAddress, new_client

RATE = 16_000
PIECE = 64  # samples; no two of noise are alike
HOUR_S = 3600


class Agent:
    """`tocsin listen` on raw samples, in a folder of its own."""

    def __init__(self, folder, more=""):
        folder.mkdir()
        (folder / "sensor.toml").write_text(
            f'[sensor]\nid = "one"\nx_m = 0.0\ny_m = 0.0\n'
            f'[source]\naddress = "-"\nsample_rate = {RATE}\nchannels = 1\n{more}'
        )
        command = [sys.executable, "-m", "tocsin", "listen", "sensor.toml"]
        with (folder / "stderr.txt").open("wb") as log, (folder / "stdout.txt").open("wb") as out:
            self.process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=out, stderr=log)

    def feed(self, pcm):
        self.process.stdin.write(pcm.astype("<i2").tobytes())
        self.process.stdin.flush()

    def end(self):
        self.process.stdin.close()
        assert self.process.wait() == 0


def as_pcm(samples):
    return np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16)


def needles_of(pcm, every):
    """Pieces of the sound as a process may hold it: 16 bits as they came, and float32."""
    starts = range(0, len(pcm) - PIECE, every)
    raw = [pcm[start : start + PIECE].tobytes() for start in starts]
    as_floats = pcm.astype(np.float32) / np.float32(32768)
    return raw + [as_floats[start : start + PIECE].tobytes() for start in starts]


def joined(recordings, fine_labels, seconds):
    """The shared clips of some kinds one after another, again and again."""
    with (recordings / "clips" / "manifest.csv").open(newline="") as file:
        paths = [row["path"] for row in csv.DictReader(file) if any(f"/{kind}/" in row["path"] for kind in fine_labels)]
    assert paths
    sounds = [read_audio(recordings / "clips" / path, RATE).samples for path in sorted(paths)]
    total = np.concatenate(sounds)
    return np.tile(total, -(-seconds * RATE // len(total)))[: seconds * RATE]


def test_an_hour_of_voices_and_music_leaves_no_sound_on_disk_and_none_on_the_wire(tmp_path, recordings, mosquitto):
    broker, wire = mosquitto(), []
    client = new_client(BrokerAddress.parse(broker.url), "everything", most_in_flight=60_000)
    subscribed = []
    client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
    client.on_subscribe = lambda *_: subscribed.append(True)
    client.on_message = lambda client, userdata, message: wire.append((message.topic, bytes(message.payload)))
    client.loop_start()
    wait_until(lambda: subscribed, "subscription")
    folder = tmp_path / "agent"
    agent = Agent(
        folder,
        f'[broker]\nurl = "{broker.url}"\nfrom_probability = 0.0\n[clips]\nseconds = 4.0\n[health]\nevery_s = 5\n',
    )
    pcm = as_pcm(joined(recordings, ("voices", "street_music"), HOUR_S))
    for second in range(HOUR_S):
        agent.feed(pcm[second * RATE : (second + 1) * RATE])
    agent.end()
    client.disconnect()
    client.loop_stop()
    assert len({topic for topic, _ in wire}) >= 2
    for topic, payload in wire:
        assert topic.startswith("tocsin/v1/site/")
        assert len(payload) < 3000
        if "/status/" not in topic:
            assert not any(isinstance(value, list) and len(value) > 8 for value in json.loads(payload).values())
    # What is called a gunshot may be kept, by the council's choice, for so long; all else may not be anywhere.
    clips = sorted((folder / "clips").glob("*.flac"))
    log = (folder / "clips.log").read_text() if (folder / "clips.log").exists() else ""
    assert log.count('"clip_written"') == len(clips) <= 5
    kept = []
    for clip in clips:
        samples, rate = soundfile.read(clip, dtype="int16")
        assert len(samples) <= 4 * rate
        kept.append(clip)
    loud = [piece for piece in needles_of(pcm, 10 * RATE) if len(set(piece)) > 32]
    for path in folder.rglob("*"):
        if path.is_file() and path not in kept:
            content = path.read_bytes()
            assert not any(mark in content for mark in (b"fLaC", b"RIFF", b"OggS"))
            assert not any(piece in content for piece in loud)
            assert len(content) < 3_000_000


def test_what_was_heard_is_nowhere_in_the_memory_of_the_agent_15_s_later(tmp_path):
    rng = np.random.default_rng(15)
    agent = Agent(tmp_path / "agent", "[clips]\nseconds = 4.0\n")
    first = as_pcm(rng.normal(0, 0.05, 20 * RATE))
    # A bang in it, so that windows are kept and networks asked.
    first[3 * RATE : 3 * RATE + 800] = as_pcm(0.9 * rng.standard_normal(800) * np.exp(-np.arange(800) / 100))
    later = as_pcm(rng.normal(0, 0.05, 15 * RATE))
    for second in range(20):
        agent.feed(first[second * RATE : (second + 1) * RATE])
    wait_until(lambda: found_in_memory(agent.process.pid, needles_of(first[19 * RATE :], 8000)), "it was heard at all")
    for second in range(15):
        agent.feed(later[second * RATE : (second + 1) * RATE])
    needles = needles_of(first, 8000)
    end = needles_of(later[14 * RATE :], 8000)
    wait_until(lambda: found_in_memory(agent.process.pid, end), "the last second was heard")
    time.sleep(1.0)
    found = found_in_memory(agent.process.pid, needles)
    agent.end()
    half = len(needles) // 2
    assert sorted((index % half) * 8000 / RATE for index in found) == []
