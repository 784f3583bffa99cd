"""Blocks to detections: as reading the whole does, and at the time of the samples whatever the way they came."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tocsin import TocsinError
from tocsin.inference.detect import detect
from tocsin.inference.model import Model
from tocsin.inference.sensor.clock_reports import ClockQuality
from tocsin.inference.sensor.hearing import Hearing, Microphone
from tocsin.inference.sensor.sources.block import Block

RATE = 16_000
BEGAN = datetime(2026, 3, 1, 12, 0, 0, 250_001, tzinfo=UTC)
PLACE = {"x_m": 1.0, "y_m": 2.0}


@pytest.fixture(scope="module")
def model():
    return Model()


def bangs(onsets_s, duration_s, rate=RATE, seed=0):
    """Noise with bursts at known times."""
    rng = np.random.default_rng(seed)
    sound = 1e-3 * rng.standard_normal(round(duration_s * rate))
    for onset_s in onsets_s:
        first, count = round(onset_s * rate), round(0.05 * rate)
        sound[first : first + count] += 0.5 * np.exp(-np.arange(count) / (0.008 * rate)) * rng.standard_normal(count)
    return sound.astype(np.float32)


def quality(sigma_s=0.001):
    return lambda: ClockQuality(sigma_s, "chrony", True, "chrony says so")


def blocks_of(samples, size, **first):
    for start in range(0, len(samples), size):
        piece = samples[start : start + size]
        yield Block(piece, RATE, 0.0, 0.0, **(first if start == 0 else {"began_s": first.get("began_s")}))


def heard_of(hearing, blocks):
    return [heard for block in blocks for heard in hearing.push(block)] + hearing.end()


@pytest.mark.parametrize("size", [160, 8000, 12345])
def test_a_file_in_blocks_gives_the_detections_of_the_whole(model, size):
    sound = bangs([2.0, 5.3, 9.1], 12.0)
    hearing = Hearing(model, [Microphone("one", PLACE)], quality())
    heard = heard_of(hearing, blocks_of(sound[:, None], size, began_s=BEGAN.timestamp(), begins_anew=True))
    events = detect(sound, RATE, model)
    assert [item.event for item in heard] == events
    times = [item.detection.onset_time_utc for item in heard]
    assert times == [BEGAN + timedelta(seconds=event.onset_s) for event in events]
    assert {item.detection.clock_sigma_s for item in heard} == {0.001}  # what a stated start has by the contract
    assert all(item.onset_sample == pytest.approx(item.event.onset_s * RATE) for item in heard)


def test_channels_are_sensors_and_the_mean_is_one(model):
    left, right = bangs([3.0], 8.0, seed=1), bangs([5.0], 8.0, seed=2)
    both = np.stack([left, right], axis=1)
    microphones = [Microphone("left", PLACE, 1), Microphone("right", PLACE, 2), Microphone("mean", PLACE)]
    heard = heard_of(Hearing(model, microphones, quality()), blocks_of(both, 4000, began_s=0.0, begins_anew=True))
    for name, sound in (("left", left), ("right", right), ("mean", both.mean(axis=1))):
        assert [item.event for item in heard if item.detection.sensor_id == name] == detect(sound, RATE, model)


def test_arrivals_give_onsets_to_a_millisecond_of_the_truth(model):
    """A quartz 80 ppm fast, blocks that come up to 20 ms late, a system clock that is set by 3 s in between."""
    rate_error, step_s, start_s, size = 80e-6, 3.0, 1_700_000_000.0, 800
    onsets_s = np.arange(62.0, 118.0, 6.1)
    rng = np.random.default_rng(5)
    sound = bangs(onsets_s, 120.0)
    hearing, heard = Hearing(model, [Microphone("one", PLACE)], quality(0.0)), []
    for first in range(0, len(sound), size):
        piece = sound[first : first + size]
        arrived_s = (first + len(piece)) / RATE / (1 + rate_error) + rng.exponential(0.004) % 0.02
        set_by_s = step_s if arrived_s > 90.0 else 0.0
        heard += hearing.push(Block(piece[:, None], RATE, start_s + arrived_s + set_by_s, 55.0 + arrived_s))
    truth_s = onsets_s / (1 + rate_error)
    times_s = np.array([item.detection.onset_time_utc.timestamp() - start_s for item in heard])
    known = heard_of(
        Hearing(model, [Microphone("one", PLACE)], quality()), blocks_of(sound[:, None], 8000, began_s=0.0)
    )
    picked_s = np.array([item.event.onset_s for item in known])
    assert len(times_s) >= len(onsets_s) - 1
    for time_s, item in zip(times_s, heard, strict=True):
        near = np.abs(onsets_s - item.event.onset_s).argmin()
        off_s = time_s - truth_s[near] - (picked_s[np.abs(picked_s - onsets_s[near]).argmin()] - onsets_s[near])
        assert min(abs(off_s), abs(off_s - step_s)) < 1e-3
        assert item.detection.clock_sigma_s < 5e-3
    assert {item.detection.clock_source for item in heard} == {"chrony"}
    facts = hearing.clock_facts()
    assert facts["sample_rate_error_ppm"] == pytest.approx(80, abs=3)


def test_what_was_open_at_a_gap_is_told_with_the_time_before_it(model):
    sound = bangs([5.0], 5.4)
    hearing, start_s = Hearing(model, [Microphone("one", PLACE)], quality()), 1_700_000_000.0
    heard = []
    for first in range(0, len(sound), 800):
        end_s = (first + 800) / RATE
        heard += hearing.push(Block(sound[first : first + 800, None], RATE, start_s + end_s, end_s))
    assert not heard
    late = Block(np.zeros((800, 1), np.float32), RATE, start_s + 100.0, 100.0, begins_anew=True, lost_samples=9)
    heard = hearing.push(late)
    assert [round(item.detection.onset_time_utc.timestamp() - start_s, 2) for item in heard] == [5.0]


@pytest.mark.parametrize(
    ("block", "sentence"),
    [
        (Block(np.zeros((10, 1), np.float32), 2000, 0.0, 0.0), "2000 Hz is too low"),
        (Block(np.zeros((10, 1), np.float32), RATE, 0.0, 0.0), "sensor two is channel 2 of a source that has 1"),
    ],
)
def test_what_cannot_be_heard_is_said_in_a_sentence(model, block, sentence):
    with pytest.raises(TocsinError, match=sentence):
        Hearing(model, [Microphone("two", PLACE, 2)], quality()).push(block)


def test_an_empty_block_changes_nothing(model):
    sound = bangs([2.0], 5.0)
    hearing = Hearing(model, [Microphone("one", PLACE)], quality())
    empty = Block(np.zeros((0, 1), np.float32), 0, 0.0, 0.0)
    heard = []
    for block in blocks_of(sound[:, None], 1000, began_s=0.0, begins_anew=True):
        heard += hearing.push(block) + hearing.push(empty)
    assert [item.event for item in heard + hearing.end()] == detect(sound, RATE, model)
