import os
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from tocsin import TocsinError
from tocsin.data.sound import open_sound
from tocsin.inference.sensor.sources import files
from tocsin.inference.sensor.sources.files import Files, file_blocks

RATE = 8000
SHOT_S = 1545180566.0  # date -u -d '2018-12-19 00:49:26' +%s


def write(path, level=0.25, seconds=1.0, channels=1, rate=RATE, **more):
    """A file of constant samples, so that each can be told from the others by its level."""
    soundfile.write(path, np.full((round(seconds * rate), channels), level, np.float32), rate, **more)
    return path


def heard(blocks):
    return [block for block in blocks if len(block.samples)]


@pytest.mark.parametrize(("ending", "subtype"), [("wav", "PCM_16"), ("wav", "FLOAT"), ("flac", "PCM_24"),
                                                ("ogg", "VORBIS"), ("mp3", "MPEG_LAYER_III")])  # fmt: skip
@pytest.mark.parametrize("frames", [1, 4000, 4001, 19_999])
def test_blocks_joined_are_what_is_read_at_once(tmp_path, rng, ending, subtype, frames):
    path = tmp_path / f"20181219_004926.{ending}"
    soundfile.write(path, rng.uniform(-0.5, 0.5, (frames, 2)), RATE, subtype=subtype)
    with open_sound(path) as sound:
        whole = sound.read_channels(0, sound.frames)
    blocks = list(file_blocks(path))
    np.testing.assert_array_equal(np.concatenate([block.samples for block in blocks]), whole)
    assert max(len(block.samples) for block in blocks) <= RATE // 2
    assert [block.begins_anew for block in blocks] == [True] + [False] * (len(blocks) - 1)
    # Each block begins where the samples before it end.
    ends = np.cumsum([0] + [len(block.samples) for block in blocks[:-1]])
    assert [block.began_s for block in blocks] == pytest.approx(SHOT_S + ends / RATE, abs=1e-6)


def test_times_are_as_stated_or_by_the_last_change(tmp_path):
    path, said = write(tmp_path / "roof.wav", seconds=2.0), []
    os.utime(path, (1002.0, 1002.0))
    stated = heard(Files([path], stated_s=50.0, complain=said.append).blocks())
    assert [(block.began_s, block.began_sigma_s) for block in stated] == [(50 + 0.5 * k, 0.0) for k in range(4)]
    assert said == []
    changed = heard(Files([path], complain=said.append).blocks())
    assert [block.began_s for block in changed] == [1000.0, 1000.5, 1001.0, 1001.5]
    assert changed[0].began_sigma_s >= 1.0
    (sentence,) = said
    assert f"{path} has no time in its name" in sentence


def test_a_folder_is_heard_in_the_order_of_time_not_of_names(tmp_path):
    inner = tmp_path / "a"
    inner.mkdir()
    write(tmp_path / "z_20181219_004925.wav", 0.125)
    write(inner / "20181219_004930.wav", 0.5)
    write(tmp_path / "m_20181219_004926.wav", 0.25)
    write(tmp_path / ".20181219_004927.wav", 0.75)  # hidden
    os.utime(write(tmp_path / "b.wav", 0.0625), (SHOT_S + 60, SHOT_S + 60))
    blocks = heard(Files([tmp_path]).blocks())
    assert [float(block.samples[0, 0]) for block in blocks if block.begins_anew] == [0.125, 0.25, 0.5, 0.0625]
    assert [block.begins_anew for block in blocks] == [True, False] * 4
    assert [block.began_s for block in blocks] == sorted(block.began_s for block in blocks)


def test_nameless_files_get_one_sentence_together(tmp_path):
    said = []
    for name in "abc":
        write(tmp_path / f"{name}.wav")
    list(Files([tmp_path], complain=said.append).blocks())
    assert len(said) == 1


