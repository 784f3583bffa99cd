"""The mender with its screening of blocks against one that looks at every block: the same bits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import maximum_filter1d

from tocsin.inference.mending.jumps import _greatest_around
from tocsin.inference.mending.mender import BLOCK_MS, Mender

RATE = 8000
BLOCK = BLOCK_MS * RATE // 1000
COUNT = 6 * BLOCK + 777
# How it is spoilt, from which sample, for how many, and how much.
FAULTS = ("spike", "stuck", "step", "burst", "silence", "gain")


class LooksEverywhere(Mender):
    def _screened(self, held):
        return np.ones(held.size // self._block + 1, bool)


def mended(mender, samples, size):
    parts = [mender.push(samples[at : at + size]) for at in range(0, len(samples), size)]
    return np.concatenate([*parts, mender.flush()])


def spoilt(samples, fault, at, length, amount):
    there = slice(at, at + length)
    if fault == "spike":
        samples[at] += amount
    elif fault == "stuck":
        samples[there] = samples[at]
    elif fault == "step":
        samples[at:] += amount
    elif fault == "burst":
        samples[there] += amount * np.random.default_rng(at).standard_normal(samples[there].size)
    elif fault == "silence":
        samples[there] = 0.0
    else:
        samples[there] *= 1 + 100 * abs(amount)
    return samples


def compare(samples, size):
    assert samples.dtype == np.float32
    screened, everywhere = mended(Mender(RATE), samples, size), mended(LooksEverywhere(RATE), samples, size)
    assert screened.tobytes() == everywhere.tobytes()
    return screened


@pytest.mark.parametrize("size", [COUNT, 999])
@pytest.mark.parametrize("beside", [-1, 0, 1, 31, 32, 33])  # a frame is 32 samples
@pytest.mark.parametrize("border", [BLOCK, 2 * BLOCK, 3 * BLOCK])
@pytest.mark.parametrize("height", [0.07, 0.8])
def test_a_spike_at_the_border_of_a_block_is_mended_alike(rng, height, border, beside, size):
    samples = (0.002 * rng.standard_normal(COUNT)).astype(np.float32)
    samples[border + beside] += height
    assert np.abs(compare(samples, size)).max() < 0.02


@pytest.mark.parametrize("size", [COUNT, BLOCK, 2 * BLOCK])
@pytest.mark.parametrize(("after_ms", "height"), [(60, 1e-3), (120, 1e-3), (520, 1.5e-4)])
def test_a_spike_that_stands_out_only_of_what_is_mended_is_mended_alike(rng, after_ms, height, size):
    plug = 3 * BLOCK - 10
    samples = (6e-6 * rng.standard_normal(COUNT)).astype(np.float32)
    samples[plug:] += 0.7 * np.exp(-np.arange(COUNT - plug) / (0.15 * RATE)).astype(np.float32)
    spike = plug + after_ms * RATE // 1000
    samples[spike] += height
    result = compare(samples, size)
    assert abs(result[spike] - result[spike - 1]) < height / 2


@pytest.mark.parametrize("level", [0.0, 1e-7, 0.003, 0.9])
def test_a_stuck_buffer_and_silence_are_mended_alike(rng, level):
    samples = (0.3 * level * rng.standard_normal(COUNT)).astype(np.float32)
    samples[BLOCK - 50 : BLOCK + 50] = level
    compare(samples, COUNT)


@settings(max_examples=60, deadline=None)
@given(
    faults=st.lists(
        st.tuples(
            st.sampled_from(FAULTS),
            st.one_of(st.integers(0, COUNT - 1), st.integers(-70, 70).map(lambda beside: 3 * BLOCK + beside)),
            st.integers(1, BLOCK),
            st.floats(-1, 1),
        ),
        max_size=5,
    ),
    noise=st.sampled_from([0.0, 1e-5, 2e-3, 0.3]),
    size=st.sampled_from([COUNT, 5 * BLOCK, 2 * BLOCK + 1, 1234]),
    seed=st.integers(0, 9),
)
def test_whatever_is_wrong_the_screened_and_the_unscreened_are_bit_identical(faults, noise, size, seed):
    samples = (noise * np.random.default_rng(seed).standard_normal(COUNT)).astype(np.float32)
    for fault in faults:
        samples = spoilt(samples, *fault)
    compare(samples, size)


def test_loud_noise_is_looked_at_nowhere(rng, monkeypatch):
    looked_at = []
    monkeypatch.setattr(Mender, "_standing_out", lambda self, stop: looked_at.append(stop) or [])
    mender = Mender(RATE)
    mender.push((0.3 * rng.standard_normal(COUNT)).astype(np.float32))
    assert not looked_at
    mender.flush()
    assert len(looked_at) == 1  # what is left is looked at without


@pytest.mark.parametrize("reach", [0, 1, 2, 7, 16, 32])
@pytest.mark.parametrize("count", [1, 5, 300])
def test_the_greatest_around_is_that_of_scipy(rng, count, reach):
    values = rng.random(count)
    expected = maximum_filter1d(values, 2 * reach + 1, mode="constant", cval=0.0)
    np.testing.assert_array_equal(_greatest_around(values, reach), expected)
