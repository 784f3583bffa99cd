"""Where sensors contradict each other on site, place or time, most of them decide, and nothing is lost for ever.

The oracle is the stream without what is wrong: it must give the same rounds.
"""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tocsin.inference.detection import Detection
from tocsin.localization.incidents.grouping import Status
from tocsin.localization.observation.frames import LocalFrame
from tocsin.localization.observation.travel import Air, travel_times_s
from tocsin.localization.stream import search, sensor_register, stream_time
from tocsin.localization.stream.fusion import Fusion
from tocsin.localization.stream.sensor_register import LAST_PLACES
from tocsin.localization.stream.voices import LATELY

START = datetime(2026, 1, 1, tzinfo=UTC)
AIR = Air(temperature_c=10.0)
SENSORS = {f"s{i}": xy for i, xy in enumerate([(0, 0), (600, 50), (550, 640), (-40, 580), (280, 310), (900, 350)])}
TOWN = LocalFrame(40.44, -79.99)
DAY_S = 86_400.0


def heard(time_s, source=(210, 450), sensors=SENSORS, frame=None, offset_s=0.0, **fields):
    """One bang at every sensor: in metres, or in degrees of a frame; ``offset_s`` is of all their clocks."""
    travel = travel_times_s(np.array(source, float), np.array(list(sensors.values()), float), AIR)
    detections = []
    for (name, (x_m, y_m)), delay in zip(sensors.items(), travel, strict=True):
        place = {"x_m": x_m, "y_m": y_m}
        if frame is not None:
            latitude, longitude, _ = frame.to_geographic([x_m, y_m, 0.0])
            place = {"latitude": latitude, "longitude": longitude}
        time = START + timedelta(seconds=time_s + float(delay) + offset_s)
        detections.append(
            Detection(
                sensor_id=name, onset_time_utc=time, snr_db=20.0, probabilities={"gunshot": 0.9}, **place, **fields
            )
        )
    return sorted(detections, key=lambda item: item.onset_time_utc)


def rounds(detections, engine=None):
    """Ids of the detections of each round that is left at the end, each detection having come alone."""
    engine = engine or Fusion(AIR)
    revisions = []
    for item in detections:
        engine.push([item])
        revisions += engine.advance()
    last = {item.incident_id: item for item in revisions + engine.finish()}
    return [
        set(shot.detections) for item in last.values() if item.status is not Status.withdrawn for shot in item.shots
    ]


def alone(detections):
    """The rounds of these detections and no others, found once for all tests."""
    key = tuple(item.detection_id for item in detections)
    if key not in _ALONE:
        _ALONE[key] = rounds(detections)
    return _ALONE[key]


_ALONE = {}
BANGS = [bang for index in range(5) for bang in heard(20.0 * index, (210 + 60 * index, 450))]
IN_DEGREES = [bang for index in range(5) for bang in heard(20.0 * index, (210 + 60 * index, 450), frame=TOWN)]


@pytest.mark.parametrize(
    ("odd", "right", "why"),
    [
        (heard(0.0, sensors={"bench": (0, 0)}, frame=LocalFrame(0.0, 0.0)), IN_DEGREES, "more than 20 km"),
        (heard(0.0, sensors={"s3": (410, 390)}), IN_DEGREES, "another frame"),
        (heard(0.0, sensors={"s3": (410, 390)}, frame=TOWN), BANGS, "another frame"),
        (heard(0.0, sensors={"s1": (4e6, 0)}), BANGS, "more than 20 km"),
    ],
)
def test_a_first_message_that_no_other_agrees_with_is_refused_and_named(odd, right, why):
    said = []
    engine = Fusion(AIR, complain=said.append)
    found = rounds([*odd, *right], engine)
    assert found == alone(right)
    assert len(found) == 5
    assert (engine.counts.refused, engine.counts.used) == (1, len(right))
    assert [why in sentence for sentence in said] == [True]
    assert f"sensor {odd[0].sensor_id} " in said[0]


def test_three_that_agree_first_are_outvoted_by_six_and_nothing_of_these_is_lost():
    bench = heard(-30.0, sensors={f"b{i}": (40.0 * i, 30.0 * (i % 2)) for i in range(3)}, frame=LocalFrame(10.0, 10.0))
    said = []
    engine = Fusion(AIR, complain=said.append)
    assert [item for item in rounds([*bench, *IN_DEGREES], engine) if len(item) > 3] == alone(IN_DEGREES)
    assert engine.counts.refused == 0
    assert sum("theirs is the site" in sentence for sentence in said) == 1


def test_a_listed_site_is_outvoted_by_those_that_send():
    listed = heard(0.0, sensors={name: (x + 1e6, y) for name, (x, y) in SENSORS.items()})
    assert rounds(BANGS, Fusion(AIR, sensors=listed)) == alone(BANGS)


