"""A watched folder, told of its changes by the system itself; only the clock is a test's, so that nothing waits."""

import json
import os
import shutil
import sys

import numpy as np
import pytest
import soundfile

from tocsin import TocsinError
from tocsin.inference.sensor.sources import watched_folder
from tocsin.inference.sensor.sources.block import SourceLost
from tocsin.inference.sensor.sources.watched_folder import WatchedFolder

RATE = 8000
SETTLE_S = 5.0


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """The system is asked as often as it can be."""
    monkeypatch.setattr(watched_folder, "_POLL_MS", 50)


def write(path, level=0.25, seconds=0.6):
    samples = np.full(round(seconds * RATE), level, np.float32)
    soundfile.write(path, samples, RATE, format="WAV")
    return path


class Listener:
    """Someone who listens to a folder, with a clock that goes on by ``step_s`` at each look."""

    def __init__(self, folder, step_s=SETTLE_S, **more):
        self.said, self.now_s, self.step_s = [], 0.0, step_s
        more = {"settle_s": SETTLE_S, "complain": self.said.append, **more}
        self.source = WatchedFolder(folder, clock=lambda: self.now_s, **more)
        self.blocks = self.source.blocks()

    def look(self):
        """The levels and lengths of what is heard up to the next time that nothing is left."""
        heard = []
        for block in self.blocks:
            if len(block.samples):
                if block.begins_anew:
                    heard.append([float(block.samples[0, 0]), 0])
                heard[-1][1] += len(block.samples)
            elif not block.begins_anew:
                break
        self.now_s += self.step_s
        return [tuple(each) for each in heard]

    def looks(self, number):
        return [each for _ in range(number) for each in self.look()]

    def until(self, number, at_most=100):
        """Look until so many were heard; the system may take its time to tell of a change."""
        heard = []
        while len(heard) < number and at_most:
            heard, at_most = heard + self.look(), at_most - 1
        return heard


def test_what_is_there_is_heard_once_in_order_of_time(tmp_path):
    write(tmp_path / "b_20181219_004926.wav", 0.25)
    inner = tmp_path / "card"
    inner.mkdir()
    write(inner / "20181219_004927.wav", 0.5)
    write(tmp_path / "z_20181219_004925.wav", 0.125)
    listener = Listener(tmp_path)
    assert listener.look() == []  # who knows whether they still grow
    assert listener.look() == [(0.125, 4800), (0.25, 4800), (0.5, 4800)]
    assert listener.looks(3) == []
    assert listener.said == []


def test_a_file_that_comes_is_heard_once_when_it_is_finished(tmp_path):
    listener = Listener(tmp_path)
    assert listener.looks(2) == []
    write(tmp_path / "20181219_004926.wav", 0.5)
    assert listener.until(1) == [(0.5, 4800)]
    write(tmp_path / "20181219_004927.wav", 0.25)
    assert listener.until(1) == [(0.25, 4800)]
    assert listener.looks(3) == []


def test_a_restart_hears_nothing_again_and_what_came_meanwhile(tmp_path):
    write(tmp_path / "20181219_004926.wav", 0.5)
    first = Listener(tmp_path)
    assert first.until(1) == [(0.5, 4800)]
    first.blocks.close()
    write(tmp_path / "20181219_004927.wav", 0.25)
    second = Listener(tmp_path)
    assert second.until(1) == [(0.25, 4800)]
    second.blocks.close()
    assert Listener(tmp_path).looks(4) == []


def test_a_file_that_grows_is_not_heard_before_it_rests(tmp_path):
    path = tmp_path / "20181219_004926.wav"
    listener = Listener(tmp_path, step_s=3.0)
    assert listener.look() == []
    for seconds in (1.0, 2.0, 3.0, 4.0):
        write(path, 0.5, seconds)
        assert listener.look() == []  # by the clock 3 s since it was seen to change, at most
    assert listener.until(1) == [(0.5, 4 * RATE)]
    assert listener.said == []


def test_a_change_of_time_alone_keeps_a_file_from_being_finished(tmp_path):
    path = write(tmp_path / "20181219_004926.wav", 0.5)
    listener = Listener(tmp_path, step_s=3.0)
    for second in range(5):
        os.utime(path, (1e9 + second, 1e9 + second))
        assert listener.look() == []
    assert listener.until(1) == [(0.5, 4800)]


def test_a_file_renamed_into_place_is_heard(tmp_path):
    listener = Listener(tmp_path)
    part = write(tmp_path / "20181219_004926.wav.part", 0.5)
    assert listener.looks(4) == []
    part.rename(tmp_path / "20181219_004926.wav")
    assert listener.until(1) == [(0.5, 4800)]
    assert listener.looks(2) == []


