"""EfficientAT's log-mel at 12 kHz: equal to torchaudio's bank and torch's transform, and to itself at any gain."""

import math

import torch
import torchaudio

from tocsin.models.audioset_front_end import AudioSetFrontEnd, kaldi_filterbank


def noise(samples=24_000, batch=2):
    return torch.randn(batch, samples, generator=torch.Generator().manual_seed(5))


def test_the_bank_is_torchaudios_of_kaldi():
    bank, _ = torchaudio.compliance.kaldi.get_mel_banks(128, 1024, 32000.0, 0.0, 15000.0, 100.0, -500.0, 1.0)
    hz = torch.arange(513, dtype=torch.float64) * 31.25
    torch.testing.assert_close(kaldi_filterbank(hz, 128)[:, :512].float(), bank, rtol=0, atol=1e-3)


def test_it_equals_torchs_own_transform_with_pre_emphasis_as_a_gain_of_each_bin():
    waveform = noise() * 0.5 / noise().abs().amax(1, keepdim=True)
    window = torch.nn.functional.pad(torch.hann_window(300, periodic=False), (42, 42))
    spectrum = torch.fft.rfft(waveform.unfold(1, 384, 120) * window)
    hz = torch.arange(193, dtype=torch.float64) * 31.25
    emphasis = torch.exp(-2j * math.pi * hz / 32_000) * -0.97 + 1
    power = (spectrum * emphasis * 32 / 12).abs().square().transpose(1, 2)
    expected = (torch.log(kaldi_filterbank(hz, 128) @ power + 1e-5) + 4.5) / 5
    torch.testing.assert_close(AudioSetFrontEnd()(noise()), expected.float(), rtol=0, atol=1e-4)


def test_neither_a_gain_nor_a_neighbour_in_the_batch_shows():
    front_end = AudioSetFrontEnd()
    whole = front_end(noise())
    torch.testing.assert_close(front_end(noise() * 1e-3), whole, rtol=0, atol=1e-4)
    torch.testing.assert_close(front_end(noise()[:1]), whole[:1], rtol=0, atol=1e-5)


def test_digital_silence_is_the_floor_everywhere():
    silence = AudioSetFrontEnd()(torch.zeros(1, 24_000))
    torch.testing.assert_close(silence, torch.full_like(silence, (math.log(1e-5) + 4.5) / 5))
