"""A fusion that is started anew in the middle says what one says that never stopped, and nothing twice."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tocsin import TocsinError
from tocsin.inference.detection import Detection
from tocsin.localization.stream.fusion import Fusion
from tocsin.localization.stream.journal import Journal

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


def test_a_restart_anywhere_says_what_an_unbroken_run_says(tmp_path, detections):
    expected = _said_by_parts(tmp_path / "whole.sqlite", [detections])
    assert len({item.incident_id for item in expected}) == 2
    for cut in range(3, len(detections), 5):
        said = _said_by_parts(tmp_path / f"{cut}.sqlite", [detections[:cut], detections[cut:]])
        assert [item.to_dict() for item in said] == [item.to_dict() for item in expected]


def _said_by_parts(path, parts):
    """What is said where the fusion dies between the parts, its journal alone remaining."""
    said = []
    for part in parts:
        journal, engine = Journal(path), Fusion()
        engine.push(journal.came())
        said += _say(journal, engine.advance())
        for detection in part:
            journal.keep([detection])
            engine.push([detection])
            said += _say(journal, engine.advance())
        if part is parts[-1]:
            said += _say(journal, engine.finish())
        journal.close()
    return said


def test_a_detection_that_comes_twice_is_kept_once_in_the_order_of_arrival(tmp_path, detections):
    journal = Journal(tmp_path / "state.sqlite")
    journal.keep(reversed(detections))
    journal.keep(detections)
    assert journal.came() == detections[::-1]


def test_what_came_long_before_the_newest_is_forgotten(tmp_path, detections, monkeypatch):
    now_s = iter([0.0, 599.0, 1200.0])
    monkeypatch.setattr("tocsin.localization.stream.journal.time.time", lambda: next(now_s))
    journal = Journal(tmp_path / "state.sqlite")
    for detection in detections[:3]:
        journal.keep([detection])
    assert journal.came() == detections[2:3]


def test_only_as_many_as_stated_are_kept(tmp_path, detections, monkeypatch):
    monkeypatch.setattr("tocsin.localization.stream.journal.MOST_KEPT", 4)
    journal = Journal(tmp_path / "state.sqlite")
    journal.keep(detections)
    assert journal.came() == detections[-4:]


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + bytes(500)])
def test_another_file_is_refused_in_a_sentence_and_left_as_it_is(tmp_path, content):
    path = tmp_path / "state.sqlite"
    path.write_bytes(content)
    with pytest.raises(TocsinError, match=r"cannot be used as --state \(.+\): give another file"):
        Journal(path)
    assert path.read_bytes() == content


def _say(journal, incidents):
    news = journal.news(incidents)
    journal.said(news)
    return news
