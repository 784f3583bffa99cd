"""Onset picking against edges put at known samples, and against itself fed in other pieces."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, lfilter

from tocsin import TocsinError
from tocsin.inference.onsets.filters import band_pass_response, filter_matrix
from tocsin.inference.onsets.picker import OnsetPicker, pick_onsets


def bang(rng, sample_rate, peak, decay_s=0.02):
    """A burst of white noise with a sharp edge and an exponential tail."""
    time = np.arange(round(0.3 * sample_rate)) / sample_rate
    return peak * rng.standard_normal(time.size) * np.exp(-time / decay_s)


def scene(rng, sample_rate, onsets_s, peak=0.2, noise=0.001, duration_s=3.0):
    samples = noise * rng.standard_normal(round(duration_s * sample_rate))
    for onset_s in onsets_s:
        start = round(onset_s * sample_rate)
        burst = bang(rng, sample_rate, peak)[: samples.size - start]
        samples[start : start + burst.size] += burst
    return samples


@pytest.mark.parametrize("sample_rate", [8000, 11025, 12000, 16000, 22050, 44100, 48000, 192000])
def test_onset_is_where_the_edge_was_put(rng, sample_rate):
    onsets = pick_onsets(scene(rng, sample_rate, [0.7, 1.2345, 2.5]), sample_rate)
    assert [onset.onset_s for onset in onsets] == pytest.approx([0.7, 1.2345, 2.5], abs=0.0011)
    assert all(0.0004 < onset.onset_sigma_s < 0.002 for onset in onsets)


@pytest.mark.parametrize("snr", [3.0, 4.0, 16.0])
def test_error_is_within_four_of_its_sigmas_down_to_weak_arrivals(rng, snr):
    times = np.arange(0.5, 39.5, 1.0)
    samples = scene(rng, 12000, times, peak=snr * 0.01, noise=0.01, duration_s=40.0)
    onsets = pick_onsets(samples, 12000)
    found = [min(onsets, key=lambda onset: abs(onset.onset_s - time)) for time in times]
    errors = np.array([onset.onset_s for onset in found]) - times
    assert np.mean(np.abs(errors) < 4 * np.array([onset.onset_sigma_s for onset in found])) > 0.94
    assert len(onsets) == len(times)


def test_snr_and_level_follow_the_signal(rng):
    quiet, loud = (pick_onsets(scene(np.random.default_rng(5), 12000, [1.0], peak=p), 12000)[0] for p in (0.02, 0.2))
    assert loud.snr_db - quiet.snr_db == pytest.approx(20.0, abs=1.5)
    assert loud.level_dbfs - quiet.level_dbfs == pytest.approx(20.0, abs=1.0)


def test_gain_moves_the_level_and_nothing_else(rng):
    samples = scene(rng, 12000, [0.7, 1.4])
    once, twice = pick_onsets(samples, 12000), pick_onsets(2.0 * samples, 12000)
    assert [onset.onset_s for onset in once] == [onset.onset_s for onset in twice]
    assert [b.level_dbfs - a.level_dbfs for a, b in zip(once, twice, strict=True)] == pytest.approx(
        [6.02, 6.02], abs=0.01
    )


def test_steady_noise_holds_no_onset(rng):
    assert pick_onsets(0.05 * rng.standard_normal(60 * 12000), 12000) == []


@pytest.mark.parametrize("sample_rate", [8000, 16000, 48000])
@pytest.mark.parametrize("before_s", [0.002, 0.005, 0.01, 0.015, 0.02, 0.024, 0.026, 0.03, 0.05])
def test_a_recording_cut_just_before_a_bang_still_holds_it(rng, sample_rate, before_s):
    samples = scene(rng, sample_rate, [1.0, 1.8])
    onsets = pick_onsets(samples[round((1.0 - before_s) * sample_rate) :], sample_rate)
    assert [onset.onset_s for onset in onsets] == pytest.approx([before_s, before_s + 0.8], abs=0.0011)
    # The same bang where nothing is cut.
    [whole, _] = pick_onsets(samples, sample_rate)
    assert onsets[0].snr_db == pytest.approx(whole.snr_db, abs=6.0)
    assert onsets[0].level_dbfs == pytest.approx(whole.level_dbfs, abs=0.1)


def brown(rng, count):
    noise = lfilter([1.0], [1.0, -0.99], rng.standard_normal(count))
    return noise / noise.std()


@pytest.mark.parametrize("ramp_s", [0.0, 0.003, 0.01])
@pytest.mark.parametrize("colour", [lambda rng, count: rng.standard_normal(count), brown])
def test_a_recording_that_begins_within_steady_noise_holds_no_onset(colour, ramp_s):
    # A codec or a recorder that is switched on may fade in; a microphone may have an offset.
    for seed in range(60):
        noise = 0.05 * colour(np.random.default_rng(seed), 12000)
        fade = np.minimum(np.arange(12000) / max(ramp_s * 12000, 1.0), 1.0)
        assert [onset for onset in pick_onsets(noise * fade + 0.01, 12000) if onset.onset_s < 0.025] == []


def test_the_end_of_a_bang_at_the_beginning_is_no_onset(rng):
    samples = scene(rng, 12000, [1.0])
    for late_s in (0.001, 0.01, 0.03):
        assert pick_onsets(samples[round((1.0 + late_s) * 12000) :], 12000) == []


def test_edges_of_zeroed_stretches_are_no_onsets(rng):
    samples = scene(rng, 12000, [2.0], noise=0.02, duration_s=6.0)
    for begin_s, end_s in ((0.0, 1.0), (3.0, 3.5), (4.0, 4.03), (5.1, 6.0)):
        samples[round(begin_s * 12000) : round(end_s * 12000)] = 0.0
    assert [onset.onset_s for onset in pick_onsets(samples, 12000)] == pytest.approx([2.0], abs=0.001)


def test_samples_that_are_not_finite_do_not_poison_the_stream(rng):
    samples = scene(rng, 12000, [2.0])
    samples[6000:6003] = [np.nan, np.inf, -np.inf]
    assert [onset.onset_s for onset in pick_onsets(samples, 12000)] == pytest.approx([2.0], abs=0.001)


STREAM = scene(np.random.default_rng(8), 8000, [0.004, 0.3, 0.35, 0.9, 1.6, 1.95, 2.9], peak=0.05)
STREAM[9000:9400] = 0.0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, STREAM.size), max_size=30))
def test_any_chunks_give_bit_identical_onsets(cuts):
    picker = OnsetPicker(8000)
    chunks = np.split(STREAM, sorted(cuts))
    streamed = [onset for chunk in chunks for onset in picker.push(chunk)] + picker.flush()
    assert streamed == pick_onsets(STREAM, 8000)
    assert len(streamed) >= 6
    assert streamed[0].onset_s == pytest.approx(0.004, abs=0.001)


def test_single_samples_give_bit_identical_onsets():
    picker = OnsetPicker(8000)
    streamed = [onset for sample in STREAM for onset in picker.push([sample])] + picker.flush()
    assert streamed == pick_onsets(STREAM, 8000)


def test_a_flushed_picker_starts_again():
    picker = OnsetPicker(8000)
    first = picker.push(STREAM) + picker.flush()
    assert first == picker.push(STREAM) + picker.flush()


def test_memory_does_not_grow_and_onsets_come_within_the_promised_delay(rng):
    picker = OnsetPicker(8000)
    sizes, heard_s = set(), 0.0
    for onset_s in range(1, 40):
        samples = scene(rng, 8000, [0.5], duration_s=1.0)
        for chunk in np.split(samples, 20):
            found = picker.push(chunk)
            heard_s += 0.05
            assert all(heard_s - onset.onset_s < 0.6 + 0.05 + 0.03 for onset in found)
        held = [value for value in vars(picker).values() if isinstance(value, np.ndarray)]
        if onset_s > 2:
            sizes.add(sum(array.nbytes for array in held))
    assert len(sizes) == 1


@pytest.mark.parametrize("length", [0, 1, 7, 400])
def test_very_short_input_holds_no_onset(rng, length):
    assert pick_onsets(rng.standard_normal(length), 16000) == []


def test_what_cannot_be_picked_is_refused_in_a_sentence():
    with pytest.raises(TocsinError, match="at least 3000"):
        OnsetPicker(2000)
    with pytest.raises(TocsinError, match="mono"):
        pick_onsets(np.zeros((2, 100)), 8000)


@pytest.mark.parametrize("sample_rate", [3000, 12000, 48000])
@pytest.mark.parametrize("band_hz", [(200.0, 500.0), (500.0, 1300.0)])
def test_filters_are_those_of_scipy(sample_rate, band_hz):
    pulse = np.zeros(round(0.015 * sample_rate))
    pulse[0] = 1.0
    expected = lfilter(*butter(2, band_hz, "bandpass", fs=sample_rate), pulse)
    np.testing.assert_allclose(band_pass_response(band_hz, sample_rate, pulse.size), expected, atol=1e-10)


@pytest.mark.parametrize("sample_rate", [3000, 12000, 48000])
@pytest.mark.parametrize("band_hz", [(200.0, 500.0), (500.0, 1300.0)])
def test_frames_in_a_row_are_filtered_as_each_alone(rng, sample_rate, band_hz):
    hop = sample_rate // 1000
    alone, row = (filter_matrix(band_hz, sample_rate, hop, 15 * hop + 1, frames) for frames in (1, 4))
    samples = rng.standard_normal(len(row))
    ends = len(row) - hop * np.arange(3, -1, -1)
    expected = [samples[end - len(alone) : end] @ alone for end in ends]
    np.testing.assert_allclose(samples @ row, np.concatenate(expected), rtol=1e-12, atol=1e-12)
