"""Ground, street, room and turbulence against limits, closed forms and pyroomacoustics."""

import numpy as np
import pyroomacoustics
import pytest
from scipy.integrate import quad_vec

from tocsin.acoustics.atmosphere import Atmosphere
from tocsin.acoustics.ground import HARDEST, Ground, ground_gain, impedance, reflection
from tocsin.acoustics.propagation import receive
from tocsin.acoustics.surroundings import NO_ECHOES, Echoes, indoors, random_echoes, street_canyon
from tocsin.acoustics.waves import Source, friedlander

RATE = 16000
HZ = np.array([63.0, 250.0, 1000.0, 4000.0])
BLAST = Source(friedlander(1000.0, 0.001, 1.2, RATE), RATE)


@pytest.mark.parametrize(("source_m", "microphone_m"), [(3.0, 9.0), (11.5, 2.5)])
def test_images_between_facades_are_those_of_pyroomacoustics(source_m, microphone_m):
    # A box whose ends, floor and ceiling swallow all sound is a street between two facades.
    width_m, along_m, order, reflected = 14.0, 60.0, 6, 0.8
    swallow, facade = pyroomacoustics.Material(1.0), pyroomacoustics.Material(1 - reflected**2)
    room = pyroomacoustics.ShoeBox(
        [200.0, width_m, 20.0],
        fs=RATE,
        materials={
            "east": swallow,
            "west": swallow,
            "floor": swallow,
            "ceiling": swallow,
            "south": facade,
            "north": facade,
        },
        max_order=order,
    )
    room.add_source([50.0, source_m, 10.0])
    room.add_microphone([50.0 + along_m, microphone_m, 10.0])
    room.image_source_model()
    source = room.sources[0]
    strength = np.ravel(source.damping)
    images = source.images[:, strength > 1e-6]
    theirs_m = np.linalg.norm(images - np.array([[50.0 + along_m], [microphone_m], [10.0]]), axis=0)
    length_m, reflections = street_canyon(along_m, width_m, source_m, microphone_m, order)
    assert len(length_m) == 2 * order + 1
    np.testing.assert_allclose(np.sort(length_m), np.sort(theirs_m), rtol=1e-6)
    np.testing.assert_allclose(
        (reflected**reflections)[np.argsort(length_m)], strength[strength > 1e-6][np.argsort(theirs_m)], rtol=1e-5
    )


def test_the_direct_path_comes_first_and_all_echoes_later():
    length_m, reflections = street_canyon(100.0, 20.0, 4.0, 15.0, 5)
    assert reflections[0] == 0
    assert length_m[0] == pytest.approx(np.hypot(100, 11))
    assert (length_m[1:] > length_m[0]).all()
    for seed in range(30):
        echoes = random_echoes(np.random.default_rng(seed), 100.0)
        assert (echoes.delay_s > 0).all()
        assert echoes.gain.max() < 1.1


def test_impedance_is_miki_s_at_a_decade_of_points():
    # Miki (1990), Z = 1 + 5.50 (10³ f/σ)^−0.632 + i 8.43 (10³ f/σ)^−0.632.
    ratio = 1e3 * HZ / 2e5
    np.testing.assert_allclose(impedance(HZ, 2e5), 1 + (5.50 + 8.43j) * ratio**-0.632, rtol=0.005)


def test_hard_ground_doubles_low_pressure_and_mirrors_all():
    ground = Ground(1e13, 1.5, 4.0)
    np.testing.assert_allclose(reflection(HZ, 100.0, ground, 340.0), 1, atol=0.03)
    gain = ground_gain(np.linspace(0, 8000, 4001), 100.0, ground, 340.0)
    assert abs(gain[5]) == pytest.approx(2, rel=0.01)
    dip_hz = 340 / 2 / (np.hypot(100, 5.5) - np.hypot(100, 2.5))
    assert np.linspace(0, 8000, 4001)[np.abs(gain[:1500]).argmin()] == pytest.approx(dip_hz, rel=0.02)


def test_straight_down_a_plane_wave_remains():
    ground = Ground(2e5, 50.0, 50.0)
    z = impedance(HZ, 2e5)
    np.testing.assert_allclose(reflection(HZ, 0.01, ground, 340.0), (z - 1) / (z + 1), atol=0.02)


