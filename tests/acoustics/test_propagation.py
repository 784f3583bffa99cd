"""Atmosphere, sources and propagation against the standard's table, closed forms and each other."""

import numpy as np
import pytest

from tocsin import TocsinError
from tocsin.acoustics import impacts, sources, waves
from tocsin.acoustics.atmosphere import Atmosphere, absorption_db_per_m, speed_of_sound_mps
from tocsin.acoustics.microphone import gain_control, in_band, record, urban_noise
from tocsin.acoustics.propagation import receive
from tocsin.acoustics.surroundings import NO_ECHOES, Echoes, random_echoes
from tocsin.acoustics.synthesis import _stretch_of, synthesize

RATE = 16000
# ISO 9613-2:1996, table 2 (computed by ISO 9613-1): dB/km at 63, 125, … 8000 Hz.
TABLE = {
    (10, 70): (0.1, 0.4, 1.0, 1.9, 3.7, 9.7, 32.8, 117),
    (20, 70): (0.1, 0.3, 1.1, 2.8, 5.0, 9.0, 22.9, 76.6),
    (30, 70): (0.1, 0.3, 1.0, 3.1, 7.4, 12.7, 23.1, 59.3),
    (15, 20): (0.3, 0.6, 1.2, 2.7, 8.2, 28.2, 88.8, 202),
    (15, 50): (0.1, 0.5, 1.2, 2.2, 4.2, 10.8, 36.2, 129),
    (15, 80): (0.1, 0.3, 1.1, 2.4, 4.1, 8.3, 23.7, 82.8),
}
OCTAVES_HZ = 1000 * 10 ** (0.3 * np.arange(-4, 4))  # exact midband frequencies, as the standard uses
BLAST = sources.Source(sources.friedlander(1000.0, 0.001, 1.2, RATE), RATE)
BLAST_12 = sources.Source(sources.friedlander(1000.0, 0.001, 1.2, 12000), 12000)


@pytest.mark.parametrize(("weather", "db_per_km"), TABLE.items())
def test_absorption_equals_the_table_of_iso_9613(weather, db_per_km):
    ours = 1000 * absorption_db_per_m(OCTAVES_HZ, Atmosphere(*weather))
    # Entries below 3 dB/km are printed with two digits or fewer.
    np.testing.assert_allclose(ours, db_per_km, rtol=0.006, atol=0.06)


def test_speed_of_sound_is_the_published_formula():
    assert speed_of_sound_mps(0) == pytest.approx(331.05, abs=0.01)
    for temperature_c in (-20, 0, 20, 40):  # the textbook line
        assert speed_of_sound_mps(temperature_c) == pytest.approx(331.3 + 0.606 * temperature_c, rel=0.0035)
    assert speed_of_sound_mps(-273.15) == 0


@pytest.mark.parametrize("sample_rate", [8000, 48000, 400000])
def test_friedlander_has_the_impulse_of_its_closed_form(sample_rate):
    peak, positive_s, decay = 800.0, 0.002, 1.5
    wave = sources.friedlander(peak, positive_s, decay, sample_rate)
    impulse = peak * positive_s * (1 / decay - (1 - np.exp(-10 * decay) * (1 + 9 * decay)) / decay**2)
    assert wave.sum() / sample_rate == pytest.approx(impulse, rel=1e-9)


def test_friedlander_starts_at_its_peak_and_crosses_zero_once():
    wave = sources.friedlander(800.0, 0.002, 1.0, 1_000_000)
    assert wave[0] == pytest.approx(800.0, rel=1e-3)
    assert np.argmax(wave < 0) == pytest.approx(2000, abs=1)
    assert (np.diff(np.sign(wave)) != 0).sum() == 1


