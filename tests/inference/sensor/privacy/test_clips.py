"""Clips: what may be written, how it lies on the disk, and what a kill at any moment, a full disk or a thief leaves."""

import io
import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest
import soundfile

from tocsin import TocsinError
from tocsin.inference.detection import make_ulid
from tocsin.inference.sensor.privacy import clips, whole_files
from tocsin.inference.sensor.privacy.chained_log import ChainedLog
from tocsin.inference.sensor.privacy.clip_names import stated_s
from tocsin.inference.sensor.privacy.clips import MAX_CLIP_S, STATE, ClipStore
from tocsin.inference.sensor.privacy.keys import make_identity, recipient_of
from tocsin.inference.sensor.privacy.log_lines import verify
from tocsin.inference.sensor.privacy.retention import Clocks
from tocsin.inference.sensor.privacy.ring import Ring
from tocsin.inference.sensor.privacy.sealed import unseal

RATE = 8000
T0 = 1_800_000_000.0
IDENTITY = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
RECIPIENT = recipient_of(IDENTITY)


class Machine:
    """Its clocks, as a test sets them."""

    def __init__(self):
        self.system_s, self.running_s, self.boot_id = T0, 5000.0, "boot 0"
        self.clocks = Clocks(lambda: self.system_s, lambda: self.running_s, lambda: self.boot_id)

    def runs(self, for_s):
        self.system_s += for_s
        self.running_s += for_s

    def power_off(self, for_s):
        self.system_s += for_s
        self.running_s, self.boot_id = 0.0, self.boot_id + "'"


@pytest.fixture
def machine():
    return Machine()


@pytest.fixture
def log(tmp_path):
    with ChainedLog(tmp_path / "clips.log") as log:
        yield log


@pytest.fixture
def store_with(tmp_path, log, machine):
    """A function that opens the store of this test, with 4 s of clips and other options as given."""

    def open_store(**options):
        return ClipStore(tmp_path / "clips", log, **{"seconds": 4.0, "clocks": machine.clocks, **options})

    return open_store


@pytest.fixture
def bang(rng):
    """Two channels of 4 s."""
    return np.clip(0.3 * rng.standard_normal((4 * RATE, 2)), -1, 1).astype(np.float32)


def ulid(number, time_s=T0):
    return make_ulid(datetime.fromtimestamp(time_s, UTC), str(number))


def entries(log):
    verify(log.path)
    return [json.loads(line) for line in log.path.read_bytes().splitlines()]


def said(log):
    return [(entry["what"], entry.get("clip")) for entry in entries(log)][1:]


def keep(store, samples, name, probability=0.9, threshold=0.5, rate=RATE):
    return store.write(name, samples, rate, probability=probability, threshold=threshold)


def test_a_clip_opens_to_the_samples_that_were_heard(store_with, log, bang):
    path = keep(store_with(recipients=[RECIPIENT]), bang, ulid(1))
    assert path.name == f"{ulid(1)}.flac.age"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    found, rate = soundfile.read(io.BytesIO(unseal(path.read_bytes(), [IDENTITY])), dtype="float32")
    assert rate == RATE
    assert np.abs(found - bang).max() <= 1 / 32768
    entry = entries(log)[1]
    assert (entry["what"], entry["clip"], entry["bytes"]) == ("clip_written", path.name, path.stat().st_size)
    assert (entry["sealed_for"], entry["probability"], entry["keep_hours"]) == ([RECIPIENT], 0.9, 24.0)


def test_without_a_key_it_is_flac_of_16_bits(store_with, bang):
    path = keep(store_with(), bang * 3 + np.nan, ulid(1))
    with soundfile.SoundFile(path) as file:
        assert (file.format, file.subtype, file.channels, file.frames) == ("FLAC", "PCM_16", 2, 4 * RATE)
    path = keep(store_with(), bang * 3, ulid(2))
    assert np.abs(soundfile.read(path)[0]).max() == pytest.approx(1, abs=1e-4)  # held at full scale, not turned over


def test_none_is_written_unless_asked_for(tmp_path, log, bang):
    store = ClipStore(tmp_path / "clips", log)
    assert keep(store, bang, ulid(1)) is None
    store.check()
    assert not (tmp_path / "clips").exists()
    assert said(log) == []


