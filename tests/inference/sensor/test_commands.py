"""`tocsin listen` as an installer types it: against `tocsin detect`, and where something is wrong."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile

RATE = 16_000
START = "2026-03-01T12:00:00.250001Z"


def run(*words, cwd, **environment):
    return subprocess.run(
        [sys.executable, "-m", "tocsin", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Sound with bangs, ``street.wav``, and settings that hear it, ``sensor.toml``."""
    folder, rng = tmp_path_factory.mktemp("listen"), np.random.default_rng(8)
    sound = 1e-3 * rng.standard_normal(10 * RATE)
    for onset_s in (2.0, 4.4, 7.1):
        sound[round(onset_s * RATE) :][:800] += 0.5 * np.exp(-np.arange(800) / 128) * rng.standard_normal(800)
    soundfile.write(folder / "street.wav", sound, RATE)
    (folder / "sensor.toml").write_text(
        '[sensor]\nid = "roof-1"\nx_m = 1.0\ny_m = 2.0\n'
        f'[source]\naddress = "street.wav"\nstart_time_utc = "{START}"\n[broker]\nfrom_probability = 0.0\n'
    )
    return folder


def test_a_file_gives_the_detections_of_tocsin_detect(folder):
    listened = run("listen", "sensor.toml", cwd=folder)
    place = ("--sensor-id", "roof-1", "--start-time-utc", START, "--x-m", "1", "--y-m", "2")
    detected = run("detect", "street.wav", "--format", "detections-jsonl", *place, cwd=folder)
    assert listened.returncode == detected.returncode == 0
    one, other = ([json.loads(line) for line in done.stdout.splitlines()] for done in (listened, detected))
    assert len(one) >= 3
    for mine, theirs in zip(one, other, strict=True):
        for name in ("sensor_id", "onset_time_utc", "probabilities", "level_dbfs", "snr_db", "model_id", "x_m"):
            assert mine[name] == theirs[name]


def test_raw_samples_on_standard_input_are_heard(folder, tmp_path):
    samples, _ = soundfile.read(folder / "street.wav", dtype="int16")
    (tmp_path / "raw.toml").write_text(
        '[sensor]\nid = "roof-1"\nx_m = 1.0\ny_m = 2.0\n'
        f'[source]\naddress = "-"\nsample_rate = {RATE}\n[broker]\nfrom_probability = 0.0\n[log]\nformat = "json"\n'
    )
    done = subprocess.run(
        [sys.executable, "-m", "tocsin", "listen", "raw.toml"],
        cwd=tmp_path,
        input=samples.tobytes(),
        capture_output=True,
    )
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) >= 3
    said = [json.loads(line) for line in done.stderr.splitlines()]
    assert said[0]["text"].startswith("listening as roof-1 to ")
    assert said[-1]["text"] == "ended"


def test_without_gunshots_nothing_is_published_where_gunshots_alone_are_wanted(folder):
    done = run("listen", "sensor.toml", cwd=folder, TOCSIN_BROKER__PUBLISH="gunshots")
    assert done.returncode == 0
    assert all(json.loads(line)["probabilities"]["gunshot"] > 0.2 for line in done.stdout.splitlines())


def test_check_says_a_line_of_each_part_and_by_its_exit_code_whether_all_are_right(folder):
    done = run("listen", "sensor.toml", "--check", cwd=folder)
    lines = {line[6:].partition(":")[0]: line for line in done.stdout.splitlines()}
    assert list(lines) == ["microphone", "level of roof-1", "clock", "model", "outbox", "clips", "broker"]
    assert lines["microphone"].startswith("ok    microphone: 3.0 s heard, 16000 Hz, 1 channel")
    assert done.returncode == any(line.startswith("FAIL") for line in lines.values())
    # The clock is that of the machine the tests run on.
    assert {name for name, line in lines.items() if line.startswith("FAIL")} <= {"clock"}


@pytest.mark.parametrize(
    ("name", "value", "part", "sentence"),
    [
        ("TOCSIN_SOURCE__ADDRESS", "nowhere.wav", "microphone", "no file or folder that is there"),
        ("TOCSIN_SENSOR__CHANNEL", "3", "level of roof-1", "it is channel 3 of a source that has 1"),
        ("TOCSIN_MODEL__NAME", "nowhere.onnx", "model", "nowhere.onnx"),
        ("TOCSIN_BROKER__URL", "mqtt://127.0.0.1:1", "broker", "no broker listens there"),
        ("TOCSIN_OUTBOX__PATH", "street.wav/outbox.sqlite", "outbox", "street.wav"),
    ],
)
def test_check_names_what_is_wrong_and_tries_the_rest(folder, name, value, part, sentence):
    others = {"TOCSIN_BROKER__URL": "mqtt://127.0.0.1:1"} if part == "outbox" else {}
    done = run("listen", "sensor.toml", "--check", cwd=folder, **others, **{name: value})
    assert done.returncode == 1
    [line] = [line for line in done.stdout.splitlines() if line.startswith(f"FAIL  {part}:")]
    assert sentence in line
    assert len(done.stdout.splitlines()) >= 6
    assert "Traceback" not in done.stderr


def test_the_settings_of_init_are_read_once_somebody_fills_in_who_hears(folder, tmp_path):
    text = run("listen", "--init", cwd=tmp_path).stdout
    assert run("listen", "none.toml", cwd=tmp_path).stderr.startswith("tocsin: there is no settings file none.toml")
    (tmp_path / "s.toml").write_text(text)
    refused = run("listen", "s.toml", cwd=tmp_path)
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    filled = {'id = ""': 'id = "roof-1"', "# x_m = 12.0": "x_m = 12.0", "# y_m = -3.5": "y_m = -3.5"}
    filled['address = "device:"'] = f'address = "{folder / "street.wav"}"'
    for old, new in filled.items():
        text = text.replace(old, new, 1)
    (tmp_path / "s.toml").write_text(text)
    assert run("listen", "s.toml", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("words", "environment", "sentence"),
    [
        (["listen"], {}, "no settings file is named: `tocsin listen --init > sensor.toml`"),
        (["listen", "sensor.toml"], {"TOCSIN_BROKER__URLL": "x"}, "[broker] has no key urll: did you mean url?"),
        (
            ["listen", "sensor.toml"],
            {"TOCSIN_SENSOR__CHANNEL": "2"},
            "roof-1 is channel 2 of a source that has 1",
        ),
    ],
)
def test_wrong_use_is_one_sentence(folder, words, environment, sentence):
    done = run(*words, cwd=folder, **environment)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_connection_that_breaks_does_not_end_what_outlives_it():
    code = (
        "import signal, socket, sys\n"
        "from tocsin.inference.stop_signals import outlive_broken_connections\n"
        "signal.signal(signal.SIGPIPE, signal.SIG_DFL)\n"
        "outlive_broken_connections()\n"
        "one, other = socket.socketpair()\n"
        "other.close()\n"
        "try:\n    one.send(b'x')\nexcept BrokenPipeError:\n    sys.exit(7)\n"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 7
