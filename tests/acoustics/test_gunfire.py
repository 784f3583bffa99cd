"""Gunfire against Whitham's printed formulas, Fermat's principle, weak-shock theory integrated, and cadence."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import minimize_scalar

from tocsin.acoustics import gunfire
from tocsin.acoustics.waves import BALANCED, friedlander, n_wave

RATE = 48000


@pytest.mark.parametrize("mach", [1.15, 1.6, 2.7])
@pytest.mark.parametrize("degrees", [5, 20, 40, 75, 120])
def test_the_shock_wave_comes_by_the_fastest_way(mach, degrees):
    # Fermat: of all places on the trajectory, sound heard first left where flight plus sound's travel is shortest.
    distance_m, angle_rad, flight_m = 180.0, np.radians(degrees), 400.0
    microphone = distance_m * np.array([np.cos(angle_rad), np.sin(angle_rad)])

    def arrival_s(place_m: float) -> float:
        travel_m = np.hypot(microphone[0] - place_m, microphone[1])
        return (place_m / mach + travel_m) / gunfire.SPEED_MPS

    fastest = minimize_scalar(arrival_s, bounds=(0, flight_m), method="bounded", options={"xatol": 1e-7})
    lead_s = gunfire.shock_lead_s(distance_m, angle_rad, mach, flight_m)
    outside = degrees > np.degrees(np.arccos(1 / mach))  # behind the first ray of the cone
    assert (lead_s is None) == outside
    if lead_s is None:
        assert fastest.fun == pytest.approx(arrival_s(0), abs=1e-6)
    else:
        assert distance_m / gunfire.SPEED_MPS - lead_s == pytest.approx(fastest.fun, abs=1e-9)


def test_no_shock_without_supersonic_flight_nor_beyond_its_end():
    assert gunfire.shock_lead_s(100.0, 0.2, 0.95) is None
    assert gunfire.shock_lead_s(300.0, 0.1, 2.5, flight_m=50.0) is None


def test_on_the_line_of_fire_the_lead_is_flight_against_sound():
    assert gunfire.shock_lead_s(200.0, 0.0, 2.0) == pytest.approx(200 / 340 - 200 / 680)


def test_n_wave_of_a_rifle_bullet_is_as_published():
    # A 7.62 mm bullet, 30 mm long, at M = 2.5 passing at 10 m. The duration's short form is Maher's (2006):
    # T ≈ 1.82 (d/c) (M b / l)^¼, within a tenth for fast bullets; he shows about 200 µs.
    peak_pa, duration_s = gunfire.shock_wave(2.5, 10.0, 0.00762, 0.030)
    assert duration_s == pytest.approx(1.82 * 0.00762 / 340 * (2.5 * 10 / 0.030) ** 0.25, rel=0.1)
    assert 150e-6 < duration_s < 300e-6
    assert peak_pa == pytest.approx(0.53 * 101325 * 5.25**0.125 * 0.00762 / (10**0.75 * 0.030**0.25), rel=1e-12)
    further_pa, longer_s = gunfire.shock_wave(2.5, 160.0, 0.00762, 0.030)
    assert (peak_pa / further_pa, longer_s / duration_s) == (pytest.approx(8), pytest.approx(2))


@pytest.mark.parametrize("late_s", [0.0, 0.37 / RATE])
def test_n_wave_has_no_impulse_and_the_energy_of_its_closed_form(late_s):
    wave = n_wave(100.0, 0.01, RATE, late_s)
    assert wave.sum() == pytest.approx(0, abs=1e-9)
    assert np.sum(wave**2) / RATE == pytest.approx(100.0**2 * 0.01 / 3, rel=0.01)
    impulse = np.cumsum(wave) / RATE  # a parabola, after each sample
    area = 100.0 * 0.01**2 / 6
    assert impulse.sum() / RATE == pytest.approx(area, rel=0.01)
    centre_s = np.average((np.arange(len(wave)) + 1) / RATE, weights=impulse)
    assert centre_s == pytest.approx(0.005 + late_s, abs=0.1 / RATE)


def test_stretching_solves_the_weak_shock_equation():
    peak_pa, positive_s = 2000.0, 0.0004
    # dτ/dr = (γ+1)/(4γ) Δp / (p c), with Δp r τ constant.
    factor = 2.4 / 5.6 / (101325 * 340.0)
    solution = solve_ivp(
        lambda r, tau: factor * peak_pa * positive_s / (r * tau), (1, 500), [positive_s], rtol=1e-9, atol=1e-12
    )
    assert gunfire.stretch(peak_pa, positive_s, 500.0) == pytest.approx(solution.y[0, -1] / positive_s, rel=1e-6)
    assert gunfire.stretch(peak_pa, positive_s, 1.0) == 1


def test_a_pistol_is_as_loud_beside_its_muzzle_as_measured():
    # 9 mm and .40 pistols: 159 to 162 dB peak a metre to the left of the muzzle (Dater 2014).
    peak_pa, _ = gunfire.muzzle_blast(0.08, np.pi / 2, 15.0)
    assert 159 < 20 * np.log10(peak_pa / 20e-6) < 162
    ahead, behind = (gunfire.muzzle_blast(0.08, angle, 15.0)[0] for angle in (0, np.pi))
    assert 20 * np.log10(ahead / behind) == pytest.approx(15)


def test_a_carbine_is_as_loud_beside_its_muzzle_as_measured():
    # An AR-15 in .223: 162 to 163 dB peak a metre to the left of the muzzle, an M4 164 (Dater 2014).
    peak_pa, _ = gunfire.muzzle_blast(gunfire.FIREARMS["rifle"].weber_radius_m[0], np.pi / 2, 15.0)
    assert 161.5 < 20 * np.log10(peak_pa / 20e-6) < 163


def test_the_blast_is_that_of_a_sphere_that_comes_to_rest_within_its_own_size():
    # A pulsating sphere: p + (R/c) dp/dt = ρ R (R/r) du/dt, integrated here for u = U exp(−c t/R) from rest.
    radius_m = 0.08
    _, positive_s = gunfire.muzzle_blast(radius_m, 0.0, 15.0)
    tau_s = radius_m / gunfire.SPEED_MPS
    # What the jump of u leaves at once is the start; after it du/dt = −U/τ exp(−t/τ), all in units of the peak.
    solution = solve_ivp(
        lambda t, p: (-np.exp(-t / tau_s) - p) / tau_s, (0, 5 * tau_s), [1.0], rtol=1e-9, atol=1e-12, dense_output=True
    )
    at_s = (np.arange(round(4 * tau_s * 1e6)) + 0.5) / 1e6
    wave = friedlander(1.0, positive_s, BALANCED, 1_000_000)[: len(at_s)]
    np.testing.assert_allclose(wave, solution.sol(at_s)[0], atol=1e-3)


@pytest.mark.parametrize("seed", range(8))
def test_no_gunshot_has_an_impulse(seed):
    # Far from a source of finite size a spherical wave's pressure adds up to nothing (Landau and Lifshitz 1987, §70).
    pressure_pa = gunfire.gunshot(np.random.default_rng(seed), RATE).pressure_pa
    assert abs(pressure_pa.sum()) < 2e-3 * np.abs(pressure_pa).sum()


def test_weber_scaling_energy_goes_with_the_cube_of_the_radius():
    (small_pa, small_s), (large_pa, large_s) = (gunfire.muzzle_blast(r, 1.0, 15.0) for r in (0.07, 0.14))
    assert large_pa**2 * large_s / (small_pa**2 * small_s) == pytest.approx(8)


def test_bursts_are_automatic_or_by_hand():
    gaps_s = []
    for seed in range(60):
        at_s = gunfire._rounds_s(np.random.default_rng(seed), 8)
        assert len(at_s) == 8
        assert at_s[0] == 0
        gaps_s.append(np.median(np.diff(at_s)))
    rounds_a_minute = 60 / np.array(gaps_s)
    automatic = rounds_a_minute > 550
    assert 10 < automatic.sum() < 40
    assert rounds_a_minute.max() < 1150
    assert rounds_a_minute[~automatic].min() > 80


def test_a_crack_precedes_the_blast_of_some_rifles_by_its_lead():
    cracks = 0
    for seed in range(120):
        alone, heard = (
            gunfire.gunshot(np.random.default_rng(seed), RATE, 1, distance_m).pressure_pa
            for distance_m in (None, 150.0)
        )
        later = len(heard) - len(alone)
        cracks += later > 0.01 * RATE
    assert 5 < cracks < 40
