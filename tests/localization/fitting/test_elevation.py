"""Height of a source: slant paths in closed form, recovery without noise, the bound with it, what it says of guns."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy.special import expit, logit

from tocsin.inference.detection import Detection
from tocsin.localization.fitting.elevation import LARGEST_SIGMA_M, LEAST_SENSORS_IN_SPACE, ground_at
from tocsin.localization.fitting.solve import solve
from tocsin.localization.incidents.evidence import AIRBORNE_LOG_RATIO, gunfire_probability
from tocsin.localization.incidents.writers import writer_of
from tocsin.localization.locate import locate
from tocsin.localization.observation.arrivals import arrivals_of, site_of
from tocsin.localization.observation.frames import LocalFrame
from tocsin.localization.observation.travel import Air, travel_times_s, weather_delays_s

START = datetime(2026, 1, 1, tzinfo=UTC)
AIR = Air(temperature_c=10.0)
STILL = Air(temperature_c=10.0, temperature_sigma_c=0.0, wind_sigma_mps=0.0)
FRAME = LocalFrame(40.44, -79.99)
SENSORS = np.array(
    [
        (0, 0, 12),
        (600, 50, 4),
        (550, 640, 17),
        (-40, 580, 9),
        (280, 310, 6),
        (900, 350, 14),
        (330, 690, 5),
        (310, -60, 18),
        (520, 330, 10),
    ],
    dtype=float,
)
SHELL = np.array([400.0, 420.0, 120.0])


def heard(source, errors_s=0.0, sensors=SENSORS, air=AIR, heights=True, geographic=False, time_s=1.0, **fields):
    """Detections of one sound at all sensors."""
    times = time_s + travel_times_s(np.array(source, float), sensors, air) + errors_s
    detections = []
    for index, (place, at_s) in enumerate(zip(sensors, times, strict=True)):
        names = ["x_m", "y_m", "z_m"]
        if geographic:
            names = ["latitude", "longitude", "elevation_m"]
            place = np.array([*FRAME.to_geographic([*place[:2], 0.0])[:2], place[2] + 230.0])
        position = dict(zip(names if heights else names[:2], place.tolist(), strict=False))
        moment = START + timedelta(seconds=float(at_s))
        detections.append(Detection(sensor_id=f"s{index}", onset_time_utc=moment, snr_db=20.0, **position, **fields))
    return detections


def test_slant_path_through_wind_meets_the_front_that_the_wind_carried():
    air = Air(temperature_c=10.0, wind_speed_mps=8.0, wind_from_deg=240.0)
    times = travel_times_s(SHELL, SENSORS, air)
    carried = SHELL + np.column_stack((times[:, None] * air.wind_vector_mps, np.zeros(len(times))))
    assert np.linalg.norm(SENSORS - carried, axis=1) == pytest.approx(air.speed_mps * times)


def test_weather_moves_slant_paths_as_the_travel_times_say():
    air, step = Air(temperature_c=10.0), 1e-3
    still = travel_times_s(SHELL, SENSORS, air)
    warmer = travel_times_s(SHELL, SENSORS, replace(air, temperature_c=10.0 + step))
    slope = (warmer - still) / step * air.temperature_sigma_c
    assert weather_delays_s(SHELL, SENSORS, air)[:, 0] == pytest.approx(slope, rel=0.01)


@pytest.mark.parametrize("geographic", [False, True])
def test_without_noise_a_burst_high_up_is_found_where_it_was(geographic):
    (shot,) = locate(heard(SHELL, geographic=geographic), AIR)
    datum = 230.0 if geographic else 0.0
    assert shot.airborne
    assert shot.elevation_m == pytest.approx(SHELL[2] + datum, abs=1.0)
    assert 0.0 < shot.elevation_sigma_m <= LARGEST_SIGMA_M
    place = shot.place
    east, north = (place.x_m, place.y_m)
    if geographic:
        east, north, _ = FRAME.to_local(place.latitude, place.longitude)
    assert (east, north) == pytest.approx(SHELL[:2], abs=1.0)
    assert max(abs(value) for value in shot.residuals_s.values()) < 0.003
    assert shot.n_sensors == len(SENSORS)  # the near ones too, which come 0.1 s late by a place in the plane


def test_a_burst_above_hills_is_found_by_the_heights_of_the_sensors():
    sensors = SENSORS + np.column_stack((np.zeros((9, 2)), 60.0 * np.sin(SENSORS[:, 0] / 200.0)))
    (shot,) = locate(heard((400.0, 420.0, 160.0), sensors=sensors), AIR)
    assert shot.airborne
    assert shot.elevation_m == pytest.approx(160.0, abs=1.0)


def test_the_height_meets_the_cramer_rao_bound_and_its_sigma_says_so(rng):
    sigma_s, errors = 0.002, []
    paths = SHELL - SENSORS
    design = np.column_stack((paths / np.linalg.norm(paths, axis=1, keepdims=True), np.ones(len(SENSORS))))
    limit = (sigma_s * STILL.speed_mps) ** 2 * np.linalg.inv(design.T @ design)
    quality = {"onset_sigma_s": sigma_s, "clock_sigma_s": 0.0, "position_sigma_m": 0.0}
    for _ in range(150):
        detections = heard(SHELL, rng.normal(0.0, sigma_s, len(SENSORS)), air=STILL, **quality)
        site = site_of(detections)
        arrivals = arrivals_of(detections, site)
        start_m = np.append(SHELL[:2] - site.centre_m, 60.0)
        fitted = solve(arrivals, STILL, [np.arange(len(SENSORS))], start_m, 0.0, (5.0, 400.0))
        errors.append((fitted.height_m - SHELL[2]) / fitted.height_sigma_m)
    assert fitted.height_sigma_m == pytest.approx(np.sqrt(limit[2, 2]), rel=0.1)
    assert fitted.covariance.shape == (3, 3)
    assert fitted.covariance[:2, :2] == pytest.approx(limit[:2, :2], rel=0.1, abs=0.01)
    assert 0.85 < np.sqrt(np.mean(np.square(errors))) < 1.2  # 150 trials know it to 6 %


def test_shots_on_the_ground_stay_in_the_plane(rng):
    told = []
    for _ in range(12):
        source = np.append(rng.uniform(100.0, 600.0, 2), 1.5)
        detections = heard(source, rng.normal(0.0, 0.008, len(SENSORS)), air=Air(temperature_c=12.0))
        told += [(shot.elevation_m, shot.airborne) for shot in locate(detections, AIR)]
    assert told == [(None, False)] * 12


def test_without_heights_nothing_is_said_of_height():
    (shot,) = locate(heard(SHELL, heights=False), AIR)
    assert (shot.elevation_m, shot.elevation_sigma_m, shot.airborne) == (None, None, False)
    assert "elevation_m" not in shot.to_dict()


def test_bursts_of_one_place_take_each_arrival_once_and_share_the_height(rng):
    detections = [item for at_s in (1.0, 1.4, 2.3) for item in heard(SHELL, rng.normal(0.0, 0.003, 9), time_s=at_s)]
    shots = locate(detections, AIR)
    used = [name for shot in shots for name in shot.detections]
    assert len(used) == len(set(used))
    assert [round((shot.discharge_time_utc - START).total_seconds(), 1) for shot in shots] == [1.0, 1.4, 2.3]
    assert all(shot.airborne for shot in shots)
    assert len({shot.elevation_m for shot in shots}) == 1


def test_too_few_sensors_tell_no_height():
    shots = locate(heard(SHELL, sensors=SENSORS[: LEAST_SENSORS_IN_SPACE - 1]), AIR)
    assert shots
    assert all(shot.elevation_m is None for shot in shots)


def test_a_sensor_of_unknown_height_takes_no_part_in_space():
    detections = heard(SHELL)
    detections[4] = detections[4].model_copy(update={"z_m": None})
    (shot,) = locate(detections, AIR)
    assert shot.airborne
    assert shot.elevation_m == pytest.approx(SHELL[2], abs=1.5)
    assert "s4" not in shot.residuals_s


def test_heights_beyond_reason_are_no_traceback():
    detections = heard(SHELL)
    detections[4] = detections[4].model_copy(update={"z_m": 1e300})
    assert all(np.isfinite(shot.probability) for shot in locate(detections, AIR))


def test_ground_is_where_the_near_sensors_stand():
    detections = heard(SHELL)
    arrivals = arrivals_of(detections, site_of(detections))
    at_sensor = ground_at(arrivals, arrivals.sensors_m[4])
    assert SENSORS[:, 2].min() < at_sensor < SENSORS[:, 2].max()
    assert abs(at_sensor - SENSORS[4, 2]) < 1.0
    level = replace(arrivals, heights_m=np.full(len(SENSORS), 7.0))
    assert ground_at(level, np.array([50.0, 70.0])) == pytest.approx(7.0)
    unknown = replace(arrivals, heights_m=np.full(len(SENSORS), np.nan))
    assert np.isnan(ground_at(unknown, np.array([50.0, 70.0])))


def test_height_counts_against_gunfire_once_and_by_the_stated_ratio():
    classes = {"gunshot": 0.9, "fireworks": 0.1}
    low = gunfire_probability(heard(SHELL, probabilities=classes))
    high = gunfire_probability(heard(SHELL, probabilities=classes), airborne=True)
    assert logit(high) == pytest.approx(logit(low) + AIRBORNE_LOG_RATIO)
    assert gunfire_probability(heard(SHELL), airborne=True) == pytest.approx(expit(AIRBORNE_LOG_RATIO))


def test_the_output_says_why_a_burst_is_no_gunfire():
    classes = {"gunshot": 0.1, "fireworks": 0.9}
    (shell,) = locate(heard(SHELL, probabilities=classes), AIR)
    (gun,) = locate(heard([400.0, 420.0, 1.5], probabilities=classes), AIR)
    assert shell.probability < 0.25 < 0.6 < gun.probability
    fields = shell.to_dict()
    assert fields["airborne"] is True
    assert fields["elevation_m"] == round(shell.elevation_m, 1)
    stream = io.StringIO()
    writer = writer_of("csv", stream)
    writer.add([shell, gun])
    high, low = csv.DictReader(io.StringIO(stream.getvalue()))
    assert (high["airborne"], high["elevation_m"]) == ("true", str(fields["elevation_m"]))
    assert (low["airborne"], low["elevation_m"], low["elevation_sigma_m"]) == ("", "", "")
