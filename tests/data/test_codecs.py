"""What codecs leave against the recording: in time, alike, and less at the top of the band."""

import numpy as np
import pytest

from tocsin import TocsinError
from tocsin.data.codecs import FORMATS, recode

RATE = 12000


@pytest.mark.parametrize("codec", FORMATS)
def test_what_comes_back_is_in_time_and_alike_and_not_the_same(codec, rng):
    samples = (0.01 * rng.standard_normal(2 * RATE)).astype(np.float32)
    for at in (6000, 15555):
        samples[at : at + 600] += 0.4 * rng.standard_normal(600) * np.exp(-np.arange(600) / 150)
    for seed in range(4):
        heard = recode(samples, RATE, np.random.default_rng(seed), codec)
        assert heard.shape == samples.shape
        assert heard.dtype == np.float32
        lags = np.fft.irfft(np.fft.rfft(heard, 4 * RATE) * np.conj(np.fft.rfft(samples, 4 * RATE)))
        assert np.argmax(lags) == 0
        error = np.mean((heard - samples) ** 2) / np.mean(samples**2)
        assert 1e-4 < error < 0.9


def test_the_same_generator_gives_the_same_coding(rng):
    samples = rng.uniform(-0.3, 0.3, RATE).astype(np.float32)
    codings = [recode(samples, RATE, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert np.array_equal(codings[0], codings[1])
    assert not np.array_equal(codings[0], codings[2])


def test_a_rate_that_opus_does_not_know_is_refused(rng):
    with pytest.raises(TocsinError, match="no codec at 11025 Hz"):
        recode(np.zeros(1000, np.float32), 11025, rng)
