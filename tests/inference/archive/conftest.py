"""A small archive: sensors with times in names, with a table, and without; a silent recording among them."""

import csv
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

RATE = 16000
MODEL = "tocsin-s"
IDS = ("path", "label")


@pytest.fixture(scope="session")
def write_sound():
    """A function that writes noise with bangs at some seconds."""

    def write(path, onsets_s=(), length_s=2.0, seed=1, channels=1):
        rng = np.random.default_rng(seed)
        samples = 0.001 * rng.standard_normal((round(length_s * RATE), channels))
        for onset_s in onsets_s:
            burst = (
                rng.standard_normal((RATE // 10, channels)) * np.exp(-np.arange(RATE // 10) / (0.01 * RATE))[:, None]
            )
            samples[round(onset_s * RATE) :][: RATE // 10] += 0.2 * burst
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.clip(samples, -1, 1), RATE)

    return write


@pytest.fixture(scope="session")
def archive(tmp_path_factory, write_sound):
    """The folder of all, and the rows that ``tocsin detect`` prints of it, on one thread."""
    folder = tmp_path_factory.mktemp("archive")
    write_sound(folder / "moth/20240131_235959.WAV", (0.5, 1.2), seed=1)
    write_sound(folder / "moth/20240201_000459.WAV", (0.7,), seed=2)
    write_sound(folder / "moth/20240201_000959.WAV", (), seed=3)
    write_sound(folder / "007/SITE_20240131_120000.wav", (1.0,), seed=4)
    write_sound(folder / "a b/x.flac", (0.4, 1.1), length_s=2.5, seed=5)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tocsin", "detect", str(folder), "--model", MODEL]
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    rows = [
        {name: value if name in IDS else float(value) for name, value in row.items()}
        for row in csv.DictReader(printed.splitlines())
    ]
    assert {row["path"].split("/")[-2] for row in rows} == {"moth", "007", "a b"}
    return SimpleNamespace(folder=folder, rows=sorted(rows, key=lambda row: (row["path"], row["onset_s"])))


@pytest.fixture(scope="session")
def heard(archive, tmp_path_factory):
    """The dataset of the archive by two workers; nobody writes there."""
    out = tmp_path_factory.mktemp("heard") / "two"
    command = [sys.executable, "-m", "tocsin", "detect", archive.folder, "--out", out, "--model", MODEL]
    result = subprocess.run([*map(str, command), "--workers", "2"], capture_output=True, text=True, check=True)
    assert result.stdout == ""
    assert result.stderr.startswith("heard 10 s of sound in 5 recordings, ")
    assert result.stderr.endswith(f"; {out} holds 5\n")
    return out
