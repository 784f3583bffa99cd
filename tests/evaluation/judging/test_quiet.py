import numpy as np
import pytest
import soundfile

from tocsin.data.audio import Audio
from tocsin.evaluation.judging.quiet import LEAD_IN_S, sounding_s, with_lead_in


def test_lead_in_lies_60_db_below_the_peak_and_changes_nothing_behind_it(rng):
    audio = Audio(rng.uniform(-0.4, 0.4, 16_000).astype(np.float32), 16_000)
    played = with_lead_in(audio)
    before = round(LEAD_IN_S * 16_000)
    assert np.array_equal(played.samples[before:], audio.samples)
    level_db = 20 * np.log10(played.samples[:before].std() / np.abs(audio.samples).max())
    assert level_db == pytest.approx(-60, abs=0.3)


def test_runs_of_zeros_are_no_time_and_single_ones_are(tmp_path, rng):
    samples = rng.uniform(0.1, 0.2, 30_000)
    samples[5_000:15_000] = 0
    samples[20_000:20_050] = 0
    soundfile.write(tmp_path / "zeroed.wav", samples, 10_000)
    assert sounding_s(tmp_path / "zeroed.wav") == pytest.approx(2.0)
    assert sounding_s(tmp_path / "zeroed.wav", 1.0, 2.5) == pytest.approx(1.0)