def test_a_broken_file_among_good_ones_is_said_and_passed(tmp_path):
    said = []
    write(tmp_path / "20181219_004925.wav", 0.125)
    (tmp_path / "20181219_004926.wav").write_bytes(b"RIFF no sound")
    (tmp_path / "20181219_004927.wav").write_bytes(b"")
    cut = write(tmp_path / "20181219_004928.flac", seconds=4.0, level=0.375)
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 4 * RATE)
    soundfile.write(cut, noise, RATE)
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    write(tmp_path / "20181219_004935.wav", 0.25)
    blocks = list(Files([tmp_path], complain=said.append).blocks())
    begun = [float(block.samples[0, 0]) for block in heard(blocks) if block.begins_anew]
    assert (begun[0], begun[-1], len(said)) == (0.125, 0.25, 3)
    assert all(sentence.endswith("; the other files are heard") for sentence in said)
    # What was open when a file broke off is ended.
    assert sum(block.begins_anew and not len(block.samples) for block in blocks) == 3


def test_one_broken_file_alone_is_refused(tmp_path):
    broken = tmp_path / "a.wav"
    broken.write_bytes(b"RIFF no sound")
    with pytest.raises(TocsinError, match=r"a\.wav cannot be read"):
        list(Files([broken]).blocks())
    with pytest.raises(TocsinError, match=r"b\.wav does not exist"):
        list(Files([tmp_path / "b.wav"]).blocks())


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(TocsinError, match="no audio in"):
        list(Files([tmp_path]).blocks())


def test_a_stated_start_is_that_of_one_file_only(tmp_path):
    one, two = write(tmp_path / "a.wav"), write(tmp_path / "b.wav")
    for paths in ([one, two], [tmp_path]):
        with pytest.raises(TocsinError, match="it can be that of one file only"):
            Files(paths, stated_s=5.0)


def test_floats_that_are_no_sound_are_silent_and_counted(tmp_path):
    samples = np.array([0.5, np.nan, np.inf, -np.inf, 1e9, 0.25], np.float32)
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    (block,) = file_blocks(tmp_path / "a.wav", 0.0)
    assert block.samples.ravel().tolist() == [0.5, 0, 0, 0, 0, 0.25]
    assert block.unsound_samples == 4


class Clock:
    """A clock that goes on only while somebody waits, in place of the module's."""

    def __init__(self, monkeypatch, now_s=1e9):
        self.now_s, self.epoch_s, self.waits = 0.0, now_s, []
        monkeypatch.setattr(files, "read_clocks", lambda: (self.epoch_s + self.now_s, self.now_s))
        fake = SimpleNamespace(monotonic=lambda: self.now_s, time=lambda: self.epoch_s + self.now_s)
        monkeypatch.setattr(files, "time", fake)

    def wait(self, seconds):
        assert seconds >= 0
        self.waits.append(seconds)
        self.now_s += seconds


def test_in_real_time_a_block_comes_when_its_last_sample_would(tmp_path, monkeypatch):
    clock = Clock(monkeypatch)
    path = write(tmp_path / "20181219_004926.wav", seconds=1.75)
    blocks = heard(Files([path], real_time=True, wait=clock.wait).blocks())
    assert [block.arrived_monotonic_s for block in blocks] == pytest.approx([0.5, 1.0, 1.5, 1.75])
    assert {block.arrived_s - block.arrived_monotonic_s for block in blocks} == {1e9}
    # As of a microphone, no time is known but that of its arrival.
    assert {block.began_s for block in blocks} == {None}


def test_in_real_time_a_slow_listener_is_not_waited_for_twice(tmp_path, monkeypatch):
    clock = Clock(monkeypatch)
    path = write(tmp_path / "a.wav", seconds=2.0)
    came = []
    for block in Files([path], real_time=True, wait=clock.wait).blocks():
        came.append(block.arrived_monotonic_s)
        clock.now_s += 0.75 if len(came) == 1 else 0.0
    assert came == pytest.approx([0.5, 1.25, 1.5, 2.0])


def test_in_real_time_a_stated_start_is_waited_for_in_steps(tmp_path, monkeypatch):
    clock = Clock(monkeypatch)
    path = write(tmp_path / "a.wav", seconds=1.0)
    blocks = list(Files([path], stated_s=1e9 + 3.0, real_time=True, wait=clock.wait).blocks())
    first, second = heard(blocks)
    assert (first.began_s, first.arrived_s) == (1e9 + 3.0, 1e9 + 3.5)
    assert (second.began_s, second.arrived_s) == (1e9 + 3.5, 1e9 + 4.0)
    # Meanwhile empty blocks come, so that whoever listens can look after other things.
    assert len(blocks) - 2 >= 5
    assert max(clock.waits) <= 0.5
