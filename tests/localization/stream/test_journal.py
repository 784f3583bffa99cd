"""A fusion that is started anew in the middle says what one says that never stopped, and nothing twice."""

import itertools
import json
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tocsin import TocsinError
from tocsin.inference.detection import Detection
from tocsin.localization.incidents.grouping import Status
from tocsin.localization.stream.fusion import Fusion
from tocsin.localization.stream.journal import Journal
from tocsin.localization.stream.output import Output

START = datetime(2026, 1, 1, tzinfo=UTC)
SENSORS = [(0.0, 0.0), (500.0, 0.0), (0.0, 500.0), (520.0, 480.0), (260.0, 240.0)]
SOURCES = [(120.0, 300.0, 10.0), (122.0, 301.0, 12.5), (400.0, 90.0, 31.0), (401.0, 91.0, 33.0)]


@pytest.fixture(scope="module")
def detections():
    """Two shootings of two rounds, in the order in which they are heard."""
    rng, heard = np.random.default_rng(3), []
    for x_m, y_m, time_s in SOURCES:
        for number, (east_m, north_m) in enumerate(SENSORS):
            arrival_s = time_s + np.hypot(x_m - east_m, y_m - north_m) / 340.4 + rng.normal(0.0, 0.002)
            onset = START + timedelta(seconds=float(arrival_s))
            heard.append(Detection(sensor_id=f"s{number}", x_m=east_m, y_m=north_m, onset_time_utc=onset))
    return sorted(heard, key=lambda item: item.onset_time_utc)


def test_a_restart_anywhere_says_what_an_unbroken_run_says(tmp_path, detections, capsys):
    expected = said_by_parts(tmp_path / "whole.sqlite", [detections], capsys)
    assert len({item["incident_id"] for item in expected}) == 2
    for cut in range(3, len(detections), 5):
        said = said_by_parts(tmp_path / f"{cut}.sqlite", [detections[:cut], detections[cut:]], capsys)
        assert said == expected


def test_a_restart_after_a_late_detection_says_nothing_twice_and_ends_the_same(tmp_path, detections, capsys):
    # The first that is heard of the first round comes when the round was said without it, and may still change.
    first, *others = detections
    strays = [moved(item, by_s) for by_s in (15.6, 16.2, 16.8) for item in stray_sounds()]
    late = sorted([*others, *strays], key=lambda item: item.onset_time_utc)
    late.insert(late.index(strays[2]) + 1, first)
    expected = said_by_parts(tmp_path / "whole.sqlite", [late], capsys)
    held = [len(shot["detections"]) for item in expected for shot in item["shots"][:1]]
    assert (expected[0]["incident_id"], held[:2]) == (expected[1]["incident_id"], [4, 5])
    for cut in (15, 18, 20, 22):
        said = said_by_parts(tmp_path / f"{cut}.sqlite", [late[:cut], late[cut:]], capsys)
        revisions = [(item["incident_id"], item["revision"]) for item in said]
        assert len(set(revisions)) == len(revisions)
        assert [told(item) for item in last_of(said)] == [told(item) for item in last_of(expected)], cut


def test_many_restarts_say_what_an_unbroken_run_says(tmp_path, detections, capsys):
    expected = said_by_parts(tmp_path / "whole.sqlite", [detections], capsys)
    assert said_by_parts(tmp_path / "many.sqlite", [[item] for item in detections], capsys) == expected


def test_what_comes_again_after_minutes_and_a_restart_makes_no_incident(tmp_path, detections, capsys, monkeypatch):
    clock = itertools.count(0, 60)  # a minute between two that come: the engine's own memory is gone
    monkeypatch.setattr("tocsin.localization.stream.journal.time.time", lambda: float(next(clock)))
    later = [moved(item, 3600.0) for item in detections]
    # The copies of all but one sensor: of these alone the rounds would have other ids.
    again = [item for item in detections if item.sensor_id != "s3"]
    path = tmp_path / "state.sqlite"
    once = said_by_parts(path, [detections, later], capsys)
    assert len({item["incident_id"] for item in once}) == 4
    last = [moved(item, 7200.0) for item in detections]
    thrice = said_by_parts(path, [again, [*last[:3], *again, *last[3:]]], capsys)
    assert {item["incident_id"] for item in thrice}.isdisjoint({item["incident_id"] for item in once})
    assert len({item["incident_id"] for item in thrice}) == 2


def test_what_was_learnt_of_a_clock_outlives_a_restart(tmp_path, capsys):
    rng = np.random.default_rng(5)
    heard = [item for number in range(9) for item in round_at((150.0, 200.0 + number), 60.0 * number, rng, fast_s=0.3)]
    expected = said_by_parts(tmp_path / "whole.sqlite", [heard], capsys)
    assert [len(item["shots"][0]["detections"]) for item in expected] == [5, 5, 5, 5, 5, 6, 6, 6, 6]
    for cut in (6 * 7, 6 * 7 + 3, 6 * 8):
        assert said_by_parts(tmp_path / f"{cut}.sqlite", [heard[:cut], heard[cut:]], capsys) == expected


