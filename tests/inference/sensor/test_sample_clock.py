"""Times of samples against simulated devices whose truth is known: drift, jitter, bursts, and clocks that are set."""

import pickle
from dataclasses import dataclass
from math import sqrt

import numpy as np
import pytest

from tocsin.inference.sensor.sample_clock import SampleClock, read_clocks

RATE = 16_000
SET_TO_S = 1.7e9


@dataclass
class Device:
    """A converter that counts ``drift`` too fast; its blocks come up to ``jitter_s`` late, and in bursts."""

    seed: int
    block_s: float = 0.1
    drift: float = 1e-4
    jitter_s: float = 0.04
    bursts: bool = False

    def taken(self, sample):
        return sample / RATE / (1 + self.drift)

    def blocks(self, until_s, from_s=0.0):
        generator = np.random.default_rng([self.seed, int(from_s)])
        samples = round(self.block_s * RATE) * np.arange(
            round(from_s / self.block_s) + 1, round(until_s / self.block_s)
        )
        taken = self.taken(samples)
        arrived = taken + generator.uniform(0, self.jitter_s, len(samples))
        at = from_s + 5
        while self.bursts and at < until_s:
            opens = at + generator.uniform(0.5, 2)
            held = (taken >= at) & (taken < opens)
            arrived[held] = np.maximum(arrived[held], opens)
            at = opens + generator.uniform(8, 20)
        return zip(samples.tolist(), np.maximum.accumulate(arrived).tolist(), strict=True)


def watch(clock, device, until_s, from_s=0.0, set_to=lambda _: SET_TO_S, ask_from_s=60.0, every_s=5.0):
    """Show the clock the blocks; give errors and stated deviations of a sample a second before each answer."""
    errors, asked_s = [], ask_from_s
    for samples, arrived in device.blocks(until_s, from_s):
        clock.observe(samples, arrived + set_to(arrived), arrived + 1000)
        if arrived >= asked_s:
            asked_s += every_s
            taken = device.taken(samples - RATE)
            told = clock.time_of(samples - RATE)
            errors.append((told.time_s - taken - set_to(taken), told.sigma_s))
    return np.array(errors).T


@pytest.mark.parametrize("drift", [-1e-4, 0.0, 1e-4])
@pytest.mark.parametrize(
    ("block_s", "bursts", "settled_s"),
    [(0.01, True, 60), (0.1, False, 60), (0.1, True, 60), (0.25, True, 120), (1.0, False, 500), (1.0, True, 500)],
)
def test_times_are_good_to_a_millisecond_once_settled(drift, block_s, bursts, settled_s):
    device = Device(3, block_s, drift, bursts=bursts)
    clock = SampleClock(RATE)
    errors, _ = watch(clock, device, settled_s + 100, ask_from_s=settled_s)
    assert len(errors) > 15
    assert np.abs(errors).max() < 1e-3
    assert clock.trusted
    assert clock.rate_error_ppm == pytest.approx(drift * 1e6, abs=20)


@pytest.mark.parametrize(("block_s", "from_s"), [(0.1, 20.0), (0.25, 40.0), (1.0, 100.0)])
def test_stated_deviations_hold_over_many_devices(block_s, from_s):
    found = [
        watch(SampleClock(RATE), Device(seed, block_s, bursts=True), 200, ask_from_s=from_s, every_s=20)
        for seed in range(60)
    ]
    errors, sigmas = np.concatenate(found, axis=1)
    assert 0.90 <= np.mean(np.abs(errors) <= 1.96 * sigmas) <= 0.995


@pytest.mark.parametrize("step_s", [5.0, -5.0, 86_400.0, -86_400.0])
def test_a_step_of_the_system_clock_is_followed_with_the_next_block(step_s):
    device = Device(5, bursts=True)
    clock = SampleClock(RATE)
    watch(clock, device, 100)
    before, rate = clock.time_of(99 * RATE), clock.rate_error_ppm
    samples, arrived = next(iter(device.blocks(200, 100)))
    clock.observe(samples, arrived + SET_TO_S + step_s, arrived + 1000)
    after = clock.time_of(99 * RATE)
    assert after.time_s - before.time_s == pytest.approx(step_s, abs=1e-6)
    assert after.sigma_s == before.sigma_s
    assert clock.steps == 1
    assert clock.rate_error_ppm == rate
    errors, _ = watch(clock, device, 200, 100, set_to=lambda _: SET_TO_S + step_s, ask_from_s=101)
    assert np.abs(errors).max() < 1e-3
    assert clock.steps == 1


@pytest.mark.parametrize("block_s", [0.01, 0.1])
@pytest.mark.parametrize("slew", [500e-6, -500e-6])
def test_a_slew_of_the_system_clock_is_followed(block_s, slew):
    def set_to(moment):
        return SET_TO_S + slew * min(max(moment - 80, 0), 60)

    clock = SampleClock(RATE)
    errors, _ = watch(clock, Device(6, block_s, bursts=True), 180, set_to=set_to, every_s=1)
    assert np.abs(errors).max() < 1e-3
    assert clock.steps == 0


