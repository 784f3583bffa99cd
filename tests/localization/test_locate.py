"""``tocsin locate`` as a command: formats, several inputs, bad inputs in one sentence each, notes, weather."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner

from tocsin import TocsinError
from tocsin.inference.array_recording import detect_array, read_array_recording
from tocsin.inference.detection import Detection, write_detections
from tocsin.localization.commands import locate
from tocsin.localization.observation.frames import LocalFrame
from tocsin.localization.observation.travel import Air, travel_times_s

START = datetime(2026, 1, 1, tzinfo=UTC)
SENSORS = np.array([(0, 0), (600, 50), (550, 640), (-40, 580), (280, 310), (900, 350)], float)
SOURCE = np.array([210.0, 450.0])
FRAME = LocalFrame(40.44, -79.99)


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(locate)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def table(path, geographic=False, air=None, shots=(0.0,), **fields):
    delays = travel_times_s(SOURCE, SENSORS, air or Air(temperature_c=15.0))
    detections = []
    for shot_s in shots:
        for index, (position, delay) in enumerate(zip(SENSORS, delays, strict=True)):
            place = {"x_m": position[0], "y_m": position[1]}
            if geographic:
                latitude, longitude, _ = FRAME.to_geographic([*position, 0.0])
                place = {"latitude": latitude, "longitude": longitude}
            time = START + timedelta(seconds=shot_s + float(delay))
            detections.append(Detection(sensor_id=f"s{index}", onset_time_utc=time, **place, **fields))
    write_detections(path, detections)
    return path


def array_folder(folder, rng, sample_rate=12000, air=None):
    folder.mkdir()
    delays = travel_times_s(SOURCE, SENSORS, air or Air(temperature_c=-3.0))
    rows = ["path,sensor_id,start_time_utc,x_m,y_m"]
    for index, (position, delay) in enumerate(zip(SENSORS, delays, strict=True)):
        samples = 0.002 * rng.standard_normal(4 * sample_rate)
        onset = round((1.0 + delay) * sample_rate)
        burst = rng.standard_normal(sample_rate // 4) * np.exp(-np.arange(sample_rate // 4) / (0.02 * sample_rate))
        samples[onset : onset + burst.size] += 0.1 * burst
        soundfile.write(folder / f"s{index}.wav", samples, sample_rate)
        rows.append(f"s{index}.wav,s{index},2026-01-01T00:00:00Z,{position[0]},{position[1]}")
    (folder / "recordings.csv").write_text("\n".join(rows) + "\n")
    (folder / "weather.json").write_text('{"temperature_c": -3.0, "wind_speed_mps": 0, "wind_from_deg": 0}')
    return folder


def away(shot):
    return float(np.hypot(shot["x_m"] - SOURCE[0], shot["y_m"] - SOURCE[1]))


def test_several_inputs_give_a_line_a_shot_each_naming_its_input(tmp_path, run):
    one, two = table(tmp_path / "one.csv"), table(tmp_path / "two.jsonl", shots=(0.0, 0.5))
    result = run(one, two)
    assert result.exit_code == 0
    shots = [json.loads(line) for line in result.stdout.splitlines()]
    assert [shot["input"] for shot in shots] == [str(one), str(two), str(two)]
    assert all(away(shot) < 0.5 for shot in shots)
    assert shots[1]["incident_id"] == shots[2]["incident_id"]
    assert shots[0]["discharge_time_utc"].startswith(("2026-01-01T00:00:00.00", "2025-12-31T23:59:59.99"))


def test_a_line_has_the_fields_of_the_contract(tmp_path, run):
    [shot] = [json.loads(line) for line in run(table(tmp_path / "one.csv")).stdout.splitlines()]
    assert set(shot) == {
        "schema_version",
        "input",
        "shot_id",
        "incident_id",
        "discharge_time_utc",
        "discharge_sigma_s",
        "x_m",
        "y_m",
        "ellipse_95",
        "ambiguous",
        "alternatives",
        "n_sensors",
        "detections",
        "rejected",
        "residuals_s",
        "probability",
    }
    assert set(shot["ellipse_95"]) == {"semi_major_m", "semi_minor_m", "azimuth_deg"}
    assert set(shot["residuals_s"]) == {f"s{index}" for index in range(6)}


def test_runs_compare_equal(tmp_path, run):
    path = table(tmp_path / "one.csv", shots=(0.0, 0.4))
    assert run(path).stdout == run(path).stdout


def test_raw_audio_of_an_array_is_located(tmp_path, run, rng):
    result = run(array_folder(tmp_path / "array", rng), "--no-classify")
    assert result.exit_code == 0
    [shot] = [json.loads(line) for line in result.stdout.splitlines()]
    assert away(shot) < 2.0
    assert shot["discharge_time_utc"][:21] in ("2026-01-01T00:00:01.0", "2026-01-01T00:00:00.9")


def test_weather_of_the_folder_is_used_and_options_overrule_it(tmp_path, run, rng):
    folder = array_folder(tmp_path / "array", rng)
    right = json.loads(run(folder, "--no-classify").stdout)
    wrong = json.loads(run(folder, "--no-classify", "--temperature-c", "35").stdout)
    assert away(right) < away(wrong)
    assert max(map(abs, right["residuals_s"].values())) < max(map(abs, wrong["residuals_s"].values()))
    windy = table(tmp_path / "windy.csv", air=Air(temperature_c=20.0, wind_speed_mps=10.0, wind_from_deg=90.0))
    told = json.loads(run(windy, "--temperature-c", "20", "--wind-speed-mps", "10", "--wind-from-deg", "90").stdout)
    assert away(told) < 0.2 < away(json.loads(run(windy, "--temperature-c", "20").stdout))


def test_geojson_is_valid_and_in_degrees(tmp_path, run):
    document = json.loads(run(table(tmp_path / "one.csv", geographic=True), "--format", "geojson").stdout)
    point, polygon = document["features"]
    assert document["type"] == "FeatureCollection"
    assert point["geometry"]["type"] == "Point"
    assert FRAME.to_local(point["geometry"]["coordinates"][1], point["geometry"]["coordinates"][0])[
        :2
    ] == pytest.approx(SOURCE, abs=0.5)
    ring = polygon["geometry"]["coordinates"][0]
    assert ring[0] == ring[-1]
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))
    assert area > 0  # counter-clockwise, RFC 7946
    assert point["properties"]["rounds"] == 1


def test_json_is_one_document_of_incidents(tmp_path, run):
    document = json.loads(run(table(tmp_path / "one.csv", shots=(0.0, 0.5, 1.1)), "--format", "json").stdout)
    assert [incident["rounds"] for incident in document] == [3]
    assert len(document[0]["shots"]) == 3


def test_csv_is_a_row_a_shot(tmp_path, run):
    rows = list(csv.DictReader(io.StringIO(run(table(tmp_path / "one.csv"), "--format", "csv").stdout)))
    assert len(rows) == 1
    assert float(rows[0]["x_m"]) == pytest.approx(210, abs=0.5)
    assert rows[0]["ambiguous"] == "false"


def test_a_bad_input_is_one_sentence_and_the_rest_goes_on(tmp_path, run):
    bad = tmp_path / "bad.csv"
    bad.write_text("sensor_id,onset_time_utc,x_m,y_m\ns1,noon,1,2\n")
    result = run(bad, tmp_path / "absent", tmp_path, table(tmp_path / "one.csv"))
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 1
    complaints = result.stderr.splitlines()
    assert len(complaints) == 3
    assert "bad.csv, row 2, column onset_time_utc: 'noon'" in complaints[0]
    assert "does not exist" in complaints[1]
    assert "no array recording: expected recordings.csv" in complaints[2]


def test_too_few_sensors_is_said_on_stderr_and_nothing_is_guessed(tmp_path, run):
    path = tmp_path / "two.csv"
    path.write_text("".join((table(tmp_path / "one.csv")).read_text().splitlines(keepends=True)[:3]))
    result = run(path)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "2 sensors heard something and a place needs 3" in result.stderr


def test_an_input_without_detections_is_said_on_stderr(tmp_path, run):
    (tmp_path / "header.csv").write_text("sensor_id,onset_time_utc,x_m,y_m\n")
    result = run(tmp_path / "header.csv")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "header.csv: no shot, for it holds no detection" in result.stderr


def test_a_torn_line_is_said_on_stderr_and_the_others_are_located(tmp_path, run):
    path = table(tmp_path / "log.jsonl")
    path.write_text(path.read_text() + '{"sensor_id": "s1", "onset_ti')
    result = run(path)
    assert result.exit_code == 0
    assert away(json.loads(result.stdout)) < 0.5
    assert "log.jsonl, row 7: not a line of JSON" in result.stderr


def test_an_ambiguous_answer_is_said_on_stderr(tmp_path, run):
    path = tmp_path / "three.csv"
    path.write_text("".join((table(tmp_path / "one.csv")).read_text().splitlines(keepends=True)[:4]))
    result = run(path)
    assert json.loads(result.stdout)["ambiguous"] is True
    assert "1 of 1 shots are ambiguous" in result.stderr


def test_geojson_of_local_metres_is_refused(tmp_path, run):
    result = run(table(tmp_path / "one.csv"), "--format", "geojson")
    assert result.exit_code == 1
    assert "GeoJSON is in latitude and longitude" in result.stderr


def test_a_broken_recording_is_reported_and_the_others_are_heard(tmp_path, run, rng):
    folder = array_folder(tmp_path / "array", rng)
    (folder / "s1.wav").write_bytes(b"not audio")
    result = run(folder, "--no-classify")
    [shot] = [json.loads(line) for line in result.stdout.splitlines()]
    assert shot["n_sensors"] == 5
    assert away(shot) < 3
    assert "s1.wav" in result.stderr
    with pytest.raises(TocsinError, match=r"s1\.wav"):
        detect_array(read_array_recording(folder), classify=False)


@pytest.mark.parametrize(
    ("table_text", "weather", "sentence"),
    [
        ("path,sensor_id,x_m,y_m\n", "{}", "lacks the column start_time_utc"),
        ("path,sensor_id,start_time_utc,x_m,y_m\n", "{}", "names no recording"),
        (
            "path,sensor_id,start_time_utc,x_m,y_m\na.wav,s,2026-01-01T00:00:00,1,2\n",
            "{}",
            "row 2, column start_time_utc",
        ),
        ("path,sensor_id,start_time_utc,x_m,y_m\na.wav,s,,1,2\n", "{}", "row 2: start_time_utc is missing"),
        ("path,sensor_id,start_time_utc,x_m,y_m\n,s,2026-01-01T00:00:00Z,1,2\n", "{}", "row 2: path is missing"),
        (
            "path,sensor_id,start_time_utc,x_m,y_m\na.wav,s,2026-01-01T00:00:00Z,1,\n",
            "{}",
            "row 2: a position is needed",
        ),
        ("path,sensor_id,start_time_utc,x_m,y_m\na.wav,s,2026-01-01T00:00:00Z,1,2\n", "{", "weather.json is no JSON"),
        (
            "path,sensor_id,start_time_utc,x_m,y_m\na.wav,s,2026-01-01T00:00:00Z,1,2\n",
            '{"temperature_c": "warm"}',
            "weather.json: temperature_c does not fit",
        ),
    ],
)
def test_an_array_recording_that_does_not_fit_is_refused(tmp_path, table_text, weather, sentence):
    (tmp_path / "recordings.csv").write_text(table_text)
    (tmp_path / "weather.json").write_text(weather)
    with pytest.raises(TocsinError, match=sentence) as caught:
        read_array_recording(tmp_path)
    assert "\n" not in str(caught.value)


def test_wrong_use_exits_with_two(tmp_path, run):
    assert run().exit_code == 2
    assert run(table(tmp_path / "one.csv"), "--temperature-c", "nan").exit_code == 2
    assert run(table(tmp_path / "one.csv"), "--format", "kml").exit_code == 2
