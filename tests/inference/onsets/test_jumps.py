"""Jumps of the level, made sample by sample, against pulses of air in closed form."""

import numpy as np
import pytest
import soxr

from tocsin.inference.detect import detect
from tocsin.inference.model import Model
from tocsin.inference.onsets.picker import pick_onsets

RATE = 24000
AT_S = 1.0
TIME_S = np.arange(2 * RATE) / RATE - AT_S
AFTER = TIME_S >= -0.5 / RATE


def one_sample():
    return np.where(np.abs(TIME_S) < 0.5 / RATE, 0.8, 0.0)


def stuck_10_ms():
    return np.where(AFTER & (TIME_S < 0.01), 0.9, 0.0)


def plug_pulled():
    return np.where(AFTER, 0.7 * np.exp(-TIME_S / 0.15), 0.0)


def step_that_stays():
    return np.where(AFTER, 0.5, 0.0)


JUMPS = (one_sample, stuck_10_ms, plug_pulled, step_that_stays)


def friedlander(positive_s):
    u = TIME_S / positive_s
    return np.where(AFTER, 0.5 * (1 - u) * np.exp(-np.abs(u)), 0.0)


def n_wave(duration_s):
    return np.where(AFTER & (duration_s > TIME_S), 0.5 * (1 - 2 * TIME_S / duration_s), 0.0)


def heard(pulse, rng, sample_rate=RATE, noise=0.002):
    samples = pulse + noise * rng.standard_normal(TIME_S.size)
    return samples if sample_rate == RATE else soxr.resample(samples, RATE, sample_rate, "HQ")


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("gain", [1.0, 0.2])
@pytest.mark.parametrize("sample_rate", [8000, 12000, 16000, 24000, 48000])
@pytest.mark.parametrize("jump", JUMPS)
def test_a_jump_of_the_level_is_no_onset(rng, jump, sample_rate, gain, sign):
    assert pick_onsets(heard(sign * gain * jump(), rng, sample_rate), sample_rate) == []


@pytest.mark.parametrize("jump", JUMPS)
def test_no_event_comes_of_a_jump_whatever_its_file_s_rate(rng, jump):
    assert detect(heard(jump(), rng).astype(np.float32), RATE, Model()) == []


@pytest.mark.parametrize("sample_rate", [8000, 12000, 24000, 48000])
@pytest.mark.parametrize("pulse", [friedlander(0.0005), friedlander(0.004), n_wave(0.0003), n_wave(0.002)])
def test_a_pulse_of_air_is_an_onset_though_nothing_answers_it(rng, pulse, sample_rate):
    onsets = pick_onsets(heard(pulse, rng, sample_rate), sample_rate)
    assert [onset.onset_s for onset in onsets] == pytest.approx([AT_S], abs=0.0011)


@pytest.mark.parametrize("jump", JUMPS)
def test_a_bang_8_ms_behind_a_jump_is_still_heard(rng, jump):
    bang = np.where(TIME_S >= 0.008, 0.5 * np.exp(-np.abs(TIME_S) / 0.02) * rng.standard_normal(TIME_S.size), 0.0)
    onsets = pick_onsets(heard(jump() + bang, rng), RATE)
    assert min(abs(onset.onset_s - AT_S) for onset in onsets) < 0.01


@pytest.mark.parametrize("full_scale", [0.05, 0.3])
def test_a_bang_that_the_converter_clips_is_still_heard(rng, full_scale):
    # The live fire's near shots stand at full scale for many samples in a row; between and behind them is sound.
    blast = 4 * friedlander(0.002)
    tail = np.where(AFTER, np.exp(-np.abs(TIME_S) / 0.05) * rng.standard_normal(TIME_S.size), 0.0)
    clipped = np.clip(heard(blast + tail, rng), -full_scale, full_scale)
    assert np.mean(np.abs(clipped[AFTER & (TIME_S < 0.005)]) == full_scale) > 0.6
    assert min(abs(onset.onset_s - AT_S) for onset in pick_onsets(clipped, RATE)) < 0.0011
