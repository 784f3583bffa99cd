"""Running figures against those of the whole recording, in blocks of any size; and what is said of bad sound, when."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.inference.sensor.health import SoundHealth
from tocsin.inference.sensor.tones import ToneWatch

RATE = 8000


def noise(seconds, level_dbfs=-40.0, seed=1, rate=RATE):
    samples = np.random.default_rng(seed).standard_normal(round(seconds * rate))
    return np.clip(10 ** (level_dbfs / 20) * samples, -1, 1).astype(np.float32)


def tone(seconds, hz, amplitude=0.1, rate=RATE):
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def listened(*parts, rate=RATE, block_s=0.25):
    """The health after the parts, and what was said, each with the second in which it was."""
    health, said, heard, samples = SoundHealth(rate), [], 0, np.concatenate(parts)
    size = round(block_s * rate)
    for start in range(0, len(samples), size):
        block = samples[start : start + size]
        heard += len(block)
        said += [(heard / rate, sentence) for sentence in health.hear(block, heard / rate)]
    return health, said


def faults(health):
    return health.figures(0.0).faults


@settings(max_examples=20, deadline=None)
@given(sizes=st.lists(st.integers(0, 3 * RATE), min_size=1, max_size=20), seed=st.integers(0, 99))
def test_figures_equal_those_of_the_whole_recording_whatever_the_blocks(sizes, seed):
    samples = noise(sum(sizes) / RATE, -3.0, seed)
    health, start = SoundHealth(RATE), 0
    for size in sizes:
        health.hear(samples[start : start + size], 0.0)
        start += size
    count = start - int(health._open[2])  # the half second that is open does not count yet
    figures = health.figures(1.5)
    if not count:
        assert (figures.level_dbfs, figures.noise_floor_dbfs, figures.clipped_share) == (None, None, None)
        return
    if count <= 60 * RATE:
        assert figures.level_dbfs == pytest.approx(20 * np.log10(np.sqrt(np.mean(samples[:count] ** 2))), abs=0.051)
    assert figures.clipped_share == pytest.approx(np.mean(np.abs(samples[:count]) >= 0.999), abs=1e-6)
    assert figures.block_age_s == 1.5


def test_the_floor_is_the_level_that_nine_tenths_exceed():
    loud_and_quiet = [noise(1, -20 if second % 5 else -60, second) for second in range(300)]
    health, said = listened(*loud_and_quiet)
    figures = health.figures(300)
    assert figures.noise_floor_dbfs == pytest.approx(-60, abs=0.5)
    assert figures.level_dbfs == pytest.approx(-20 + 10 * np.log10(0.8), abs=0.1)
    assert said == []


def test_the_floor_forgets_after_five_minutes():
    health, _ = listened(noise(60, -60), noise(301, -30))
    assert health.figures(361).noise_floor_dbfs == pytest.approx(-30, abs=0.5)


def test_white_noise_at_a_usual_level_is_no_fault():
    health, said = listened(noise(130))
    assert (said, faults(health)) == ([], ())


@pytest.mark.parametrize("value", [0.0, 0.25, -1.0])
def test_a_constant_is_said_once_and_when_it_is_over(value):
    health, said = listened(np.full(40 * RATE, value, np.float32), noise(3))
    assert faults(health) == ("hears_nothing",)
    assert [(second, sentence[:13]) for second, sentence in said] == [(10.0, "hears nothing")]
    for second in range(4):
        said += [(43 + second, sentence) for sentence in health.hear(noise(1), 43.0 + second)]
    assert [sentence for _, sentence in said[1:]] == ["hears something again"]
    assert faults(health) == ()


def test_a_converter_that_toggles_by_one_step_hears_nothing():
    toggled = (np.random.default_rng(0).integers(0, 2, 12 * RATE) * 2.0**-15).astype(np.float32)
    assert faults(listened(toggled)[0]) == ("hears_nothing",)


def test_a_quiet_microphone_of_24_bits_hears_something():
    assert faults(listened(noise(30, -92.0))[0]) == ()


def test_digital_silence_has_the_least_level():
    assert listened(np.zeros(RATE, np.float32))[0].figures(1).level_dbfs == -200.0


def test_clipping_is_said_with_its_share_and_when_it_is_over():
    overdriven = np.clip(5 * tone(12, 440), -0.4, 0.4) / 0.4 + noise(12, -60)
    health, said = listened(np.clip(overdriven, -1, 1).astype(np.float32), noise(6))
    assert [second for second, _ in said] == [10.0, 17.0]
    clipped = np.abs(np.clip(overdriven, -1, 1)) >= 0.999
    share = np.mean(clipped[round(9.5 * RATE) : 10 * RATE])
    assert f"clips: {share:.0%} of the samples" in said[0][1]
    assert said[1][1] == "does not clip any more"
    assert health.figures(18).clipped_share == pytest.approx(clipped.sum() / (18 * RATE), abs=1e-6)


def test_a_shot_that_clips_is_no_fault():
    shot = np.concatenate([np.ones(40, np.float32), noise(1)[: RATE - 40]])
    health, said = listened(*[noise(4), shot] * 8)
    assert said == []
    assert health.figures(40).clipped_share == pytest.approx(40 / (5 * RATE), rel=1e-3)


@pytest.mark.parametrize("hz", [50, 1000.4, 3100])
@pytest.mark.parametrize("block_s", [0.02, 0.5, 1.0])
def test_a_constant_tone_is_said_after_twenty_seconds_with_its_frequency(hz, block_s):
    _, said = listened(tone(30, hz) + noise(30, -40), noise(20), block_s=block_s)
    assert len(said) == 2
    assert 20.0 <= said[0][0] <= 23.0
    assert f"a constant tone of {hz:.0f} Hz" in said[0][1]
    assert said[1][1] == "hears no constant tone any more"


@pytest.mark.parametrize(
    "samples",
    [
        tone(40, 1000) + noise(40, -26),  # as loud as the noise
        np.sin(2 * np.pi * np.cumsum(600 + 300 * np.sin(np.arange(40 * RATE) / RATE)) / RATE).astype(np.float32) / 9,
        tone(40, 2, 0.3) + noise(40, -60),  # wind
        np.concatenate([tone(4, 1000), noise(6)] * 4),
    ],
    ids=["in noise", "a siren", "below hearing", "with pauses"],
)
def test_what_is_no_constant_tone_is_not_called_one(samples):
    assert listened(samples)[1] == []


@pytest.mark.parametrize(("after_dbfs", "why"), [(-25.0, "wind, rain"), (-70.0, "something covers it")])
def test_a_level_that_changed_for_a_minute_is_said_once(after_dbfs, why):
    _, said = listened(noise(200, -47.2), noise(400, after_dbfs, 2), block_s=0.5)
    assert len(said) == 1
    assert 254 <= said[0][0] <= 262
    assert f"changed from -47 to {after_dbfs:.0f} dBFS" in said[0][1]
    assert why in said[0][1]


def test_a_car_that_passes_and_a_hush_are_no_change():
    assert listened(noise(150), noise(40, -10), noise(60), noise(40, -70), noise(100), block_s=0.5)[1] == []


def test_a_microphone_plugged_in_again_is_no_change_of_level():
    _, said = listened(noise(100), np.zeros(100 * RATE, np.float32), noise(300, -42), block_s=0.5)
    assert [sentence[:5] for _, sentence in said] == ["hears", "hears"]


def test_what_was_lost_is_counted_but_the_beginning_misses_nothing():
    health = SoundHealth(RATE)
    health.hear(noise(1), 1.0, begins_anew=True)
    health.hear(noise(1), 2.0)
    health.hear(noise(1), 4.0, begins_anew=True, lost_samples=RATE)
    health.hear(noise(1), 9.0, begins_anew=True)
    figures = health.figures(9.0)
    assert (figures.dropouts, figures.lost_samples) == (2, RATE)


def test_without_blocks_there_is_no_sound():
    health = SoundHealth(RATE)
    assert health.figures(5.0).faults == ("no_sound",)
    assert health.figures(5.0).block_age_s is None
    health.hear(noise(1), 5.0)
    assert health.figures(15.0).faults == ()
    assert health.figures(15.1).faults == ("no_sound",)


def test_no_sound_stays_in_the_memory_of_what_looks_for_tones():
    watch = ToneWatch(RATE)
    for block in np.split(noise(12), 120):
        watch.hear(block)
    assert not watch._piece.any()
    health = SoundHealth(RATE)
    health.hear(noise(0.2), 0.2)
    assert health._tones._piece.any()
    health.forget_sound()
    assert not health._tones._piece.any()