@pytest.mark.parametrize(
    ("probability", "threshold"),
    [(0.89, 0.9), (0.49, 0.1), (0.0, 0.0), (float("nan"), 0.5), (0.9, float("nan")), (-1.0, -2.0)],
)
def test_below_the_threshold_nothing_touches_the_disk(store_with, log, bang, tmp_path, probability, threshold):
    assert keep(store_with(), bang, ulid(1), probability, threshold) is None
    assert not (tmp_path / "clips").exists()
    assert said(log) == [("clip_refused", ulid(1))]
    assert "is below" in entries(log)[1]["why"]


@pytest.mark.parametrize(
    ("name", "shape", "rate", "why"),
    [
        ("../../etc/passwd", (RATE, 1), RATE, "no ULID"),
        ("8" + "0" * 25, (RATE, 1), RATE, "no ULID"),
        ("", (RATE, 1), RATE, "no ULID"),
        ("x" * 5000, (RATE, 1), RATE, "no ULID"),
        (ulid(1), (4 * RATE + 1, 1), RATE, "are no 4 s"),
        (ulid(1), (RATE,), RATE, "are no 4 s"),
        (ulid(1), (0, 1), RATE, "are no 4 s"),
        (ulid(1), (RATE, 9), RATE, "no FLAC has 9 channels"),
    ],
)
def test_what_cannot_be_a_clip_is_refused_and_logged(store_with, log, tmp_path, name, shape, rate, why):
    assert keep(store_with(), np.zeros(shape, np.float32), name, rate=rate) is None
    assert not list(tmp_path.rglob("*.flac*"))
    assert why in entries(log)[1]["why"]


def test_the_same_detection_is_kept_once(store_with, log, bang):
    store = store_with()
    content = keep(store, bang, ulid(1)).read_bytes()
    assert keep(store, bang * 0, ulid(1)) is None
    assert [path.read_bytes() for path in store.folder.glob("*.flac")] == [content]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seconds": 4.001}, "0 .none. to 4 s, by construction"),
        ({"seconds": float("nan")}, "by construction"),
        ({"seconds": -1}, "by construction"),
        ({"keep_hours": 0}, "above 0 and at most 744 h"),
        ({"keep_hours": 1e6}, "above 0 and at most 744 h"),
        ({"limit_count": 0}, "room for at least one"),
        ({"recipients": ["age1x"]}, "cut or is none"),
        ({"recipients": [IDENTITY]}, "expected a public key"),
    ],
)
def test_a_store_that_may_not_be_is_refused_in_a_sentence(store_with, options, said):
    with pytest.raises(TocsinError, match=said):
        store_with(**options)


