"""Augmentation by closed forms and invariances."""

import numpy as np
import pytest

from tocsin.data import augmentation

RATE = 12000


def tone(hz, amplitude=0.1, seconds=1.0):
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def bang(rng):
    samples = np.zeros(RATE, np.float32)
    samples[3000:3240] = rng.normal(0, 0.2, 240)
    return samples


def test_loudest_rms_of_a_sine_is_amplitude_over_root_two():
    assert augmentation.loudest_rms(tone(1000, 0.4), RATE) == pytest.approx(0.4 / np.sqrt(2), rel=1e-3)


@pytest.mark.parametrize("snr_db", [-3.0, 0.0, 20.0])
def test_mixed_noise_lies_at_the_stated_snr(rng, snr_db):
    signal, noise = bang(rng), rng.normal(0, 1, RATE).astype(np.float32)
    added = augmentation.mix(signal, noise, RATE, snr_db) - signal
    ratio = augmentation.loudest_rms(signal, RATE) / np.sqrt(np.mean(added**2))
    assert 20 * np.log10(ratio) == pytest.approx(snr_db, abs=0.01)


def test_silent_noise_changes_nothing(rng):
    signal = bang(rng)
    silence = np.zeros_like(signal)
    np.testing.assert_array_equal(augmentation.mix(signal, silence, RATE, 10.0), signal)
    np.testing.assert_array_equal(augmentation.fill_digital_silence(signal, silence, 30.0, RATE), signal)


def test_only_exact_zeros_are_filled(rng):
    signal, noise = bang(rng), rng.normal(0, 1, RATE).astype(np.float32)
    filled = augmentation.fill_digital_silence(signal, noise, 40.0, RATE)
    np.testing.assert_array_equal(filled[signal != 0], signal[signal != 0])
    level = np.sqrt(np.mean(filled[signal == 0] ** 2)) / augmentation.loudest_rms(signal, RATE)
    assert 20 * np.log10(level) == pytest.approx(-40, abs=0.3)


def test_reshaped_spectrum_is_a_gain_a_tone(rng):
    # A linear time-invariant filter changes a tone's level and phase, and brings no other frequency.
    for _ in range(10):
        out = np.abs(np.fft.rfft(augmentation.reshape_spectrum(tone(1000), RATE, rng)))
        assert np.argmax(out) == 1000
        assert np.delete(out, 1000).max() < 1e-3 * out[1000]


def test_reshaping_never_passes_the_top_of_the_band_whole(rng):
    for _ in range(10):
        high, middle = (augmentation.reshape_spectrum(tone(hz), RATE, np.random.default_rng(4)) for hz in (5900, 300))
        assert np.abs(high).max() < np.abs(middle).max() * 10 ** (3 * 4.3 / 20)


def test_echoes_come_after_the_sound_and_are_linear(rng):
    signal = bang(rng)
    wet = augmentation.add_echoes(signal, RATE, np.random.default_rng(1))
    np.testing.assert_allclose(wet[:3000], 0, atol=1e-6)
    assert np.abs(wet[3240:]).max() > 1e-4
    np.testing.assert_allclose(augmentation.add_echoes(2 * signal, RATE, np.random.default_rng(1)), 2 * wet, atol=1e-5)


def test_gain_leaves_shape_or_clips_at_full_scale(rng):
    signal = bang(rng)
    quiet = augmentation.gain_and_clip(signal, rng, clipping_share=0.0)
    loud = augmentation.gain_and_clip(signal, rng, clipping_share=1.0)
    assert np.corrcoef(quiet, signal)[0, 1] == pytest.approx(1)
    assert np.abs(quiet).max() <= 1
    assert np.abs(loud).max() == 1
    assert (np.abs(loud) == 1).sum() > 1


def test_a_cut_silences_an_end_or_both_and_keeps_the_onset(rng):
    noise = rng.normal(0, 0.1, RATE).astype(np.float32)
    ends = set()
    for _ in range(40):
        out = augmentation.cut(noise, 6000, RATE, rng)
        kept = np.flatnonzero(out)
        np.testing.assert_array_equal(out[kept], noise[kept])
        assert np.array_equal(kept, np.arange(kept[0], kept[-1] + 1))
        assert kept[0] <= 6000 - 240
        assert kept[-1] >= 6000 + 2400 - 1
        ends.add((bool(kept[0] > 0), bool(kept[-1] < RATE - 1)))
    assert ends >= {(True, False), (False, True), (True, True)}
