"""Mel front end whose spectrogram depends neither on the gain of a recording nor on what lies beside the window."""

import math

import torch
from torch import Tensor, nn

from tocsin import TocsinError
from tocsin.models.band_power import BandPower


def mel_filterbank(sample_rate: int, n_fft: int, n_mels: int, minimum_hz: float, maximum_hz: float) -> Tensor:
    """Triangular filters on the mel scale of O'Shaughnessy (1987), ``2595 log10(1 + f/700)``, peak 1.

    Returns:
        Tensor of shape ``(n_mels, n_fft // 2 + 1)``.

    Raises:
        TocsinError: a filter would be empty, or the range does not fit below the Nyquist frequency.
    """
    if not 0 <= minimum_hz < maximum_hz <= sample_rate / 2:
        raise TocsinError(f"mel range {minimum_hz}-{maximum_hz} Hz does not fit in 0-{sample_rate / 2} Hz")
    lowest, highest = (2595 * math.log10(1 + hz / 700) for hz in (minimum_hz, maximum_hz))
    corners = 700 * (10 ** (torch.linspace(lowest, highest, n_mels + 2, dtype=torch.float64) / 2595) - 1)
    bins = torch.arange(n_fft // 2 + 1, dtype=torch.float64) * sample_rate / n_fft
    rising = (bins - corners[:-2, None]) / (corners[1:-1] - corners[:-2])[:, None]
    falling = (corners[2:, None] - bins) / (corners[2:] - corners[1:-1])[:, None]
    filters = torch.clamp(torch.minimum(rising, falling), min=0)
    if not bool((filters.amax(1) > 0).all()):
        raise TocsinError(f"{n_mels} mel filters over {minimum_hz}-{maximum_hz} Hz are too narrow for n_fft={n_fft}")
    return filters


class MelFrontEnd(nn.Module):
    """Raw waveform to a log-mel spectrogram that does not depend on the gain of the recording.

    The floor under the logarithm is set relative to the window's own mean power, so that a gain, or digital silence
    beside a sound, does not show as such. Every window stands alone: no statistic crosses the batch, hence a stream
    and a whole file see the same numbers.

    Args:
        sample_rate: Hz.
        n_fft: samples of the Hann window and of the transform, a multiple of 16.
        hop: samples between frames, a multiple of 8.
        n_mels: mel bands between ``minimum_hz`` and ``maximum_hz``. The upper end must not exceed what the poorest
            recording carries, or a network learns the recording instead of the sound.
        floor_db: level of the floor relative to the window's mean power.

    Raises:
        TocsinError: ``n_fft`` or ``hop`` is no such multiple, or the filters are impossible (:func:`mel_filterbank`).
    """

    def __init__(
        self,
        sample_rate: int = 12000,
        n_fft: int = 384,
        hop: int = 120,
        n_mels: int = 40,
        minimum_hz: float = 80.0,
        maximum_hz: float = 5500.0,
        floor_db: float = -50.0,
    ) -> None:
        super().__init__()
        self.floor = 10 ** (floor_db / 10)
        self.parameters_of_card: dict[str, float | int | str] = {
            "kind": "log-mel",
            "n_fft": n_fft,
            "hop": hop,
            "n_mels": n_mels,
            "minimum_hz": minimum_hz,
            "maximum_hz": maximum_hz,
            "floor_db": floor_db,
        }
        window = torch.hann_window(n_fft, periodic=True, dtype=torch.float64)
        self.mel = BandPower(window, mel_filterbank(sample_rate, n_fft, n_mels, minimum_hz, maximum_hz), hop)

    def forward(self, waveform: Tensor) -> Tensor:
        """Log-mel relative to the window's mean power, ``(batch, samples)`` to ``(batch, n_mels, frames)``."""
        mel: Tensor = self.mel(waveform)
        # Digital silence has no mean. A clamp, because exporters drop the addition of a number this small.
        mean = mel.mean(dim=(1, 2), keepdim=True).clamp(min=1e-10)
        return torch.log10(mel / mean + self.floor)
