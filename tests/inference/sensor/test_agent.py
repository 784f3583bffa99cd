"""The loop of the sensor against sources made for it: what is kept, said, written and told of whatever comes."""

import errno
import io
import json
import random
import socket
from datetime import UTC, datetime

import numpy as np
import pytest
import soundfile

from tocsin import TocsinError
from tocsin.acoustics.synthesis import synthesize
from tocsin.inference.detect import detect
from tocsin.inference.detection import Detection
from tocsin.inference.model import Model
from tocsin.inference.pick import Event
from tocsin.inference.sensor.agent import Agent
from tocsin.inference.sensor.clock_reports import ClockQuality
from tocsin.inference.sensor.hearing import Heard, Hearing, Microphone
from tocsin.inference.sensor.notify import Notifier
from tocsin.inference.sensor.outbox import Outbox
from tocsin.inference.sensor.privacy.chained_log import ChainedLog
from tocsin.inference.sensor.privacy.clips import ClipStore
from tocsin.inference.sensor.sources.block import Block, SourceLost
from tocsin.inference.sensor.sources.retrying import Retrying

RATE, SIZE = 8000, 800
MICROPHONE = Microphone("one", {"x_m": 0.0, "y_m": 0.0})
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


class Given:
    """A source that gives blocks as they are; an exception among them is raised."""

    name, ends = "given", True

    def __init__(self, blocks):
        self._blocks = blocks
        self.closed = False

    def blocks(self):
        try:
            for block in self._blocks:
                if isinstance(block, Exception):
                    raise block
                yield block
        finally:
            self.closed = True


class Told:
    """Hears at each push what it was told to; what is left it says at the next end."""

    threshold, clock_is_set = 0.3, True

    def __init__(self, at_push=None, at_end=()):
        self._at_push, self._at_end, self._pushes = at_push or {}, list(at_end), 0
        self.ends = 0

    def push(self, block):
        self._pushes += 1
        return self._at_push.get(self._pushes, [])

    def end(self):
        self.ends += 1
        said, self._at_end = self._at_end, []
        return said

    def clock_facts(self):
        return {"clock_source": "chrony"}


def block(samples=None, **others):
    samples = np.zeros(SIZE, np.float32) if samples is None else samples
    return Block(np.asarray(samples, np.float32).reshape(-1, 1), RATE, 0.0, 0.0, **others)


def heard(label, probability, onset_sample=4000):
    probabilities = {"gunshot": probability, "impulse": 1 - probability}
    event = Event(onset_sample / RATE, 1e-3, label, probabilities[label], probabilities, -10.0, 30.0)
    detection = Detection(
        sensor_id="one", x_m=0.0, y_m=0.0, onset_time_utc=BEGAN, probabilities=probabilities, snr_db=30.0
    )
    return Heard(detection, event, float(onset_sample), MICROPHONE)


def run(blocks, hearing, stopped=lambda: False, publishes=lambda event: True, **others):
    """The agent after its run, what it kept, and what it complained of and said."""
    kept, wrong, said = [], [], []
    source = blocks if hasattr(blocks, "blocks") else Given(blocks)
    agent = Agent(
        source, hearing, [MICROPHONE], kept.append, publishes, say=said.append, complain=wrong.append, **others
    )
    agent.run(stopped)
    return agent, kept, wrong, said


@pytest.fixture
def clips(tmp_path):
    """A store of clips of 0.8 s, and its log's lines."""
    store = ClipStore(tmp_path / "clips", ChainedLog(tmp_path / "clips.log"), seconds=0.8)

    def lines():
        return [json.loads(line) for line in (tmp_path / "clips.log").read_text().splitlines()]

    return store, lines