def test_the_span_lies_in_the_memory_that_a_ring_holds(store_with):
    store, ring = store_with(), Ring(12.0, RATE)
    assert store.span(10 * RATE, RATE) == (9 * RATE, 13 * RATE)
    assert store.span(RATE // 2, RATE) == (0, 4 * RATE)
    ring.write(np.zeros((13 * RATE, 1), np.float32))
    assert len(ring.cut(*store.span(10 * RATE, RATE))) == MAX_CLIP_S * RATE


def test_a_clip_is_deleted_after_its_hours_also_after_a_time_without_power(store_with, log, bang, machine):
    store = store_with(keep_hours=24)
    first = keep(store, bang, ulid(1)).name
    machine.runs(10 * 3600)
    second = keep(store, bang, ulid(2)).name
    machine.runs(3600)
    store.check()
    assert store.size()[0] == 2
    machine.power_off(14 * 3600)
    store = store_with(keep_hours=24)  # it looks when it starts
    assert [path.name for path in store.folder.glob("*.flac")] == [second]
    machine.runs(9 * 3600)
    store.check()
    assert not list(store.folder.iterdir())  # the file of their ages goes too
    assert said(log)[2:] == [("clip_deleted", first), ("clip_deleted", second)]
    assert entries(log)[-1]["why"] == "its 24 h are over"


def test_old_clips_go_also_where_none_are_kept_any_more(store_with, bang, machine):
    keep(store_with(), bang, ulid(1))
    machine.power_off(25 * 3600)
    store = store_with(seconds=0.0)
    assert store.size() == (0, 0)


def test_a_clock_that_is_not_set_is_not_believed_for_long(store_with, bang, machine):
    keep(store_with(), bang, ulid(1))
    machine.power_off(60)
    store = store_with()
    machine.runs(600)
    store.check(clock_is_set=False)
    assert store.size()[0] == 1
    machine.runs(600)
    store.check(clock_is_set=False)
    assert store.size()[0] == 0


def test_a_clip_whose_age_nothing_tells_but_its_name_is_kept_by_that(store_with, log, bang, machine):
    store = store_with()
    old, new, future = ulid(1, T0 - 25 * 3600), ulid(2, T0 - 3600), ulid(3, T0 + 60)
    for name in (old, new, future):
        keep(store, bang, name)
    (store.folder / STATE).unlink()
    store = store_with()
    assert [path.name for path in store.folder.glob("*.flac")] == [f"{new}.flac"]
    assert [what for what, _ in said(log)[3:]] == ["clip_found"] * 3 + ["clip_deleted"] * 2
    assert stated_s(new) == pytest.approx(T0 - 3600, abs=1e-3)


def test_of_too_many_clips_the_oldest_go_first(store_with, log, bang, machine):
    store = store_with(limit_count=3)
    for number in range(5):
        keep(store, bang, ulid(number))
        machine.runs(60)
    assert {path.name for path in store.folder.glob("*.flac")} == {f"{ulid(number)}.flac" for number in (2, 3, 4)}
    assert [clip for what, clip in said(log) if what == "clip_deleted"] == [f"{ulid(0)}.flac", f"{ulid(1)}.flac"]
    assert entries(log)[-2]["why"] == "room for a newer one"


def test_all_clips_together_stay_below_their_bytes(store_with, log, bang, machine):
    size = keep(store_with(), bang, ulid(0)).stat().st_size
    store = store_with(limit_bytes=int(2.5 * size))
    for number in range(1, 4):
        machine.runs(60)
        keep(store, bang, ulid(number))
        assert store.size()[1] <= 2.5 * size
    assert store.size()[0] == 2
    assert keep(store_with(limit_bytes=size // 2), bang, ulid(9)) is None
    assert "more than all clips together" in entries(log)[-1]["why"]


def test_a_clip_is_sent_only_with_a_line_in_the_log(store_with, log, bang, monkeypatch):
    store = store_with(recipients=[RECIPIENT])
    path = keep(store, bang, ulid(1))
    assert store.read_to_send(path.name, "mqtts://broker/clips") == path.read_bytes()
    assert entries(log)[-1]["destination"] == "mqtts://broker/clips"
    with pytest.raises(TocsinError, match="has no clip"):
        store.read_to_send("../clips.log", "x")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(log, "append", full)
    with pytest.raises(OSError, match="No space"):
        store.read_to_send(path.name, "x")


def test_a_clip_that_somebody_took_is_said_to_be_gone(store_with, log, bang):
    store = store_with()
    path = keep(store, bang, ulid(1))
    path.unlink()
    store.check()
    store.check()
    assert said(log)[1:] == [("clip_gone", path.name)]


def test_other_files_in_the_folder_are_never_touched(store_with, bang, machine, tmp_path):
    store = store_with(limit_count=1)
    keep(store, bang, ulid(1))
    others = [store.folder / name for name in ("notes.txt", "x.flac", "x.flac.tmp", f"{ulid(5)}.wav")]
    for other in others:
        other.write_text("x")
    link = store.folder / f"{ulid(6)}.flac"
    link.symlink_to(others[0])
    machine.power_off(100 * 3600)
    keep(store_with(limit_count=1), bang, ulid(2))
    assert all(other.read_text() == "x" for other in [*others, link])


def test_a_full_disk_is_said_and_the_sensor_goes_on(store_with, log, bang, monkeypatch):
    complaints = []
    store = store_with(complain=complaints.append)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    keep(store, bang, ulid(0))
    monkeypatch.setattr(whole_files.os, "fsync", full)
    assert keep(store, bang, ulid(1)) is None
    store.check()
    monkeypatch.undo()
    assert "No space left on device" in complaints[0]
    assert [path.name for path in store.folder.glob("*.flac*")] == [f"{ulid(0)}.flac"]
    assert keep(store, bang, ulid(2)) is not None


def test_a_clip_whose_line_cannot_be_written_is_not_kept(store_with, log, bang, monkeypatch):
    complaints = []
    store = store_with(complain=complaints.append)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(log, "append", full)
        assert keep(store, bang, ulid(1)) is None
    assert not list(store.folder.glob("*.flac*"))
    assert len(complaints) == 1
    store.check()
    assert said(log) == [("clip_gone", f"{ulid(1)}.flac")]  # its place in the file of ages was taken already


def test_what_is_due_goes_though_the_log_is_full_and_is_said_later(store_with, log, bang, machine, monkeypatch):
    complaints = []
    store = store_with(complain=complaints.append)
    paths = [keep(store, bang, ulid(number)) for number in range(2)]
    machine.runs(25 * 3600)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(log, "append", full)
        store.check()
    assert not any(path.exists() for path in paths)
    assert len(complaints) == 1
    store.check()
    assert sorted(said(log)[2:]) == sorted(("clip_deleted", path.name) for path in paths)


KILLED = """
import os, sys
import numpy as np
from tocsin.inference.sensor.privacy import chained_log, clips, whole_files
log = chained_log.ChainedLog({folder!r} + "/clips.log")
store = clips.ClipStore({folder!r} + "/clips", log, seconds=4.0, recipients=[{recipient!r}])
{patch}
samples = np.sin(np.arange(32000, dtype=np.float32) / 3)[:, None]
store.write({name!r}, samples, 8000, probability=0.9, threshold=0.5)
"""
MOMENTS = {
    "before the file is whole": "whole_files.os.fsync = lambda file: os._exit(9)",
    "before its room is made": "clips.ClipStore._make_room = lambda self, size: os._exit(9)",
    "before its line": "clips.ChainedLog.append = lambda self, what, **fields: os._exit(9)",
    "before it has its name": "clips.put_in_place = lambda temporary, path: os._exit(9)",
    "after it has its name": "clips.put_in_place = lambda temporary, path: (temporary.replace(path), os._exit(9))",
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_kill_leaves_no_sound_that_can_be_heard_and_no_clip_that_nobody_knows(tmp_path, moment):
    name = ulid(1, datetime.now(UTC).timestamp())
    script = KILLED.format(patch=MOMENTS[moment], folder=str(tmp_path), recipient=RECIPIENT, name=name)
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 9
    assert (tmp_path / "clips").is_dir()
    there = [path for path in tmp_path.rglob("*") if path.is_file() and path.name not in ("clips.log", STATE)]
    assert len(there) == 1
    for path in there:
        assert b"fLaC" not in path.read_bytes()
        assert path.read_bytes()[:21] in (b"age-encryption.org/v1", b"")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with ChainedLog(tmp_path / "clips.log") as log:
        store = ClipStore(tmp_path / "clips", log, seconds=4.0, recipients=[RECIPIENT])
        kept = store.size()[0]
        assert kept == (moment == "after it has its name")
        written = [clip for what, clip in said(log) if what == "clip_written"]
        gone = [clip for what, clip in said(log) if what == "clip_gone"]
    left = {path.name for path in store.folder.iterdir()} - {STATE}
    assert left == ({f"{name}.flac.age"} if kept else set())
    assert len(written) - len(set(gone) & set(written)) == kept


def test_no_byte_of_sound_is_written_unsealed(store_with, bang, monkeypatch):
    """Every file that is opened for writing, and every byte that goes into it."""
    written, real = [], os.fdopen

    def watched(descriptor, *words):
        file = real(descriptor, *words)
        write = file.write
        spy = type("Spy", (), {"__enter__": lambda self: self, "__exit__": lambda self, *_: file.close()})()
        spy.write = lambda content: (written.append(bytes(content)), write(content))
        spy.flush, spy.fileno = file.flush, file.fileno
        return spy

    monkeypatch.setattr(whole_files.os, "fdopen", watched)
    flac = clips._as_flac(bang, RATE)
    keep(store_with(recipients=[RECIPIENT]), bang, ulid(1))
    content = b"".join(written)
    assert len(content) > len(flac)
    assert not any(flac[start : start + 16] in content for start in range(0, len(flac) - 16, 97))


def test_two_keys_open_the_same_clip(store_with, bang):
    other = make_identity()
    path = keep(store_with(recipients=[RECIPIENT, recipient_of(other)]), bang, ulid(1))
    assert unseal(path.read_bytes(), [other]) == unseal(path.read_bytes(), [IDENTITY])
