"""Manifests: what is written is read back, in both formats, and each mistake is named with its row."""

import sys
from dataclasses import replace
from pathlib import Path

import pandas
import pytest

from tocsin import TocsinError
from tocsin.data.clips import read_clips
from tocsin.data.manifests import ManifestRow, read_manifest, write_manifest

HEADER = "path,label,start_s,end_s,recording_id\n"


@pytest.fixture
def rows(tmp_path) -> list[ManifestRow]:
    (tmp_path / "sub").mkdir()
    for name in ("a.wav", "sub/ü,b.wav"):
        (tmp_path / name).touch()
    return [
        ManifestRow(tmp_path / "a.wav", "gunshot", 0.1, 1.1, "r1", onset_s=1 / 3, licence='"CC", BY', session_id="s"),
        ManifestRow(tmp_path / "sub/ü,b.wav", "dog_bark", 0.0, 4.0, "r2", extra={"notes": "line\nbreak", "fold": "3"}),
    ]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_what_is_written_is_read_back(tmp_path, rows, ending):
    path = tmp_path / f"manifest.{ending}"
    write_manifest(rows, path)
    first, second = read_manifest(path)
    assert first == replace(rows[0], extra={"notes": "", "fold": ""})
    assert second == rows[1]
    assert [first.group, second.group] == ["s", "r2"]
    assert [first.class_name, second.class_name] == ["gunshot", "impulse"]


def test_a_manifest_as_a_dataframe_has_the_cells_of_its_file(tmp_path, rows):
    write_manifest(rows, tmp_path / "manifest.csv")
    frame, file = read_manifest(tmp_path / "manifest.csv").to_dataframe(), pandas.read_csv(tmp_path / "manifest.csv")
    assert list(frame.columns) == list(file.columns)
    assert frame["end_s"].tolist() == file["end_s"].tolist()
    assert [Path(path) for path in frame["path"]] == [tmp_path / path for path in file["path"]]
    assert frame["notes"].tolist() == ["", "line\nbreak"]


def test_files_are_named_relative_to_the_manifest_where_they_lie_below_it(tmp_path, rows):
    write_manifest(rows, tmp_path / "manifest.csv")
    assert "\na.wav,gunshot" in (tmp_path / "manifest.csv").read_text()
    write_manifest(rows, tmp_path / "elsewhere/manifest.csv")
    assert [row.path for row in read_manifest(tmp_path / "elsewhere/manifest.csv")] == [row.path for row in rows]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("path,label,start_s,end_s\na.wav,gunshot,0,1\n", r"row 2: the column 'recording_id' is missing"),
        (HEADER + "a.wav,gunshot,0,1,r\na.wav,gunshot,2,1,r\n", r"row 3: a stretch from 2 s to 1 s"),
        (HEADER + "a.wav,gunshot,-1,1,r\n", r"row 2: a stretch from -1 s"),
        (HEADER + "a.wav,gunshot,0,nan,r\n", r"row 2: end_s is 'nan', expected a number of seconds"),
        (HEADER + "a.wav,gunshot,0,soon,r\n", r"row 2: end_s is 'soon', expected a number of seconds"),
        (HEADER + "a.wav,gun,0,1,r\n", r"row 2: the label 'gun' is no class"),
        (HEADER + "c.wav,gunshot,0,1,r\n", r"row 2: there is no file .*c\.wav"),
        (HEADER + "a.wav,gunshot,0,1,\n", r"row 2: the column 'recording_id' is empty"),
        (HEADER + "a.wav,gunshot,0,1\n", r"row 2: the column 'recording_id' is empty"),
        (HEADER + "a.wav,gunshot,0,1,r,more\n", r"row 2: more cells than the header has columns"),
        (HEADER, r"has no rows"),
        ("", r"has no rows"),
    ],
)
def test_mistake_in_a_table_is_named_with_its_row(tmp_path, text, sentence):
    (tmp_path / "a.wav").touch()
    path = tmp_path / "manifest.csv"
    path.write_text(text)
    with pytest.raises(TocsinError, match=r"manifest\.csv.*" + sentence):
        read_manifest(path)


def test_files_need_not_be_there_when_they_are_not_checked(tmp_path):
    (tmp_path / "manifest.csv").write_text(HEADER + "gone.wav,gunshot,0,1,r\n")
    assert read_manifest(tmp_path / "manifest.csv", check_files=False)[0].path == tmp_path / "gone.wav"


def test_unreadable_and_misnamed_tables_are_refused(tmp_path, rows):
    with pytest.raises(TocsinError, match="does not exist"):
        read_manifest(tmp_path / "none.csv")
    with pytest.raises(TocsinError, match=r"ends in \.csv or \.parquet, not in '\.txt'"):
        write_manifest(rows, tmp_path / "manifest.txt")
    with pytest.raises(TocsinError, match="no rows to write"):
        write_manifest([], tmp_path / "manifest.csv")
    (tmp_path / "latin.csv").write_bytes((HEADER + "ü.wav,gunshot,0,1,r\n").encode("latin-1"))
    with pytest.raises(TocsinError, match="cannot be read as CSV in UTF-8"):
        read_manifest(tmp_path / "latin.csv")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(TocsinError, match="cannot be read as Parquet"):
        read_manifest(tmp_path / "bad.parquet")


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, rows, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(TocsinError, match=r'pip install "tocsin\[train\]"'):
        write_manifest(rows, tmp_path / "manifest.parquet")


def clips_folder(folder: Path, line: str) -> Path:
    header = "path,label,source_dataset,recording_id,sample_rate,duration_s,licence,notes,sha256,session_id,use\n"
    (folder / "manifest.csv").write_text(header + line)
    (folder / "a.flac").touch()
    return folder


def test_clip_is_one_file_used_whole(tmp_path):
    (row,) = read_clips(clips_folder(tmp_path, "a.flac,thunder,esc50,fs_1,16000,2.5,CC0,,ab12,fs_1,evaluate\n"))
    assert (row.path, row.class_name, row.start_s, row.end_s) == (tmp_path / "a.flac", "impulse", 0, 2.5)
    assert (row.source, row.session_id, row.sha256, row.use, row.quality) == ("esc50", "fs_1", "ab12", "evaluate", "ok")
    assert row.extra["sample_rate"] == "16000"


def test_mistake_in_a_clips_table_is_named_with_its_row(tmp_path):
    with pytest.raises(TocsinError, match="row 2: there is no file"):
        read_clips(clips_folder(tmp_path, "b.flac,thunder,esc50,fs_1,16000,2.5,CC0,,ab12,fs_1,train\n"))
    with pytest.raises(TocsinError, match="row 2: the label 'x' is no class"):
        read_clips(clips_folder(tmp_path, "a.flac,x,esc50,fs_1,16000,2.5,CC0,,ab12,fs_1,train\n"))
    (tmp_path / "manifest.csv").write_text("path,label\n")
    with pytest.raises(TocsinError, match="the column 'source_dataset' is missing"):
        read_clips(tmp_path)
    with pytest.raises(TocsinError, match=r"manifest\.csv does not exist"):
        read_clips(tmp_path / "none")


def test_a_clips_table_saved_by_a_spreadsheet_is_the_same_table(tmp_path):
    folder = clips_folder(tmp_path, "a.flac,thunder,esc50,fs_1,16000,2.5,CC0,,ab12,fs_1,train\n")
    plain = read_clips(folder)
    (tmp_path / "manifest.csv").write_text((tmp_path / "manifest.csv").read_text(), encoding="utf-8-sig")
    assert read_clips(folder) == plain
