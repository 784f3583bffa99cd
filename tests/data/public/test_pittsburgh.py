"""The reader of the published live fire: a small test in its layout, and the counts that its publisher states."""

import csv
import json
import math
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import soundfile

from tocsin import TocsinError
from tocsin.data.audio import read_audio
from tocsin.data.public.pittsburgh import (
    expected_arrivals_s,
    labelled_clips,
    read_live_fire,
    sounding_stretches_s,
    write_array_recording,
    write_detections,
)

START = datetime(2018, 12, 19, 0, 49, 26, tzinfo=UTC)
SPEED_MPS = 20.03 * math.sqrt(273.15 - 2.0)
SENSORS = {"near": (100.0, 0.0, 0.0), "far": (0.0, 400.0, 0.0), "deaf": (300.0, 400.0, 0.0)}
DISCHARGE_S = 3.0


def stamp(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def place(x, y, z):
    return {"x": x, "y": y, "z": z}


@pytest.fixture
def published(tmp_path):
    """One test, one shot at the origin, three sensors with audio: one has an echo, one picked nothing."""
    folder = tmp_path / "FP7/test_101"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(101)
    pulses = []
    for sensor, position in SENSORS.items():
        samples = rng.integers(-300, 300, 120000, dtype=np.int16)
        samples[: 12000 * 1] = samples[110400:] = 0
        ending = "wav" if sensor == "far" else "flac"
        soundfile.write(folder / f"test_101.audio.{sensor}.{ending}", samples, 12000)
        header = {"serial_number": sensor, "timestamp": stamp(0), "location": place(*position)}
        (folder / f"test_101.audio.{sensor}.json").write_text(json.dumps(header))
        arrival_s = DISCHARGE_S + math.dist(position, (0, 0, 0)) / SPEED_MPS
        if sensor != "deaf":
            pulses.append((f"{sensor}-shot", sensor, arrival_s))
    pulses += [("near-echo", "near", 7.0), ("near-late", "near", 9.5), ("silent-shot", "elsewhere", 5.0)]
    items = [
        {
            "pulse_uuid": name,
            "serial_number": sensor,
            "arrival_time_utc": stamp(arrival_s),
            "location": place(*SENSORS.get(sensor, (681.0, 0.0, 0.0))),
            "location_error": 0.03,
            "signal_to_noise_dB": 20.5,
            "power_dB_SPL": 91.0,
        }
        for name, sensor, arrival_s in pulses
    ]
    survey = {
        "test_id": 101,
        "firing_position": "FP7",
        "num_rounds": 1,
        "firearm": "9 mm",
        "survey_location": place(0, 0, 0),
    }
    tuples = [{"shot_index": 0, "pulse_uuids": ["near-shot", "far-shot", "removed"]}]
    weather = {"temperature": -2.0, "speed": 1.8, "direction": 150.0}
    for name, content in {"survey": survey, "allpulses": items, "nlos-tuples": tuples, "weather": weather}.items():
        (folder / f"test_101.{name}.json").write_text(json.dumps(content))
    return tmp_path


def test_small_layout_is_read(published):
    (test,) = read_live_fire(published)
    assert (test.name, test.firearm, test.rounds, test.survey) == ("FP7/test_101", "9 mm", 1, (0, 0, 0))
    assert (test.weather.temperature_c, test.weather.wind_speed_mps, test.weather.wind_from_deg) == (-2, 1.8, 150)
    assert test.tuples == (("near-shot", "far-shot"),)
    assert {pulse.pulse_id: pulse.shot_index for pulse in test.pulses} == {
        "near-shot": 0,
        "far-shot": 0,
        "near-echo": None,
        "near-late": None,
        "silent-shot": None,
    }
    assert [recording.path.suffix for recording in test.recordings] == [".flac", ".wav", ".flac"]
    assert all(recording.start_time_utc == START for recording in test.recordings)
    assert len(test.recordings[0].read(16000).samples) == 160000


def test_zeroed_audio_is_left_out(published):
    (test,) = read_live_fire(published)
    ((start_s, end_s),) = sounding_stretches_s(test.recordings[0].read())
    assert (start_s, end_s) == pytest.approx((1, 9.2), abs=2e-3)


def test_expected_arrival_is_the_straight_path_at_the_speed_of_sound(published):
    (test,) = read_live_fire(published)
    for recording in test.recordings:
        expected_s = DISCHARGE_S + math.dist(SENSORS[recording.sensor_id], (0, 0, 0)) / SPEED_MPS
        assert expected_arrivals_s(test, recording) == pytest.approx([expected_s], abs=1e-3)


def test_labelled_stretches_are_shots_and_what_is_quiet(published):
    (test,) = read_live_fire(published)
    rows = list(labelled_clips([test]))
    arrivals_s = {sensor: DISCHARGE_S + math.dist(xyz, (0, 0, 0)) / SPEED_MPS for sensor, xyz in SENSORS.items()}
    shots = {row.device: (row.start_s, row.onset_s, row.end_s) for row in rows if row.label == "gunshot"}
    assert set(shots) == {"near", "far"}
    for sensor, times_s in shots.items():
        assert times_s == pytest.approx([arrivals_s[sensor] + shift_s for shift_s in (-0.3, 0, 0.7)], abs=1e-3)
    quiet = [(row.device, row.start_s, row.end_s) for row in rows if row.label == "background"]
    assert [sensor for sensor, _, _ in quiet] == ["deaf", "deaf", "far", "far", "near", "near"]
    # The sensor that picked nothing is quiet only away from where the other sensors say that the shot passed it.
    assert quiet[0][1:] == pytest.approx((1, arrivals_s["deaf"] - 0.1), abs=2e-3)
    assert quiet[1][1:] == pytest.approx((arrivals_s["deaf"] + 4, 9.2), abs=2e-3)
    # The near sensor's other pulse needs a second to die away, the shot four.
    assert quiet[5][1:] == pytest.approx((8.0, 9.2), abs=2e-3)
    assert {(row.recording_id, row.session_id) for row in rows} == {
        ("pittsburgh-2018/FP7/test_101", "pittsburgh-2018/FP7")
    }


def test_no_background_where_a_round_is_unaccounted_for(published):
    path = published / "FP7/test_101/test_101.survey.json"
    path.write_text(path.read_text().replace('"num_rounds": 1', '"num_rounds": 3'))
    assert {row.label for row in labelled_clips(read_live_fire(published))} == {"gunshot"}


def test_array_recording_has_what_locating_needs(published, tmp_path):
    (test,) = read_live_fire(published)
    folder = write_array_recording(test, tmp_path / "out/array")
    with (folder / "recordings.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["sensor_id"] for row in table] == ["deaf", "far", "near"]
    assert {row["start_time_utc"] for row in table} == {"2018-12-19T00:49:26.000000Z"}
    assert [tuple(float(row[axis]) for axis in ("x_m", "y_m", "z_m")) for row in table] == [
        SENSORS[row["sensor_id"]] for row in table
    ]
    assert all(read_audio(row["path"]).duration_s == 10 for row in table)
    weather = json.loads((folder / "weather.json").read_text())
    assert weather == {"temperature_c": -2.0, "wind_speed_mps": 1.8, "wind_from_deg": 150.0}


def test_positions_of_an_array_recording_are_fixes_or_averages(published, tmp_path):
    path = published / "FP7/test_101/test_101.audio.far.json"
    path.write_text(path.read_text().replace("400.0", "404.0"))
    (test,) = read_live_fire(published)

    def far(**options):
        folder = write_array_recording(test, tmp_path / "out/array", **options)
        with (folder / "recordings.csv").open(newline="") as file:
            (row,) = [row for row in csv.DictReader(file) if row["sensor_id"] == "far"]
        return float(row["y_m"]), float(row["position_sigma_m"])

    assert far() == (404.0, 3.0)
    assert far(averaged_positions=True) == (400.0, 0.03)


def test_position_error_of_zero_is_one_not_stated(published):
    path = published / "FP7/test_101/test_101.allpulses.json"
    path.write_text(path.read_text().replace('"location_error": 0.03', '"location_error": 0.0'))
    assert {pulse.position_sigma_m for pulse in read_live_fire(published)[0].pulses} == {3.0}


def test_detections_are_the_published_pulses_in_order(published, tmp_path):
    (test,) = read_live_fire(published)

    def written(**options):
        with write_detections(test, tmp_path / "out/detections.csv", **options).open(newline="") as file:
            return list(csv.DictReader(file))

    table = written()
    assert [row["detection_id"] for row in table] == ["near-shot", "far-shot", "silent-shot", "near-echo", "near-late"]
    assert table[3]["onset_time_utc"] == "2018-12-19T00:49:33.000000Z"
    assert [float(table[1][name]) for name in ("x_m", "y_m", "z_m", "position_sigma_m", "snr_db", "level_dbspl")] == [
        *SENSORS["far"],
        0.03,
        20.5,
        91.0,
    ]
    assert [row["detection_id"] for row in written(sensors={"near"}, shots_only=True)] == ["near-shot"]


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("test_101.weather.json", None, r"test_101\.weather\.json does not exist"),
        ("test_101.weather.json", "{}", r"weather\.json: the field 'temperature' of the published layout is missing"),
        ("test_101.survey.json", "{", r"survey\.json is not as published"),
        ("test_101.allpulses.json", '[{"pulse_uuid": "a"}]', r"allpulses\.json: the field 'serial_number'"),
        ("test_101.audio.far.wav", None, r"audio\.far\.json: its audio is missing"),
        (
            "test_101.audio.far.json",
            '{"serial_number": "far", "timestamp": "2018-12-19T00:49:26", "location": {"x": 0, "y": 0, "z": 0}}',
            r"audio\.far\.json is not as published: the time .* has no zone",
        ),
    ],
)
def test_what_is_not_as_published_is_named(published, file, content, sentence):
    path = published / "FP7/test_101" / file
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    with pytest.raises(TocsinError, match=sentence):
        read_live_fire(published)


