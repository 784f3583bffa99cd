"""``tocsin fuse``: what comes in piece by piece, late, twice or in disorder gives what the whole gives at once."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from tocsin.inference.detection import Detection
from tocsin.localization.incidents.grouping import Status
from tocsin.localization.locate import locate
from tocsin.localization.observation.travel import Air, travel_times_s
from tocsin.localization.stream.commands import fuse, parse_line
from tocsin.localization.stream.fusion import Fusion
from tocsin.localization.stream.neighbourhoods import HEARING_M
from tocsin.localization.stream.reading.live_clock import LiveClock
from tocsin.localization.stream.sensor_register import UP_S

START = datetime(2026, 1, 1, tzinfo=UTC)
AIR = Air(temperature_c=10.0)
SENSORS = {f"s{i}": xy for i, xy in enumerate([(0, 0), (600, 50), (550, 640), (-40, 580), (280, 310), (900, 350)])}
GUNSHOT = {"gunshot": 0.9, "fireworks": 0.05, "background": 0.05}


def heard(source, time_s, rng, sensors=SENSORS, offsets_s=None, sigma_s=0.002, **fields):
    travel = travel_times_s(np.array(source, float), np.array(list(sensors.values()), float), AIR)
    detections = []
    for (name, (x_m, y_m)), delay in zip(sensors.items(), travel, strict=True):
        onset_s = time_s + delay + rng.normal(0, sigma_s) + (offsets_s or {}).get(name, 0.0)
        time = START + timedelta(seconds=float(onset_s))
        given = {"snr_db": 20.0, "probabilities": GUNSHOT, **fields}
        detections.append(Detection(sensor_id=name, onset_time_utc=time, x_m=x_m, y_m=y_m, **given))
    return detections


def spurious(rng, count, until_s):
    names = list(SENSORS)
    return [
        Detection(
            sensor_id=(name := names[int(rng.integers(len(names)))]),
            onset_time_utc=START + timedelta(seconds=float(rng.uniform(0, until_s))),
            x_m=SENSORS[name][0],
            y_m=SENSORS[name][1],
            snr_db=float(rng.uniform(5, 15)),
            probabilities=GUNSHOT,
        )
        for _ in range(count)
    ]


def in_order(detections):
    return sorted(detections, key=lambda item: (item.onset_time_utc, item.sensor_id))


def fused(engine, batches):
    revisions = []
    for batch in batches:
        engine.push(batch)
        revisions += engine.advance()
    return revisions + engine.finish()


def last_of(revisions):
    last = {item.incident_id: item for item in revisions}
    return [item for item in last.values() if item.status is not Status.withdrawn]


@pytest.fixture(scope="module")
def stream():
    rng = np.random.default_rng(4)
    bangs = [((210, 450), 1.0), ((700, 150), 4.5), ((700, 150), 5.1)]
    detections = [item for source, time_s in bangs for item in heard(source, time_s, rng)]
    return in_order(detections + spurious(rng, 5, 8.0))


@pytest.fixture(scope="module")
def whole(stream):
    """What the stream gives where each detection comes alone and in order."""
    engine = Fusion(AIR)
    return fused(engine, [[item] for item in stream])


def test_streaming_finds_the_shots_that_the_whole_table_gives(stream, whole):
    shots = locate(stream, AIR)
    streamed = sorted((s for item in last_of(whole) for s in item.shots), key=lambda shot: shot.discharge_time_utc)
    assert len(shots) == len(streamed) == 3
    for one, other in zip(shots, streamed, strict=True):
        assert set(one.detections) == set(other.detections)
        assert np.hypot(one.place.x_m - other.place.x_m, one.place.y_m - other.place.y_m) < 0.1
        assert one.probability == pytest.approx(other.probability, abs=1e-3)
    assert [item.rounds for item in last_of(whole)] == [1, 2]


@pytest.mark.parametrize("seed", range(2))
def test_every_revision_is_the_same_however_messages_are_cut_doubled_or_disordered(stream, whole, seed):
    rng = np.random.default_rng(seed)
    doubled = [*stream, *(stream[int(index)] for index in rng.integers(len(stream), size=5))]
    # Each message is delayed by less than the lateness that is allowed.
    sent = sorted(doubled, key=lambda item: item.onset_time_utc + timedelta(seconds=float(rng.uniform(0, 0.45))))
    cuts = np.sort(rng.integers(0, len(sent), size=9))
    engine = Fusion(AIR)
    revisions = fused(engine, [sent[a:b] for a, b in zip([0, *cuts], [*cuts, len(sent)], strict=True)])
    assert revisions == whole
    assert (engine.counts.duplicates, engine.counts.late, engine.counts.too_late, engine.held) == (5, 0, 0, 0)


def test_a_round_is_published_within_the_stated_latency(rng):
    round_s = 10.0
    ticks = [heard((300, 300), float(second), rng, snr_db=0.0, sigma_s=0.2)[:3] for second in range(14, 18)]
    bang = heard((210, 450), round_s, rng)
    engine = Fusion(AIR)
    published_s = None
    for item in in_order([*bang, *(tick for batch in ticks for tick in batch)]):
        engine.push([item])
        for incident in engine.advance():
            if abs((incident.first_time_utc - START).total_seconds() - round_s) < 0.1 and published_s is None:
                published_s = engine.message_time_s - START.timestamp()
    # Message time comes in jumps of a second here, and an answer with the first jump past its time.
    assert published_s - round_s <= engine.latency_bound_s + 1.5
    assert published_s - round_s >= HEARING_M / AIR.speed_mps


def test_silence_of_the_input_lets_the_last_round_out(rng):
    engine = Fusion(AIR)
    engine.push(heard((210, 450), 1.0, rng))
    assert engine.advance() == []
    last_s = engine.message_time_s
    assert engine.advance(last_s + 1.0) == []
    [incident] = engine.advance(START.timestamp() + 1.0 + engine.latency_bound_s)
    assert (incident.status, incident.revision, incident.rounds) == (Status.confirmed, 1, 1)


def test_one_clock_far_ahead_hurries_nobody(rng):
    engine = Fusion(AIR)
    ahead = heard((210, 450), 3600.0, rng)[0]
    first = heard((210, 450), 1.0, rng)
    engine.push([ahead, *first[1:4]])
    assert engine.advance() == []
    engine.push(first[4:])
    assert [item.rounds for item in last_of(engine.finish())] == [1]
    assert engine.counts.too_late == 0


def test_a_late_message_revises_and_one_that_explains_away_withdraws(rng):
    bang = heard((210, 450), 1.0, rng, sigma_s=0.0)
    engine = Fusion(AIR)
    engine.push([*bang[:5]])
    [first] = engine.advance(START.timestamp() + 7.0)
    engine.push(bang[5:])
    [second] = engine.advance(START.timestamp() + 7.6)
    assert engine.counts.late == 1
    assert (second.incident_id, first.revision, second.revision) == (first.incident_id, 1, 2)
    assert (first.shots[0].n_sensors, second.shots[0].n_sensors) == (5, 6)
    assert first.shots[0].shot_id == second.shots[0].shot_id


def test_an_incident_that_was_confirmed_is_never_dropped_in_silence(rng, monkeypatch):
    engine = Fusion(AIR)
    engine.push(heard((210, 450), 1.0, rng))
    [first] = engine.advance(START.timestamp() + 7.0)
    assert first.status is Status.confirmed
    monkeypatch.setattr("tocsin.localization.stream.search.locate", lambda *_, **__: [])
    engine.push([heard((500, 500), 2.0, rng)[0]])  # something new, and the round is not found again
    [last] = engine.advance(START.timestamp() + 7.6)
    assert (last.incident_id, last.status, last.revision) == (first.incident_id, Status.withdrawn, 2)


def test_silent_sensors_that_are_up_count_against(rng):
    three = dict(list(SENSORS.items())[:4])
    alone, watched = Fusion(AIR), Fusion(AIR)
    near = {"n0": (200, 300), "n1": (300, 450)}
    watched.push(heard((200, 300), -100.0, rng, sensors=near))
    forgotten = Fusion(AIR)
    forgotten.push(heard((200, 300), -UP_S - 100.0, rng, sensors=near))
    listed = Fusion(AIR, sensors=heard((200, 300), 0.0, rng, sensors=near))
    bang = heard((210, 450), 1.0, rng, sensors=three)
    found = []
    for engine in (alone, watched, forgotten, listed):
        engine.push(bang)
        found.append(engine.finish()[-1].probability)
    assert found[0] == found[2]
    assert found[1] == found[3]
    assert found[1] < found[0] - 0.04


def test_memory_does_not_grow_with_the_stream(rng, monkeypatch):
    monkeypatch.setattr(
        "tocsin.localization.stream.search.locate", lambda *_, **__: []
    )  # what it finds is beside the point
    engine = Fusion(AIR)
    most = 0
    for batch in range(20):
        noise = spurious(rng, 20, 10.0)
        shift = timedelta(seconds=60.0 * batch)
        engine.push(
            in_order(
                item.model_copy(
                    update={"onset_time_utc": item.onset_time_utc + shift, "detection_id": f"{batch}-{index}"}
                )
                for index, item in enumerate(noise)
            )
        )
        engine.advance()
        most = max(most, engine.held)
    engine.finish()
    assert most <= 40
    assert (engine.held, engine.counts.received, engine.counts.too_late) == (0, 400, 0)


def test_a_clock_that_is_off_is_found_and_corrected():
    rng = np.random.default_rng(11)
    offsets = {"s2": 0.08}
    engine = Fusion(AIR)
    for index in range(8):
        source = rng.uniform((50, 50), (600, 550))
        engine.push(heard(source, 20.0 * index, rng, offsets_s=offsets, sigma_s=0.004))
        engine.advance(START.timestamp() + 20.0 * index + 15.0)
    found = engine.clocks.off()
    assert set(found) == {"s2"}
    assert found["s2"].offset_s == pytest.approx(0.08, abs=3.5 * found["s2"].sigma_s)
    engine.push(heard((300, 200), 400.0, rng, offsets_s=offsets, sigma_s=0.004))
    [incident] = engine.finish()
    assert "s2" in incident.shots[0].residuals_s
    assert np.hypot(incident.place.x_m - 300, incident.place.y_m - 200) < 5.0


def test_positions_that_contradict_are_refused_and_the_rest_goes_on(rng):
    said = []
    engine = Fusion(AIR, complain=said.append)
    bang = heard((210, 450), 1.0, rng)
    moved = bang[0].model_copy(update={"x_m": 5000.0, "detection_id": "moved"})
    geographic = Detection(sensor_id="g", onset_time_utc=START, latitude=40.0, longitude=-80.0)
    far = Detection(sensor_id="far", onset_time_utc=START, x_m=1e9, y_m=0.0)
    engine.push([*bang, moved, geographic, far])
    assert [item.rounds for item in engine.finish()] == [1]
    assert engine.counts.refused == len(said) == 3
    assert "has moved" in said[0]
    assert "another frame" in said[1]
    assert "from the first" in said[2]


def test_a_live_clock_goes_on_in_silence_and_a_slow_replay_does_not_overtake_itself():
    clock = LiveClock()
    assert clock.tick(0.0, True, 100.0, 103.0) == 100.0  # three sensors have reached 100, the newest says 103
    assert clock.tick(2.0, False, 100.0, 103.0) == 102.0
    assert clock.tick(1.0, True, 101.0, 106.0) == 103.0  # a message does not set it back
    assert [clock.tick(1.0, False, 101.0, 106.0) for _ in range(4)] == [104.0, 105.0, 106.0, 107.0]
    slow = LiveClock()
    slow.tick(0.0, True, 0.0, 0.0)
    for second in range(10):  # a second of stream takes ten
        assert slow.tick(10.0, True, float(second), float(second)) == second


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(fuse)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def test_the_command_gives_a_line_a_revision_and_names_bad_lines(tmp_path, run, stream, whole):
    lines = [item.to_json() for item in stream]
    lines[3:3] = ["{", "[]", '{"sensor_id": "x"}', *["no"] * 5, ""]
    (tmp_path / "in.jsonl").write_text("\n".join(lines))  # the last line without its end
    result = run(tmp_path / "in.jsonl", "--temperature-c", 10, "--report", tmp_path / "report.json")
    assert result.exit_code == 0
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["incident_id"], row["revision"], row["status"]) for row in rows] == [
        (item.incident_id, item.revision, item.status.value) for item in whole
    ]
    assert rows[0]["cadence"] == "single"
    said = result.stderr.splitlines()
    assert "in.jsonl, row 4: not a line of JSON" in said[0]
    assert "expected a JSON object" in said[1]
    assert said[-1] == "tocsin: 8 lines are no detections, of which the first 5 are named above"
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["received"], report["bad_lines"], report["clocks"]) == (len(stream), 8, [])


def test_an_absent_file_is_one_sentence(run):
    result = run("nothing.jsonl")
    assert "nothing.jsonl cannot be read" in str(result.exception)


@pytest.mark.parametrize("line", [b"\xff\xfe", b"[" * 100_000, b"null", b'{"sensor_id": 3}', b"1e999"])
def test_no_line_is_more_than_a_sentence(line):
    from tocsin import TocsinError

    with pytest.raises(TocsinError, match=r"^here"):
        parse_line("here", line)
