"""Killed at any step, and typed again: every recording is in the dataset once, and what was kept is not heard again."""

import json
import os
from collections import Counter
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas
import pytest

from tocsin import TocsinError
from tocsin.inference.archive import batch, dataset, journal, run
from tocsin.inference.archive.batch import Batch
from tocsin.inference.archive.dataset import Dataset
from tocsin.inference.archive.hearing import Heard
from tocsin.inference.archive.journal import Journal, Settings
from tocsin.inference.archive.processes import heard_by
from tocsin.inference.archive.recordings import Recording

CLASSES = ("gunshot", "background")
SETTINGS = Settings("tiny-0", "abc", 0.5, CLASSES)
START = datetime(2024, 1, 31, 23, tzinfo=UTC)


class KilledError(BaseException):
    """Nothing that the code under test could catch."""


class Here:
    """Workers that hear in this process, at once; a recording gives a row for each of its bytes."""

    in_flight = 4

    def __init__(self):
        self.heard = []

    def submit(self, recording):
        self.heard.append(recording.path)
        row = dict.fromkeys(("onset_sigma_s", "confidence", "level_dbfs", "snr_db", *CLASSES), 0.1)
        rows = [{**row, "path": recording.path, "label": "gunshot", "onset_s": float(n)} for n in range(recording.size)]
        future = Future()
        future.set_result(Heard(recording, 60.0, rows))
        return future


def recordings(count=9):
    """Of two sensors, over midnight, some silent."""
    return [
        Recording(f"{n}.wav", f"/a/{n}.wav", f"S{n % 2}", START + timedelta(minutes=20 * n), None, n % 3, n)
        for n in range(count)
    ]


def hear(folder, wanted, settings=SETTINGS):
    """A run as ``detect_archive`` makes one; what it heard."""
    workers, tables = Here(), Dataset(folder, CLASSES, settings.model_id, settings.threshold)
    with Journal(folder, settings) as kept:
        tables.remove_all_but(kept.parts)
        changed, left = run._left(wanted, kept)
        assert not changed
        together = Batch(tables, kept)
        for heard in heard_by(workers, left):
            together.add(heard)
        together.write()
    return workers.heard


def tables_of(folder):
    frames = [pandas.read_parquet(folder / table) for table in ("recordings", "detections")]
    return [frame.sort_values([*frame.columns]).reset_index(drop=True).astype(str) for frame in frames]


def killed_at(patch, step):
    """End at the given step, counted from 0: each that matters has the disk take what was written."""
    done, real = [], os.fsync

    def fsync(file):
        done.append(file)
        if len(done) > step:
            raise KilledError
        real(file)

    patch.setattr(os, "fsync", fsync)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "MOST_RECORDINGS", 4)
        assert hear(folder, recordings()) == [f"{n}.wav" for n in range(9)]
    return tables_of(folder)


@pytest.mark.parametrize("torn", [False, True])
def test_killed_at_any_step_it_gives_the_dataset_of_an_unbroken_run(tmp_path, monkeypatch, unbroken, torn):
    assert len(unbroken[0]) == 9
    monkeypatch.setattr(batch, "MOST_RECORDINGS", 4)
    step, finished = 0, False
    while not finished:
        folder = tmp_path / str(step)
        with pytest.MonkeyPatch.context() as patch:
            killed_at(patch, step)
            try:
                hear(folder, recordings())
                finished = True
            except KilledError:
                pass
        if torn:
            for name in (journal.JOURNAL, journal.PENDING):
                if (folder / name).exists() and (folder / name).stat().st_size:
                    os.truncate(folder / name, (folder / name).stat().st_size - 1)
        kept = in_whole_parts(folder / journal.JOURNAL) | waiting(folder / journal.PENDING)
        again = hear(folder, recordings())
        assert not set(again) & kept
        assert len(again) == len(set(again)) == 9 - len(kept)
        for mine, theirs in zip(tables_of(folder), unbroken, strict=True):
            pandas.testing.assert_frame_equal(mine, theirs)
        assert not [path for path in folder.rglob("*") if path.name.startswith(".")]
        step += 1
    assert step > 20  # so many steps there were


def json_lines(path):
    """The whole lines of a file."""
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]] if path.exists() else []


def in_whole_parts(path):
    """Paths of the recordings of parts of which no line is missing."""
    lines = [line for line in json_lines(path) if "part" in line]
    count = Counter(line["part"] for line in lines)
    return {line["key"].removeprefix("/a/") for line in lines if count[line["part"]] == line["of"]}


def waiting(path):
    return {line["recording"]["path"] for line in json_lines(path)}


