"""``tocsin detect --out`` as a process that is killed, interrupted, or meets a bad file: what is left, and going on."""

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas
import pytest

from tocsin import TocsinError
from tocsin.inference.archive.hearing import Hearing
from tocsin.inference.archive.processes import Processes, heard_by
from tocsin.inference.archive.recordings import find_recordings
from tocsin.inference.model import Model

MODEL = "tocsin-s"


def start(*words):
    command = [sys.executable, "-m", "tocsin", "detect", *map(str, words), "--model", MODEL]
    # A group of its own, as a terminal gives it, so that Ctrl-C can reach all of it and nothing else.
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)


def wait_for_lines(path, count, process):
    while not path.exists() or path.read_bytes().count(b"\n") < count:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)


def alive(process_ids):
    """Those that still run; one that has ended and that nobody took is no longer one."""

    def runs(process_id):
        try:
            return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    return [process_id for process_id in process_ids if runs(process_id)]


def children(process_id):
    found = Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
    return [int(child) for child in found]


def rows(out):
    frame = pandas.read_parquet(out / "detections")
    return frame.sort_values(["path", "onset_s"], ignore_index=True)


@pytest.fixture(scope="module")
def many(tmp_path_factory, write_sound):
    """A recording under many names: enough that a run lasts until it is ended."""
    folder = tmp_path_factory.mktemp("many") / "S1"
    write_sound(folder / "0000.wav", (0.5, 3.3, 7.1), length_s=10.0)
    for number in range(1, 100):
        os.link(folder / "0000.wav", folder / f"{number:04}.wav")
    return folder


def test_killed_in_the_middle_it_leaves_no_process_and_goes_on(many, tmp_path):
    out = tmp_path / "out"
    process = start(many, "--out", out, "--workers", 2)
    wait_for_lines(out / "pending.jsonl", 5, process)
    workers = children(process.pid)
    assert len(workers) >= 2
    process.kill()
    process.communicate()
    while alive(workers):  # they see it at once; a hang here is the failure
        time.sleep(0.01)
    kept = len((out / "pending.jsonl").read_bytes().split(b"\n")) - 1
    again = start(many, "--out", out)
    assert "holds 100\n" in again.communicate()[1]
    assert again.returncode == 0
    found = rows(out)
    assert len(found) == 100 * (found["path"] == str(many / "0000.wav")).sum()
    recordings = pandas.read_parquet(out / "recordings")
    assert sorted(recordings["path"]) == sorted(str(path) for path in many.iterdir())
    assert 5 <= kept < 100


def test_ctrl_c_ends_quietly_and_says_how_to_go_on(many, tmp_path):
    out = tmp_path / "out"
    process = start(many, "--out", out, "--workers", 1)
    wait_for_lines(out / "pending.jsonl", 3, process)
    os.killpg(process.pid, signal.SIGINT)
    printed, said = process.communicate()
    assert (process.returncode, printed) == (1, "")
    first, last = said.splitlines()
    assert first.startswith("heard ")
    held = len(pandas.read_parquet(out / "recordings"))
    assert 3 <= held < 100
    assert first.endswith(f"out holds {held}")
    assert last == f"tocsin: stopped with {100 - held} to go: type the same to go on"


def test_a_bad_file_is_said_and_tried_again(archive, tmp_path):
    folder, out = tmp_path / "S1", tmp_path / "out"
    shutil.copytree(archive.folder / "moth", folder)
    (folder / "bad.wav").write_bytes(b"RIFF nothing")
    for _ in range(2):
        result = start(folder, "--out", out, "--workers", 1)
        said = result.communicate()[1]
        assert result.returncode == 1
        assert said.startswith(f"tocsin: {folder}/bad.wav cannot be read")
        assert len(pandas.read_parquet(out / "recordings")) == 3
    failures = [json.loads(line) for line in (out / "journal.jsonl").read_text().splitlines() if "failed" in line]
    assert [line["key"] for line in failures] == [str(folder / "bad.wav")] * 2
    assert f"tocsin: {failures[0]['failed']}\n" in said
    shutil.copy(archive.folder / "a b/x.flac", folder / "bad.wav")
    result = start(folder, "--out", out, "--workers", 1)
    assert "heard 2 s of sound in 1 recordings" in result.communicate()[1]
    assert result.returncode == 0
    assert len(pandas.read_parquet(out / "recordings")) == 4


def test_a_worker_that_is_ended_from_outside_is_said_and_nothing_hangs(archive):
    class Ended(Processes):
        def submit(self, recording):
            future = super().submit(recording)
            for process in set(multiprocessing.active_children()) - self._others:
                process.kill()
            return future

    recordings, before = find_recordings([archive.folder / "moth"]), dict(os.environ)
    hearing = Hearing(str(Model(MODEL).path), 0.5, frozenset({"gunshot"}))
    with pytest.raises(TocsinError, match="a worker was ended, as where memory runs out"), Ended(1, hearing) as pool:
        list(heard_by(pool, recordings))
    assert dict(os.environ) == before
