"""Detections as careless tables hold them: refused in one sentence, or located as if they had been well kept."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner

from tocsin import TocsinError
from tocsin.acoustics.atmosphere import Atmosphere
from tocsin.acoustics.microphone import record, urban_noise
from tocsin.acoustics.propagation import receive
from tocsin.acoustics.sources import gunshot
from tocsin.acoustics.surroundings import random_echoes
from tocsin.inference.array_recording import detect_array, read_array_recording
from tocsin.inference.detection import Detection, read_detections, write_detections
from tocsin.inference.model import Model
from tocsin.localization.commands import locate as locate_command
from tocsin.localization.locate import gunfire_probability, locate
from tocsin.localization.observation.frames import LocalFrame
from tocsin.localization.observation.travel import Air, travel_times_s

START = datetime(2026, 1, 1, tzinfo=UTC)
SENSORS = np.array([(0, 0), (600, 50), (550, 640), (-40, 580), (280, 310), (900, 350)], float)
SOURCE = np.array([210.0, 450.0])


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(locate_command)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def heard(sensors=SENSORS, source=SOURCE, frame=None, **fields):
    delays = travel_times_s(source, sensors, Air())
    for index, (position, delay) in enumerate(zip(sensors, delays, strict=True)):
        place = {"x_m": position[0], "y_m": position[1]}
        if frame is not None:
            latitude, longitude, _ = frame.to_geographic([*position, 0.0])
            place = {"latitude": latitude, "longitude": longitude}
        time = START + timedelta(seconds=float(delay))
        extra = {name: value(index) for name, value in fields.items()}
        yield Detection(sensor_id=f"s{index}", onset_time_utc=time, **place, **extra)


def test_ids_that_count_for_each_sensor_do_not_lose_detections():
    (shot,) = locate(heard(detection_id=lambda index: "1"))
    assert shot.n_sensors == 6
    twice = [*heard(), *heard()]
    assert [shot.n_sensors for shot in locate(twice)] == [6]


def test_one_id_for_two_detections_of_a_sensor_is_refused():
    first, *_ = heard(detection_id=lambda index: "7")
    other = first.model_copy(update={"onset_time_utc": first.onset_time_utc + timedelta(seconds=1)})
    with pytest.raises(TocsinError, match="sensor s0 gives detection_id '7' to two detections"):
        locate([first, other, *heard()])


@pytest.mark.parametrize("x_m", [60_000.0, 1e300, -1.7e308])
def test_a_mistyped_position_is_named_and_not_searched(x_m):
    sensors = np.vstack([SENSORS, [x_m, 0.0]])
    detections = [*heard(), Detection(sensor_id="s6", x_m=sensors[6, 0], y_m=0.0, onset_time_utc=START)]
    with pytest.raises(TocsinError, match=r"night\.csv: sensor s6 is .* km from the middle of all sensors"):
        locate(detections, input_name="night.csv")


def test_the_sensor_that_is_far_is_blamed_though_it_speaks_most():
    times = [START + timedelta(seconds=index) for index in range(50)]
    far = [Detection(sensor_id="s6", x_m=60_000.0, y_m=0.0, onset_time_utc=time) for time in times]
    with pytest.raises(TocsinError, match="sensor s6 is"):
        locate([*far, *heard()])


def test_sensors_out_of_earshot_of_each_other_give_no_shot_and_groups_one_each():
    # The times fit one sound, but nobody hears over four kilometres what the others hear.
    assert locate(heard(sensors=np.array([(0.0, 0.0), (8000.0, 0.0), (4000.0, 7000.0)]))) == []
    groups = [*heard(sensors=np.vstack([SENSORS[:5], SENSORS[:5] + 6000.0]))]
    (shot,) = locate(groups)
    assert np.hypot(shot.place.x_m - SOURCE[0], shot.place.y_m - SOURCE[1]) < 1


def test_the_180th_meridian_is_a_line_as_any_other():
    errors = []
    for longitude in (179.999, -179.999, 20.0):
        frame = LocalFrame(-17.0, longitude)
        (shot,) = locate(heard(frame=frame))
        assert not shot.ambiguous
        found = frame.to_local(shot.place.latitude, shot.place.longitude)[:2]
        errors.append(float(np.hypot(*(found - SOURCE))))
    assert max(errors) < 0.5


def test_a_direction_that_no_sensor_sees_is_not_called_known():
    # From beyond the end of a line of sensors all differences are the same: the distance is open.
    line = np.array([(x, 0.0) for x in (0, 200, 400, 600, 800)])
    for shot in locate(heard(sensors=line, source=np.array([1500.0, 0.0]))):
        assert shot.ambiguous
        assert shot.ellipse_95.semi_major_m > 100


@pytest.mark.parametrize(
    ("time", "words"),
    [
        ("1", "expected a time such as"),
        ("1767225600.5", "expected a time such as"),
        ("1e9", "expected a time such as"),
        ("0001-01-01T00:00:00+05:00", "expected a year from 1970 to 2200"),
        ("9999-12-31T23:59:59-05:00", "expected a year from 1970 to 2200"),
    ],
)
def test_times_that_are_no_times_are_refused(tmp_path, time, words):
    path = tmp_path / "table.csv"
    path.write_text(f"sensor_id,onset_time_utc,x_m,y_m\na,{time},0,0\n")
    with pytest.raises(TocsinError, match=f"row 2, column onset_time_utc.*{words}"):
        read_detections(path)


def test_deeply_nested_json_is_refused(tmp_path):
    path = tmp_path / "table.jsonl"
    path.write_text("[" * 100_000 + "\n")
    with pytest.raises(TocsinError, match="row 1: "):
        read_detections(path)


def array_of_gunfire(folder, sample_rate=12000):
    """Recordings of one source at every sensor, with the delays, echoes and noise of a scene."""
    rng = np.random.default_rng(4)
    source = gunshot(rng, sample_rate, rounds=2)
    rows = ["path,sensor_id,start_time_utc,x_m,y_m"]
    for index, (x_m, y_m) in enumerate(SENSORS):
        pressure = urban_noise(4 * sample_rate, sample_rate, 42.0, rng)
        distance_m = float(np.hypot(x_m - SOURCE[0], y_m - SOURCE[1]))
        first = round((0.5 + distance_m / Air(15.0).speed_mps) * sample_rate)
        sound = receive(source, distance_m, Atmosphere(15.0), random_echoes(rng), rng, longest_s=0.5)
        pressure[first : first + len(sound)] += sound
        soundfile.write(folder / f"{index}.wav", record(pressure, sample_rate, 120.0), sample_rate)
        rows.append(f"{index}.wav,s{index},2026-01-01T00:00:00Z,{x_m},{y_m}")
    (folder / "recordings.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_an_array_is_heard_classified_and_located_by_the_shipped_weights(tmp_path, run):
    folder = array_of_gunfire(tmp_path)
    detections = detect_array(read_array_recording(folder))
    assert {detection.model_id for detection in detections} == {Model().card.model_id}
    assert all(sum(detection.probabilities.values()) == pytest.approx(1) for detection in detections)
    result = run(folder)
    assert result.exit_code == 0
    heard_shots, plain_shots = (
        [json.loads(line) for line in output.stdout.splitlines()] for output in (result, run(folder, "--no-classify"))
    )
    # Two rounds; the place is the same with classes and without.
    for first, second in (heard_shots, plain_shots):
        assert np.hypot(first["x_m"] - SOURCE[0], first["y_m"] - SOURCE[1]) < 5
        assert (first["incident_id"], first["ambiguous"]) == (second["incident_id"], False)
    # What the classes make of even odds is the probability of the detections that the shot names.
    named = [detection for detection in detections if detection.detection_id in heard_shots[0]["detections"]]
    assert len(named) == heard_shots[0]["n_sensors"]
    ratio = heard_shots[0]["probability"] / plain_shots[0]["probability"]
    assert 0.5 * ratio == pytest.approx(gunfire_probability(named), abs=2e-4)


def test_a_model_that_is_missing_is_refused_whatever_the_input(tmp_path, run):
    write_detections(tmp_path / "table.csv", heard())
    result = run(tmp_path / "table.csv", "--model", "nosuch.onnx")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "nosuch.onnx: no such file" in result.stderr


def test_a_name_too_long_for_a_file_does_not_exist(run):
    result = run("x" * 5000)
    assert result.exit_code == 1
    assert "does not exist" in result.stderr
    with pytest.raises(TocsinError, match="is no array recording"):
        read_array_recording("x" * 5000)


def test_sensors_at_one_point_leave_the_place_open_and_say_so(tmp_path, run):
    write_detections(tmp_path / "table.csv", heard(sensors=np.full((6, 2), 5.0), source=np.array([5.0, 5.5])))
    result = run(tmp_path / "table.csv")
    assert "all 6 sensors stand at (5, 5): mend their positions" in result.stderr
    [shot] = [json.loads(line) for line in result.stdout.splitlines()]
    assert shot["ambiguous"]
    assert shot["ellipse_95"]["semi_minor_m"] > 100
    assert ("see alternatives" in result.stderr) == bool(shot["alternatives"])


@pytest.mark.parametrize("snr_db", [-1e308, 1e308])
def test_levels_beyond_all_sense_are_numbers_all_the_same(snr_db):
    # numpy's warnings are errors here.
    assert len(locate(heard(snr_db=lambda index: snr_db * (1 if index else -1)))) <= 1
    twice = [*heard(snr_db=lambda index: snr_db), *heard(snr_db=lambda index: -snr_db)]
    assert len(locate(twice)) <= 1


def test_weather_of_other_words_is_not_taken_for_none(tmp_path):
    (tmp_path / "recordings.csv").write_text(
        "path,sensor_id,start_time_utc,x_m,y_m\na.wav,a,2026-01-01T00:00:00Z,0,0\n"
    )
    (tmp_path / "weather.json").write_text('{"temp_c": -5}')
    with pytest.raises(TocsinError, match=r"weather\.json: none of temperature_c, .* is in it, but temp_c"):
        read_array_recording(tmp_path)
    (tmp_path / "weather.json").write_text('{"temperature_c": -5, "wind_speed": 8}')
    with pytest.raises(TocsinError, match=r"weather\.json: wind_speed is no field of it: expected wind_speed_mps"):
        read_array_recording(tmp_path)
    (tmp_path / "weather.json").write_text("\ufeff" + '{"temperature_c": -5, "source": "KAGC"}', encoding="utf-8")
    assert read_array_recording(tmp_path).weather.temperature_c == -5
