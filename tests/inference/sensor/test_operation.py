"""The unit by systemd's own checks; the image and the unit against what they name; the answer of a running sensor."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tocsin.inference.sensor.heartbeat import Heartbeat
from tocsin.inference.sensor.metrics import Metrics
from tocsin.inference.sensor.settings import Settings

ROOT = Path(__file__).parents[3]
OPERATION = ROOT / "inference/sensor/operation"
UNIT = OPERATION / "tocsin-listen.service"
CONTAINER = OPERATION / "Containerfile"
MOST_EXPOSED = 2.0

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")


@needs_systemd
def test_the_unit_exposes_little_by_systemds_account():
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED * 10:.0f}"]
    result = subprocess.run([*command, UNIT], check=False, capture_output=True, text=True)
    overall = re.search(r"Overall exposure level for \S+: (\d+\.\d+)", result.stdout)
    assert overall, result.stderr
    assert 0 < float(overall[1]) <= MOST_EXPOSED
    assert result.returncode == 0


@needs_systemd
def test_the_unit_is_right_by_systemds_account(tmp_path):
    # The command is not installed where this is tested, so another stands for it.
    there = re.sub(r"^ExecStart=\S+", f"ExecStart={shutil.which('true')}", UNIT.read_text(), flags=re.M)
    (tmp_path / UNIT.name).write_text(there)
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / UNIT.name], check=False, capture_output=True, text=True
    )
    assert UNIT.name not in result.stderr
    assert result.returncode == 0


def test_the_unit_has_a_watchdog_and_starts_anew():
    lines = UNIT.read_text().splitlines()
    for line in ("Type=notify", "Restart=always", "StartLimitIntervalSec=0", "DynamicUser=yes"):
        assert line in lines
    assert any(re.fullmatch(r"WatchdogSec=\d+", line) for line in lines)


@pytest.mark.parametrize("path", [UNIT, CONTAINER], ids=lambda path: path.name)
def test_variables_that_are_set_are_settings(path):
    named = re.findall(r"\bTOCSIN_([A-Z_]+)=", path.read_text())
    assert named
    for name in named:
        section, _, key = name.lower().partition("__")
        assert key in Settings.model_fields[section].annotation.model_fields


def test_what_is_written_stays_in_the_folder_of_the_service():
    settings = Settings.model_validate({"sensor": {"id": "a", "x_m": 0, "y_m": 0}})
    assert not any(path.is_absolute() for path in (settings.outbox.path, settings.clips.folder, settings.clips.log))
    assert "WorkingDirectory=%S/tocsin" in UNIT.read_text()
    assert "WORKDIR /var/lib/tocsin" in CONTAINER.read_text()


def test_the_image_names_what_there_is():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = CONTAINER.read_text()
    assert all(extra in project["optional-dependencies"] for extra in re.findall(r"\[(\w+)\]\"", text))
    least = tuple(map(int, project["requires-python"].removeprefix(">=").split(".")))
    versions = re.findall(r"^FROM \S+/python:(\d+)\.(\d+)-slim", text, re.M)
    assert versions
    assert all((int(major), int(minor)) >= least for major, minor in versions)
    module = re.search(r'HEALTHCHECK .*"-m", "tocsin\.([\w.]+)"', text)
    assert (ROOT / module[1].replace(".", "/")).with_suffix(".py").is_file()


def test_the_image_ends_as_nobody_in_particular():
    text = CONTAINER.read_text()
    assert re.findall(r"^USER (\S+)", text, re.M)[-1] == "tocsin"
    assert text.index("\nUSER tocsin") < text.index("\nENTRYPOINT")


def alive(port):
    environment = {**os.environ, "TOCSIN_HEALTH__METRICS_PORT": str(port), "http_proxy": "http://127.0.0.1:1"}
    command = [sys.executable, "-m", "tocsin.inference.sensor.alive"]
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environment)


@pytest.mark.parametrize(
    ("ages_s", "code", "said"),
    [((0.4, 29.0), 0, ""), ((0.4, 31.0), 1, "no samples for 31 s\n"), ((None,), 1, "no sensor has heard anything")],
)
def test_who_hears_is_alive(ages_s, code, said):
    def beats():
        return [
            Heartbeat(sensor_id=f"roof-{n}", time_utc="2026-01-01T00:00:00Z", uptime_s=1, block_age_s=age_s)
            for n, age_s in enumerate(ages_s)
        ]

    metrics = Metrics(0, beats)
    try:
        result = alive(metrics.port)
    finally:
        metrics.close()
    assert (result.returncode, result.stdout) == (code, "")
    assert result.stderr.startswith(said)
    assert bool(result.stderr) == bool(said)


def test_who_does_not_answer_is_not_alive():
    metrics = Metrics(0, list)
    metrics.close()
    result = alive(metrics.port)
    assert result.returncode == 1
    assert result.stderr.startswith(f"no metrics on port {metrics.port} of 127.0.0.1")
    assert "no metrics on port (none is set)" in alive("").stderr
