"""A Ray of two processors on this machine: the dataset of processes, and nothing of it left."""

import subprocess
import sys

import pytest

from tocsin import TocsinError
from tocsin.inference.archive.hearing import Hearing
from tocsin.inference.archive.ray_tasks import RayTasks

MODEL = "tocsin-s"


def detect(*words):
    # A process of its own, for Ray changes the signals, warnings and threads of the process that begins it.
    command = [sys.executable, "-m", "tocsin", "detect", *map(str, words), "--model", MODEL]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, ""), result.stderr
    return result.stderr


def content(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*.parquet")}


def test_ray_gives_the_dataset_of_processes_byte_by_byte_and_goes_on_by_the_same_journal(archive, heard, tmp_path):
    # What one process heard of it, Ray does not hear again.
    detect(archive.folder / "moth", "--out", tmp_path / "ray", "--workers", 1)
    said = detect(archive.folder, "--out", tmp_path / "ray", "--ray", "local", "--workers", 2)
    assert "in 2 recordings" in said.splitlines()[-1]
    assert said.endswith("ray holds 5\n")
    assert len(content(heard)) == 8
    assert content(tmp_path / "ray") == content(heard)


def test_where_there_is_no_ray_that_is_said(archive, tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    tasks = RayTasks("auto", 2, Hearing("x.onnx", 0.5, frozenset()))
    with pytest.raises(TocsinError, match="there is no Ray at auto: begin one with `ray start --head`"):
        tasks.__enter__()