def test_one_listed_at_a_wrong_place_does_not_fix_the_site():
    said = []
    listed = [*heard(0.0, sensors={"wrong": (0, 0)}, frame=LocalFrame(0.0, 0.0)), *heard(0.0, frame=TOWN)]
    engine = Fusion(AIR, sensors=listed, complain=said.append)
    assert len(said) == 1
    assert "sensor wrong" in said[0]
    assert rounds(IN_DEGREES, engine) == alone(IN_DEGREES)


def test_few_that_contradict_move_nothing():
    others = [
        item
        for index in range(5)
        for item in heard(20.0 * index - 5.0, sensors={f"o{i}": (0, 100.0 * i) for i in range(3)}, frame=TOWN)
    ]
    said = []
    engine = Fusion(AIR, complain=said.append)
    mixed = sorted([*BANGS, *others], key=lambda item: item.onset_time_utc)
    head = heard(-40.0, (0, 0))  # the six have spoken before
    assert rounds([*head, *mixed], engine) == rounds([*head, *BANGS])
    assert engine.counts.refused == len(said) == len(others)


def test_sensors_that_all_moved_to_another_town_are_heard_there():
    later = [item for index in range(5) for item in heard(300.0 + 20.0 * index, frame=LocalFrame(35.0, 12.0))]
    engine = Fusion(AIR)
    assert rounds([*IN_DEGREES, *later], engine) == alone(IN_DEGREES) + rounds(later)
    assert engine.counts.refused == 0


