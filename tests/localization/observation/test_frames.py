"""Frames against the published constants and arc lengths of WGS 84, and travel times against closed forms."""

import numpy as np
import pytest

from tocsin.localization.observation.frames import LocalFrame, _to_earth_centred
from tocsin.localization.observation.travel import Air, travel_times_s


def test_earth_centred_axes_are_the_published_radii():
    assert _to_earth_centred(0.0, 0.0, 0.0) == pytest.approx([6378137.0, 0.0, 0.0])
    assert _to_earth_centred(90.0, 0.0, 10.0) == pytest.approx([0.0, 0.0, 6356752.314245 + 10.0], abs=1e-6)


@pytest.mark.parametrize(
    ("latitude", "north_m", "east_m"),
    # Length of a degree of latitude and of longitude (published tables of WGS 84), centred on the parallel.
    [(0.0, 110574.0, 111320.0), (30.0, 110852.0, 96486.0), (45.0, 111132.0, 78847.0), (60.0, 111412.0, 55800.0)],
)
def test_degrees_have_their_published_lengths(latitude, north_m, east_m):
    frame = LocalFrame(latitude, 12.0)
    north = frame.to_local(latitude + 0.005, 12.0) - frame.to_local(latitude - 0.005, 12.0)
    east = frame.to_local(latitude, 12.005) - frame.to_local(latitude, 11.995)
    assert north[1] * 100 == pytest.approx(north_m, abs=1.0)
    assert east[0] * 100 == pytest.approx(east_m, abs=1.0)
    assert abs(north[0]) + abs(east[1]) < 1e-6


@pytest.mark.parametrize("longitude", [-79.99, 180.0, -179.999])
def test_there_and_back_is_the_same_point(rng, longitude):
    frame = LocalFrame(40.44, longitude, 230.0)
    points = rng.uniform(-20000, 20000, (500, 3)) * [1, 1, 0.02]
    back = frame.to_geographic(points)
    assert frame.to_local(back[:, 0], back[:, 1], back[:, 2]) == pytest.approx(points, abs=1e-6)


def test_the_plane_bends_from_the_ellipsoid_as_stated():
    frame = LocalFrame(40.0, 0.0)
    far = frame.to_local(*frame.to_geographic([10000.0, 0.0, 0.0])[:2], 0.0)
    assert far[2] == pytest.approx(-(10000**2) / 2 / 6.387e6, abs=0.05)
    assert abs(10000 - far[0]) < 0.02


def test_speed_of_sound_is_the_textbook_one():
    assert Air(temperature_c=20.0).speed_mps == pytest.approx(343.2, abs=0.3)
    assert Air(temperature_c=0.0).speed_mps == pytest.approx(331.3, abs=0.3)


def test_still_air_is_distance_over_speed(rng):
    sensors = rng.uniform(-500, 500, (7, 2))
    air = Air(temperature_c=5.0)
    expected = np.hypot(*(sensors - [10.0, 20.0]).T) / air.speed_mps
    assert travel_times_s(np.array([10.0, 20.0]), sensors, air) == pytest.approx(expected)


def test_wind_adds_to_the_speed_along_it_and_is_pythagoras_across_it():
    air = Air(temperature_c=20.0, wind_speed_mps=10.0, wind_from_deg=270.0)  # blows towards the east
    c = air.speed_mps
    sensors = np.array([[1000.0, 0.0], [-1000.0, 0.0], [0.0, 1000.0]])
    expected = [1000 / (c + 10), 1000 / (c - 10), 1000 / np.sqrt(c**2 - 100)]
    assert travel_times_s(np.zeros(2), sensors, air) == pytest.approx(expected)


def test_wind_is_a_shift_of_each_path(rng):
    air = Air(temperature_c=-3.0, wind_speed_mps=6.0, wind_from_deg=37.0)
    source, sensors = np.array([30.0, -80.0]), rng.uniform(-800, 800, (9, 2))
    times = travel_times_s(source, sensors, air)
    # After the travel time the front is a circle round the source carried with the wind.
    centre = source + times[:, None] * air.wind_vector_mps
    assert np.hypot(*(sensors - centre).T) == pytest.approx(air.speed_mps * times)
