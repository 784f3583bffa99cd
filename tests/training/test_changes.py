"""The batched changes against NumPy, a window at a time, and against closed forms."""

import numpy as np
import pytest
import torch

from tocsin.data.artefacts import random_artefact
from tocsin.training import changes

RATE, COUNT = 12000, 12000


def tone(hz, amplitude=0.1):
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(COUNT) / RATE)).astype(np.float32)


@pytest.fixture
def windows(rng):
    """Bangs in digital silence, one in noise, and nothing at all."""
    made = np.zeros((4, COUNT), np.float32)
    for window, start in zip(made[:3], (1000, 3000, 6000), strict=True):
        window[start : start + 240] = rng.normal(0, 0.2, 240)
    made[2] += rng.normal(0, 0.01, COUNT)
    return torch.from_numpy(made)


@pytest.fixture
def noise(rng):
    """Noise, but one silent window."""
    made = rng.normal(0, 0.3, (4, COUNT)).astype(np.float32)
    made[1] = 0
    return torch.from_numpy(made)


def loudest(samples):
    return max(np.sqrt(np.mean(samples[at : at + 240] ** 2)) for at in range(0, COUNT - 239, 240))


def rms(samples):
    return np.sqrt(np.mean(samples**2))


def each(function, *columns):
    return np.stack([function(*row) for row in zip(*(column.double().numpy() for column in columns), strict=True)])


def test_played_windows_are_interpolated_as_numpy_does(rng):
    crops = torch.from_numpy(rng.normal(0, 0.1, (20, 14000)).astype(np.float32))
    speeds = torch.linspace(0.85, 1.15, 20)
    found = changes.played(crops, speeds, COUNT)
    expected = each(lambda crop, speed: np.interp(np.arange(COUNT) * speed, np.arange(14000), crop), crops, speeds)
    # Places are told to about a thousandth of a sample.
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_loudest_rms_of_a_sine_is_amplitude_over_root_two():
    found = changes.loudest_rms(torch.from_numpy(np.stack([tone(1000, 0.4), tone(1000, 0.1)])), RATE)
    np.testing.assert_allclose(found, np.array([0.4, 0.1]) / np.sqrt(2), rtol=1e-3)


def test_mixed_noise_lies_at_the_stated_snr_and_silent_noise_changes_nothing(windows, noise):
    snr_db = torch.tensor([-3.0, 10.0, 20.0, 5.0])
    found = changes.mix(windows, noise, snr_db, RATE)

    def oracle(window, noise, snr_db):
        return window + (loudest(window) / rms(noise) * 10 ** (-snr_db / 20) * noise if rms(noise) else 0)

    np.testing.assert_allclose(found, each(oracle, windows, noise, snr_db), atol=1e-5)
    assert torch.equal(found[1], windows[1])


def test_only_exact_zeros_are_filled(windows, noise):
    relative_db = torch.tensor([40.0, 40.0, 20.0, 30.0])
    found = changes.fill_digital_silence(windows, noise, relative_db, RATE)

    def oracle(window, noise, relative_db):
        scale = (loudest(window) or 1.0) / (rms(noise) or np.inf) * 10 ** (-relative_db / 20)
        return np.where(window == 0, scale * noise, window)

    np.testing.assert_allclose(found, each(oracle, windows, noise, relative_db), atol=1e-6)
    assert changes.hold_digital_silence(found).tolist() == [False, True, False, False]


def test_convolution_is_numpys(windows, rng):
    responses = torch.from_numpy(rng.normal(0, 0.1, (4, 7200)).astype(np.float32))
    found = changes.convolve(windows, responses)
    expected = each(lambda window, response: np.convolve(window, response)[:COUNT], windows, responses)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_reshaped_spectrum_is_the_stated_gain_of_each_tone():
    hz = np.array([20, 60, 300, 1000, 2500, 5900])
    for tilt_db, corner_hz, order in [(-3.0, 1200.0, 1), (3.0, 6000.0, 3), (3.0, 1500.0, 2), (-3.0, 6000.0, 1)]:
        given = torch.from_numpy(np.stack([tone(f) for f in hz]))
        alike = [torch.full((6,), float(value)) for value in (tilt_db, corner_hz, order)]
        found = np.abs(np.fft.rfft(changes.reshape_spectrum(given, *alike, RATE).numpy()))
        gain_db = tilt_db * np.log2(np.maximum(hz, 50) / 1000) - 10 * np.log10(1 + (hz / corner_hz) ** (2 * order))
        expected_db = np.clip(gain_db, changes.LEAST_DB, changes.MOST_DB)
        np.testing.assert_allclose(
            20 * np.log10(found[range(6), hz] / (0.1 * COUNT / 2)), expected_db, atol=0.02, rtol=1e-3
        )
        # A linear time-invariant filter brings no other frequency.
        found[range(6), hz] = 0
        assert found.max() < 1e-2


def test_gain_sets_the_peak_or_clips_at_full_scale(windows):
    level_dbfs = torch.tensor([-20.0, 12.0, 0.0, -6.0])
    found = changes.gain_and_clip(windows.clone(), level_dbfs)

    def oracle(window, level_dbfs):
        return np.clip(window * 10 ** (level_dbfs / 20) / (np.abs(window).max() or 1.0), -1, 1)

    np.testing.assert_allclose(found, each(oracle, windows, level_dbfs), atol=1e-6)
    assert (found[1].abs() == 1).sum() > 1


def test_artefacts_are_those_of_one_window(noise, rng):
    made = [random_artefact(COUNT, RATE, rng)[0] for _ in noise]
    source, added = (torch.from_numpy(np.stack([artefact[part] for artefact in made])) for part in (0, 1))
    expected = np.stack([artefact.on(window) for artefact, window in zip(made, noise.numpy(), strict=True)])
    np.testing.assert_array_equal(changes.rearrange(noise, source, added), expected)


def test_a_cut_silences_the_ends_and_nothing_else(noise):
    found = changes.cut(noise, torch.tensor([0.0, 10.0, 3.0, 0.0]), torch.tensor([5.0, 20.0, 12000.0, 12000.0]))
    for window, given, first, last in zip(found, noise, (0, 10, 3, 0), (5, 20, COUNT, COUNT), strict=True):
        assert torch.equal(window[first:last], given[first:last])
        assert not window[:first].any()
        assert not window[last:].any()
