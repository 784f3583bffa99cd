"""Training windows against where their sound is known to lie."""

import numpy as np
import pytest
import soundfile

from tocsin.data.manifests import ManifestRow
from tocsin.training.dataset import EARLIEST, LATEST, WindowDataset
from tocsin.training.sampling import Draw

RATE = 12000


@pytest.fixture
def tone(tmp_path):
    """Three seconds, silent until a 1 kHz tone sets in at 1.5 s."""
    time = np.arange(3 * RATE) / RATE
    soundfile.write(tmp_path / "tone.wav", 0.5 * np.sin(2 * np.pi * 1000 * time) * (time >= 1.5), RATE)
    row = ManifestRow(tmp_path / "tone.wav", "gunshot", 0.0, 3.0, recording_id="tone", onset_s=1.5)
    data = WindowDataset([row], ("gunshot",), RATE, RATE)
    data.load(row)
    return data


@pytest.mark.parametrize("speed", [0.85, 1.0, 1.15])
def test_a_window_played_faster_is_as_long_and_higher_and_its_onset_where_it_is_said(tone, speed):
    for seed in range(10):
        crop = tone._crop(tone.rows[0], np.random.default_rng(seed), speed)
        assert crop.samples.shape == (RATE,)
        heard = int(np.argmax(np.abs(crop.samples) > 0.05))
        assert heard == pytest.approx(crop.onset, abs=12)
        assert EARLIEST * RATE - 1 <= crop.onset <= LATEST * RATE + 1
        assert crop.start_s == pytest.approx(1.5 - crop.onset * speed / RATE, abs=1e-3)
        spectrum = np.abs(np.fft.rfft(crop.samples[heard:] * np.hanning(RATE - heard)))
        assert np.argmax(spectrum) * RATE / (RATE - heard) == pytest.approx(1000 * speed, abs=5)


def test_the_same_draw_gives_the_same_window(tone):
    first, again, other = (tone[Draw(0, seed)][0] for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
