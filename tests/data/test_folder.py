"""A folder-per-class tree, read into rows."""

import numpy as np
import pytest
import soundfile

from tocsin import TocsinError
from tocsin.data.folder import read_folder


@pytest.fixture
def tree(tmp_path):
    for name in ("gunshot/a.wav", "gunshot/range_may/b.flac", "background/range_may/c.wav", "dog_bark/rex/d/e.ogg"):
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.zeros(12000), 8000)
    (tmp_path / "mine/notes.txt").touch()
    (tmp_path / "mine/.cache").mkdir()
    return tmp_path / "mine"


def test_folders_are_labels_and_subfolders_sessions(tree):
    rows = {row.path.name: row for row in read_folder(tree, licence="CC0")}
    assert {name: (row.label, row.class_name, row.session_id) for name, row in rows.items()} == {
        "a.wav": ("gunshot", "gunshot", "mine/gunshot/a.wav"),
        "b.flac": ("gunshot", "gunshot", "mine/range_may"),
        "c.wav": ("background", "background", "mine/range_may"),
        "e.ogg": ("dog_bark", "impulse", "mine/rex"),
    }
    assert len({row.recording_id for row in rows.values()}) == 4
    assert {(row.start_s, row.end_s, row.source, row.licence) for row in rows.values()} == {(0, 1.5, "mine", "CC0")}
    assert {row.source for row in read_folder(tree, source="range")} == {"range"}


def test_folder_that_is_no_label_is_refused_with_the_nearest(tree):
    (tree / "gunshots").mkdir()
    with pytest.raises(TocsinError, match=r"mine/gunshots: the label 'gunshots' .* did you mean 'gunshot'"):
        read_folder(tree)


def test_label_without_audio_and_tree_without_labels_are_refused(tree, tmp_path):
    (tree / "fireworks").mkdir()
    with pytest.raises(TocsinError, match=r"no audio in .*fireworks"):
        read_folder(tree)
    (tmp_path / "empty").mkdir()
    with pytest.raises(TocsinError, match="holds no folders: expected one for each class, named gunshot, fireworks"):
        read_folder(tmp_path / "empty")
    with pytest.raises(TocsinError, match="is no folder"):
        read_folder(tmp_path / "none")


@pytest.mark.parametrize(("content", "sentence"), [(b"no audio", "cannot be read"), (None, "holds no samples")])
def test_file_that_is_no_audio_is_named(tree, content, sentence):
    path = tree / "gunshot/z.wav"
    if content is None:
        soundfile.write(path, np.zeros(0), 8000)
    else:
        path.write_bytes(content)
    with pytest.raises(TocsinError, match=rf"z\.wav {sentence}"):
        read_folder(tree)


def test_sound_of_a_folder_that_cannot_be_read_is_named(tree):
    (tree / "gunshot/phone.m4a").write_bytes(b"any")
    said = []
    assert len(read_folder(tree, complain=said.append)) == 4
    assert len(said) == 1
    assert "phone.m4a left out" in said[0]
