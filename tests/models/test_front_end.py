"""The mel front end against torchaudio, librosa and closed forms."""

import librosa
import numpy as np
import pytest
import torch
import torchaudio

from tocsin import TocsinError
from tocsin.models.front_end import MelFrontEnd, mel_filterbank

SETTINGS = [(12000, 384, 120, 40, 80.0, 5500.0), (16000, 512, 160, 64, 60.0, 7600.0)]


@pytest.fixture
def waveform():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(3, 12000, generator=generator) * torch.tensor([[0.3], [0.01], [0.9]])


@pytest.mark.parametrize("setting", SETTINGS)
def test_mel_equals_torchaudio(setting, waveform):
    sample_rate, n_fft, hop, n_mels, minimum_hz, maximum_hz = setting
    ours = MelFrontEnd(*setting).mel(waveform)
    theirs = torchaudio.transforms.MelSpectrogram(
        sample_rate, n_fft, hop_length=hop, f_min=minimum_hz, f_max=maximum_hz, n_mels=n_mels, center=False
    )(waveform)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4 * float(theirs.mean()))


@pytest.mark.parametrize("setting", SETTINGS)
def test_mel_equals_librosa(setting, waveform):
    sample_rate, n_fft, hop, n_mels, minimum_hz, maximum_hz = setting
    ours = MelFrontEnd(*setting).mel(waveform).numpy()
    theirs = librosa.feature.melspectrogram(
        y=waveform.numpy(), sr=sample_rate, n_fft=n_fft, hop_length=hop, center=False,
        n_mels=n_mels, fmin=minimum_hz, fmax=maximum_hz, htk=True, norm=None,
    )  # fmt: skip
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4 * theirs.mean())


def test_power_of_a_sine_is_the_closed_form():
    # On a bin's centre a Hann-windowed sine of amplitude a has |X|² = (a N/4)²; one filter of gain 1 sits there.
    n_fft, sample_rate, amplitude = 384, 12000, 0.5
    hz = 32 * sample_rate / n_fft
    time = torch.arange(12000) / sample_rate
    wave = amplitude * torch.sin(2 * torch.pi * hz * time)
    mel = MelFrontEnd(sample_rate, n_fft).mel(wave[None])
    gains = mel_filterbank(sample_rate, n_fft, 40, 80.0, 5500.0)[:, 31:34]
    lines = torch.tensor([0.25, 1.0, 0.25]).double() * (amplitude * n_fft / 4) ** 2
    torch.testing.assert_close(mel[0, :, 0].double(), gains @ lines, rtol=1e-3, atol=1e-2)


def test_one_filter_on_one_bin_sees_that_bin_alone():
    # Every bin below the Nyquist frequency, through its butterfly, against numpy's transform.
    rng = np.random.default_rng(2)
    wave = rng.standard_normal(64)
    front_end = MelFrontEnd(8000, n_fft=64, hop=16, n_mels=4, minimum_hz=0, maximum_hz=4000)
    parts = torch.from_numpy(wave).float().reshape(1, 8, 8).transpose(1, 2)
    parts = torch.nn.functional.conv1d(parts, front_end.mel.short_basis, groups=8).reshape(8, 5, 2).transpose(0, 1)
    found = torch.nn.functional.conv1d(parts.reshape(1, 80, 1), front_end.mel.butterflies, groups=5)
    found = found.reshape(40, 2).numpy()
    expected = np.fft.fft(wave * np.hanning(65)[:64])
    bins = [b for j in range(5) for b in (j, 8 - j, 8 + j, 16 - j, 16 + j, 24 - j, 24 + j, 32 - j)]
    np.testing.assert_allclose(found[:, 0] + 1j * found[:, 1], expected[bins], atol=1e-4)


def test_log_mel_does_not_depend_on_gain(waveform):
    front_end = MelFrontEnd()
    torch.testing.assert_close(front_end(waveform), front_end(waveform * 0.1), rtol=0, atol=1e-4)


def test_batch_invariance(waveform):
    front_end = MelFrontEnd()
    one_by_one = torch.cat([front_end(row[None]) for row in waveform])
    torch.testing.assert_close(front_end(waveform), one_by_one, rtol=0, atol=1e-5)


def test_silence_is_finite():
    assert torch.isfinite(MelFrontEnd()(torch.zeros(1, 12000))).all()


def test_lengths_that_the_transform_cannot_take_are_refused():
    with pytest.raises(TocsinError, match="n_fft must be a multiple of 16 and hop of 8, got 384 and 90"):
        MelFrontEnd(hop=90)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((12000, 384, 40, 80.0, 7000.0), "does not fit in"), ((12000, 128, 80, 20.0, 5500.0), "too narrow for n_fft=128")],
)
def test_impossible_filterbank_is_refused_with_its_reason(arguments, words):
    with pytest.raises(TocsinError, match=words):
        mel_filterbank(*arguments)
