"""Rounding of what is written: the sigma of a uniform error, told from all detections, and answers that hold it."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from tocsin.inference.detection import Detection
from tocsin.localization.commands import locate as locate_command
from tocsin.localization.locate import locate
from tocsin.localization.observation.frames import LocalFrame
from tocsin.localization.observation.resolution import position_step_m, time_step_s, with_rounding
from tocsin.localization.observation.travel import Air, travel_times_s

START = datetime(2026, 1, 1, tzinfo=UTC)
SENSORS = np.array([(0, 0), (420, 30), (410, 390), (-20, 400), (200, 610), (-250, 180)], float)
FRAME = LocalFrame(40.44, -79.99)


def at(*seconds):
    return [
        Detection(sensor_id=f"s{index}", onset_time_utc=START + timedelta(seconds=second), x_m=0, y_m=0)
        for index, second in enumerate(seconds)
    ]


def standing(*degrees):
    return [
        Detection(sensor_id=f"s{index}", onset_time_utc=START, latitude=latitude, longitude=longitude)
        for index, (latitude, longitude) in enumerate(degrees)
    ]


def heard(source, decimals=None, degrees=None, reads_s=0.0):
    """Detections of one bang, times or positions rounded to so many decimals."""
    delays = travel_times_s(source, SENSORS, Air(15.0)) + reads_s
    detections = []
    for index, (position, delay) in enumerate(zip(SENSORS, delays.tolist(), strict=True)):
        time = START + timedelta(seconds=delay if decimals is None else round(delay, decimals))
        place = {"x_m": position[0], "y_m": position[1]}
        if degrees is not None:
            latitude, longitude, _ = FRAME.to_geographic([*position, 0.0]).tolist()
            place = {"latitude": round(latitude, degrees), "longitude": round(longitude, degrees)}
        detections.append(Detection(sensor_id=f"s{index}", onset_time_utc=time, snr_db=25, **place))
    return detections


@pytest.mark.parametrize(
    ("seconds", "step_s"),
    [
        ((0, 1, 3, 4), 1.0),
        ((0.1, 0.4, 1.0, 2.0), 0.1),  # a full second among tenths
        ((0.2, 0.4, 0.8, 1.0), 0.1),  # even tenths by chance
        ((0.25, 0.5, 0.75, 1.0, 2.5), 0.25),
        ((0.123, 0.2, 0.3), 0.001),
        ((0.123457, 0.2, 0.3), 1e-6),
    ],
)
def test_the_step_of_times_is_the_finest_that_any_needs(seconds, step_s):
    assert time_step_s(at(*seconds)) == pytest.approx(step_s)


def test_the_step_of_degrees_is_in_metres_and_metres_have_none():
    # A thousandth of a degree: 111 m north; 111 m times the cosine of the latitude east.
    step_m = position_step_m(standing((60.001, -79.99), (60.0, -79.985), (60.004, -80.0)))
    assert step_m == pytest.approx(111.32 * np.sqrt((1 + 0.25) / 2), rel=1e-4)
    assert position_step_m(standing((60.0, -79.99012345), (60.0, -79.985))) < 0.01  # on one parallel


def test_a_regular_grid_of_sensors_is_not_rounded_to_its_spacing():
    grid = standing((40.0, -80.0), (40.005, -80.0), (40.0, -79.995), (40.005, -79.995), (40.0025, -80.0025))
    assert position_step_m(grid) == pytest.approx(1e-4 * 111_320 * np.sqrt((1 + np.cos(np.radians(40.0)) ** 2) / 2))
    assert position_step_m(at(0, 1)) == 0.0


def test_rounding_sets_a_floor_and_no_ceiling():
    first, *others = at(0.1, 0.2, 0.5)
    sure, unsure = with_rounding([first, others[0].model_copy(update={"onset_sigma_s": 0.3}), others[1]])[:2]
    assert sure.onset_sigma_s == pytest.approx(0.1 / np.sqrt(12))
    assert unsure.onset_sigma_s == 0.3
    fine = at(0.123, 0.2, 0.3)
    assert with_rounding(fine) == fine


@pytest.mark.parametrize("written", [{"decimals": 1}, {"degrees": 3}])
def test_ellipses_of_rounded_values_hold_the_source_where_an_answer_is_sure(written):
    rng = np.random.default_rng(5)
    held, sure = 0, 0
    for source in rng.uniform((-150, 100), (300, 500), (20, 2)):
        for shot in locate(heard(source, reads_s=float(rng.uniform(0, 1)), **written)):
            if shot.ambiguous:
                continue
            x_m, y_m = shot.place.x_m, shot.place.y_m
            if x_m is None:
                x_m, y_m, _ = FRAME.to_local(shot.place.latitude, shot.place.longitude)
            azimuth = np.radians(shot.ellipse_95.azimuth_deg)
            east, north = x_m - source[0], y_m - source[1]
            along = (east * np.sin(azimuth) + north * np.cos(azimuth)) / shot.ellipse_95.semi_major_m
            across = (east * np.cos(azimuth) - north * np.sin(azimuth)) / shot.ellipse_95.semi_minor_m
            sure += 1
            held += along**2 + across**2 <= 1
    # By sigmas that know nothing of rounding it is under a third.
    assert sure >= 10
    assert held >= 0.8 * sure


@pytest.fixture
def run(tmp_path):
    app = typer.Typer()
    app.command()(locate_command)

    def run_on(detections):
        path = tmp_path / "table.jsonl"
        path.write_text("".join(detection.to_json() + "\n" for detection in detections))
        return CliRunner().invoke(app, [str(path)])

    return run_on


def test_whole_seconds_are_refused_and_coarser_steps_than_the_sigmas_said(run):
    source = np.array([150.0, 220.0])
    whole = run(heard(source, decimals=0))
    assert (whole.exit_code, whole.stdout) == (1, "")
    assert "times are in whole seconds, in which sound goes 340 m" in whole.stderr
    tenths = run(heard(source, decimals=1, reads_s=0.04))
    assert "times are in steps of 0.1 s, which counts as a sigma of 0.029 s" in tenths.stderr
    degrees = run(heard(source, degrees=3))
    assert "positions are in steps of 99 m, which counts as a sigma of 29 m" in degrees.stderr
    exact = run(heard(source))
    assert exact.stderr == ""
    [shot] = [json.loads(line) for line in exact.stdout.splitlines()]
    assert not shot["ambiguous"]


def test_columns_that_were_never_filled_in_are_named_with_those_that_were(run):
    zeros = [item.model_copy(update={"x_m": 0.0, "y_m": 0.0}) for item in heard(np.array([150.0, 220.0]), degrees=8)]
    result = run(zeros)
    assert "all 6 sensors stand at (0, 0): mend their positions, or leave x_m,y_m out" in result.stderr