def test_folder_without_live_fire_is_refused(tmp_path):
    with pytest.raises(TocsinError, match="holds no live fire"):
        read_live_fire(tmp_path)
    with pytest.raises(TocsinError, match="is no folder"):
        read_live_fire(tmp_path / "none")


def test_six_positions_have_the_published_counts(recordings):
    tests = read_live_fire(recordings / "live-fire/pittsburgh-2018")
    assert Counter(test.firing_position for test in tests) == dict.fromkeys(
        ("FP1", "FP2", "FP4", "FP6", "FP8", "FP9"), 18
    )
    assert sum(len(test.recordings) for test in tests) == 540
    assert sum(len(test.pulses) for test in tests) == 7965
    # 36 shots a position, one of which the publisher did not group.
    assert sum(test.rounds for test in tests) == 6 * 36
    assert [test.name for test in tests if len(test.tuples) != test.rounds] == ["FP4/test_055"]
    # The publisher grouped pulses within 40 ms of the straight path (Technical Note 098).
    for test in tests:
        for recording in test.recordings:
            arrivals_s = expected_arrivals_s(test, recording)
            shots = [(onset_s, p.shot_index) for onset_s, p in test.onsets_s(recording) if p.shot_index is not None]
            assert all(abs(onset_s - arrivals_s[index]) < 0.05 for onset_s, index in shots)
