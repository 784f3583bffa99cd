"""The spectrogram that EfficientAT's networks were trained on, from audio of 12 kHz."""

import math

import torch
from torch import Tensor, nn

from tocsin.models.band_power import BandPower

# EfficientAT's own: 32 kHz, windows of 800 samples every 320 in transforms of 1024, 128 mel bands up to 15 kHz.
_PUBLISHED_RATE, _MAXIMUM_HZ, _EMPHASIS = 32_000, 15_000.0, 0.97
_OFFSET, _MEAN, _SPREAD = 1e-5, -4.5, 5.0


class AudioSetFrontEnd(nn.Module):
    """Raw waveform to the log-mel of Schmid, Koutini and Widmer (arXiv 2211.04772), of 12 kHz instead of 32 kHz.

    384 points at 12 kHz have the bins of 1024 at 32 kHz, 31.25 Hz apart. So window (25 ms), hop (10 ms) and mel bank
    (Kaldi's, 128 bands from 0 to 15 kHz) are theirs, their pre-emphasis is a gain of each bin, and the power is scaled
    for the shorter window. Bands above 6 kHz are empty, as they are of any recording that carries nothing there.

    Theirs depends on the level of a recording. Here the window's peak is set to ``peak`` first, so that a gain does not
    show, and a stream and a whole file see the same numbers. Frames are not centred.

    Args:
        sample_rate: Hz; the transform has the duration of theirs at any rate for which it is a multiple of 16 samples.
        n_mels: the lowest of their 128 bands.
        peak: of a window, full scale being 1.
    """

    def __init__(self, sample_rate: int = 12_000, n_mels: int = 128, peak: float = 0.5) -> None:
        super().__init__()
        self.peak = peak
        n_fft, size, hop = (sample_rate * samples // _PUBLISHED_RATE for samples in (1024, 800, 320))
        self.parameters_of_card: dict[str, float | int | str] = {
            "kind": "log-mel of EfficientAT",
            "n_fft": n_fft,
            "window": size,
            "hop": hop,
            "n_mels": n_mels,
            "minimum_hz": 0.0,
            "maximum_hz": min(_MAXIMUM_HZ, sample_rate / 2),
            "peak": peak,
        }
        window = torch.zeros(n_fft, dtype=torch.float64)
        first = (n_fft - size) // 2
        window[first : first + size] = torch.hann_window(size, periodic=False, dtype=torch.float64)
        hz = torch.arange(n_fft // 2 + 1, dtype=torch.float64) * sample_rate / n_fft
        angle = 2 * math.pi * hz / _PUBLISHED_RATE
        # Power gain of 1 - 0.97 z^-1 at 32 kHz.
        emphasis = 1 + _EMPHASIS**2 - 2 * _EMPHASIS * torch.cos(angle)
        scale = (_PUBLISHED_RATE / sample_rate) ** 2
        self.mel = BandPower(window, kaldi_filterbank(hz, n_mels) * emphasis * scale, hop)

    def forward(self, waveform: Tensor) -> Tensor:
        """``(batch, samples)`` to ``(batch, n_mels, frames)``, normalized as the published networks expect it."""
        peak = waveform.abs().amax(1, keepdim=True).clamp(min=1e-8)
        mel: Tensor = self.mel(waveform * (self.peak / peak))
        return (torch.log(mel + _OFFSET) - _MEAN) / _SPREAD


def kaldi_filterbank(hz: Tensor, n_mels: int) -> Tensor:
    """The lowest ``n_mels`` of Kaldi's 128 triangles from 0 to 15 kHz, on the mel scale ``1127 ln(1 + f/700)``.

    Args:
        hz: frequencies of the bins, ``(bins,)``; the last, half the sample rate, is where sound folds: it counts for
            nothing.
        n_mels: bands to give.

    Returns:
        Tensor of shape ``(n_mels, bins)``; the narrowest bands lie between two bins and are empty, as published.
    """
    mel = 1127 * torch.log1p(hz / 700)
    step = 1127 * math.log1p(_MAXIMUM_HZ / 700) / 129
    left = torch.arange(n_mels, dtype=torch.float64)[:, None] * step
    filters = torch.clamp(torch.minimum((mel - left) / step, (left + 2 * step - mel) / step), min=0)
    filters[:, -1] = 0
    return filters
