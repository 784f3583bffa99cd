"""The outbox against a list in memory, and against disks that are full, fail, or have changed what was on them."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin import TocsinError
from tocsin.inference.sensor import outbox as outbox_module
from tocsin.inference.sensor.outbox import ROW_BYTES, Outbox

TOPIC = "tocsin/v1/site/detections/roof-1"
LIMIT_BYTES = 2000


def ids(outbox: Outbox, limit: int = 10**6) -> list[str]:
    return [row.detection_id for row in outbox.waiting(0, limit)]


def cost(name: str, payload: bytes) -> int:
    return len(name) + len(TOPIC) + len(payload) + ROW_BYTES


PUT = st.tuples(st.just("put"), st.integers(0, 40), st.integers(0, 9), st.integers(0, 600))
ACKNOWLEDGE = st.tuples(st.just("acknowledge"), st.integers(0, 5))
OPEN_AGAIN = st.tuples(st.just("open again"))
DISK = st.tuples(st.just("disk"), st.booleans())


def least(waiting: dict[str, tuple[float, int]]) -> str:
    order = list(waiting)
    return min(waiting, key=lambda name: (waiting[name][0], order.index(name)))


def total(waiting: dict[str, tuple[float, int]]) -> int:
    return sum(size for _, size in waiting.values())


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.one_of(PUT, PUT, PUT, ACKNOWLEDGE, OPEN_AGAIN, DISK), max_size=60))
def test_it_is_a_bounded_list_in_order_of_coming(steps):
    """The model: what the file has, and what memory holds while the disk takes nothing; both in order and bounded."""
    saved: dict[str, tuple[float, int]] = {}
    held: dict[str, tuple[float, int]] = {}
    sent: set[str] = set()
    dropped, works = 0, True
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "outbox.sqlite"
        box = Outbox(path, LIMIT_BYTES, lambda sentence: None)
        for step in steps:
            if step[0] == "put":
                name, confidence, payload = f"d{step[1]}", step[2] / 10, b"x" * step[3]
                box.put(name, TOPIC, payload, confidence)
                if name not in {*saved, *held, *sent}:
                    held[name] = confidence, cost(name, payload)
            elif step[0] == "acknowledge":
                names = list(saved | held)[: step[1]]
                box.acknowledged([row.row for row in box.waiting(0, step[1])])
                sent.update(names)
                saved, held = ({k: v for k, v in part.items() if k not in sent} for part in (saved, held))
            elif step[0] == "disk":
                works = step[1]
                box._db.execute(f"PRAGMA query_only={'OFF' if works else 'ON'}")
                box.flush()
            elif works:
                box.close()
                box = Outbox(path, LIMIT_BYTES, lambda sentence: None)
            if works:
                saved, held = saved | held, {}
            for part in (saved, held):
                while total(part) > LIMIT_BYTES:
                    del part[least(part)]
                    dropped += 1
            assert ids(box) == [*saved, *held]
            assert ids(box, 3) == [*saved, *held][:3]
            assert box.dropped == dropped
            assert box.size() == (len(saved) + len(held), total(saved) + total(held))
        box._db.execute("PRAGMA query_only=OFF")
        box.close()


@pytest.fixture
def said() -> list[str]:
    return []


def test_the_least_confident_go_first_and_of_equals_the_oldest(tmp_path, said):
    box = Outbox(tmp_path / "o.sqlite", 5 * cost("a", b""), said.append)
    for name, confidence in zip("abcdefg", (0.5, 0.1, 0.9, 0.1, 0.5, 0.5, 0.5), strict=True):
        assert box.put(name, TOPIC, b"", confidence)
    assert ids(box) == list("acefg")
    assert not box.put("h", TOPIC, b"", 0.4)  # less than all others
    assert box.put("i", TOPIC, b"", 0.6)
    assert ids(box) == list("cefgi")
    box.close()
    again = Outbox(tmp_path / "o.sqlite", 10**6, said.append)
    assert again.dropped == 4
    again.close()


def test_an_id_that_was_acknowledged_is_known_when_it_comes_again(tmp_path, said, monkeypatch):
    monkeypatch.setattr(outbox_module, "REMEMBERED", 10)
    box = Outbox(tmp_path / "o.sqlite", 10**6, said.append)
    for number in range(30):
        box.put(f"d{number}", TOPIC, b"x", 0.5)
    box.acknowledged([row.row for row in box.waiting(0, 25)])
    box.close()
    box = Outbox(tmp_path / "o.sqlite", 10**6, said.append)
    for number in range(30):
        assert box.put(f"d{number}", TOPIC, b"x", 0.5)
    # Of the 25 acknowledged ones the last ten are remembered; the last five still waited.
    assert sorted(ids(box)) == sorted(f"d{number}" for number in [*range(15), *range(25, 30)])
    box.close()


def test_a_full_disk_is_said_once_and_loses_nothing(tmp_path, said):
    box = Outbox(tmp_path / "o.sqlite", 10**7, said.append)
    pages = box._db.execute("PRAGMA page_count").fetchone()[0]
    box._db.execute(f"PRAGMA max_page_count={pages + 5}")
    safe = [box.put(f"d{number:03d}", TOPIC, b"x" * 500, 0.5) for number in range(100)]
    assert safe[0]
    assert not safe[-1]
    assert safe == sorted(safe, reverse=True)  # once in memory, all that comes behind it is there, in order
    assert len(said) == 1
    assert "cannot be written (database or disk is full)" in said[0]
    assert ids(box) == [f"d{number:03d}" for number in range(100)]
    box.acknowledged([row.row for row in box.waiting(0, 1)])
    box._db.execute("PRAGMA max_page_count=1000000")
    assert box.flush()
    assert said[1:] == [f"{tmp_path / 'o.sqlite'}: the outbox is written again"]
    box.close()
    box = Outbox(tmp_path / "o.sqlite", 10**7, said.append)
    assert ids(box) == [f"d{number:03d}" for number in range(1, 100)]
    box.close()


def test_memory_is_bounded_while_the_disk_takes_nothing(tmp_path, said, monkeypatch):
    monkeypatch.setattr(outbox_module, "MOST_HELD_BYTES", 10 * cost("d00", b""))
    box = Outbox(tmp_path / "o.sqlite", 10**7, said.append)
    box._db.execute("PRAGMA query_only=ON")
    for number in range(30):
        assert not box.put(f"d{number:02d}", TOPIC, b"", number / 30)
    assert ids(box) == [f"d{number}" for number in range(20, 30)]
    box._db.execute("PRAGMA query_only=OFF")
    box.close()
    box = Outbox(tmp_path / "o.sqlite", 10**7, said.append)
    assert (box.dropped, box.size()[0]) == (20, 10)
    box.close()


def fill(path: Path, said: list[str], rows: int = 300) -> None:
    box = Outbox(path, 10**7, said.append)
    for number in range(rows):
        box.put(f"d{number:03d}", TOPIC, b"x" * 500, 0.5)
    box.acknowledged([row.row for row in box.waiting(0, 10)])
    box.close()


def overwrite(path: Path, first: float, last: float) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(int(first * size))
        file.write(b"\xa5" * int((last - first) * size))


def test_what_can_be_read_of_a_broken_file_is_rescued_in_order(tmp_path, said):
    path = tmp_path / "o.sqlite"
    fill(path, said)
    overwrite(path, 0.5, 0.55)
    box = Outbox(path, 10**7, said.append)
    found = ids(box)
    assert len(found) > 200  # a twentieth of the file was overwritten
    assert found == sorted(found)
    assert {found[0], found[-1]} == {"d010", "d299"}  # of both sides of what is broken
    assert len(said) == 1
    assert "o.sqlite.broken-1" in said[0]
    assert box.put("d005", TOPIC, b"x", 0.5)
    assert ids(box) == found  # also what had been acknowledged is known
    assert box.put("new", TOPIC, b"x", 0.5)
    assert ids(box)[-1] == "new"
    box.close()
    path.write_bytes(b"no database" * 1000)
    box = Outbox(path, 10**7, said.append)
    assert (tmp_path / "o.sqlite.broken-2").exists()
    assert box.size() == (0, 0)
    box.close()


def test_a_file_that_breaks_while_it_is_open_is_replaced(tmp_path, said):
    path = tmp_path / "o.sqlite"
    fill(path, said)
    box = Outbox(path, 10**7, said.append)
    box._db.execute("PRAGMA cache_size=1")
    box._db.execute("PRAGMA shrink_memory")
    overwrite(path, 0.3, 0.4)
    for number in range(1000, 1100):
        box.put(f"d{number}", TOPIC, b"x" * 500, 0.5)
    rows = box.waiting(0, 10**6)
    found = [row.detection_id for row in rows]
    assert found[-100:] == [f"d{number}" for number in range(1000, 1100)]
    assert len(found) > 250
    assert [row.row for row in rows] == sorted({row.row for row in rows})
    assert "broken-1" in said[0]
    box.close()


def test_put_is_on_the_disk_when_it_returns(tmp_path):
    """A process that is killed right behind the answer has not lost what it put."""
    program = """