def test_a_withdrawal_is_said_whatever_the_revisions_of_the_run_before(tmp_path, detections):
    engine, journal = Fusion(), Journal(tmp_path / "state.sqlite")
    engine.push(detections)
    [incident, _] = last_incidents(engine.finish())
    for revision in range(1, 5):
        # Each time more than a little other.
        [told_now] = journal.news([replace(incident, probability=0.1 * revision, revision=revision)])
        assert told_now.revision == revision
        journal.said([told_now], 0.0)
    journal.close()
    again = Journal(tmp_path / "state.sqlite")
    same = replace(incident, probability=0.4, revision=1, incident_id="of another name")
    assert again.news([same]) == []
    [withdrawn] = again.news([replace(same, status=Status.withdrawn, revision=2)])
    assert (withdrawn.incident_id, withdrawn.revision) == (incident.incident_id, 5)
    again.close()


def moved(item, by_s):
    return Detection(
        **{
            **item.model_dump(exclude={"detection_id", "onset_time_utc"}),
            "onset_time_utc": item.onset_time_utc + timedelta(seconds=by_s),
        }
    )


def stray_sounds():
    """What three sensors hear of no shot."""
    return [
        Detection(sensor_id=f"s{n}", x_m=x_m, y_m=y_m, onset_time_utc=START + timedelta(seconds=0.01 * n))
        for n, (x_m, y_m) in enumerate(SENSORS[:3])
    ]


def round_at(source, time_s, rng, fast_s):
    """What six sensors hear of a round, in order, the clock of the last fast."""
    heard = []
    for number, (east_m, north_m) in enumerate([*SENSORS, (-200.0, 260.0)]):
        arrival_s = time_s + np.hypot(source[0] - east_m, source[1] - north_m) / 340.4 + rng.normal(0.0, 0.002)
        onset = START + timedelta(seconds=float(arrival_s) + (fast_s if number == 5 else 0.0))
        heard.append(Detection(sensor_id=f"s{number}", x_m=east_m, y_m=north_m, onset_time_utc=onset))
    return sorted(heard, key=lambda item: item.onset_time_utc)


def told(incident):
    """What an incident says, less the names that its shots were given."""
    shots = [set(shot["detections"]) for shot in incident["shots"]]
    return incident["status"], incident["rounds"], incident["x_m"], incident["y_m"], shots


def last_of(said):
    """The last revision of each incident, in the order of the first."""
    return list({item["incident_id"]: item for item in said}.values())


def last_incidents(incidents):
    return list({item.incident_id: item for item in incidents}.values())


def said_by_parts(path, parts, capsys):
    """What is said where the fusion dies between the parts, its journal alone remaining."""
    capsys.readouterr()
    for part in parts:
        journal, engine = Journal(path), Fusion()
        out = Output(engine, journal)
        out.begin()
        for detection in part:
            out.push([detection])
            out.write(engine.advance())
        if part is parts[-1]:
            out.write(engine.finish())
        journal.close()
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_detection_that_comes_twice_is_kept_once_in_the_order_of_arrival(tmp_path, detections):
    journal = Journal(tmp_path / "state.sqlite")
    journal.take(reversed(detections))
    journal.take(detections)
    assert journal.came() == detections[::-1]


def test_what_came_long_before_the_newest_is_forgotten(tmp_path, detections, monkeypatch):
    now_s = iter([0.0, 599.0, 1200.0])
    monkeypatch.setattr("tocsin.localization.stream.journal.time.time", lambda: next(now_s))
    journal = Journal(tmp_path / "state.sqlite")
    for detection in detections[:3]:
        journal.take([detection])
    assert journal.came() == detections[2:3]


def test_only_as_many_as_stated_are_kept(tmp_path, detections, monkeypatch):
    monkeypatch.setattr("tocsin.localization.stream.journal.MOST_KEPT", 4)
    journal = Journal(tmp_path / "state.sqlite")
    journal.take(detections)
    assert journal.came() == detections[-4:]


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + bytes(500)])
def test_another_file_is_refused_in_a_sentence_and_left_as_it_is(tmp_path, content):
    path = tmp_path / "state.sqlite"
    path.write_bytes(content)
    with pytest.raises(TocsinError, match=r"cannot be used as --state \(.+\): give another file"):
        Journal(path)
    assert path.read_bytes() == content


def test_two_fusions_cannot_share_a_file(tmp_path, monkeypatch):
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **more: connect(*args, timeout=0.1, **more))
    path = tmp_path / "state.sqlite"
    first = Journal(path)
    with pytest.raises(
        TocsinError, match=r"another `tocsin fuse` has .*state\.sqlite: each needs a --state of its own"
    ):
        Journal(path)
    first.close()
    Journal(path).close()


def test_a_full_disk_is_one_sentence_and_loses_nothing_that_was_kept(tmp_path, detections):
    path = tmp_path / "state.sqlite"
    journal = Journal(path)
    assert journal.take(detections[:5]) == detections[:5]
    (pages,) = journal._base.execute("PRAGMA page_count").fetchone()
    journal._base.execute(f"PRAGMA max_page_count = {pages}")
    many = [moved(item, 60.0 * number) for number in range(1, 20) for item in detections]
    with pytest.raises(
        TocsinError, match=r"cannot be used as --state \(database or disk is full\): .* make room there"
    ):
        journal.take(many)
    journal.close()
    again = Journal(path)
    assert again.came() == detections[:5]
    assert again.take([*detections[:5], *many[:1]]) == many[:1]
    again.close()
