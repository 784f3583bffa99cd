"""Artefacts of wires and converters in closed form, and pulses of air, against what the mender makes of them."""

import numpy as np
import pytest

from tocsin.inference.classify import classify_samples
from tocsin.inference.mending.mender import Mender
from tocsin.inference.model import Model

RATE = 16000
NOISE = 0.002
COUNT = 2 * RATE
TIME_S = (np.arange(COUNT) - RATE) / RATE
AFTER = TIME_S >= 0


def spike():
    return np.where(np.arange(COUNT) == RATE, 0.8, 0.0)


def click_of_four_samples():
    return np.where(AFTER & (np.arange(COUNT) < RATE + 4), 0.6, 0.0)


def stuck_10_ms():
    return np.where(AFTER & (TIME_S < 0.01), 0.9, 0.0)


def stuck_45_ms():
    return np.where(AFTER & (TIME_S < 0.045), -0.5, 0.0)


def plug_pulled():
    return np.where(AFTER, 0.7 * np.exp(-TIME_S / 0.15), 0.0)


def step_that_stays():
    return np.where(AFTER, 0.5, 0.0)


def two_bits_flipped():
    return spike() - np.roll(spike(), RATE // 50)


ARTEFACTS = (
    spike, click_of_four_samples, stuck_10_ms, stuck_45_ms, plug_pulled, step_that_stays, two_bits_flipped
)  # fmt: skip


def friedlander(positive_s):
    u = TIME_S / positive_s
    return np.where(AFTER, 0.7 * (1 - u) * np.exp(-np.abs(u)), 0.0)


def n_wave(duration_s):
    return np.where(AFTER & (duration_s > TIME_S), 0.7 * (1 - 2 * TIME_S / duration_s), 0.0)


def reverberating(pulse, rng):
    """Echoes as of a street that dies away by 60 dB in half a second, 20 dB below the pulse."""
    echoes = np.exp(-np.arange(RATE // 2) / (0.07 * RATE)) * rng.standard_normal(RATE // 2) * 0.02
    return pulse + np.convolve(pulse, echoes)[:COUNT]


def in_noise(wave, rng):
    return (wave + NOISE * rng.standard_normal(COUNT)).astype(np.float32)


def mended(samples, size=COUNT):
    mender = Mender(RATE)
    parts = [mender.push(samples[at : at + size]) for at in range(0, len(samples), size)]
    return np.concatenate([*parts, mender.flush()])


@pytest.mark.parametrize("gain", [1.0, 0.2, -0.5])
@pytest.mark.parametrize("artefact", ARTEFACTS)
def test_behind_an_artefact_no_step_is_greater_than_those_of_the_noise(rng, artefact, gain):
    # Of Gaussian noise no step of 32,000 is likely to exceed five deviations of a difference.
    assert np.abs(np.diff(mended(in_noise(gain * artefact(), rng)))).max() < 5 * np.sqrt(2) * NOISE


@pytest.mark.parametrize("artefact", ARTEFACTS)
def test_no_artefact_is_classified_as_a_gunshot(rng, artefact):
    model = Model()
    assert classify_samples(model, in_noise(artefact(), rng), RATE)["gunshot"] < model.card.threshold


@pytest.mark.parametrize("pulse", [friedlander(0.0005), friedlander(0.004), n_wave(0.0003), n_wave(0.002)])
def test_a_pulse_of_air_passes_untouched_with_echoes_and_without(rng, pulse):
    dry, wet = in_noise(pulse, rng), in_noise(reverberating(pulse, rng), rng)
    np.testing.assert_array_equal(mended(dry), dry)
    np.testing.assert_array_equal(mended(wet), wet)


@pytest.mark.parametrize("full_scale", [0.05, 0.3])
def test_a_blast_that_the_converter_clips_passes_untouched(rng, full_scale):
    blast = np.clip(in_noise(reverberating(4 * friedlander(0.002), rng), rng), -full_scale, full_scale)
    np.testing.assert_array_equal(mended(blast), blast)


def test_a_blast_that_begins_with_a_full_scale_jump_after_digital_silence_passes_untouched(rng):
    blast = np.where(AFTER, np.exp(-np.abs(TIME_S) / 0.05) * rng.standard_normal(COUNT), 0.0)
    blast[RATE] = 1.0
    silent_before = np.clip(blast, -1, 1).astype(np.float32)
    np.testing.assert_array_equal(mended(silent_before), silent_before)


@pytest.mark.parametrize("artefact", [spike, stuck_45_ms, step_that_stays])
@pytest.mark.parametrize("size", [37, 1000, 9001])
def test_the_sizes_of_the_blocks_change_no_bit(rng, artefact, size):
    samples = in_noise(artefact(), rng)
    np.testing.assert_array_equal(mended(samples, size), mended(samples))


@pytest.mark.parametrize("count", [0, 1, 15, 400, RATE])
def test_a_sound_of_any_length_comes_out_as_long(rng, count):
    assert mended(in_noise(spike(), rng)[:count]).shape == (count,)


def test_a_flush_begins_anew(rng):
    mender, samples = Mender(RATE), in_noise(step_that_stays(), rng)
    first = np.concatenate((mender.push(samples), mender.flush()))
    np.testing.assert_array_equal(np.concatenate((mender.push(samples), mender.flush())), first)