@pytest.mark.parametrize("flow_resistivity", [5e4, 5e5])
@pytest.mark.parametrize("distance_m", [10.0, 50.0])
def test_reflection_solves_the_integral_over_an_impedance_plane(flow_resistivity, distance_m):
    # Exact field above a locally reacting plane by images along a complex line (Di & Gilbert 1993):
    # p = e^{ikr₁}/r₁ + e^{ikr₂}/r₂ − 2 kβ ∫₀^∞ e^{−kβ q} e^{ikR(q)}/R(q) dq, R(q) = √(d² + (H + i q)²).
    height_m, frequency = 2.0, np.array([200.0, 1000.0])
    wavenumber = 2 * np.pi * frequency / 340.0
    admittance = 1 / impedance(frequency, flow_resistivity)
    reflected_m = np.hypot(distance_m, height_m)

    def images(q: float) -> np.ndarray:
        path = np.sqrt(distance_m**2 + (height_m + 1j * q) ** 2 + 0j)
        return np.exp(-wavenumber * admittance * q + 1j * wavenumber * path) / path

    line, _ = quad_vec(images, 0, 60, epsrel=1e-8, limit=20000)
    exact = np.exp(1j * wavenumber * reflected_m) / reflected_m - 2 * wavenumber * admittance * line
    ours = reflection(frequency, distance_m, Ground(flow_resistivity, 1.0, 1.0), 340.0)
    np.testing.assert_allclose(ours, exact / np.exp(1j * wavenumber * reflected_m) * reflected_m, atol=0.03)


def test_roughness_and_turbulence_leave_the_direct_sound_of_short_waves():
    hz = np.linspace(20, 8000, 400)
    flat, rough = (ground_gain(hz, 60.0, Ground(HARDEST, 60.0, 6.0, height_m), 340.0) for height_m in (0.0, 0.3))
    assert np.ptp(np.abs(flat[hz > 3000])) > 1
    assert np.ptp(np.abs(rough[hz > 3000])) < 0.01
    np.testing.assert_allclose(ground_gain(hz, 60.0, Ground(HARDEST, 60.0, 6.0), 340.0, 0.0), 1)


def test_the_ground_s_echo_of_a_shell_comes_by_the_way_of_its_image(rng):
    ground = Ground(1e13, 60.0, 6.0)
    slant_m = float(np.hypot(80.0, 54.0))
    wave = receive(BLAST, slant_m, Atmosphere(), NO_ECHOES, rng, ground=ground)
    alone = receive(BLAST, slant_m, Atmosphere(), NO_ECHOES, rng)
    later_s = (np.hypot(80.0, 66.0) - slant_m) / (20.03 * np.sqrt(288.15))
    rest = wave[: len(alone)] - alone
    assert np.abs(rest).argmax() / RATE == pytest.approx(later_s, abs=2 / RATE)


def test_turbulence_fades_more_the_higher_and_keeps_the_mean():
    level_db = []
    still = np.abs(np.fft.rfft(receive(BLAST, 300.0, Atmosphere(), NO_ECHOES, np.random.default_rng(0)), 4096))
    hz = np.fft.rfftfreq(4096, 1 / RATE)
    for seed in range(60):
        heard = receive(BLAST, 300.0, Atmosphere(), NO_ECHOES, np.random.default_rng(seed), turbulence=3e-6)
        spectrum = np.abs(np.fft.rfft(heard, 4096))
        level_db.append([20 * np.log10(spectrum / still)[np.argmin(np.abs(hz - at))] for at in (125, 500, 3000)])
    spread = np.std(level_db, axis=0)
    # Half of √π/2 ⟨μ²⟩ k² L r, as a level; at 3 kHz saturated.
    expected = 8.686 * np.sqrt(np.sqrt(np.pi) / 4 * 3e-6 * 1.1 * 300 * (2 * np.pi * np.array([125, 500]) / 340.3) ** 2)
    assert spread[0] < spread[1] < spread[2] < 7
    np.testing.assert_allclose(spread[:2], expected, rtol=0.5)


def test_a_room_is_dense_late_and_dull(rng):
    inside = indoors(BLAST.pressure_pa, RATE, rng)
    assert len(inside) > len(BLAST.pressure_pa) + 0.1 * RATE
    power = np.abs(np.fft.rfft(inside, 32768)) ** 2
    hz = np.fft.rfftfreq(32768, 1 / RATE)
    before = np.abs(np.fft.rfft(BLAST.pressure_pa, 32768)) ** 2
    dulled_db = 10 * np.log10(
        [power[(hz > a) & (hz < b)].sum() / before[(hz > a) & (hz < b)].sum() for a, b in ((50, 300), (5000, 7000))]
    )
    assert dulled_db[1] < dulled_db[0] - 6


def test_echoes_between_samples_are_band_limited_copies(rng):
    between = Echoes(np.array([100.5 / RATE]), np.array([0.5]), -np.inf, 0.1)
    smooth = Source(np.exp(-0.5 * ((np.arange(60) - 30) / 4.0) ** 2), RATE)
    both = receive(smooth, 100.0, Atmosphere(), between, rng)
    direct = receive(smooth, 100.0, Atmosphere(), NO_ECHOES, rng)
    later = np.interp(np.arange(60) - 0.5, np.arange(60), direct[:60]) * 0.5 * 100 / (100 + 100.5 / RATE * 340.0)
    np.testing.assert_allclose(both[102:158], later[2:58], atol=0.03 * later.max())
