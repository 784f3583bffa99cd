"""Wrong sensors among located shots: known errors of clock and position, in simulation."""

import csv
import io
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tocsin.cli import main
from tocsin.inference.detection import Detection
from tocsin.localization.array_check import Observation, check_array, observations_of
from tocsin.localization.locate import locate
from tocsin.localization.observation.arrivals import site_of
from tocsin.localization.observation.travel import Air, travel_times_s

AIR = Air(temperature_c=10.0)
START = datetime(2026, 1, 1, tzinfo=UTC)
SENSORS = np.array([(0, 0), (600, 50), (550, 640), (-40, 580), (280, 310), (900, 350), (300, -200), (250, 850)], float)


def observed(rng, true_m, clock_s, sources, sigma_s=0.008):
    """Residuals of one sensor that is stated to stand in the origin."""
    stated = np.zeros(2)
    return [
        Observation(
            "a",
            (0.0, 0.0),
            tuple(source),
            float(np.hypot(*(true_m - source)) - np.hypot(*(stated - source))) / AIR.speed_mps
            + clock_s
            + rng.normal(0, sigma_s),
        )
        for source in sources
    ]


def around(rng, count):
    angle, distance = rng.uniform(0, 2 * np.pi, count), rng.uniform(150, 700, count)
    return np.column_stack((distance * np.cos(angle), distance * np.sin(angle)))


@pytest.mark.parametrize(
    ("true_m", "clock_s", "verdict"),
    [
        ((0, 0), 0.0, "good"),
        ((0, 0), 0.05, "clock"),
        ((20, -9), 0.0, "position"),
        ((0, 25), -0.06, "clock and position"),
    ],
)
def test_errors_of_clock_and_position_are_told_apart(rng, true_m, clock_s, verdict):
    estimates = []
    for _ in range(40):
        [check] = check_array(observed(rng, np.array(true_m, float), clock_s, around(rng, 14)), AIR)
        assert check.verdict == verdict
        estimates.append((check.clock_s, check.east_m, check.north_m))
    assert np.mean(estimates, axis=0) == pytest.approx((clock_s, *true_m), abs=1.5)
    assert np.mean(estimates, axis=0)[0] == pytest.approx(clock_s, abs=0.003)
    # The stated sigmas hold: path errors of 8 ms are stated as 10.
    assert np.std(estimates, axis=0)[0] == pytest.approx(check.clock_sigma_s, rel=0.5)


def test_sources_on_one_bearing_leave_clock_and_position_open(rng):
    sources = np.column_stack((np.linspace(200, 900, 10), rng.normal(0, 5, 10)))
    [check] = check_array(observed(rng, np.zeros(2), 0.1, sources), AIR)
    assert check.verdict == "clock or position"
    assert check.clock_sigma_s > 0.05


def test_many_shots_from_one_place_are_one_measurement(rng):
    [check] = check_array(observed(rng, np.zeros(2), 0.05, np.tile([[300.0, 100.0]], (50, 1))), AIR)
    assert (check.shots, check.places, check.verdict) == (50, 1, "unknown")


def nine_shots(rng):
    detections = []
    for shot in range(9):
        source = rng.uniform(50, 550, 2)
        times = 60.0 * shot + travel_times_s(source, SENSORS, AIR) + rng.normal(0, 0.004, len(SENSORS))
        times[4] += 0.08  # a sensor with sources all around
        detections += [
            Detection(sensor_id=f"s{i}", x_m=x, y_m=y, onset_time_utc=START + timedelta(seconds=float(t)), snr_db=20.0)
            for i, ((x, y), t) in enumerate(zip(SENSORS, times, strict=True))
        ]
    return detections


def test_located_shots_show_the_clock_that_is_off(rng):
    detections = nine_shots(rng)
    checks = check_array(observations_of(locate(detections, AIR), site_of(detections)), AIR)
    assert {check.sensor_id for check in checks if check.verdict != "good"} == {"s4"}
    assert checks[4].verdict == "clock"
    assert checks[4].clock_s == pytest.approx(0.08, abs=0.015)
    assert checks[4].clock_sigma_s < 0.01


def test_the_command_prints_a_row_a_sensor(rng, tmp_path, capsys, monkeypatch):
    table = tmp_path / "detections.jsonl"
    table.write_text("".join(detection.to_json() + "\n" for detection in nine_shots(rng)))
    monkeypatch.setattr("sys.argv", ["tocsin", "check-array", str(table), "--temperature-c", "10"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["verdict"] for row in rows] == ["good"] * 4 + ["clock"] + ["good"] * 3
