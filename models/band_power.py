"""Power in bands of a waveform, in operations that export: the Fourier transform is made of fixed convolutions."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from tocsin import TocsinError

RADIX = 8


class BandPower(nn.Module):
    """Power of each frame in each band.

    The transform is one radix-8 step of decimation in time (Cooley and Tukey 1965): eight transforms of an eighth of
    the length, each of every eighth sample, then butterflies. Both are fixed convolutions, with a sixth of the
    multiplications of the full transform.

    Args:
        window: ``(n_fft,)``, a multiple of 16 samples; a shorter window stands in the middle of zeros.
        filters: weight of each bin's power in each band, ``(bands, n_fft // 2 + 1)``.
        hop: samples between frames, a multiple of 8.

    Raises:
        TocsinError: the window or ``hop`` is no such multiple.
    """

    short_basis: Tensor
    butterflies: Tensor
    filters: Tensor

    def __init__(self, window: Tensor, filters: Tensor, hop: int) -> None:
        super().__init__()
        n_fft = len(window)
        if n_fft % (2 * RADIX) or hop % RADIX:
            raise TocsinError(f"n_fft must be a multiple of {2 * RADIX} and hop of {RADIX}, got {n_fft} and {hop}")
        self.hop = hop
        bins = _bins_of_butterflies(n_fft)
        # The first and the last butterfly give their bins twice: each is taken once, and none above Nyquist.
        first = [bin_ <= n_fft // 2 and bin_ not in bins[:place] for place, bin_ in enumerate(bins)]
        taken = filters[:, [min(bin_, n_fft // 2) for bin_ in bins]] * torch.tensor(first)
        self.register_buffer("short_basis", _short_basis(window).float(), persistent=False)
        self.register_buffer("butterflies", _butterflies(n_fft).float(), persistent=False)
        self.register_buffer("filters", taken.float().unsqueeze(-1), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """``(batch, samples)`` to ``(batch, bands, frames)``; frames are not centred."""
        batch, length = waveform.shape
        groups = self.butterflies.shape[0] // (2 * RADIX)
        phases = waveform[:, : length // RADIX * RADIX].reshape(batch, -1, RADIX).transpose(1, 2)
        parts = functional.conv1d(phases, self.short_basis, stride=self.hop // RADIX, groups=RADIX)
        parts = parts.reshape(batch, RADIX, groups, 2, -1).transpose(1, 2).reshape(batch, groups * 2 * RADIX, -1)
        spectrum = functional.conv1d(parts, self.butterflies, groups=groups)
        power = (spectrum * spectrum).reshape(batch, groups * RADIX, 2, -1).sum(2)
        return functional.conv1d(power, self.filters)


def _short_basis(window: Tensor) -> Tensor:
    """Windowed transforms of every ``RADIX``-th sample, real then imaginary parts, each of ``n = n_fft / RADIX``.

    Shape ``(RADIX * (n / 2 + 1) * 2, 1, n)``.
    """
    size = len(window) // RADIX
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
