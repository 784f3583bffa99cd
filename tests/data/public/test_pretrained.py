"""Pretrained weights from a local server: only the file that was published, its licence beside it."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from tocsin import TocsinError
from tocsin.data import commands
from tocsin.data.public import pretrained
from tocsin.data.public.pretrained import fetch_pretrained, pretrained_path

CONTENT = np.random.default_rng(6).bytes(70_000)
NAME = "pretrained/mn04"
(PUBLISHED,) = pretrained.PRETRAINED
FILE = PUBLISHED.file.name


@pytest.fixture
def known(server, monkeypatch):
    """The real entry, but of a small file that this machine serves."""
    server.files[f"/{FILE}"] = CONTENT
    url = f"http://127.0.0.1:{server.server_address[1]}/{FILE}"
    digest = hashlib.sha256(CONTENT).hexdigest()
    small = replace(PUBLISHED, file=replace(PUBLISHED.file, url=url, size_bytes=len(CONTENT), sha256=digest))
    monkeypatch.setattr(pretrained, "PRETRAINED", (small,))
    monkeypatch.setattr(commands, "PRETRAINED", (small,))
    return small


def test_weights_are_fetched_once_with_their_licence_beside_them(server, known, run, tmp_path, capsys):
    for _ in range(2):
        assert run("data", "fetch", NAME, "--out", tmp_path / "w") == 0
        said = capsys.readouterr()
        assert said.out == f"{tmp_path / 'w' / FILE}\n"
        assert "MIT, copyright 2022 Florian Schmid" in said.err
    assert len(server.asked) == 1
    assert (tmp_path / "w" / FILE).read_bytes() == CONTENT
    licence = (tmp_path / "w/LICENSE-EfficientAT.txt").read_text()
    assert "Copyright (c) 2022 Florian Schmid" in licence
    assert licence.endswith("SOFTWARE.\n")
    assert sorted(path.name for path in (tmp_path / "w").iterdir()) == ["LICENSE-EfficientAT.txt", FILE]
    assert run("data", "verify", NAME, tmp_path / "w") == 0
    assert capsys.readouterr().out == f"file,state\n{FILE},ok\n"


def test_they_go_where_training_seeks_them(known, run, tmp_path, monkeypatch):
    monkeypatch.setenv("TOCSIN_RECORDINGS", str(tmp_path))
    assert run("data", "fetch", NAME) == 0
    assert pretrained_path(tmp_path / "pretrained") == tmp_path / "pretrained" / FILE


@pytest.mark.parametrize("served", [CONTENT[:-1] + b"?", CONTENT + b"?"])
def test_download_with_a_wrong_hash_is_one_sentence_and_is_not_kept(server, known, tmp_path, served):
    server.files[f"/{FILE}"] = served
    with pytest.raises(TocsinError, match=r"not the file that was expected \(sha256 .*\) and was not kept"):
        fetch_pretrained(known, tmp_path)
    assert not list(tmp_path.iterdir())


def test_absent_server_says_that_a_file_at_hand_will_do(known, tmp_path):
    absent = replace(known, file=replace(known.file, url="http://127.0.0.1:9/x.pt"))
    with pytest.raises(TocsinError, match=rf"cannot be reached: .*; if you have {FILE}, give the training its path"):
        fetch_pretrained(absent, tmp_path)


def test_path_or_folder_gives_the_checked_file(known, tmp_path):
    path = tmp_path / FILE
    for place in (path, tmp_path, tmp_path / "none" / "mine.pt"):
        with pytest.raises(TocsinError, match=r"does not exist: type `tocsin data fetch pretrained/mn04` and give"):
            pretrained_path(place)
    path.write_bytes(CONTENT)
    assert {pretrained_path(place) for place in (path, str(path), tmp_path)} == {path}
    renamed = path.replace(tmp_path / "mine.pt")
    assert pretrained_path(renamed) == renamed
    for wrong in (CONTENT[:-1], CONTENT[::-1]):
        renamed.write_bytes(wrong)
        with pytest.raises(TocsinError, match=f"is not the {FILE} of https.*: type `tocsin data fetch {NAME}`"):
            pretrained_path(renamed)
    with pytest.raises(TocsinError, match=r"no weights 'pretrained/mn4': type one of pretrained/mn04"):
        pretrained_path(path, "pretrained/mn4")


def test_wrong_use_is_said(known, run):
    assert run("data", "fetch", NAME, "--no-verify") == 2
    assert run("data", "fetch", "esc50") == 2


def test_list_states_licence_address_and_hash(run, capsys):
    assert run("data", "list", "--format", "json") == 0
    (found,) = [one for one in json.loads(capsys.readouterr().out) if one["name"] == NAME]
    assert all(found[field] for field in ("title", "licence", "licence_note", "citation", "homepage", "classes"))
    assert len(found["files"][0]["sha256"]) == 64
    assert run("data", "list") == 0
    assert NAME in capsys.readouterr().out


def test_copy_of_the_recordings_is_the_published_file(trunk_file):
    assert pretrained_path(trunk_file) == trunk_file
    # The licence that the command writes is the one that came with the file.
    assert (trunk_file.parent / PUBLISHED.licence_file).read_text() == PUBLISHED.licence_text
