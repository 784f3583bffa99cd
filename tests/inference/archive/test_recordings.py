"""Which sensor made a recording and when: tables, options, folders, names; each sound once."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tocsin import TocsinError
from tocsin.inference.archive.recordings import Recording, find_recordings

START = datetime(2026, 1, 1, tzinfo=UTC)


def told(recordings):
    return [(Path(item.path).name, item.sensor_id, item.start_time_utc, item.channel) for item in recordings]


@pytest.fixture
def array(tmp_path):
    """A table that names one file for two sensors, one elsewhere, and not the third."""
    folder = tmp_path / "site/array"
    folder.mkdir(parents=True)
    for path in (folder / "two.wav", folder / "other.wav", tmp_path / "far.wav"):
        path.write_bytes(b"1234")
    (folder / "recordings.csv").write_text(
        "path,sensor_id,start_time_utc,x_m,y_m,channel\n"
        "two.wav,west,2026-01-01T00:00:00Z,0,0,1\n"
        "two.wav,east,2026-01-01T00:00:00Z,9,0,2\n"
        f"{tmp_path}/far.wav,north,2026-01-01T00:00:00Z,0,9,\n"
    )
    return folder


def test_a_table_says_sensor_time_and_channel_and_the_other_files_go_by_name(array):
    assert told(find_recordings([array])) == [
        ("other.wav", "array", None, None),
        ("two.wav", "east", START, 2),
        ("far.wav", "north", START, None),
        ("two.wav", "west", START, 1),
    ]


def test_a_table_inside_a_named_folder_says_it_too(array):
    assert told(find_recordings([array.parent])) == [
        ("other.wav", "array", None, None),
        ("two.wav", "east", START, 2),
        ("two.wav", "west", START, 1),
    ]


def test_each_sound_comes_once_however_it_is_named(array, monkeypatch):
    monkeypatch.chdir(array)
    (array.parents[1] / "link").symlink_to(array)
    many = find_recordings([Path(), array, array.parents[1] / "link", array / "two.wav", Path("other.wav")])
    assert [item.key for item in many] == [item.key for item in find_recordings([array])]


def test_recorders_names_say_when_and_options_more(tmp_path):
    for name in ("20240131_235959.WAV", "SITE_20240131_120000.wav", "x.wav"):
        (tmp_path / name).write_bytes(b"")
    at = datetime(2024, 1, 31, 12, tzinfo=UTC)
    found = find_recordings([tmp_path], "roof")
    assert told(found) == [
        ("x.wav", "roof", None, None),
        ("SITE_20240131_120000.wav", "roof", at, None),
        ("20240131_235959.WAV", "roof", datetime(2024, 1, 31, 23, 59, 59, tzinfo=UTC), None),
    ]
    assert [item.date for item in found] == [None, "2024-01-31", "2024-01-31"]
    assert told(find_recordings([tmp_path / "x.wav"], None, at)) == [("x.wav", tmp_path.name, at, None)]
    with pytest.raises(TocsinError, match="--start-time-utc is of one file, got 3: leave it out"):
        find_recordings([tmp_path], None, at)


def test_a_recording_comes_back_from_json(array):
    for recording in find_recordings([array]):
        assert Recording.of_json(recording.to_json()) == recording


def test_where_nothing_is_that_is_said(tmp_path):
    with pytest.raises(TocsinError, match="no audio in"):
        find_recordings([tmp_path])
    assert [(item.size, item.modified_ns) for item in find_recordings([tmp_path / "absent.wav"])] == [(0, 0)]