def test_a_simulated_gunshot_is_kept_said_counted_and_cut_and_an_impulse_is_not_cut(clips):
    rate, quiet = 16_000, 1e-4 * np.random.default_rng(1).standard_normal(48_000).astype(np.float32)
    sounds = [synthesize(label, np.random.default_rng(5), rate, 4.0) for label in ("gunshot", "impulse")]
    sound = np.concatenate([quiet, sounds[0], quiet, sounds[1], quiet])
    model = Model()
    events = detect(sound, rate, model)
    shots = [event for event in events if event.label == "gunshot"]
    confident = [event for event in shots if event.confidence >= 0.5]
    assert confident
    assert any(event.label != "gunshot" for event in events)
    pieces = [
        Block(sound[first : first + 8000, None], rate, 0.0, 0.0, began_s=BEGAN.timestamp(), begins_anew=first == 0)
        for first in range(0, len(sound), 8000)
    ]
    hearing = Hearing(model, [MICROPHONE], lambda: ClockQuality(0.001, "chrony", True, ""))
    store, lines = clips
    beats = []
    agent, kept, wrong, said = run(pieces, hearing, clips=store, beat=beats.append)
    assert len(kept) == len(events)
    assert len(said) == len(shots)
    assert all("gunshot" in sentence for sentence in said)
    assert not wrong
    written = sorted(store.folder.glob("*.flac"))
    ids = [one.detection_id for one in kept if one.probabilities["gunshot"] >= 0.5]
    assert sorted(path.name.removesuffix(".flac") for path in written) == sorted(ids)
    for path, event in zip(sorted(written, key=lambda path: ids.index(path.stem)), confident, strict=True):
        first = round(event.onset_s * rate) - round(0.25 * 0.8 * rate)
        content, _ = soundfile.read(io.BytesIO(path.read_bytes()), dtype="float32")
        # Clips are cut where the sound is, to the sample, and no longer than was asked.
        np.testing.assert_allclose(content, sound[first : first + len(content)], atol=2 / 32768)
        assert len(content) == round(0.8 * rate)
    assert sum(agent.heartbeats[0].detections.values()) == len(events)
    assert beats[-1] == agent.heartbeats
    assert {line["what"] for line in lines() if line.get("clip", "").startswith(tuple(ids))} == {"clip_written"}


def test_a_clip_waits_for_its_sound_and_is_cut_short_where_the_sound_ends(clips, rng):
    store, _ = clips
    sound = (0.1 * rng.standard_normal(20 * SIZE)).astype(np.float32)
    first, second = heard("gunshot", 0.9, 4000), heard("gunshot", 0.8, 15_000)
    pieces = [block(sound[place : place + SIZE], begins_anew=place == 0) for place in range(0, len(sound), SIZE)]
    run(pieces, Told({6: [first]}, [second]), clips=store)
    lengths = {}
    for one in (first, second):
        content, _ = soundfile.read(store.folder / f"{one.detection.detection_id}.flac", dtype="float32")
        start = round(one.onset_sample) - 1600
        np.testing.assert_allclose(content, sound[start : start + len(content)], atol=2 / 32768)
        lengths[one.detection.detection_id] = len(content)
    assert list(lengths.values()) == [6400, 16_000 - 13_400]


def test_what_is_not_to_be_published_is_counted_and_not_kept():
    hearing = Told({2: [heard("impulse", 0.01), heard("gunshot", 0.9)]})
    agent, kept, _, said = run([block()] * 3, hearing, publishes=lambda event: event.label == "gunshot")
    assert [one.probabilities["gunshot"] for one in kept] == [0.9]
    assert len(said) == 1
    assert agent.heartbeats[0].detections == {"impulse": 1, "gunshot": 1}
    assert agent.heartbeats[0].clock_source == "chrony"
    assert agent.heartbeats[0].last_detection_time_utc == BEGAN


def test_a_gap_is_said_and_what_was_open_is_told_before_it():
    hearing = Told(at_end=[heard("gunshot", 0.9)])
    blocks = [block(begins_anew=True), block(begins_anew=True, lost_samples=4000), block()]
    agent, kept, wrong, _ = run(blocks, hearing)
    assert len(kept) == 1
    assert [sentence for sentence in wrong if "missing" in sentence] == ["0.500 s of sound are missing"]
    assert (agent.heartbeats[0].dropouts, agent.heartbeats[0].lost_samples) == (1, 4000)


def test_no_clip_holds_sound_of_both_sides_of_a_gap(clips):
    store, _ = clips
    before, behind = np.full(SIZE, 0.25), np.full(SIZE, -0.5)
    shot = heard("gunshot", 0.9, 3 * SIZE)
    blocks = [block(before, begins_anew=True)] + [block(before)] * 4
    blocks += [block(behind, begins_anew=True, lost_samples=9)] + [block(behind)] * 20
    run(blocks, Told({4: [shot]}), clips=store)
    content, _ = soundfile.read(store.folder / f"{shot.detection.detection_id}.flac")
    assert np.allclose(content, 0.25, atol=1e-4)


