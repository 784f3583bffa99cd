"""The fit of a place: closed form without noise, the Cramér-Rao bound with it, invariance, and what geometry hides."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tocsin.inference.detection import Detection
from tocsin.localization.fitting.ambiguity import judge
from tocsin.localization.fitting.solve import Ellipse, ellipse_of, solve
from tocsin.localization.locate import locate
from tocsin.localization.observation.arrivals import arrivals_of, site_of
from tocsin.localization.observation.frames import LocalFrame
from tocsin.localization.observation.travel import Air, air_of, travel_times_s, weather_delays_s

START = datetime(2026, 1, 1, tzinfo=UTC)
AIR = Air(temperature_c=10.0, temperature_sigma_c=0.0, wind_sigma_mps=0.0)
SENSORS = np.array([(0, 0), (600, 50), (550, 640), (-40, 580), (280, 310), (900, 350)], float)


def heard(source, errors_s=0.0, sensors=SENSORS, air=AIR, time_s=1.0, sigma_s=0.002):
    """Detections of one shot at all sensors."""
    times = time_s + travel_times_s(np.array(source, float), sensors, air) + errors_s
    quality = {"onset_sigma_s": sigma_s, "clock_sigma_s": 0.0, "position_sigma_m": 0.0, "snr_db": 20.0}
    return [
        Detection(sensor_id=f"s{i}", x_m=x, y_m=y, onset_time_utc=START + timedelta(seconds=float(time)), **quality)
        for i, ((x, y), time) in enumerate(zip(sensors, times, strict=True))
    ]


def fit(detections, start, air=AIR, path_sigma_s=0.0):
    """The solver alone, in the frame of the input."""
    site = site_of(detections)
    arrivals = arrivals_of(detections, site)
    solution = solve(arrivals, air, [np.arange(len(detections))], np.array(start) - site.centre_m, path_sigma_s)
    return solution, solution.position_m + site.centre_m


@pytest.mark.parametrize("source", [(210, 450), (700, 100), (-150, 300), (280, 311)])
def test_without_noise_the_source_is_recovered(source):
    solution, position = fit(heard(source), (300, 300))
    assert position == pytest.approx(source, abs=0.02)  # times of a detection are whole microseconds
    assert np.abs(solution.residuals_s[0]).max() < 1e-5
    assert solution.times_s[0] == pytest.approx(
        1.0 - min(1.0 + travel_times_s(np.array(source, float), SENSORS, AIR)), abs=1e-5
    )


def test_without_noise_the_source_is_recovered_through_wind():
    air = Air(temperature_c=-5.0, wind_speed_mps=8.0, wind_from_deg=225.0)
    _, position = fit(heard((210, 450), air=air), (300, 300), air)
    assert position == pytest.approx((210, 450), abs=0.02)
    _, ignored = fit(heard((210, 450), air=air), (300, 300), Air(temperature_c=-5.0))
    assert np.hypot(*(ignored - (210, 450))) > 1.0


def bound(source, sigma_s, sensors=SENSORS):
    """The Cramér-Rao bound of x, y (and time, in metres), from the directions alone."""
    directions = (source - sensors) / np.hypot(*(source - sensors).T)[:, None]
    design = np.column_stack((directions, np.ones(len(sensors))))
    return (sigma_s * AIR.speed_mps) ** 2 * np.linalg.inv(design.T @ design)


def test_error_meets_the_cramer_rao_bound_and_the_covariance_says_so(rng):
    source, sigma_s = np.array([210.0, 450.0]), 0.002
    limit = bound(source, sigma_s)
    errors, inside = [], 0
    for _ in range(400):
        solution, position = fit(heard(source, rng.normal(0, sigma_s, 6)), source + 20)
        errors.append(position - source)
        inside += errors[-1] @ np.linalg.solve(solution.covariance[:2, :2], errors[-1]) < 5.991
    assert solution.covariance[:2, :2] == pytest.approx(limit[:2, :2], rel=0.05)
    rms = np.sqrt((np.array(errors) ** 2).sum(axis=1).mean())
    # 400 trials know the ratio to about 2.5 %; the soft loss gives away a percent or two.
    assert 0.93 < rms / np.sqrt(np.trace(limit[:2, :2])) < 1.08
    assert 0.92 < inside / 400 < 0.98


@pytest.mark.parametrize("source", [(210.0, 450.0), (1100.0, 500.0)])
def test_errors_of_the_weather_move_the_place_as_the_covariance_says(rng, source):
    stated = Air(temperature_c=10.0, temperature_sigma_c=1.5, wind_sigma_mps=0.5)
    places = []
    for temperature, east, north in rng.normal(0, 1, (300, 3)) * (1.5, 0.5, 0.5):
        true = Air(10.0 + temperature, wind_speed_mps=np.hypot(east, north))
        true = replace(true, wind_from_deg=float(np.degrees(np.arctan2(-east, -north))))
        places.append(fit(heard(source, air=true), np.array(source) + 20, stated, 0.01)[1])
    # The arrivals themselves are exact: what their sigmas add is taken off.
    both, arrivals_only = (fit(heard(source), source, air, 0.01)[0].covariance[:2, :2] for air in (stated, AIR))
    weather_only = both - arrivals_only
    assert np.cov(np.transpose(places)) == pytest.approx(weather_only, rel=0.25, abs=0.15 * np.trace(weather_only))


def test_delays_of_the_weather_are_the_slopes_of_the_travel_time():
    air, source = Air(temperature_c=10.0, temperature_sigma_c=2.0, wind_sigma_mps=0.8), np.array([210.0, 450.0])
    still = travel_times_s(source, SENSORS, air)
    step = 0.01
    for column, other in enumerate(
        (
            Air(10.0 + 2.0 * step),
            Air(10.0, wind_speed_mps=0.8 * step, wind_from_deg=270.0),
            Air(10.0, wind_speed_mps=0.8 * step, wind_from_deg=180.0),
        )
    ):
        slope = (travel_times_s(source, SENSORS, other) - still) / step
        assert weather_delays_s(source, SENSORS, air)[:, column] == pytest.approx(slope, rel=0.01, abs=1e-6)


def test_weather_that_nobody_states_is_less_sure():
    assert air_of({"temperature_c": 3.0, "wind_speed_mps": 2.0}) == Air(3.0, wind_speed_mps=2.0)
    unknown = air_of({})
    assert unknown.temperature_sigma_c > 5.0
    assert unknown.wind_sigma_mps > 2.0


def test_discharge_sigma_is_that_of_the_bound():
    solution, _ = fit(heard((210, 450)), (300, 300))
    limit = np.sqrt(bound(np.array([210.0, 450.0]), 0.002)[2, 2]) / AIR.speed_mps
    assert np.sqrt(solution.covariance[2, 2]) == pytest.approx(limit, rel=0.02)


def test_clock_and_position_sigmas_set_the_weight():
    detections = heard((210, 450), np.array([0.006, 0, 0, 0, 0, 0]))
    _, trusted = fit(detections, (300, 300))
    doubted = [detections[0].model_copy(update={"clock_sigma_s": 0.1}), *detections[1:]]
    _, weighed = fit(doubted, (300, 300))
    assert np.hypot(*(weighed - (210, 450))) < 0.5 < np.hypot(*(trusted - (210, 450)))


def test_a_burst_shares_its_place_but_not_the_error_of_a_path():
    once = heard((210, 450))
    thrice = [item for shot in range(3) for item in heard((210, 450), time_s=1.0 + 0.4 * shot)]
    shots = [np.arange(6 * shot, 6 * shot + 6) for shot in range(3)]
    arrivals = arrivals_of(thrice, site_of(thrice))
    by_shot = [np.array([int(np.flatnonzero(arrivals.sensor == s).tolist()[k]) for s in range(6)]) for k in range(3)]
    assert sorted(np.concatenate(by_shot).tolist()) == sorted(np.concatenate(shots).tolist())
    start = np.array([0.0, 100.0])
    pick_only = solve(arrivals, AIR, by_shot, start, 0.0).ellipse.semi_major_m
    path_only = solve(arrivals, AIR, by_shot, start, 0.1).ellipse.semi_major_m
    single = arrivals_of(once, site_of(once))
    assert pick_only == pytest.approx(
        solve(single, AIR, [np.arange(6)], start, 0.0).ellipse.semi_major_m / 3**0.5, rel=0.02
    )
    assert path_only == pytest.approx(solve(single, AIR, [np.arange(6)], start, 0.1).ellipse.semi_major_m, rel=0.02)


def test_rotation_translation_and_time_shift_move_the_answer_alike(rng):
    errors = rng.normal(0, 0.003, 6)
    [shot] = locate(heard((210, 450), errors), AIR)
    turn = np.radians(37.0)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    moved = SENSORS @ rotation.T + (-11450.0, 3650.0)
    source = rotation @ (210, 450) + (-11450.0, 3650.0)
    [other] = locate(heard(source, errors, moved, time_s=4000.5), AIR)
    expected = rotation @ (shot.place.x_m, shot.place.y_m) + (-11450.0, 3650.0)
    assert (other.place.x_m, other.place.y_m) == pytest.approx(tuple(expected), abs=0.05)
    assert other.discharge_time_utc - shot.discharge_time_utc == pytest.approx(
        timedelta(seconds=3999.5), abs=timedelta(milliseconds=0.1)
    )
    assert other.ellipse_95.semi_major_m == pytest.approx(shot.ellipse_95.semi_major_m, rel=0.01)
    assert (shot.ellipse_95.azimuth_deg - other.ellipse_95.azimuth_deg) % 180 == pytest.approx(37.0, abs=1.0)


def test_latitude_and_longitude_give_the_same_place():
    frame = LocalFrame(40.44, -79.99)
    places = frame.to_geographic(np.column_stack((SENSORS, np.zeros(6))))
    geographic = [
        item.model_copy(update={"x_m": None, "y_m": None, "latitude": lat, "longitude": lon})
        for item, (lat, lon, _) in zip(heard((210, 450)), places, strict=True)
    ]
    [shot] = locate(geographic, AIR)
    assert frame.to_local(shot.place.latitude, shot.place.longitude)[:2] == pytest.approx((210, 450), abs=0.2)
    assert shot.place.x_m is None


def test_sensors_in_a_line_leave_a_mirror_and_say_so():
    line = np.array([(0, 0), (250, 0), (520, 0), (800, 0), (1100, 0)], float)
    shots = locate(heard((400, 200), sensors=line), AIR)
    [shot] = shots
    assert shot.ambiguous
    places = [shot.place, *(item.place for item in shot.alternatives)]
    assert any(np.hypot(place.x_m - 400, place.y_m - 200) < 15 for place in places)
    assert any(np.hypot(place.x_m - 400, place.y_m + 200) < 15 for place in places)
    assert shot.alternatives[0].weight == pytest.approx(0.5, abs=0.1)


def test_three_sensors_are_never_sure_and_two_are_no_shot():
    assert all(shot.ambiguous for shot in locate(heard((210, 450))[:3], AIR))
    assert locate(heard((210, 450))[:3], AIR) != []
    assert locate(heard((210, 450))[:2], AIR) == []
    assert locate([], AIR) == []


def test_ellipse_is_that_of_a_known_covariance():
    turn = np.radians(90.0 - 30.0)  # azimuth 30 degrees: the long axis lies east of north
    axes = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    ellipse = ellipse_of(axes @ np.diag([9.0, 4.0]) @ axes.T)
    assert (ellipse.semi_major_m, ellipse.semi_minor_m) == pytest.approx((3 * 2.4477, 2 * 2.4477), rel=1e-4)
    assert ellipse.azimuth_deg == pytest.approx(30.0)


def test_places_are_weighed_and_near_ones_are_one():
    small = Ellipse(8.0, 4.0, 0.0)
    places = np.array([(0.0, 0.0), (10.0, 0.0), (200.0, 0.0), (215.0, 0.0)])
    clear = judge(small, 5, places, np.array([20.0, 20.0, 8.0, 8.0]))
    assert not clear.ambiguous
    assert clear.alternatives == ()
    even = judge(small, 5, places, np.array([20.0, 19.0, 20.0, 19.0]))
    assert even.ambiguous
    assert [index for index, _ in even.alternatives] == [2]
    assert judge(small, 3, places, np.array([20.0, 20.0, 8.0, 8.0])).ambiguous
    assert judge(Ellipse(400.0, 4.0, 0.0), 5, places[:1], np.array([20.0])).ambiguous
