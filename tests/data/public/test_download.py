"""Downloads from a local server that cuts, knows no ranges and sends wrong bytes; archives, split ones too."""

import hashlib
import io
import json
import struct
import tarfile
import zipfile

import numpy as np
import pytest
import soundfile

from tocsin import TocsinError
from tocsin.data import commands
from tocsin.data.public import catalogue
from tocsin.data.public.catalogue import PublicSet, RemoteFile, find_set
from tocsin.data.public.download import fetch_file, hash_state, unpack
from tocsin.data.public.public_sets import read_esc50

CONTENT = np.random.default_rng(5).bytes(300_000)
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def served(server):
    server.files["/a.zip"] = CONTENT


def remote(server, name="a.zip", md5=MD5, size_bytes=300_000):
    return RemoteFile(name, f"http://127.0.0.1:{server.server_address[1]}/{name}", md5, size_bytes)


def test_cut_download_goes_on_where_it_was_and_is_what_was_served(server, tmp_path):
    server.cut = 131_072
    steps = []
    path = fetch_file(remote(server), tmp_path, lambda done, total: steps.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert server.asked == [None, "bytes=131072-", "bytes=262144-"]
    assert steps[-1] == (300_000, 300_000)
    assert [found.name for found in tmp_path.iterdir()] == ["a.zip"]


def test_download_cut_for_good_keeps_its_part_and_the_next_call_goes_on(server, tmp_path):
    server.cut = 131_072
    with pytest.raises(TocsinError, match=r"a\.zip was cut after 262144 bytes, which are kept: type the same command"):
        fetch_file(remote(server), tmp_path, tries=2)
    assert (tmp_path / "a.zip.part").read_bytes() == CONTENT[:262_144]
    server.cut = None
    assert fetch_file(remote(server), tmp_path).read_bytes() == CONTENT
    assert server.asked[-1] == "bytes=262144-"


def test_part_that_is_whole_already_is_taken(server, tmp_path):
    (tmp_path / "a.zip.part").write_bytes(CONTENT)
    assert fetch_file(remote(server), tmp_path).read_bytes() == CONTENT


def test_server_that_knows_no_ranges_starts_anew(server, tmp_path):
    (tmp_path / "a.zip.part").write_bytes(CONTENT[:1000])
    server.ranges = False
    assert fetch_file(remote(server), tmp_path).read_bytes() == CONTENT


def test_file_that_is_there_is_not_fetched_again(server, tmp_path):
    fetch_file(remote(server), tmp_path)
    fetch_file(remote(server), tmp_path)
    assert len(server.asked) == 1


def test_wrong_hash_is_one_sentence_and_loses_nothing_that_was_there(server, tmp_path):
    (tmp_path / "a.zip").write_bytes(b"an older version")
    file = remote(server, md5="0" * 32, size_bytes=None)
    with pytest.raises(TocsinError, match=r"not the file that was expected \(md5 0{32}\), it is kept as .*wrong"):
        fetch_file(file, tmp_path)
    assert (tmp_path / "a.zip").read_bytes() == b"an older version"
    assert (tmp_path / "a.zip.wrong").read_bytes() == CONTENT


def test_size_is_compared_where_no_hash_is_known_and_nothing_where_neither_is(server, tmp_path):
    with pytest.raises(TocsinError, match=r"expected \(7 bytes\)"):
        fetch_file(remote(server, md5=None, size_bytes=7), tmp_path)
    unknown = remote(server, md5=None, size_bytes=None)
    path = fetch_file(unknown, tmp_path)
    assert hash_state(unknown, path) == "not verified"
    assert hash_state(remote(server), path) == "ok"
    assert hash_state(remote(server, md5="0" * 32), path) == "wrong"
    assert hash_state(unknown, tmp_path / "none.zip") == "missing"


def test_refusal_and_absence_of_the_server_are_one_sentence(server, tmp_path):
    with pytest.raises(TocsinError, match=r"none\.zip: the server says 404"):
        fetch_file(remote(server, "none.zip"), tmp_path)
    absent = RemoteFile("a.zip", "http://127.0.0.1:9/a.zip")
    with pytest.raises(TocsinError, match="cannot be reached"):
        fetch_file(absent, tmp_path, tries=1)


def split(archive: bytes, at: int, folder):
    """Cut a .zip of stored entries in two, as PKWARE 8 says: places are counted within the part they lie in."""
    end = archive.rindex(b"PK\x05\x06")
    size, offset = struct.unpack("<2L", archive[end + 12 : end + 20])
    directory, place = bytearray(archive[offset : offset + size]), 0
    while place < size:
        lengths = struct.unpack("<3H", directory[place + 28 : place + 34])
        (local,) = struct.unpack("<L", directory[place + 42 : place + 46])
        part = int(local >= at)
        directory[place + 34 : place + 36] = struct.pack("<H", part)
        directory[place + 42 : place + 46] = struct.pack("<L", local - at * part)
        place += 46 + sum(lengths)
    assert at < offset
    tail = bytearray(archive[end:])
    tail[4:8] = struct.pack("<2H", 1, 1)
    tail[16:20] = struct.pack("<L", offset - at)
    (folder / "s.z01").write_bytes(archive[:at])
    (folder / "s.zip").write_bytes(archive[at:offset] + directory + tail)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_split_archive_unpacks_to_what_was_packed(tmp_path, method):
    packed = io.BytesIO()
    entries = {"audio/1.wav": CONTENT[:90_000], "audio/2.wav": bytes(5000), "meta/é.csv": b"a,b\n" * 300}
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    split(packed.getvalue(), 60_000, tmp_path)
    out = tmp_path / "out"
    assert unpack([tmp_path / "s.z01", tmp_path / "s.zip"], out) == [tmp_path / "s.zip"]
    assert {name: (out / name).read_bytes() for name in entries} == entries
    (tmp_path / "s.zip").touch()
    part = bytearray((tmp_path / "s.z01").read_bytes())
    part[50_000] ^= 255
    (tmp_path / "s.z01").write_bytes(part)
    with pytest.raises(TocsinError, match=r"s\.zip cannot be unpacked: the entry 'audio/1.wav' is broken"):
        unpack([tmp_path / "s.zip"], out)


def test_archive_is_unpacked_once_and_never_outside_of_its_folder(tmp_path):
    for name, entry in (("good.tar.gz", "a/b.txt"), ("bad.tar.gz", "../b.txt")):
        with tarfile.open(tmp_path / name, "w:gz") as archive:
            information = tarfile.TarInfo(entry)
            information.size = 2
            archive.addfile(information, io.BytesIO(b"hi"))
    out = tmp_path / "out"
    assert unpack([tmp_path / "good.tar.gz"], out) == [tmp_path / "good.tar.gz"]
    assert (out / "a/b.txt").read_bytes() == b"hi"
    assert unpack([tmp_path / "good.tar.gz"], out) == []
    with pytest.raises(TocsinError, match=r"bad\.tar\.gz cannot be unpacked"):
        unpack([tmp_path / "bad.tar.gz"], out)
    assert not (tmp_path / "b.txt").exists()


def test_set_is_fetched_verified_and_read_by_the_commands(server, run, tmp_path, monkeypatch, capsys):
    packed, wav = io.BytesIO(), io.BytesIO()
    soundfile.write(wav, np.zeros(4410), 44100, format="WAV")
    with zipfile.ZipFile(packed, "w") as archive:
        table = "filename,fold,target,category,esc10,src_file,take\n1-17-A-48.wav,1,48,fireworks,False,17,A\n"
        archive.writestr("ESC-50-master/meta/esc50.csv", table)
        archive.writestr("ESC-50-master/audio/1-17-A-48.wav", wav.getvalue())
    server.files["/esc.zip"] = packed.getvalue()
    file = remote(server, "esc.zip", hashlib.md5(packed.getvalue()).hexdigest(), None)
    tiny = PublicSet("tiny", "Tiny", "CC0", "", "", "", "", "", read_esc50, (file,), audio_files=1)
    monkeypatch.setattr(catalogue, "SETS", (tiny,))
    monkeypatch.setattr(commands, "SETS", (tiny,))
    assert run("data", "fetch", "tiny", "--out", tmp_path / "tiny") == 0
    assert capsys.readouterr().out == f"{tmp_path / 'tiny'}\n"
    assert run("data", "verify", "tiny", tmp_path / "tiny") == 0
    assert capsys.readouterr().out == "file,state\nesc.zip,ok\nrecordings: 1 of 1,ok\n"
    assert run("data", "manifest", "tiny", tmp_path / "tiny", "--out", tmp_path / "m.csv") == 0
    assert "fireworks" in capsys.readouterr().out
    assert "tiny/ESC-50-master/audio/1-17-A-48.wav,fireworks" in (tmp_path / "m.csv").read_text()
    (tmp_path / "tiny/archives/esc.zip").write_bytes(b"?")
    assert run("data", "verify", "tiny", tmp_path / "tiny") == 1
    assert "esc.zip,wrong" in capsys.readouterr().out


def test_list_states_licence_citation_and_sessions_of_every_set(run, capsys):
    assert run("data", "list", "--format", "json") == 0
    found = [one for one in json.loads(capsys.readouterr().out) if not one["name"].startswith("pretrained/")]
    assert len({one["name"] for one in found}) == len(found) == 7
    for one in found:
        assert all(one[field] for field in ("licence", "licence_note", "citation", "homepage", "sessions", "classes"))
        assert bool(one["files"]) != bool(one["by_hand"])
        assert all(file["md5"] is None or len(file["md5"]) == 32 for file in one["files"])
    assert run("data", "list") == 0
    assert "CC BY-NC 3.0" in capsys.readouterr().out


def test_unknown_set_and_one_that_must_be_fetched_by_hand_say_what_to_do(run, capsys, tmp_path):
    with pytest.raises(TocsinError, match="did you mean 'esc50'"):
        find_set("esc-50")
    assert run("data", "fetch", "cadre", "--out", tmp_path) == 1
    assert "register at https://cadreforensics.com/audio/" in capsys.readouterr().err
