"""The log: every byte counts, power loss tears one line at most, and a second implementation finds the same hashes."""

import hashlib
import json
import os
import stat
import subprocess
import sys
from base64 import b64decode
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin import TocsinError
from tocsin.inference.sensor.privacy import log_lines
from tocsin.inference.sensor.privacy.chained_log import ChainedLog
from tocsin.inference.sensor.privacy.log_lines import NO_HASH, BrokenLog, Head, line_after, verify


@pytest.fixture
def path(tmp_path):
    """A log of four lines."""
    path = tmp_path / "clips.log"
    with ChainedLog(path, now=lambda: 1767225600.0) as log:
        log.append("clip_written", clip="01KDVDH800AAAAAAAAAAAAAAAA", bytes=12)
        log.append("clip_deleted", clip="01KDVDH800AAAAAAAAAAAAAAAA", why="its 24 h are over", note=None)
        log.append("clip_refused", why="Gewehr – «näher»")
    return path


def test_a_second_implementation_finds_the_same_hashes(path):
    before = NO_HASH
    for number, line in enumerate(path.read_text(encoding="ascii").splitlines(), 1):
        entry = json.loads(line)
        stated = entry.pop("hash")
        content = json.dumps(entry, sort_keys=True, separators=(",", ":"))
        assert stated == hashlib.sha256((before + content).encode()).hexdigest()
        assert entry["number"] == number
        assert entry["time_utc"] == "2026-01-01T00:00:00.000Z"
        before = stated
    assert verify(path).head == Head(4, before)
    assert verify(path).counts == {"log_begun": 1, "clip_written": 1, "clip_deleted": 1, "clip_refused": 1}


def test_a_change_of_any_byte_is_seen_in_its_line(path, tmp_path):
    whole, changed = path.read_bytes(), tmp_path / "changed.log"
    lines = whole.splitlines(keepends=True)
    for place in range(len(whole)):
        content = bytearray(whole)
        content[place] ^= 1 << place % 8
        changed.write_bytes(content)
        line = whole[:place].count(b"\n") + 1
        if place == len(whole) - 1:  # without its end the last line is one that was being written
            assert verify(changed).head.number == len(lines) - 1
            assert verify(changed).torn
            continue
        with pytest.raises(BrokenLog, match=rf"line {line}: expected .*, found ") as caught:
            verify(changed)
        assert caught.value.line == line


def test_lines_left_out_doubled_or_swapped_are_seen(path, tmp_path):
    lines, changed = path.read_bytes().splitlines(keepends=True), tmp_path / "changed.log"
    for order, broken in (((1, 2, 3), 1), ((0, 2, 3), 2), ((0, 1, 3), 3), ((0, 1, 1, 2, 3), 3), ((0, 2, 1, 3), 2)):
        changed.write_bytes(b"".join(lines[index] for index in order))
        with pytest.raises(BrokenLog) as caught:
            verify(changed)
        assert caught.value.line == broken


def test_an_end_cut_off_is_seen_only_beside_a_published_head(path, tmp_path):
    lines, head = path.read_bytes().splitlines(keepends=True), verify(path).head
    cut = tmp_path / "cut.log"
    cut.write_bytes(b"".join(lines[:2]))
    assert verify(cut).head.number == 2
    with pytest.raises(BrokenLog, match="line 3: expected lines up to 4, which was published, found the end"):
        verify(cut, head)
    assert verify(path, head).head == head
    earlier = verify(cut).head
    with ChainedLog(path) as log:
        log.append("clip_sent")
    assert verify(path, earlier).head.number == 5  # a head that was published long ago still fits


def test_a_log_written_anew_is_seen_beside_a_published_head(path, tmp_path):
    head, anew = verify(path).head, tmp_path / "anew.log"
    with ChainedLog(anew) as log:
        for _ in range(6):
            log.append("clip_written")
    with pytest.raises(BrokenLog, match="line 4: expected the published hash"):
        verify(anew, head)


def test_a_last_line_torn_anywhere_is_kept_and_the_chain_goes_on(path, tmp_path):
    whole, torn = path.read_bytes(), tmp_path / "torn.log"
    start = whole.rindex(b"\n", 0, -1) + 1
    for end in [*range(start + 1, len(whole) - 1, 9), len(whole) - 1]:
        torn.write_bytes(whole[:end])
        said = []
        with ChainedLog(torn, said.append) as log:
            log.append("clip_sent")
            assert verify(torn).head == log.head == Head(5, log.head.hash)
        entry = json.loads(torn.read_bytes().splitlines()[3])
        assert (entry["what"], entry["bytes"]) == ("torn_line", end - start)
        assert b64decode(entry["base64"]) == whole[start:end]
        assert len(said) == 1


@pytest.mark.parametrize("tail", [b"\0" * 100, b"\0" * 10_000, b"\xff{", b"{" * 16_000])
def test_whatever_a_disk_leaves_behind_is_kept_aside(path, tail):
    path.write_bytes(path.read_bytes() + tail)
    with ChainedLog(path) as log:
        log.append("clip_sent")
    found = verify(path)
    assert (found.head.number, found.torn, found.counts["torn_line"]) == (6, b"", 1)


