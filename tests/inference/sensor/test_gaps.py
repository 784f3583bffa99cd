"""What heartbeats count as a gap: samples that are missing, and not the end of a recording."""

from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from tocsin.inference.sensor.agent import Agent
from tocsin.inference.sensor.hearing import Microphone
from tocsin.inference.sensor.sources.block import Block, idle_block
from tocsin.inference.sensor.sources.files import Files

RATE = 8000


def second(arrived_s, **more):
    return Block(np.full((RATE, 1), 0.01, np.float32), RATE, 1e9 + arrived_s, arrived_s, **more)


def counted(source):
    """The gaps and the missing samples of the last heartbeat, and what was said."""
    said = []
    deaf = SimpleNamespace(push=lambda block: [], end=lambda: [], clock_facts=dict)
    agent = Agent(source, deaf, [Microphone("roof")], lambda detection: None, lambda event: False, complain=said.append)
    agent.run()
    (heartbeat,) = agent.heartbeats
    return heartbeat.dropouts, heartbeat.lost_samples, said


def live(*blocks):
    return SimpleNamespace(name="roof", ends=True, blocks=lambda: iter(blocks))


def test_live_sound_counts_each_gap_after_the_first_block():
    missing = second(4.0, begins_anew=True, lost_samples=2 * RATE)
    unknown = second(5.0, begins_anew=True)
    blocks = [idle_block(RATE), second(1.0, begins_anew=True), missing, idle_block(RATE), unknown, second(6.0)]
    assert counted(live(*blocks)) == (2, 2 * RATE, ["2.000 s of sound are missing"])


@pytest.mark.parametrize("broken", [False, True])
def test_between_recordings_nothing_is_missing(tmp_path, broken):
    for minute in range(3):
        soundfile.write(tmp_path / f"20181219_00{minute:02}26.wav", np.full(RATE, 0.01), RATE)
    if broken:
        (tmp_path / "20181219_000126.wav").write_bytes(b"RIFF no sound")
    assert counted(Files([tmp_path])) == (0, 0, [])
