"""Shock waves: arrivals against acoustics and against brute force, trajectories and places of simulated rounds."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tocsin.acoustics.gunfire import shock_lead_s
from tocsin.inference.detection import Detection
from tocsin.localization.fitting.shock_wave import shock_arrivals_s
from tocsin.localization.locate import locate
from tocsin.localization.observation.frames import LocalFrame
from tocsin.localization.observation.travel import Air, travel_times_s

START = datetime(2026, 1, 1, tzinfo=UTC)
AIR = Air(temperature_c=15.0)
MUZZLE = np.array([420.0, 260.0])
SENSORS = np.array(
    [(80, 90), (450, 60), (900, 120), (120, 420), (300, 480), (620, 430), (930, 500), (60, 800), (380, 840), (560, 700),
     (760, 880), (250, 220)],
    dtype=float,
)  # fmt: skip


def least_over_trajectory_s(paths_m, azimuth_deg, mach, air, drag_per_m, flight_m):
    """The first arrival from any point of the flight, and whether that point is no end of it."""
    at_m = np.linspace(0.0, flight_m, 20_001)
    flown_s = (np.expm1(drag_per_m * at_m) / drag_per_m if drag_per_m else at_m) / (mach * air.speed_mps)
    direction = np.array([np.sin(np.radians(azimuth_deg)), np.cos(np.radians(azimuth_deg))])
    total_s = flown_s[:, None] + travel_times_s(at_m[:, None] * direction, paths_m, air)
    best = total_s.argmin(axis=0)
    return total_s.min(axis=0), (best > 0) & (best < at_m.size - 1)


def detections_of(azimuth_deg, mach, heard, sigma_s=0.003, seed=0, rounds=(0.0,), flight_m=600.0):
    """``heard``: which of ``blast`` and ``shock`` a sensor in the cone picks."""
    rng = np.random.default_rng(seed)
    blast_s = travel_times_s(MUZZLE, SENSORS, AIR)
    shock_s = np.full(len(SENSORS), np.nan)
    if mach > 1.0:
        shock_s = shock_arrivals_s(MUZZLE, SENSORS, azimuth_deg, mach, AIR, flight_m=flight_m)
    found = []
    for number, at_s in enumerate(rounds):
        for index, (x_m, y_m) in enumerate(SENSORS):
            passes = np.isfinite(shock_s[index]) and blast_s[index] - shock_s[index] > 0.03
            times = {"shock": shock_s[index]} if passes and "shock" in heard else {}
            if not passes or "blast" in heard:
                times["blast"] = blast_s[index]
            for kind, time_s in times.items():
                found.append(
                    Detection(
                        detection_id=f"{kind}{number}-{index}",
                        sensor_id=f"s{index:02}",
                        onset_time_utc=START + timedelta(seconds=at_s + time_s + rng.normal(0.0, sigma_s)),
                        x_m=x_m,
                        y_m=y_m,
                        snr_db=20.0,
                    )
                )
    return found


def error_m(shot):
    return float(np.hypot(shot.place.x_m - MUZZLE[0], shot.place.y_m - MUZZLE[1]))


def test_arrivals_without_drag_are_those_of_the_acoustics():
    rng = np.random.default_rng(1)
    air = Air(temperature_c=(340.0 / 20.05) ** 2 - 273.15)  # about the speed of sound that the acoustics assume
    passed = 0
    for _ in range(300):
        distance_m, angle = rng.uniform(20.0, 900.0), rng.uniform(0.0, np.pi)
        mach, flight_m = rng.uniform(0.8, 3.2), rng.uniform(50.0, 600.0)
        sensor = distance_m * np.array([[np.sin(angle), np.cos(angle)]])
        [ours_s] = shock_arrivals_s(np.zeros(2), sensor, 0.0, mach, air, drag_per_m=0.0, flight_m=flight_m)
        lead_s = shock_lead_s(distance_m, angle, mach, flight_m)
        assert np.isnan(ours_s) == (lead_s is None)
        if lead_s is not None:
            passed += 1
            assert ours_s * air.speed_mps == pytest.approx(distance_m - lead_s * 340.0, abs=1e-6)
    assert passed > 50


@pytest.mark.parametrize("drag_per_m", [0.0, 0.8e-3, 1.2e-3])
@pytest.mark.parametrize(
    "air", [AIR, Air(temperature_c=-5.0, wind_speed_mps=8.0, wind_from_deg=250.0)], ids=["still", "wind"]
)
def test_arrivals_are_the_least_over_all_points_of_the_flight(drag_per_m, air):
    rng = np.random.default_rng(2)
    passed = differ = 0
    for _ in range(20):
        paths_m = rng.uniform(-800.0, 800.0, (40, 2))
        azimuth_deg, mach, flight_m = rng.uniform(0.0, 360.0), rng.uniform(2.2, 3.2), rng.uniform(50.0, 550.0)
        ours_s = shock_arrivals_s(np.zeros(2), paths_m, azimuth_deg, mach, air, drag_per_m, flight_m)
        least_s, inside = least_over_trajectory_s(paths_m, azimuth_deg, mach, air, drag_per_m, flight_m)
        both = inside & np.isfinite(ours_s)
        passed += both.sum()
        differ += (inside != np.isfinite(ours_s)).sum()
        # Wind moves the point of emission, to which the arrival is blind in first order.
        assert np.abs(ours_s - least_s)[both].max(initial=0.0) < (1e-6 if not air.wind_speed_mps else 2e-3)
    assert passed > 50
    assert differ <= (0.1 * passed if air.wind_speed_mps else 0)  # wind turns the edge of the cone a little


def test_a_turned_and_moved_scene_gives_the_same_arrivals():
    paths_m = np.random.default_rng(3).uniform(-500.0, 500.0, (30, 2))
    turn = np.radians(70.0)
    turned = paths_m @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])  # clockwise
    expected = shock_arrivals_s(np.zeros(2), paths_m, 20.0, 2.3, AIR)
    moved = shock_arrivals_s(MUZZLE, turned + MUZZLE, 90.0, 2.3, AIR)
    np.testing.assert_allclose(moved, expected, atol=1e-9)
    assert np.isfinite(expected).sum() > 5


@pytest.mark.parametrize("heard", ["shock", "shock and blast"])
@pytest.mark.parametrize("azimuth_deg", [20.0, 45.0, 340.0])
def test_place_and_trajectory_of_a_rifle_round(heard, azimuth_deg):
    [shot] = locate(detections_of(azimuth_deg, 2.4, heard), AIR)
    assert error_m(shot) < 10.0
    named = {item.detection_id for item in shot.rejected if item.reason == "shock wave"}
    assert len(named) >= 3
    assert all(name.startswith("shock") for name in named)
    assert all(name.startswith("blast") for name in shot.detections)
    found = shot.trajectory
    assert found is not None
    assert found.n_sensors == len(named)
    assert abs((found.azimuth_deg - azimuth_deg + 180.0) % 360.0 - 180.0) < min(5.0, 4.0 * found.azimuth_sigma_deg)
    assert abs(found.mach - 2.4) < 4.0 * found.mach_sigma
    assert shot.to_dict()["trajectory"]["n_sensors"] == len(named)


def test_rounds_of_one_place_share_one_trajectory():
    shots = locate(detections_of(20.0, 2.4, "shock and blast", rounds=(0.0, 2.3)), AIR)
    assert len(shots) == 2
    assert shots[0].trajectory == shots[1].trajectory is not None
    assert max(error_m(shot) for shot in shots) < 10.0


def test_a_subsonic_round_has_no_trajectory():
    for seed in range(5):
        [shot] = locate(detections_of(20.0, 0.9, "shock and blast", seed=seed), AIR)
        assert shot.trajectory is None
        assert "trajectory" not in shot.to_dict()
        assert not any(item.reason == "shock wave" for item in shot.rejected)


def test_sensors_on_one_side_of_the_flight_do_not_observe_it():
    # All that pick its shock wave lie to its right: they see azimuth and Mach angle together, and neither alone.
    detections = detections_of(340.0, 2.4, "shock and blast")
    side_m = (SENSORS - MUZZLE) @ np.array([np.cos(np.radians(340.0)), -np.sin(np.radians(340.0))])
    right = [d for d in detections if d.detection_id.startswith("blast") or side_m[int(d.sensor_id[1:])] > 0.0]
    assert sum(d.detection_id.startswith("shock") for d in right) == 3
    [shot] = locate(right, AIR)
    assert error_m(shot) < 10.0
    assert shot.trajectory is None
    [shot] = locate(detections, AIR)
    assert shot.trajectory is not None


def test_degrees_and_metres_give_the_same_trajectory():
    frame = LocalFrame(40.0, -80.0)
    metres = detections_of(20.0, 2.4, "shock")
    degrees = []
    for item in metres:
        latitude, longitude, _ = frame.to_geographic([item.x_m, item.y_m, 0.0])
        degrees.append(item.model_copy(update={"x_m": None, "y_m": None, "latitude": latitude, "longitude": longitude}))
    [local], [geographic] = locate(metres, AIR), locate(degrees, AIR)
    assert local.trajectory is not None
    assert geographic.trajectory is not None
    assert geographic.trajectory.azimuth_deg == pytest.approx(local.trajectory.azimuth_deg, abs=0.5)
    assert geographic.trajectory.mach == pytest.approx(local.trajectory.mach, abs=0.02)
