"""Clocks learnt from residuals of shots, against offsets that are known."""

from datetime import UTC, datetime, timedelta

import pytest

from tocsin.inference.detection import Detection
from tocsin.localization.fitting.solve import Ellipse
from tocsin.localization.incidents.shot import Place, Rejected, Shot
from tocsin.localization.stream.clocks import FORGET_S, MEMORY, Clocks

START = datetime(2026, 1, 1, tzinfo=UTC)


def teach(clocks, at_s, offset_s, rng, n_sensors=6, ambiguous=False):
    """One shot; where sensor x is off by more than a path can be, it is among the rejected, with an echo as well."""
    x = Detection(sensor_id="x", x_m=0, y_m=0, onset_time_utc=START + timedelta(seconds=at_s + offset_s))
    corrected = clocks.correct(x)
    seen_s = (corrected.onset_time_utc - START).total_seconds() - at_s + rng.normal(0, 0.008)
    residuals = {f"s{i}": rng.normal(0, 0.008) for i in range(n_sensors)}
    rejected = [Rejected("echo", "x", float(rng.uniform(0.06, 0.5)), "later than direct sound")]
    if abs(seen_s) < 0.04:
        residuals["x"] = seen_s
        rejected = []
    else:
        rejected.append(Rejected(x.detection_id, "x", seen_s, "does not fit the others"))
    shot = Shot(
        input="",
        shot_id=str(at_s),
        incident_id="",
        discharge_time_utc=START + timedelta(seconds=at_s),
        discharge_sigma_s=0.01,
        place=Place(x_m=0.0, y_m=0.0),
        ellipse_95=Ellipse(8.0, 4.0, 0.0),
        ambiguous=ambiguous,
        alternatives=(),
        n_sensors=len(residuals),
        detections=tuple(x.detection_id if name == "x" else name for name in residuals),
        rejected=tuple(rejected),
        residuals_s=residuals,
        probability=1.0,
    )
    clocks.learn(shot)
    return corrected


@pytest.mark.parametrize("offset_s", [0.08, -0.08, 0.03, 0.3])
def test_a_steady_offset_is_learnt_among_echoes_and_stays_known_while_corrected(rng, offset_s):
    clocks = Clocks()
    for index in range(30):
        corrected = teach(clocks, 60.0 * index, offset_s, rng)
    assert set(clocks.off()) == {"x"}
    clock = clocks.clocks["x"]
    assert clock.offset_s == pytest.approx(offset_s, abs=4.0 * clock.sigma_s)
    assert (corrected.onset_time_utc - START).total_seconds() == pytest.approx(29 * 60.0, abs=0.03)
    assert corrected.clock_sigma_s > 0.001


def test_right_clocks_are_left_alone(rng):
    clocks = Clocks()
    for index in range(60):
        teach(clocks, 60.0 * index, 0.0, rng)
        assert clocks.off() == {}


def test_a_clock_that_jumps_is_known_again_after_so_many_shots_as_are_remembered(rng):
    clocks = Clocks()
    for index in range(20):
        teach(clocks, 60.0 * index, 0.1, rng)
    for index in range(20, 20 + MEMORY):
        teach(clocks, 60.0 * index, -0.15, rng)
    assert clocks.clocks["x"].offset_s == pytest.approx(-0.15, abs=0.02)
    for index in range(40, 40 + MEMORY):
        teach(clocks, 60.0 * index, 0.0, rng)
    assert clocks.off() == {}


def test_a_drift_is_told_from_an_offset(rng):
    clocks = Clocks()
    for index in range(40):
        at_s = 300.0 * index
        teach(clocks, at_s, 0.05 + 5e-6 * at_s, rng)  # 1.5 ms from shot to shot
    clock = clocks.clocks["x"]
    assert clock.offset_s == pytest.approx(0.05 + 5e-6 * at_s, abs=0.015)
    assert clock.drift_ppm == pytest.approx(5.0, abs=5.0)


@pytest.mark.parametrize("later_s", [30 * 86_400.0, -30 * 86_400.0])
def test_a_drift_is_not_followed_for_longer_than_shots_are_remembered(rng, later_s):
    clocks = Clocks()
    for index in range(40):
        teach(clocks, 300.0 * index, 0.05 + 6e-6 * 300.0 * index, rng)
    clock = clocks.clocks["x"]
    time = START + timedelta(seconds=300.0 * 39 + later_s)
    corrected = clocks.correct(Detection(sensor_id="x", x_m=0, y_m=0, onset_time_utc=time))
    furthest_s = clock.drift_ppm * 1e-6 * FORGET_S * (1 if later_s > 0 else -1)
    assert (time - corrected.onset_time_utc).total_seconds() == pytest.approx(clock.offset_s + furthest_s, abs=2e-6)
    assert clock.drift_ppm > 1.0


def test_shots_that_are_not_sure_teach_nothing(rng):
    clocks = Clocks()
    for index in range(10):
        teach(clocks, 60.0 * index, 0.08, rng, ambiguous=True)
        teach(clocks, 60.0 * index, 0.08, rng, n_sensors=3)
    assert clocks.clocks == {}
