"""Scenes against closed forms: travel time, spreading, clocks; and what a neighbourhood must hold."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from tocsin import TocsinError
from tocsin.acoustics.atmosphere import Atmosphere, speed_of_sound_mps
from tocsin.acoustics.propagation import receive
from tocsin.acoustics.scene import (
    CLOCK_SIGMA_S,
    LEAST_APART_M,
    LEAST_APART_S,
    MEAN_DETOUR_S,
    Event,
    Obstruction,
    Scene,
    Sensor,
    arrival_s,
    render_scene,
    simulate_neighbourhood,
    sound_pressure,
)
from tocsin.acoustics.sources import Source, friedlander
from tocsin.acoustics.surroundings import NO_ECHOES

RATE = 16000
PULSE_S = 0.003


def pulse() -> Source:
    """A symmetric pulse with its centre 3 ms after the discharge: its centre tells time to far below a sample."""
    time_s = np.arange(round(2 * PULSE_S * RATE) + 1) / RATE
    return Source(1000 * np.exp(-0.5 * ((time_s - PULSE_S) / 0.0004) ** 2), RATE)


def scene_of(sensors: list[Sensor], detour_s: float = 0.0, loss_db: float = 0.0) -> Scene:
    event = Event("gunshot", 12.0, -7.0, 1.5, 0.25, 1, pulse())
    path = Obstruction(detour_s, loss_db, NO_ECHOES)
    return Scene(tuple(sensors), (event,), ((path,) * len(sensors),), Atmosphere(3.0), 3.0, seed=0)


def sensor_at(x_m: float, y_m: float, z_m: float = 6.0, clock_error_s: float = 0.0) -> Sensor:
    return Sensor("S", x_m, y_m, z_m, (x_m, y_m, z_m), clock_error_s)


def centre_s(pressure_pa: np.ndarray) -> float:
    """Centroid of the pulse alone."""
    peak = int(pressure_pa.argmax())
    around = np.arange(peak - 40, peak + 41)
    return float(np.average(around, weights=pressure_pa[around]) / RATE)


@pytest.mark.parametrize(("x_m", "y_m"), [(40.0, 3.0), (-211.3, 97.9), (402.2, -503.7)])
@pytest.mark.parametrize(("clock_error_s", "detour_s"), [(0.0, 0.0), (0.00137, 0.0), (-0.0021, 0.0093)])
def test_sound_arrives_after_distance_over_speed_and_clock_error(x_m, y_m, clock_error_s, detour_s):
    scene = scene_of([sensor_at(x_m, y_m, 6.0, clock_error_s)], detour_s)
    distance_m = np.sqrt((x_m - 12.0) ** 2 + (y_m + 7.0) ** 2 + 4.5**2)
    expected_s = 0.25 + distance_m / (20.03 * np.sqrt(276.15)) + clock_error_s + detour_s
    # The air rounds a pulse off behind its front, which moves its centre: take that from the pulse at a known delay.
    rounded = receive(pulse(), distance_m, scene.atmosphere, NO_ECHOES, np.random.default_rng(0), delay_s=0.01)
    heard_s = centre_s(sound_pressure(scene, 0)) - (centre_s(rounded) - 0.01)
    assert heard_s == pytest.approx(expected_s, abs=0.02 / RATE)
    assert arrival_s(scene, 0, 0) == pytest.approx(expected_s, abs=1e-12)


def test_the_front_of_a_shock_stands_at_the_arrival_and_not_before():
    scene = scene_of([sensor_at(300.0, 0.0), sensor_at(0.0, 650.0)])
    shock = replace(scene.events[0], source=Source(friedlander(3000.0, 0.001, 1.2, RATE), RATE))
    for number in range(2):
        pressure_pa = sound_pressure(replace(scene, events=(shock,)), number)
        # The air stretches the shock over several samples behind its front; two in a hundred is the front's foot.
        front = int((np.abs(pressure_pa) > 0.02 * pressure_pa.max()).argmax())
        # A sample is the mean over its interval, so the one in which the front falls already holds some of it.
        assert -1 / RATE < front / RATE - arrival_s(scene, 0, number) < 3 / RATE


def test_pressure_falls_with_distance_and_obstruction():
    near, far = sensor_at(112.0, -7.0, 1.5), sensor_at(212.0, -7.0, 1.5)
    scene = scene_of([near, far])
    # The sum of the samples is the pulse at 0 Hz, where the air takes nothing: one over distance remains.
    sums = [sound_pressure(scene, number).sum() for number in (0, 1)]
    assert sums[0] == pytest.approx(pulse().pressure_pa.sum() / 100, rel=1e-9)
    assert sums[0] / sums[1] == pytest.approx(2.0, rel=1e-9)
    assert sound_pressure(scene_of([near], loss_db=20.0), 0).sum() == pytest.approx(sums[0] / 10, rel=1e-9)


def test_sound_after_the_end_is_not_recorded():
    scene = replace(scene_of([sensor_at(3000.0, 0.0)]), duration_s=1.0)
    assert not sound_pressure(scene, 0).any()
    assert len(sound_pressure(scene, 0)) == RATE


def test_a_recording_is_the_pressure_with_noise_in_the_microphones_band():
    quiet = replace(sensor_at(112.0, -7.0), noise_dbspl=0.0)
    samples = next(render_scene(scene_of([quiet])))
    assert samples.dtype == np.float32
    assert samples.shape == (3 * RATE,)
    arrival = round(arrival_s(scene_of([quiet]), 0, 0) * RATE)
    assert np.abs(samples[: arrival - 10]).max() < 1e-4 < 0.01 < np.abs(samples[arrival:]).max()
    loud = next(render_scene(scene_of([replace(quiet, full_scale_dbspl=90.0)])))
    assert loud.max() == pytest.approx(32767 / 32768)


def test_a_neighbourhood_holds_what_it_says():
    scene = simulate_neighbourhood(3)
    assert len(scene.sensors) == len({sensor.sensor_id for sensor in scene.sensors}) == 12
    assert Counter(event.label for event in scene.events) == {"gunshot": 4, "fireworks": 2, "backfire": 2}
    assert sorted(event.rounds for event in scene.events) == [0, 0, 0, 0, 1, 1, 3, 5]
    assert np.diff([event.discharge_s for event in scene.events]).min() >= LEAST_APART_S
    assert 25 < scene.duration_s < 70
    places = np.array([(event.x_m, event.y_m) for event in scene.events])
    apart_m = np.hypot(*np.moveaxis(places[:, None] - places, -1, 0))
    assert apart_m[~np.eye(len(places), dtype=bool)].min() >= LEAST_APART_M


def test_clock_errors_and_detours_are_as_large_as_stated():
    scenes = [simulate_neighbourhood(seed, (("gunshot", 1),)) for seed in range(40)]
    errors = np.array([sensor.clock_error_s for scene in scenes for sensor in scene.sensors])
    assert np.std(errors) == pytest.approx(CLOCK_SIGMA_S, rel=0.1)
    assert abs(np.mean(errors)) < 3 * CLOCK_SIGMA_S / np.sqrt(len(errors))
    detours = np.array([path.detour_s for scene in scenes for row in scene.paths for path in row])
    assert detours.min() >= 0
    assert np.mean(detours) == pytest.approx(MEAN_DETOUR_S, rel=0.15)


def test_the_seed_fixes_everything():
    events = (("gunshot", 2), ("backfire", 0))
    first, again, other = (simulate_neighbourhood(seed, events) for seed in (5, 5, 6))
    for scene in (first, again, other):
        assert all(arrival_s(scene, 0, number) > scene.events[0].discharge_s for number in range(12))
    assert np.array_equal(next(render_scene(first)), next(render_scene(again)))
    assert first.sensors == again.sensors != other.sensors


def test_no_direct_sound_outruns_sound():
    scene = simulate_neighbourhood(1)
    speed_mps = speed_of_sound_mps(scene.atmosphere.temperature_c)
    for number, event in enumerate(scene.events):
        for index, sensor in enumerate(scene.sensors):
            travel_s = arrival_s(scene, number, index) - event.discharge_s - sensor.clock_error_s
            assert travel_s * speed_mps >= np.hypot(event.x_m - sensor.x_m, event.y_m - sensor.y_m)


def test_more_events_than_fit_are_refused():
    with pytest.raises(TocsinError, match="ask for fewer"):
        simulate_neighbourhood(0, (("backfire", 0),) * 120)
    with pytest.raises(TocsinError, match="no sound source"):
        simulate_neighbourhood(0, (("speech", 0),))
