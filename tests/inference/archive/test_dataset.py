"""An archive in Parquet, as DuckDB and pandas read it: the rows of ``tocsin detect``, with sensors and times."""

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from types import SimpleNamespace

import duckdb
import pandas
import pytest

from tocsin import __version__
from tocsin.cli import main
from tocsin.inference.archive.dataset import partitioning
from tocsin.inference.model import Model

MODEL = "tocsin-s"


def tocsin(*words):
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["tocsin", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
    return SimpleNamespace(returncode=end.value.code or 0, stdout=out.getvalue(), stderr=err.getvalue())


def plain(frame, rows):
    """The columns of ``tocsin detect`` of a frame, in its order, as it gives rows."""
    columns = list(rows[0])
    return frame.sort_values(["path", "onset_s"])[columns].to_dict("records")


def test_duckdb_and_pandas_both_read_the_rows_of_tocsin_detect(archive, heard):
    query = f"select * from read_parquet('{heard}/detections/**/*.parquet', hive_partitioning=true)"
    assert plain(duckdb.sql(query).df(), archive.rows) == archive.rows
    assert plain(pandas.read_parquet(heard / "detections"), archive.rows) == archive.rows


def test_it_says_on_stderr_what_was_heard_and_nothing_on_stdout(archive, heard):
    again = tocsin("detect", archive.folder, "--out", heard, "--model", MODEL)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", f"all 5 recordings are in {heard}\n")


def test_one_worker_gives_the_dataset_of_two_byte_by_byte(archive, heard, tmp_path):
    assert tocsin("detect", archive.folder, "--out", tmp_path, "--model", MODEL, "--workers", 1).returncode == 0

    def content(root):
        return {path.relative_to(root): path.read_bytes() for path in root.rglob("*.parquet")}

    assert content(tmp_path) == content(heard)
    assert len(content(heard)) == 8  # of two sensors a day each, of one two days; in two tables


def test_sensors_and_times_are_those_of_folders_and_names(heard):
    sensors = pandas.read_parquet(heard / "recordings", partitioning=partitioning()).sort_values("path")
    assert list(zip(sensors["sensor_id"], sensors["date"], strict=True)) == [
        ("007", "2024-01-31"),
        ("a b", "unknown"),
        ("moth", "2024-01-31"),
        ("moth", "2024-02-01"),
        ("moth", "2024-02-01"),
    ]
    assert sensors["start_time_utc"].iloc[0] == pandas.Timestamp("2024-01-31T12:00:00Z")
    assert sensors["start_time_utc"].isna().tolist() == [False, True, False, False, False]
    bangs = pandas.read_parquet(heard / "detections")
    timed = bangs[bangs["sensor_id"] != "a b"]
    since_s = (timed["onset_time_utc"] - timed["start_time_utc"]).dt.total_seconds()
    assert (since_s - timed["onset_s"]).abs().max() < 1e-6
    assert bangs[bangs["sensor_id"] == "a b"]["onset_time_utc"].isna().all()


def test_a_silent_recording_counts_among_the_hours(archive, heard):
    recordings = pandas.read_parquet(heard / "recordings").set_index("path")
    silent = str(archive.folder / "moth/20240201_000959.WAV")
    assert silent not in {row["path"] for row in archive.rows}
    assert recordings.loc[silent, "duration_s"] == 2.0
    assert recordings["duration_s"].sum() == 4 * 2.0 + 2.5
    assert recordings.loc[silent, "size_bytes"] == (archive.folder / "moth/20240201_000959.WAV").stat().st_size
    model = Model(MODEL)
    assert set(recordings["model_id"]) == {model.card.model_id}
    assert set(recordings["threshold"]) == {model.card.threshold}
    assert set(recordings["tocsin_version"]) == {__version__}


def test_types_that_readers_are_told(heard):
    query = (
        f"select distinct sensor_id, date from read_parquet('{heard}/recordings/**/*.parquet', hive_partitioning=true, "
        "hive_types={'sensor_id': VARCHAR, 'date': VARCHAR}) order by all"
    )
    assert duckdb.sql(query).fetchall()[:2] == [("007", "2024-01-31"), ("a b", "unknown")]


def test_a_folder_without_a_bang_reads_too(tmp_path, write_sound):
    write_sound(tmp_path / "quiet/a.wav", seed=3)
    assert tocsin("detect", tmp_path / "quiet", "--out", tmp_path / "out", "--model", MODEL).returncode == 0
    assert pandas.read_parquet(tmp_path / "out/detections").empty
    assert len(pandas.read_parquet(tmp_path / "out/recordings")) == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--workers", "2"), "--workers is for --out FOLDER: add that"),
        (("--ray", "local"), "--ray is for --out FOLDER: add that"),
        (("--out", "o", "--format", "raven"), "--out writes Parquet: leave out --format"),
        (("--out", "o", "--x-m", "1"), "--x-m is for --format detections: leave it out"),
        (("--out", "o", "--start-time-utc", "noon"), "'noon' is no time with its zone"),
    ],
)
def test_what_does_not_go_together_is_said(words, sentence, archive, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = tocsin("detect", archive.folder, "--model", MODEL, *words)
    assert result.returncode == 2
    assert sentence in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("absent", "words", "sentence"),
    [
        ("pyarrow", (), 'tocsin: --out needs pyarrow: type pip install "tocsin[analysis]"\n'),
        ("ray", ("--ray", "auto"), 'tocsin: --ray needs Ray: type pip install "tocsin[cluster]"\n'),
    ],
)
def test_what_is_not_installed_is_said(absent, words, sentence, archive, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, absent, None)
    result = tocsin("detect", archive.folder, "--out", tmp_path / "o", "--model", MODEL, *words)
    assert (result.returncode, result.stderr) == (1, sentence)