def test_a_part_holds_many_recordings_and_what_waits_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "MOST_ROWS", 5)
    most = []
    real = Batch.write
    monkeypatch.setattr(Batch, "write", lambda self: (most.append(self._rows), real(self)))
    hear(tmp_path, recordings(30))
    assert max(most) <= 6  # of 0, 1 and 2 rows in turn
    rows = pandas.read_parquet(tmp_path / "detections")
    assert len(rows) == sum(item.size for item in recordings(30))
    assert (tmp_path / journal.PENDING).read_text() == ""


def test_few_recordings_are_in_flight_and_the_queue_is_taken_from_as_there_is_room():
    class Slow(Here):
        in_flight = 12

        def __init__(self):
            super().__init__()
            self.open, self.most = 0, 0

        def submit(self, recording):
            self.open += 1
            self.most = max(self.most, self.open)
            return super().submit(recording)

    workers, asked = Slow(), []

    def queue():
        for recording in recordings(100):
            asked.append(recording)
            yield recording

    taken = 0
    for _ in heard_by(workers, queue()):
        taken += 1
        workers.open -= 1
        assert len(asked) - taken <= 12
    assert (taken, workers.most) == (100, 12)


def test_once_stopped_nothing_more_is_given():
    workers, heard = Here(), []
    for one in heard_by(workers, recordings(50), lambda: len(heard) >= 2):
        heard.append(one)
    assert len(workers.heard) <= 8


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (replace(SETTINGS, model_id="other-1", model_sha256="d"), "was heard with tiny-0, not with this other-1: give"),
        (
            replace(SETTINGS, model_sha256="d"),
            "was heard with tiny-0, not with this tiny-0 of other content: give that",
        ),
        (replace(SETTINGS, threshold=0.7), "was heard at a threshold of 0.5, not 0.7: add --threshold 0.5, or"),
        (replace(SETTINGS, labels=("gunshot",)), "type --label gunshot --label background, or give another --out"),
    ],
)
def test_a_folder_of_other_settings_is_refused_with_what_to_type(tmp_path, settings, sentence):
    hear(tmp_path, recordings(2))
    before = (tmp_path / journal.JOURNAL).read_bytes()
    with pytest.raises(TocsinError) as error:
        hear(tmp_path, recordings(3), settings)
    assert sentence in str(error.value)
    assert (tmp_path / journal.JOURNAL).read_bytes() == before
    assert hear(tmp_path, recordings(3)) == ["2.wav"]


def test_a_folder_of_other_things_and_a_broken_journal_are_refused(tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(TocsinError, match="holds other things: give --out a folder"):
        Journal(tmp_path, SETTINGS)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("line", ["nothing", "[]", "{}", '{"part": "p"}', "null"])
@pytest.mark.parametrize("name", [journal.JOURNAL, journal.PENDING])
@pytest.mark.parametrize("first", [True, False])
def test_a_journal_that_was_edited_is_refused(tmp_path, line, name, first):
    Journal(tmp_path, SETTINGS).__exit__(None, None, None)
    before = "" if first else (tmp_path / name).read_text()
    (tmp_path / name).write_text(f"{before}{line}\n")
    if name == journal.JOURNAL and not first and line == "{}":
        Journal(tmp_path, SETTINGS).__exit__(None, None, None)  # a line of another kind says nothing
        return
    with pytest.raises(TocsinError, match="is not as it was written, so what was heard is not known: give another"):
        Journal(tmp_path, SETTINGS)


def test_a_folder_is_written_by_one_run_at_a_time(tmp_path):
    with Journal(tmp_path, SETTINGS), pytest.raises(TocsinError, match="another process writes there"):
        Journal(tmp_path, SETTINGS)
    Journal(tmp_path, SETTINGS).__exit__(None, None, None)


def test_a_changed_recording_is_told_from_one_that_was_heard(tmp_path):
    hear(tmp_path, recordings(3))
    longer = [replace(item, size=5) if item.path == "1.wav" else item for item in recordings(4)]
    with Journal(tmp_path, SETTINGS) as kept:
        changed, left = run._left(longer, kept)
    assert [[item.path for item in items] for items in (changed, left)] == [["1.wav"], ["3.wav"]]


def test_the_same_recordings_give_a_part_of_the_same_name(tmp_path):
    tables = Dataset(tmp_path, CLASSES, "tiny-0", 0.5)
    heard = [Here().submit(item).result() for item in recordings(6) if item.sensor_id == "S0"][:2]
    assert tables.write(heard) == tables.write(heard[::-1])
    assert tables.write(heard[:1]) != tables.write(heard)
    assert dataset.UNKNOWN_DATE in tables.write(
        [replace(heard[0], recording=replace(heard[0].recording, start_time_utc=None))]
    )
