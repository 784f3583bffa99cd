"""``tocsin detect --format detections``: what is located from the table is what is located from the sound."""

import csv
import io
import json
import shutil
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from subprocess import CompletedProcess

import numpy as np
import pytest
import soundfile

from tocsin.acoustics.atmosphere import Atmosphere
from tocsin.acoustics.scene import Event, Obstruction, Scene, Sensor, render_scene
from tocsin.acoustics.sources import gunshot
from tocsin.acoustics.surroundings import Echoes
from tocsin.cli import main
from tocsin.inference.detect import detect
from tocsin.inference.detection import read_detections
from tocsin.inference.model import Model

START = datetime(2026, 1, 1, tzinfo=UTC)
SHOOTER_M = (260.0, 170.0)
PLACES_M = [(0.0, 0.0), (480.0, 20.0), (430.0, 410.0), (-30.0, 390.0), (200.0, 300.0)]
TEMPERATURE_C = 4.0


def tocsin(*words):
    """The command in this process: exit code, stdout and stderr as its own process would give them."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["tocsin", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
    return CompletedProcess(words, end.value.code or 0, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def array(tmp_path_factory):
    """A simulated pistol shot 1.5 s after the start, as five sensors in 4 °C record it."""
    folder = tmp_path_factory.mktemp("simulated")
    sensors = tuple(Sensor(f"s{i}", x, y, 5.0, (x, y, 5.0)) for i, (x, y) in enumerate(PLACES_M))
    source = gunshot(np.random.default_rng(7), 16000)
    shot = Event("gunshot", *SHOOTER_M, 1.5, 1.5, 1, source)
    path = Obstruction(0.0, 0.0, Echoes(np.zeros(0), np.zeros(0), -20.0, 0.1))
    scene = Scene(sensors, (shot,), ((path,) * len(sensors),), Atmosphere(TEMPERATURE_C, 60.0), 4.0, 7)
    rows = ["path,sensor_id,start_time_utc,x_m,y_m,z_m,clock_sigma_s"]
    for sensor, samples in zip(sensors, render_scene(scene), strict=True):
        soundfile.write(folder / f"{sensor.sensor_id}.wav", samples, scene.sample_rate)
        rows.append(f"{sensor.sensor_id}.wav,{sensor.sensor_id},2026-01-01T00:00:00Z,{sensor.x_m},{sensor.y_m},5,0.002")
    (folder / "recordings.csv").write_text("\n".join(rows) + "\n")
    (folder / "weather.json").write_text(json.dumps({"temperature_c": TEMPERATURE_C, "wind_speed_mps": 0.0}))
    return folder


def shots_of(*words):
    result = tocsin("locate", *words)
    assert result.returncode == 0
    shots = [json.loads(line) for line in result.stdout.splitlines()]
    return [{name: value for name, value in shot.items() if name != "input"} for shot in shots]


@pytest.mark.parametrize(("format", "name"), [("detections", "d.csv"), ("detections-jsonl", "d.jsonl")])
def test_the_table_gives_the_shots_of_the_sound(array, tiny_onnx, tmp_path, format, name):
    heard = tocsin("detect", array, "--model", tiny_onnx, "--format", format)
    assert heard.returncode == 0
    (tmp_path / name).write_text(heard.stdout)
    # The air is not in the table: what is to be typed for it is said, word by word.
    sentence = f"tocsin: {array}: its weather.json goes into no detection: add "
    assert heard.stderr.startswith(sentence)
    weather = heard.stderr.removeprefix(sentence).split(" to `tocsin locate`")[0].split()
    assert weather == ["--temperature-c", "4", "--wind-speed-mps", "0"]
    shots = shots_of(tmp_path / name, *weather)
    assert shots == shots_of(array, "--model", tiny_onnx)
    assert shots != shots_of(tmp_path / name)
    best = max(shots, key=lambda shot: shot["probability"])
    assert np.hypot(best["x_m"] - SHOOTER_M[0], best["y_m"] - SHOOTER_M[1]) < 10.0


def test_fusion_takes_the_messages(array, tiny_onnx, tmp_path):
    (tmp_path / "d.jsonl").write_text(
        tocsin("detect", array, "--model", tiny_onnx, "--format", "detections-jsonl").stdout
    )
    fused = tocsin("fuse", tmp_path / "d.jsonl", "--temperature-c", TEMPERATURE_C)
    assert fused.returncode == 0
    incidents = [json.loads(line) for line in fused.stdout.splitlines()]
    assert len({incident["incident_id"] for incident in incidents}) == 1
    assert np.hypot(incidents[-1]["x_m"] - SHOOTER_M[0], incidents[-1]["y_m"] - SHOOTER_M[1]) < 10.0


def test_a_file_and_what_is_said_of_it_give_its_events_in_time_and_place(array, tiny_onnx, tmp_path):
    samples, rate = soundfile.read(array / "s2.wav", dtype="float32")
    events = detect(samples, rate, Model(tiny_onnx))
    assert events
    place = ("--latitude", "40.44", "--longitude", "-79.99", "--elevation-m", "290")
    said = ("--sensor-id", "roof", "--start-time-utc", "2026-01-01T01:00:00+01:00", *place)
    result = tocsin("detect", array / "s2.wav", "--model", tiny_onnx, "--format", "detections", *said)
    assert (result.returncode, result.stderr) == (0, "")
    (tmp_path / "d.csv").write_text(result.stdout)
    detections = read_detections(tmp_path / "d.csv")
    assert [detection.onset_time_utc for detection in detections] == [
        START + timedelta(seconds=event.onset_s) for event in events
    ]
    for detection, event in zip(detections, events, strict=True):
        assert (detection.latitude, detection.longitude, detection.elevation_m) == (40.44, -79.99, 290.0)
        assert (detection.sensor_id, detection.model_id) == ("roof", "tiny-0")
        assert (detection.snr_db, detection.level_dbfs) == (event.snr_db, event.level_dbfs)
        assert dict(detection.probabilities) == event.probabilities


def test_all_classes_are_written_unless_some_are_asked_for(array, tiny_onnx):
    def labels(threshold, *words):
        flags = ("--model", tiny_onnx, "--format", "detections-jsonl", "--threshold", threshold, *words)
        lines = tocsin("detect", array, *flags).stdout.splitlines()
        return [json.loads(line)["sensor_id"] for line in lines]

    every = labels(1)
    assert sorted(set(every)) == ["s0", "s1", "s2", "s3", "s4"]
    assert labels(0, "--label", "gunshot") == every
    assert labels(1, "--label", "gunshot") == []
    assert labels(0) == every


def test_no_bang_leaves_a_table_without_rows(tiny_onnx, tmp_path):
    soundfile.write(tmp_path / "quiet.wav", np.zeros(12000), 12000)
    said = ("--sensor-id", "a", "--start-time-utc", "2026-01-01T00:00:00Z", "--x-m", "0", "--y-m", "-5")
    result = tocsin("detect", tmp_path / "quiet.wav", "--model", tiny_onnx, "--format", "detections", *said)
    assert result.returncode == 0
    assert list(csv.reader(io.StringIO(result.stdout))) == [["sensor_id", "onset_time_utc", "x_m", "y_m", "z_m"]]


def test_one_broken_recording_is_named_and_the_others_are_written(array, tiny_onnx, tmp_path):
    broken = shutil.copytree(array, tmp_path / "broken")
    (broken / "s1.wav").write_bytes(b"RIFF nothing")
    result = tocsin("detect", broken, "--model", tiny_onnx, "--format", "detections")
    assert result.returncode == 1
    _, complaint = result.stderr.splitlines()
    assert "s1.wav" in complaint
    heard = {row["sensor_id"] for row in csv.DictReader(io.StringIO(result.stdout))}
    assert heard == {"s0", "s2", "s3", "s4"}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["s0.wav"], "add --sensor-id NAME, --start-time-utc 2018-12-19T00:49:20.5Z, --x-m 0 --y-m 0 (or --latitude"),
        (
            ["s0.wav", "--sensor-id", "a", "--start-time-utc", "2026-01-01T00:00:00Z", "--x-m", "3"],
            "where and when: add --x-m 0 --y-m 0 (or --latitude 40.44 --longitude -79.99)",
        ),
        (
            ["s0.wav", "--sensor-id", "a", "--start-time-utc", "noon", "--x-m", "3", "--y-m", "3"],
            "s0.wav, --start-time-utc: 'noon' does not fit: expected a time such as",
        ),
        (
            ["s0.wav", "s1.wav"],
            "s0.wav and others do not say which sensor heard them, where and when: write recordings",
        ),
        ([".", "--sensor-id", "a"], "recordings.csv says where and when: leave out --sensor-id"),
        (["s0.wav", "--x-m", "3", "--format", "csv"], "--x-m is for --format detections"),
    ],
)
def test_what_is_missing_or_too_much_is_said_in_a_sentence(array, tiny_onnx, monkeypatch, words, sentence):
    monkeypatch.chdir(array)
    monkeypatch.setenv("COLUMNS", "800")
    format = () if "--format" in words else ("--format", "detections")
    result = tocsin("detect", *words, "--model", tiny_onnx, *format)
    assert (result.returncode, result.stdout) == (2, "")
    assert sentence in " ".join(result.stderr.split())