import os, sys
from tocsin.inference.sensor.outbox import Outbox
box = Outbox(sys.argv[1], 10**6, print)
for number in range(20):
    assert box.put(f"d{number:02d}", "t", b"x", 0.5)
os.kill(os.getpid(), 9)
"""
    path = tmp_path / "o.sqlite"
    assert subprocess.run([sys.executable, "-c", program, path], check=False).returncode == -9
    box = Outbox(path, 10**6, pytest.fail)
    assert ids(box) == [f"d{number:02d}" for number in range(20)]
    assert box._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL: so also where the power went
    box.close()


def test_a_second_process_is_refused(tmp_path, said, monkeypatch):
    from tocsin.inference.sensor import outbox_file

    monkeypatch.setattr(outbox_file, "WRITERS_WAIT_S", 0.01)
    path = tmp_path / "folder/o.sqlite"
    box = Outbox(path, 10**6, said.append)
    with pytest.raises(TocsinError, match="another `tocsin listen` has this outbox"):
        Outbox(path, 10**6, said.append)
    box.close()


def test_what_cannot_be_opened_is_one_sentence(tmp_path, said):
    (tmp_path / "file").write_text("")
    with pytest.raises(TocsinError, match=r"o\.sqlite: cannot begin the outbox \("):
        Outbox(tmp_path / "file/o.sqlite", 10**6, said.append)
    (tmp_path / "o.sqlite").mkdir()
    with pytest.raises(TocsinError, match=r"o\.sqlite: cannot write the outbox there \("):
        Outbox(tmp_path / "o.sqlite", 10**6, said.append)


def test_a_message_that_is_too_long_is_refused(tmp_path, said):
    box = Outbox(tmp_path / "o.sqlite", 10**6, said.append)
    with pytest.raises(TocsinError, match="expected 65536 at most"):
        box.put("d", TOPIC, b"x" * 65537, 0.5)
    box.close()