def test_a_folder_moved_into_place_is_heard_with_what_is_in_it(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    write(outside / "20181219_004926.wav", 0.5)
    inside = tmp_path / "inside"
    inside.mkdir()
    listener = Listener(inside)
    assert listener.looks(2) == []
    outside.rename(inside / "day")
    assert listener.until(1) == [(0.5, 4800)]


def test_hidden_and_unfinished_and_other_files_are_left_out(tmp_path):
    hidden = tmp_path / ".Trash"
    hidden.mkdir()
    for path in (
        tmp_path / ".20181219_004926.wav",
        tmp_path / "20181219_004926.wav.part",
        tmp_path / "20181219_004926.wav.tmp",
        tmp_path / "notes.txt",
        hidden / "20181219_004926.wav",
    ):
        write(path)
    (tmp_path / "folder.wav").mkdir()
    os.mkfifo(tmp_path / "pipe.wav")
    listener = Listener(tmp_path)
    assert listener.looks(4) == []
    assert listener.said == []


def test_after_a_crash_before_the_note_the_file_is_heard_again(tmp_path):
    write(tmp_path / "20181219_004926.wav", 0.5)
    first = Listener(tmp_path)
    assert first.look() == []
    blocks = [next(first.blocks) for _ in range(3)]
    assert [len(block.samples) for block in blocks] == [4000, 800, 0]
    assert blocks[2].begins_anew  # what is open in it is ended
    first.blocks.close()  # nobody asked for more: what was found in it may not have been sent
    again = Listener(tmp_path)
    assert again.until(1) == [(0.5, 4800)]
    again.blocks.close()
    assert Listener(tmp_path).looks(4) == []


def test_a_broken_file_is_said_and_passed_once(tmp_path):
    (tmp_path / "20181219_004925.wav").write_bytes(b"RIFF no sound")
    write(tmp_path / "20181219_004926.wav", 0.5)
    listener = Listener(tmp_path)
    assert listener.until(1) == [(0.5, 4800)]
    (sentence,) = listener.said
    assert "20181219_004925.wav cannot be read" in sentence
    assert sentence.endswith("; the files after it are heard")
    listener.blocks.close()
    again = Listener(tmp_path)
    assert again.looks(4) == []
    assert again.said == []


def test_a_file_that_changes_after_it_was_heard_is_heard_again_and_that_is_said(tmp_path):
    path = write(tmp_path / "20181219_004926.wav", 0.5)
    listener = Listener(tmp_path)
    assert listener.until(1) == [(0.5, 4800)]
    write(path, 0.25, 1.0)
    assert listener.until(1) == [(0.25, RATE)]
    (sentence,) = listener.said
    assert sentence.endswith("is heard again: raise the time to settle")


@pytest.mark.parametrize(
    "held",
    [b"", b"{", b"[]", b"7", b'{"a.wav": 1}', b'{"a.wav": [1]}', b'{"a.wav": ["x", 2]}', b"\xff\xfe", b"[" * 100_000,
     b'{"a.wav": [1e999, 2]}', b"null", b'{"a.wav": null}'],
    ids=range(12),
)  # fmt: skip
def test_a_corrupt_memory_gets_one_sentence(tmp_path, held):
    state = tmp_path / "heard.json"
    state.write_bytes(held)
    with pytest.raises(TocsinError, match=r"heard\.json does not say which files were heard.*delete it") as why:
        Listener(tmp_path, state=state).look()
    assert not isinstance(why.value, SourceLost)  # to wait would not mend it


def test_a_memory_elsewhere_leaves_the_folder_as_it_is(tmp_path):
    folder = tmp_path / "recorder"
    folder.mkdir()
    path = write(folder / "20181219_004926.wav", 0.5)
    listener = Listener(folder, state=tmp_path / "heard.json")
    assert listener.until(1) == [(0.5, 4800)]
    listener.look()
    about = path.stat()
    assert json.loads((tmp_path / "heard.json").read_text()) == {path.name: [about.st_size, about.st_mtime_ns]}
    assert list(folder.iterdir()) == [path]


def test_a_memory_that_cannot_be_written_gets_one_sentence(tmp_path):
    folder = tmp_path / "recorder"
    folder.mkdir()
    write(folder / "20181219_004926.wav", 0.5)
    with pytest.raises(TocsinError, match=r"heard\.json cannot be written \(No such file or directory\)"):
        Listener(folder, state=tmp_path / "gone" / "heard.json").looks(3)


def test_deleted_files_are_forgotten_but_not_all_at_once(tmp_path):
    write(tmp_path / "20181219_004926.wav", 0.5)
    gone = write(tmp_path / "20181219_004927.wav", 0.25)
    state = tmp_path / ".tocsin-heard.json"
    first = Listener(tmp_path)
    assert len(first.until(2)) == 2
    first.blocks.close()
    gone.unlink()
    second = Listener(tmp_path)
    write(tmp_path / "20181219_004928.wav", 0.125)
    assert second.until(1) == [(0.125, 4800)]
    second.look()
    second.blocks.close()
    assert sorted(json.loads(state.read_text())) == ["20181219_004926.wav", "20181219_004928.wav"]
    # A disk that is away shows an empty folder: when it is back, nothing is heard again.
    away = tmp_path.with_name(f"{tmp_path.name} away")
    away.mkdir()
    for path in tmp_path.glob("*.wav"):
        shutil.move(path, away)
    third = Listener(tmp_path, step_s=2 * watched_folder.LOOK_S)
    assert third.looks(3) == []
    for path in away.iterdir():
        shutil.move(path, tmp_path)
    assert third.looks(4) == []
    write(tmp_path / "20181219_004929.wav", 0.75)
    assert third.until(1) == [(0.75, 4800)]


def test_a_folder_that_is_away_is_lost_at_first_and_later(tmp_path):
    folder = tmp_path / "recorder"
    with pytest.raises(SourceLost, match="recorder is no folder, or its disk is away"):
        Listener(folder).look()
    folder.mkdir()
    listener = Listener(folder, step_s=2 * watched_folder.LOOK_S)
    assert listener.look() == []
    folder.rmdir()
    with pytest.raises(SourceLost, match="recorder is no folder, or its disk is away"):
        listener.looks(5)


def test_nameless_files_get_one_sentence_together(tmp_path):
    for name in "abc":
        write(tmp_path / f"{name}.wav")
    listener = Listener(tmp_path)
    assert len(listener.until(3)) == 3
    (sentence,) = listener.said
    assert "has no time in its name" in sentence


def test_without_watchfiles_its_installation_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    with pytest.raises(TocsinError, match=r'needs watchfiles: type pip install "tocsin\[sensor\]"'):
        Listener(tmp_path).look()