def test_a_clock_that_begins_anew_keeps_the_rate_it_learnt():
    device = Device(7, block_s=0.5, drift=8e-5)
    clock, fresh = SampleClock(RATE), SampleClock(RATE)
    watch(clock, device, 600)
    learnt = clock.rate_error_ppm
    clock.begin_anew()
    assert clock.rate_error_ppm == learnt
    assert not clock.trusted
    gap_s = 30.0  # of which no sample was counted
    for samples, arrived in device.blocks(640, 600):
        for each in (clock, fresh):
            each.observe(samples, arrived + gap_s + SET_TO_S, arrived + gap_s + 1000)
    assert clock.rate_error_ppm == pytest.approx(80, abs=5)
    told, unlearnt = clock.time_of(samples), fresh.time_of(samples)
    assert told.time_s == pytest.approx(device.taken(samples) + gap_s + SET_TO_S, abs=1.96 * told.sigma_s)
    assert told.sigma_s < unlearnt.sigma_s / 2


@pytest.mark.parametrize("lost_s", [0.05, 0.3, -0.05, -0.3])
def test_samples_lost_or_doubled_in_silence_widen_the_deviation_until_they_are_forgotten(lost_s):
    device = Device(8)
    clock = SampleClock(RATE)
    watch(clock, device, 100)
    errors = []
    for samples, arrived in device.blocks(200, 100):
        clock.observe(samples, arrived + lost_s + SET_TO_S, arrived + lost_s + 1000)
        told = clock.time_of(samples)
        errors.append((arrived, told.time_s - device.taken(samples) - lost_s - SET_TO_S, told.sigma_s))
    arrived, errors, sigmas = np.array(errors).T
    noticed = arrived > 109  # until then it may be a long burst
    assert (np.abs(errors[noticed]) <= 3 * sigmas[noticed]).all()
    assert np.abs(errors[arrived > 170]).max() < 1e-3
    assert sigmas[-1] < 1e-3


def test_a_rate_beyond_belief_is_not_trusted_and_widens_the_deviation():
    good, odd = SampleClock(RATE), SampleClock(RATE)
    [_, sigmas] = watch(good, Device(9, drift=4e-4), 200, ask_from_s=190)
    [_, wider] = watch(odd, Device(9, drift=8e-4), 200, ask_from_s=190)
    assert good.trusted
    assert not odd.trusted
    assert odd.rate_error_ppm == pytest.approx(800, abs=20)
    assert wider[-1] > 2 * sigmas[-1]


def test_a_clock_of_little_data_says_that_it_knows_little():
    clock = SampleClock(RATE)
    with pytest.raises(ValueError, match="no block"):
        clock.time_of(0)
    clock.observe(1600, SET_TO_S + 0.11, 1000.11)
    told = clock.time_of(1600)
    assert told.time_s == pytest.approx(SET_TO_S + 0.11)
    assert told.sigma_s >= 0.1
    assert not clock.trusted


def test_jitter_too_large_is_not_trusted():
    clock = SampleClock(RATE)
    errors, sigmas = watch(clock, Device(10, block_s=1.0, jitter_s=1.0), 100)
    assert not clock.trusted
    assert (np.abs(errors) <= 3 * sigmas).all()
    assert sigmas.min() > 0.003


def test_jitter_is_the_standard_deviation_of_the_delays():
    clock = SampleClock(RATE)
    watch(clock, Device(11, bursts=True), 400)
    assert clock.jitter_s == pytest.approx(0.04 / sqrt(12), rel=0.1)


def test_a_known_latency_is_taken_off():
    plain, known = SampleClock(RATE), SampleClock(RATE, known_latency_s=0.0125)
    for clock in (plain, known):
        watch(clock, Device(12), 100)
    assert plain.time_of(1_500_000).time_s - known.time_of(1_500_000).time_s == pytest.approx(0.0125, abs=1e-6)


def test_memory_does_not_grow():
    clock = SampleClock(RATE)
    sizes = []
    for hour in range(6):
        watch(clock, Device(13, block_s=1.0), 3600.0 * (hour + 1), 3600.0 * hour, ask_from_s=np.inf)
        sizes.append(len(pickle.dumps(clock)))
    assert max(sizes[1:]) <= 1.02 * sizes[1]


def test_both_clocks_are_read_at_the_same_moment():
    readings = np.array([read_clocks() for _ in range(200)])
    assert (np.diff(readings[:, 1]) >= 0).all()
    assert np.median(np.abs(np.diff(readings[:, 0] - readings[:, 1]))) < 1e-4