def test_unsound_samples_are_said_once():
    _, _, wrong, _ = run([block(), block(unsound_samples=3), block(unsound_samples=800)], Told())
    assert len([sentence for sentence in wrong if "samples that are no numbers" in sentence]) == 1


def test_a_stop_ends_it_with_what_was_open_and_lets_go_of_the_source():
    came = iter([False, False, False, True, True, True, True])
    source, hearing = Given([block() for _ in range(100)]), Told(at_end=[heard("gunshot", 0.9)])
    agent, kept, _, _ = run(source, hearing, stopped=lambda: next(came))
    assert len(kept) == 1
    assert source.closed
    assert hearing._pushes < 4
    assert agent.heartbeats[0].detections == {"gunshot": 1}


def test_a_source_that_can_never_work_is_told_and_what_was_open_is_kept_first():
    kept, source = [], Given([block(), TocsinError("no such coding")])
    agent = Agent(source, Told(at_end=[heard("gunshot", 0.9)]), [MICROPHONE], kept.append, lambda event: True)
    with pytest.raises(TocsinError, match="no such coding"):
        agent.run()
    assert len(kept) == 1


def test_a_source_that_is_lost_is_opened_again_and_heard_on():
    class Flickering:
        name, ends, opened = "flickering", False, 0

        def blocks(self):
            self.opened += 1
            yield block(begins_anew=True)
            if self.opened < 3:
                raise SourceLost("the cable is out")

    flickering, losses = Flickering(), []
    source = Retrying(flickering, losses.append, wait=lambda seconds: False, rng=random.Random(1))
    hearing = Told({1: [heard("impulse", 0.1)], 3: [heard("gunshot", 0.9)]})
    agent, kept, _, _ = run(source, hearing)
    assert flickering.opened == 3
    assert len(kept) >= 1
    assert any("the cable is out" in sentence for sentence in losses)
    assert agent.heartbeats[0].detections["impulse"] == 1


def test_the_service_manager_hears_that_it_is_ready_alive_and_ending(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(5)
        notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "20000000"})
        run([block()] * 20, Told(), notifier=notifier)
        notifier.close()
        manager.setblocking(False)
        told = []
        while True:
            try:
                told.append(manager.recv(4096).decode())
            except BlockingIOError:
                break
    assert told[0] == "READY=1"
    assert told[1] == "WATCHDOG=1"
    assert "STOPPING=1" in told
    assert told[2] == "STATUS=hears nothing yet, 0 detections wait"
    assert told[-1] == "STATUS=hears -200 dBFS, 0 detections wait"  # digital silence


def test_idle_blocks_keep_the_watchdog_quiet_before_anything_is_heard():
    class Counting(Notifier):
        beats = 0

        def alive(self):
            self.beats += 1

    notifier, idle = Counting({}), Block(np.zeros((0, 1), np.float32), 0, 0.0, 0.0)
    agent, _, _, _ = run([idle] * 3, Told(), notifier=notifier)
    assert notifier.beats
    assert agent.heartbeats == []  # of a rate that nobody knows yet nothing can be told


def test_a_full_disk_neither_stops_the_hearing_nor_loses_a_detection(clips, tmp_path, monkeypatch):
    store, _ = clips
    wrong, sent = [], []
    outbox = Outbox(tmp_path / "outbox.sqlite", 1_000_000, wrong.append)
    outbox._db.execute("PRAGMA max_page_count = 1")  # SQLite then says that the disk is full

    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tocsin.inference.sensor.privacy.clips.write_temporary", full)
    hearing = Told({n: [heard("gunshot", 0.9, 4000 + n)] for n in (7, 9, 11)})

    def keep(detection):
        sent.append(outbox.put(detection.detection_id, "topic", b"x" * 40_000, 0.9))

    complaints = []
    store._complain = complaints.append
    agent = Agent(
        Given([block()] * 30), hearing, [MICROPHONE], keep, lambda event: True, clips=store, complain=wrong.append
    )
    agent.run()
    assert agent.heartbeats[0].detections == {"gunshot": 3}
    assert sent == [False] * 3
    assert any("full" in sentence for sentence in wrong)
    assert complaints
    assert all("No space left on device" in sentence for sentence in complaints)
    assert not list(store.folder.glob("*.flac"))
    outbox._db.execute("PRAGMA max_page_count = 1000000")
    assert outbox.flush()
    assert outbox.size()[0] == 1  # the three have one id, as they have one time and sensor
    outbox.close()
