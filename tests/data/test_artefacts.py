"""Artefacts against what each is by definition."""

import numpy as np
import pytest

from tocsin.data.artefacts import KINDS, random_artefact

RATE = 12000


def changed(kind, seed, samples):
    artefact, at = random_artefact(len(samples), RATE, np.random.default_rng(seed), kind)
    return artefact.on(samples), at


@pytest.mark.parametrize("kind", KINDS)
def test_an_artefact_begins_where_it_is_said_and_changes_nothing_before(kind, rng):
    samples = rng.uniform(-0.1, 0.1, RATE).astype(np.float32)
    for seed in range(20):
        heard, at = changed(kind, seed, samples)
        assert heard.dtype == np.float32
        assert np.array_equal(heard[:at], samples[:at])
        assert heard[at] != samples[at]
        assert np.abs(heard).max() <= 1


def test_a_spike_is_one_sample(rng):
    samples = rng.uniform(-0.1, 0.1, RATE).astype(np.float32)
    assert all(np.count_nonzero(changed("spike", seed, samples)[0] != samples) == 1 for seed in range(20))


def test_a_stuck_buffer_is_the_last_10_ms_again_and_again(rng):
    samples, block = rng.uniform(-0.1, 0.1, RATE).astype(np.float32), RATE // 100
    for seed in range(20):
        heard, at = changed("stuck buffer", seed, samples)
        assert np.array_equal(heard[at : at + block], samples[at - block : at])
        times = np.count_nonzero(heard != samples) / block
        assert 1 <= round(times) <= 9
        assert times == pytest.approx(round(times), abs=0.01)


def test_a_plug_is_a_step_that_decays_exponentially():
    for seed in range(20):
        heard, at = changed("plug", seed, np.zeros(RATE, np.float32))
        assert 10 ** (-30 / 20) <= abs(heard[at]) <= 1
        ratios = heard[at + 1 : at + 10] / heard[at : at + 9]
        assert np.ptp(ratios) < 1e-5
        assert 0.001 * 0.99 <= -1 / np.log(ratios[0]) / RATE <= 0.1 * 1.01


def test_a_lost_block_is_silent_or_what_came_before_and_then_all_is_well(rng):
    samples, ends = rng.uniform(-0.1, 0.1, RATE).astype(np.float32), set()
    for seed in range(20):
        heard, at = changed("lost block", seed, samples)
        length = np.flatnonzero(heard != samples)[-1] + 1 - at
        assert 0.005 * RATE <= length <= 0.06 * RATE
        silent = not heard[at : at + length].any()
        assert silent or np.array_equal(heard[at : at + length], samples[at - length : at])
        ends.add(silent)
    assert ends == {True, False}