def test_a_broken_log_is_set_aside_and_a_new_one_says_so(path):
    content = path.read_bytes().replace(b"clip_deleted", b"clip_retained")
    path.write_bytes(content)
    said = []
    with ChainedLog(path, said.append) as log:
        log.append("clip_sent")
    first = json.loads(path.read_bytes().splitlines()[0])
    aside = path.with_name(first["broken_log"])
    assert aside.read_bytes() == content
    assert first["broken_log_sha256"] == hashlib.sha256(content).hexdigest()
    assert first["broken_line"] == 3
    assert "line 3: expected" in said[0]
    assert verify(path).head.number == 2


def test_two_logs_with_the_same_lines_have_different_heads(tmp_path):
    with ChainedLog(tmp_path / "a", now=lambda: 0.0) as one, ChainedLog(tmp_path / "b", now=lambda: 0.0) as other:
        assert one.head != other.head


def test_a_full_disk_leaves_the_log_as_it_was(path, monkeypatch):
    with ChainedLog(path) as log:
        before, head, write = path.read_bytes(), log.head, os.pwrite
        monkeypatch.setattr(os, "pwrite", lambda file, line, place: write(file, line[:10], place))
        with pytest.raises(OSError, match="a part of a line"):
            log.append("clip_sent")
        assert (path.read_bytes(), log.head) == (before, head)
        monkeypatch.undo()
        log.append("clip_sent")
    assert verify(path).head.number == 5


def test_a_process_killed_while_it_appends_leaves_a_chain_that_goes_on(tmp_path):
    path = tmp_path / "clips.log"
    script = (
        "import sys; from tocsin.inference.sensor.privacy.chained_log import ChainedLog\n"
        f"log = ChainedLog({str(path)!r})\n"
        "while True: print(log.append('clip_sent'), flush=True)"
    )
    said = 0
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
            for _ in range(20):
                head = Head.parse(process.stdout.readline())
            process.kill()
        assert head.number >= said + 20
        said = head.number
        verify(path, head)  # what was said to be on the disk is there


def test_it_is_for_its_owner_alone_and_for_one_process(path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with ChainedLog(path), pytest.raises(TocsinError, match="another process writes"):
        ChainedLog(path)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"hash": "0"}, "its own hash"),
        ({"time_utc": "now"}, "its own time_utc"),
        ({"probability": float("nan")}, "cannot hold"),
        ({"path": os}, "cannot hold"),
        ({"why": "x" * 20_000}, "less than 16384"),
    ],
)
def test_a_line_that_cannot_be_is_refused_and_nothing_is_written(path, fields, said):
    before = path.read_bytes()
    with ChainedLog(path) as log, pytest.raises(TocsinError, match=said):
        log.append("clip_sent", **fields)
    assert path.read_bytes() == before


@pytest.mark.parametrize("body", [b"[" * 5000, b"{}", b"7", b'{"number":1}', b'{"number":2,"what":"x"}', b"{" * 9])
def test_content_that_fits_its_hash_but_is_no_line_is_refused(tmp_path, body):
    digest = hashlib.sha256(NO_HASH.encode() + body[:-1] + b"}").hexdigest()
    (tmp_path / "x").write_bytes(body[:-1] + f',"hash":"{digest}"}}\n'.encode())
    with pytest.raises(BrokenLog, match="line 1: expected"):
        verify(tmp_path / "x")


@settings(max_examples=300, deadline=None)
@given(noise=st.binary(max_size=300), place=st.integers(0, 400))
def test_any_bytes_are_verified_or_refused_in_a_sentence(noise, place, tmp_path_factory):
    head, first = line_after(Head(0, NO_HASH), "2026-01-01T00:00:00.000Z", "log_begun", {})
    _, second = line_after(head, "2026-01-01T00:00:00.000Z", "clip_sent", {})
    whole, path = first + second, tmp_path_factory.getbasetemp() / "noise.log"
    path.write_bytes(whole[:place] + noise + whole[place:])
    with suppress(BrokenLog):
        found = verify(path)
        assert found.whole_bytes + len(found.torn) == path.stat().st_size
        assert found.head.number <= 2  # nobody finds a third line that fits by chance


def test_a_line_of_100_mb_is_refused_without_reading_it(tmp_path, monkeypatch):
    path = tmp_path / "long.log"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    read = []
    follow = log_lines._follow
    monkeypatch.setattr(
        log_lines, "_follow", lambda path, head, line: read.append(len(line)) or follow(path, head, line)
    )
    with pytest.raises(BrokenLog, match="line 1"):
        verify(path)
    assert read == [log_lines.LONGEST_LINE]


@pytest.mark.parametrize("text", ["", "4", "4:", f"x:{NO_HASH}", f"4:{NO_HASH}0", f"-1:{NO_HASH}"])
def test_what_is_no_head_is_refused(text):
    with pytest.raises(TocsinError, match="expected NUMBER:HASH"):
        Head.parse(text)
    assert Head.parse(f" 4:{NO_HASH}\n") == Head(4, NO_HASH)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(TocsinError, match=r"gone\.log: cannot be read: No such file"):
        verify(tmp_path / "gone.log")
