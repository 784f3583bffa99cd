"""Mel front end that exports: the Fourier transform is made of fixed convolutions, which any runtime knows."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from tocsin import TocsinError

RADIX = 8


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

    The transform is one radix-8 step of decimation in time (Cooley and Tukey 1965): eight transforms of an eighth of
    the length, each of every eighth sample, then butterflies. Both are fixed convolutions, with a sixth of the
    multiplications of the full transform.

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

    short_basis: Tensor
    butterflies: Tensor
    filters: Tensor

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
        if n_fft % (2 * RADIX) or hop % RADIX:
            raise TocsinError(f"n_fft must be a multiple of {2 * RADIX} and hop of {RADIX}, got {n_fft} and {hop}")
        self.hop = hop
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
        filters = mel_filterbank(sample_rate, n_fft, n_mels, minimum_hz, maximum_hz)
        bins = _bins_of_butterflies(n_fft)
        # The first and the last butterfly give their bins twice: each is taken once, and none above Nyquist.
        first = [bin_ <= n_fft // 2 and bin_ not in bins[:place] for place, bin_ in enumerate(bins)]
        taken = filters[:, [min(bin_, n_fft // 2) for bin_ in bins]] * torch.tensor(first)
        self.register_buffer("short_basis", _short_basis(n_fft).float(), persistent=False)
        self.register_buffer("butterflies", _butterflies(n_fft).float(), persistent=False)
        self.register_buffer("filters", taken.float().unsqueeze(-1), persistent=False)

    def mel(self, waveform: Tensor) -> Tensor:
        """Mel power spectrogram: ``(batch, samples)`` to ``(batch, n_mels, frames)``, frames not centred."""
        batch, length = waveform.shape
        groups = self.butterflies.shape[0] // (2 * RADIX)
        phases = waveform[:, : length // RADIX * RADIX].reshape(batch, -1, RADIX).transpose(1, 2)
        parts = functional.conv1d(phases, self.short_basis, stride=self.hop // RADIX, groups=RADIX)
        parts = parts.reshape(batch, RADIX, groups, 2, -1).transpose(1, 2).reshape(batch, groups * 2 * RADIX, -1)
        spectrum = functional.conv1d(parts, self.butterflies, groups=groups)
        power = (spectrum * spectrum).reshape(batch, groups * RADIX, 2, -1).sum(2)
        return functional.conv1d(power, self.filters)

    def forward(self, waveform: Tensor) -> Tensor:
        """Log-mel relative to the window's mean power, ``(batch, samples)`` to ``(batch, n_mels, frames)``."""
        mel = self.mel(waveform)
        # Digital silence has no mean. A clamp, because exporters drop the addition of a number this small.
        mean = mel.mean(dim=(1, 2), keepdim=True).clamp(min=1e-10)
        return torch.log10(mel / mean + self.floor)


def _short_basis(n_fft: int) -> Tensor:
    """Windowed transforms of every ``RADIX``-th sample, real then imaginary parts, each of ``n = n_fft / RADIX``.

    Shape ``(RADIX * (n / 2 + 1) * 2, 1, n)``.
    """
    size = n_fft // RADIX
    window = torch.hann_window(n_fft, periodic=True, dtype=torch.float64)
    time = torch.arange(size, dtype=torch.float64)
    angle = 2 * math.pi * torch.outer(torch.arange(size // 2 + 1, dtype=torch.float64), time) / size
    waves = torch.stack([torch.cos(angle), -torch.sin(angle)], dim=1)
    return torch.stack([waves * window[phase::RADIX] for phase in range(RADIX)]).reshape(-1, 1, size)


def _bins_of_butterflies(n_fft: int) -> list[int]:
    """The ``RADIX`` bins of each butterfly: all that one bin of the short transforms, or its conjugate, feeds."""
    size = n_fft // RADIX
    pairs = [(j + m * size, (m + 1) * size - j) for j in range(size // 2 + 1) for m in range(RADIX // 2)]
    return [bin_ for pair in pairs for bin_ in pair]


def _butterflies(n_fft: int) -> Tensor:
    """From the ``RADIX`` × (real, imaginary) of a bin of the short transforms to as many of the long one.

    ``X[k] = Σ_r exp(−2πi r k / N) F_r[k mod n]``, ``n = N / RADIX``, and ``F_r[n − j]`` is the conjugate of ``F_r[j]``:
    shape ``((n / 2 + 1) * 2 * RADIX, 2 * RADIX, 1)``.
    """
    bins = torch.tensor(_bins_of_butterflies(n_fft), dtype=torch.float64).reshape(-1, RADIX)
    angle = 2 * math.pi * bins[:, :, None] * torch.arange(RADIX, dtype=torch.float64) / n_fft
    conjugate = torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(RADIX // 2)[:, None]
    cosine, sine = torch.cos(angle), torch.sin(angle)
    real = torch.stack([cosine, sine * conjugate], dim=-1)
    imaginary = torch.stack([-sine, cosine * conjugate], dim=-1)
    return torch.stack([real, imaginary], dim=2).reshape(-1, 2 * RADIX, 1)