@pytest.mark.parametrize("label", ["gunshot", "fireworks", "backfire", "impulse"])
def test_sources_are_finite_seeded_and_never_alike(label):
    first, again = (sources.render(label, np.random.default_rng(5), RATE).pressure_pa for _ in range(2))
    other = sources.render(label, np.random.default_rng(6), RATE).pressure_pa
    np.testing.assert_array_equal(first, again)
    assert np.isfinite(first).all()
    assert len(first) != len(other) or not np.allclose(first, other)


def test_a_burst_of_rounds_has_as_many_peaks(rng):
    for rounds in (1, 3, 6):
        wave = sources.gunshot(rng, RATE, rounds).pressure_pa
        starts = np.flatnonzero(np.diff(np.r_[0, wave]) > 0.4 * wave.max())
        assert (np.diff(starts, prepend=-RATE) > 0.05 * RATE).sum() == rounds


def test_a_backfire_rings_lower_than_a_shot(rng):
    def centroid_hz(label):
        wave = sources.render(label, rng, RATE).pressure_pa
        power = np.abs(np.fft.rfft(wave, 4 * RATE)) ** 2
        return np.sum(power * np.arange(len(power))) / np.sum(power) / 4

    assert np.median([centroid_hz("backfire") for _ in range(15)]) < np.median(
        [centroid_hz("gunshot") for _ in range(15)]
    )


def test_unknown_source_names_the_known_ones(rng):
    with pytest.raises(TocsinError, match="there are gunshot, fireworks, backfire and impulse"):
        sources.render("voice", rng, RATE)


def test_doubled_distance_halves_pressure_but_for_the_air(rng):
    near, far = (np.fft.rfft(receive(BLAST, d, Atmosphere(), NO_ECHOES, rng), 8192) for d in (200.0, 400.0))
    hz = np.fft.rfftfreq(8192, 1 / RATE)
    band = (hz > 100) & (hz < 5000)
    loss_db = 20 * np.log10(np.abs(near / far))[band]
    expected = 20 * np.log10(2) + 200 * absorption_db_per_m(hz[band], Atmosphere())
    np.testing.assert_allclose(loss_db, expected, atol=0.3)


def test_at_one_metre_the_source_is_itself(rng):
    heard = receive(BLAST, 1.0, Atmosphere(), NO_ECHOES, rng)
    count = len(BLAST.pressure_pa)
    np.testing.assert_allclose(heard[:count], BLAST.pressure_pa, atol=0.02 * BLAST.pressure_pa.max())


def test_an_echo_is_the_sound_again_later_and_weaker(rng):
    echo = Echoes(np.array([0.1]), np.array([0.5]), -np.inf, 0.1)
    atmosphere = Atmosphere()
    both = receive(BLAST, 100.0, atmosphere, echo, rng)
    direct = receive(BLAST, 100.0, atmosphere, NO_ECHOES, rng)
    later_m = 100.0 + 0.1 * speed_of_sound_mps(atmosphere.temperature_c)
    again = 0.5 * receive(BLAST, later_m, atmosphere, NO_ECHOES, rng)
    shift = round(0.1 * RATE)
    np.testing.assert_allclose(both[shift : shift + 300], again[:300], atol=0.1 * again.max())
    np.testing.assert_allclose(both[:300], direct[:300], atol=1e-3 * direct.max())


def test_a_delay_of_whole_samples_is_a_shift(rng):
    plain = receive(BLAST, 50.0, Atmosphere(), NO_ECHOES, rng)
    late = receive(BLAST, 50.0, Atmosphere(), NO_ECHOES, rng, delay_s=40 / RATE)
    np.testing.assert_allclose(late[40:240], plain[:200], atol=1e-3 * plain.max())


def test_a_screen_costs_what_maekawa_s_curve_says(rng):
    free, behind = (
        np.fft.rfft(receive(BLAST, 60.0, Atmosphere(), NO_ECHOES, rng, detour_m=d), 8192) for d in (0.0, 0.5)
    )
    hz = np.fft.rfftfreq(8192, 1 / RATE)
    for at_hz, loss_db in ((100, 9.5), (500, 15.1), (2000, 20.8), (7000, 25.0)):  # 10 log10(3 + 20 f / 340), capped
        index = np.argmin(np.abs(hz - at_hz))
        assert 20 * np.log10(np.abs(free / behind))[index] == pytest.approx(loss_db, abs=0.4)