@pytest.mark.parametrize("before", [1, 5])
def test_a_sensor_is_believed_to_have_moved_when_most_of_what_it_sends_says_so(before):
    """A first position that was wrong is a move after one."""
    moved = {**SENSORS, "s0": (300, -200)}
    bangs = [heard(60.0 * index, sensors=SENSORS if index < before else moved) for index in range(before + 6)]
    said = []
    engine = Fusion(AIR, complain=said.append)
    held = [any("s0" in key for key in _sensors_of(engine, bang)) for bang in bangs]
    refused = min(before, LAST_PLACES // 2)
    assert engine.counts.refused == refused
    assert held == [True] * before + [False] * refused + [True] * (6 - refused)
    assert sum("sensor s0 stands more than" in sentence for sentence in said) == 1


def _sensors_of(engine, bang):
    engine.push(bang)
    revisions = engine.advance(bang[-1].onset_time_utc.timestamp() + 15.0)
    return [set(shot.residuals_s) for shot in revisions[-1].shots] if revisions else []


def test_a_clock_a_year_ahead_neither_hurries_nor_fills_the_memory(monkeypatch):
    monkeypatch.setattr(stream_time, "MOST_AHEAD", 10)
    fast = [item for i in range(40) for item in heard(2.0 * i + 365 * DAY_S, sensors={"fast": (100, 0)})]
    said = []
    engine = Fusion(AIR, complain=said.append)
    mixed = [item for pair in zip(fast[:30], BANGS, strict=True) for item in pair] + fast[30:]
    assert rounds(mixed, engine) == alone(BANGS)
    assert engine.counts.ahead == 40 - 10 - 2  # the first two came when no time was known
    assert engine.counts.too_late == 0
    assert any("the clock of sensor fast seems to be ahead" in sentence for sentence in said)
    assert engine.held == 0


def test_one_wrong_time_of_a_sensor_does_not_hold_back_what_it_sends_later():
    bangs = [bang for index in range(4) for bang in heard(300.0 * index)]
    first = len(SENSORS)
    wrong = bangs[0].model_copy(update={"onset_time_utc": START + timedelta(days=3650), "detection_id": "wrong"})
    assert rounds([*bangs[:first], wrong, *bangs[first:]]) == alone(bangs)


def test_three_clocks_ahead_are_outvoted_by_six_and_stay_so():
    fast = {f"fast{i}": (100.0 * i, 70.0 * i) for i in range(3)}
    mixed = []
    for index in range(5):
        mixed += heard(20.0 * index, (210 + 60 * index, 450), fast, offset_s=365 * DAY_S)
        mixed += heard(20.0 * index, (210 + 60 * index, 450))
    said = []
    engine = Fusion(AIR, complain=said.append)
    first, *others = [item for item in rounds(mixed, engine) if len(item) > 3]
    assert first < alone(BANGS)[0]  # two of its arrivals were needed to see that the others are out of time
    assert others == alone(BANGS)[1:]
    assert sum("the stream goes back" in sentence for sentence in said) == 1
    assert (engine.counts.ahead, engine.counts.too_late) == (3 * 4, 0)
    assert engine.counts.refused == 0
    assert {f"the clock of sensor {name} is ahead of most by more than 60 s: set it" for name in fast} <= set(said)


@pytest.mark.parametrize("jump_s", [-DAY_S, -3600.0, DAY_S])
def test_a_stream_that_jumps_by_hours_goes_on_there(jump_s):
    later = [
        item.model_copy(
            update={"onset_time_utc": item.onset_time_utc + timedelta(seconds=jump_s), "detection_id": f"n{i}"}
        )
        for i, item in enumerate(BANGS)
    ]
    said = []
    engine = Fusion(AIR, complain=said.append)
    assert rounds([*BANGS, *later], engine) == alone(BANGS) + rounds(later)
    assert (engine.counts.too_late, engine.counts.ahead, engine.counts.refused) == (0, 0, 0)
    assert bool(said) == (jump_s < 0)


def test_a_clock_in_1970_is_named():
    slow = [heard(float(i), sensors={"slow": (100, 0)}, offset_s=-START.timestamp())[0] for i in range(30)]
    said = []
    engine = Fusion(AIR, complain=said.append)
    mixed = [*BANGS[:12], *(item for pair in zip(slow[:18], BANGS[12:], strict=True) for item in pair)]
    assert rounds(mixed, engine) == alone(BANGS)
    assert engine.counts.too_late == 18
    assert set(said) == {"sensor slow sends what comes too late by more than 60 s: set its clock, or send sooner"}


def test_sensors_far_from_each_other_do_not_silence_a_crowd(monkeypatch):
    monkeypatch.setattr(search, "CROWD", 4)
    far = heard(0.0, (12_100, 100), {f"f{i}": (12_000 + 100.0 * i, 300.0 * (i % 2)) for i in range(3)})
    said = []
    engine = Fusion(AIR, complain=said.append)
    both = sorted([*BANGS, *far], key=lambda item: item.onset_time_utc)
    assert [item for item in rounds(both, engine) if len(item) > 3] == alone(BANGS)
    assert any("some are left out" in sentence and "km from the middle" in sentence for sentence in said)


def test_a_jittering_position_does_not_silence_its_neighbours():
    """Each within 50 m of the first, and yet farther from each other than one sensor may be."""
    bang = heard(1.0)
    jitter = [
        Detection(sensor_id="s0", onset_time_utc=START + timedelta(seconds=time_s), x_m=x_m, y_m=0.0, snr_db=5.0)
        for time_s, x_m in ((0.4, 0.0), (0.5, 45.0), (0.6, 45.0), (0.7, -45.0))
    ]
    assert {item.detection_id for item in bang} in rounds([*jitter, *bang])


def test_more_names_than_there_is_room_for_break_nothing(monkeypatch):
    monkeypatch.setattr(sensor_register, "MOST_SENSORS", 20)
    crowd = [
        item
        for index in range(60)
        for item in heard(100.0 + 0.1 * index, sensors={f"name{index}": (37.0 * (index % 9), 11.0 * index)})
    ]
    engine = Fusion(AIR)
    assert rounds([*BANGS, *crowd], engine)[:5] == alone(BANGS)
    assert (engine.counts.used, engine.held) == (len(BANGS) + len(crowd), 0)


def test_a_sensor_that_no_sound_joins_to_another_is_named_and_changes_nothing():
    said = []
    engine = Fusion(AIR, complain=said.append)
    assert rounds([*heard(0.0, sensors={"far": (10_000, 0)}), *BANGS], engine) == alone(BANGS)
    assert [sentence.startswith("sensor far is farther than 3 km from every other") for sentence in said] == [True]


def test_two_sensors_alone_do_not_fill_the_memory():
    said = []
    engine = Fusion(AIR, complain=said.append)
    two = dict(list(SENSORS.items())[:2])
    lone = [item for index in range(LATELY) for item in heard(10.0 * index - 1e5, sensors=two)]
    engine.push(lone)
    assert (engine.held, engine.counts.refused, engine.counts.used) == (LATELY, LATELY, LATELY)
    assert len(set(said)) == 1
    assert rounds(BANGS, engine) == alone(BANGS)


def test_nothing_is_left_of_the_place_where_a_sensor_stands_no_longer():
    wrong = heard(0.0, sensors={"s0": (300, -200)})
    said = []
    engine = Fusion(AIR, complain=said.append)
    engine.push([*wrong, *heard(0.5), *heard(1.5), *heard(2.5)])
    shots = engine.finish()[-1].shots
    assert sum("s0" in shot.residuals_s for shot in shots) == 2
    assert engine.counts.refused == 1
    assert len(said) == 2  # it has moved; it stands there
    seen = {name for shot in shots for name in (*shot.detections, *(item.detection_id for item in shot.rejected))}
    assert wrong[0].detection_id not in seen