def test_the_diffuse_tail_is_as_strong_at_any_rate():
    echoes = Echoes(np.zeros(0), np.zeros(0), -40.0, 0.3)
    ratio_db = []
    for rate in (8000, 16000, 48000):
        blast = sources.Source(sources.friedlander(1000.0, 0.002, 1.2, rate), rate)
        heard, direct = (receive(blast, 100.0, Atmosphere(), e, np.random.default_rng(2)) for e in (echoes, NO_ECHOES))
        low = [np.abs(np.fft.rfft(x, 2 * rate))[: 2 * 2000] ** 2 / rate**2 for x in (heard[rate // 10 :], direct)]
        ratio_db.append(10 * np.log10(low[0].sum() / low[1].sum()))
    assert np.ptp(ratio_db) < 1.5


def test_what_is_not_wanted_is_not_computed(rng):
    echoes = random_echoes(rng)
    assert len(receive(BLAST, 50.0, Atmosphere(), echoes, rng, longest_s=0.01)) == round(0.01 * RATE)


def test_noise_has_the_stated_level(rng):
    noise = urban_noise(3 * RATE, RATE, 55.0, rng)
    assert 20 * np.log10(np.sqrt(np.mean(noise**2)) / 20e-6) == pytest.approx(55, abs=0.1)


def test_recording_clips_at_full_scale_and_keeps_16_bits():
    time_s = np.arange(RATE) / RATE
    loud = 20e-6 * 10 ** (100 / 20) * np.sin(2 * np.pi * 500 * time_s)
    stored = record(loud, RATE, full_scale_dbspl=94.0)
    assert stored.dtype == np.float32
    assert stored.min() == -1
    assert (stored == stored.max()).sum() > 1000
    quiet = record(loud, RATE, full_scale_dbspl=120.0)
    assert 20 * np.log10(np.abs(quiet[RATE // 2 :]).max()) == pytest.approx(-20, abs=0.1)
    np.testing.assert_array_equal(quiet * 32768, np.round(quiet * 32768))


@pytest.mark.parametrize("label", ["gunshot", "fireworks", "backfire", "impulse", "background"])
def test_synthetic_recordings_are_bounded_and_seeded(label):
    one, same = (synthesize(label, np.random.default_rng(9), 12000, 1.5) for _ in range(2))
    assert one.shape == (18000,)
    assert one.dtype == np.float32
    assert np.abs(one).max() <= 1
    np.testing.assert_array_equal(one, same)


LABELS = ("gunshot", "fireworks", "backfire", "impulse")


def test_nothing_but_the_source_tells_labels_apart(monkeypatch):
    # With one and the same source for all, the same generator gives the same recording whatever the label.
    monkeypatch.setattr("tocsin.acoustics.synthesis.render", lambda label, generator, rate, distance_m: BLAST_12)
    for seed in range(8):
        first, *others = (synthesize(label, np.random.default_rng(seed), 12000, 1.0) for label in LABELS)
        assert np.ptp(first) > 0
        for other in others:
            np.testing.assert_array_equal(first, other)


def test_levels_are_drawn_alike_whatever_the_source_s_own(monkeypatch):
    # A source a thousand times weaker is heard as loud: what differs is what rounding to 16 bits leaves.
    weak = sources.Source(BLAST_12.pressure_pa / 1000, 12000)
    heard = []
    for source in (BLAST_12, weak):
        monkeypatch.setattr("tocsin.acoustics.synthesis.render", lambda *_, source=source: source)
        heard.append(synthesize("gunshot", np.random.default_rng(3), 12000, 1.0))
    np.testing.assert_allclose(heard[0], heard[1], atol=2 / 32768)


def test_before_the_event_the_recording_is_that_without_one():
    for seed in range(8):
        quiet = synthesize("background", np.random.default_rng(seed), 12000, 2.0)
        for label in LABELS:
            first = round(0.05 * 2.0 * 12000) - 120  # the earliest start, less what an automatic gain looks ahead
            np.testing.assert_array_equal(
                synthesize(label, np.random.default_rng(seed), 12000, 2.0)[:first], quiet[:first]
            )


def test_of_a_long_event_the_loudest_moment_is_recorded():
    # Eight seconds of faint noise with one blast late in it.
    pressure = 1e-3 * np.random.default_rng(0).standard_normal(8 * 12000)
    pressure[80000 : 80000 + len(BLAST_12.pressure_pa)] += BLAST_12.pressure_pa
    long = sources.Source(pressure, 12000)
    assert all(
        np.abs(_stretch_of(long, 1.0, np.random.default_rng(seed))[:12000]).max() == np.abs(pressure).max()
        for seed in range(20)
    )


@pytest.mark.parametrize("sample_rate", [8000, 16000, 44100])
def test_every_label_at_any_rate(sample_rate):
    for label in LABELS:
        for seed in range(6):
            samples = synthesize(label, np.random.default_rng([4, seed]), sample_rate, 0.5)
            assert len(samples) == round(0.5 * sample_rate)
            assert 0 < np.abs(samples).max() <= 1


def test_gain_control_lets_soft_sounds_be_and_halves_the_excess_of_loud_ones():
    time_s = np.arange(3 * RATE) / RATE
    tone = np.sin(2 * np.pi * 400 * time_s)
    soft = gain_control(0.1 * tone, RATE, 0.5)
    np.testing.assert_array_equal(soft, 0.1 * tone)
    loud = gain_control(tone, RATE, 0.5)  # 0 dBFS is 12 dB above the knee: 6 dB down once settled
    assert 20 * np.log10(np.abs(loud[2 * RATE :]).max()) == pytest.approx(-6, abs=0.1)
    assert np.abs(loud[:80]).max() > 0.85 * np.abs(tone[:80]).max()  # what comes first passes


def test_a_microphone_s_band_is_three_decibels_down_at_its_ends():
    impulse = np.zeros(RATE)
    impulse[0] = 1
    response_db = 20 * np.log10(np.abs(np.fft.rfft(in_band(impulse, RATE, 80.0, 3000.0))) + 1e-12)
    assert response_db[80] == pytest.approx(-3, abs=0.1)
    assert response_db[3000] == pytest.approx(-3, abs=0.1)
    assert response_db[500] == pytest.approx(0, abs=0.1)


def test_a_bouncing_thing_bounces_ever_sooner_and_weaker():
    for seed in range(20):
        parts = impacts._drop(np.random.default_rng(seed), RATE)
        at_s, peaks = np.array([when for when, _ in parts]), np.array([np.abs(part).max() for _, part in parts])
        assert (np.diff(peaks) < 0).all()
        assert (np.diff(np.diff(at_s)) < 0).all()


def test_ringing_is_a_sum_of_damped_sines():
    response = waves.ringing([400.0, 900.0], [1.0, 0.5], [0.01, 0.02], 0.1, RATE)
    time_s = np.arange(1, 1601) / RATE
    both = np.sin(800 * np.pi * time_s) * np.exp(-time_s / 0.01)
    both += 0.5 * np.sin(1800 * np.pi * time_s) * np.exp(-time_s / 0.02)
    np.testing.assert_allclose(response, both / np.abs(both).max(), atol=1e-12)


def test_shells_burst_high_and_strings_lie_on_the_ground(rng):
    heights = np.array([sources.render("fireworks", rng, RATE).height_m for _ in range(60)])
    assert 15 < (heights > 20).sum() < 50
    assert heights.min() == 1.5
