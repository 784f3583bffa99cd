"""Changes that a sensor, a distance or a street could have made to windows, a batch at once on any device.

All take and give float32 windows ``(batch, n)``; a window's own parameters, ``(batch,)``, say how it is changed, so
that it does not matter which others are in the batch.
"""

import math

import torch
from torch import Tensor

LOUDEST_S = 0.02
CACHED = 8  # windows whose indices a processor's cache holds
LEAST_DB, MOST_DB = -60.0, 12.0  # gain of a reshaped spectrum


def played(crops: Tensor, speeds: Tensor, count: int) -> Tensor:
    """``count`` samples a window, read at ``speeds`` times the rate with lines between samples.

    Windows ``(batch, m)`` are given with ``m > (count - 1) * speed + 1``. Faster is higher.
    """
    windows = crops.new_empty(len(crops), count)
    places = torch.arange(count, device=crops.device)
    for few, speed, out in zip(crops.split(CACHED), speeds.split(CACHED), windows.split(CACHED), strict=True):
        place = places * speed[:, None]
        index = place.long()
        before = few.gather(1, index)
        share = place.sub_(index)
        torch.lerp(before, few.gather(1, index.add_(1)), share, out=out)
    return windows


def loudest_rms(windows: Tensor, sample_rate: int) -> Tensor:
    """Root mean square of the loudest 20 ms, ``(batch,)``: the level of a bang, however long the quiet around it."""
    length = max(1, round(LOUDEST_S * sample_rate))
    frames = windows[:, : windows.shape[1] // length * length].reshape(len(windows), -1, length)
    return frames.square().mean(2).amax(1).sqrt()


def hold_digital_silence(windows: Tensor) -> Tensor:
    """Whether a sample is exactly zero, ``(batch,)``."""
    return torch.cat([few.abs().amin(1) for few in windows.split(CACHED)]) == 0


def fill_digital_silence(windows: Tensor, noise: Tensor, relative_db: Tensor, sample_rate: int) -> Tensor:
    """Put noise ``(batch, n)`` where samples are exactly zero, ``relative_db`` below the loudest 20 ms.

    Padding and zeroed stretches say which data set a clip is from, not what sounds in it.
    """
    loudest = loudest_rms(windows, sample_rate)
    scale = _ratio(torch.where(loudest > 0, loudest, 1.0), _rms(noise)) * 10 ** (-relative_db / 20)
    return torch.where(windows == 0, scale[:, None] * noise, windows)


def mix(windows: Tensor, noise: Tensor, snr_db: Tensor, sample_rate: int) -> Tensor:
    """Windows plus noise ``(batch, n)``, scaled so that their loudest 20 ms stand ``snr_db`` above the noise's mean."""
    scale = _ratio(loudest_rms(windows, sample_rate), _rms(noise)) * 10 ** (-snr_db / 20)
    return windows.addcmul(scale[:, None], noise)


def convolve(windows: Tensor, responses: Tensor) -> Tensor:
    """Windows heard through impulse responses ``(batch, m)``, as long as before.

    ``torchaudio.functional.fftconvolve`` takes ten times as long: it transforms whatever length comes out of the two.
    """
    count = windows.shape[1]
    length = 1 << (count + responses.shape[1] - 2).bit_length()
    spectrum = torch.fft.rfft(windows, length).mul_(torch.fft.rfft(responses, length))
    return torch.fft.irfft(spectrum, length)[:, :count]


def reshape_spectrum(windows: Tensor, tilt_db: Tensor, corner_hz: Tensor, order: Tensor, sample_rate: int) -> Tensor:
    """A tilt of ``tilt_db`` an octave about 1 kHz, and a low-pass that falls ``6 * order`` dB an octave.

    The tilt is that of 50 Hz below it, the low-pass −3 dB at ``corner_hz``. The gain stays within ``LEAST_DB`` and
    ``MOST_DB``; nothing is delayed.
    """
    hz = torch.fft.rfftfreq(windows.shape[1], 1 / sample_rate, device=windows.device)
    octaves = torch.log2(hz.clamp(min=50.0) / 1000.0)
    above = torch.log2(hz) - torch.log2(corner_hz)[:, None]
    tilted = torch.exp2(tilt_db[:, None] * octaves * (math.log2(10) / 10))
    passed = torch.exp2(above * 2 * order[:, None]) + 1
    gain = tilted.div_(passed).sqrt_().clamp_(10 ** (LEAST_DB / 20), 10 ** (MOST_DB / 20))
    return torch.fft.irfft(torch.fft.rfft(windows).mul_(gain), windows.shape[1])


def gain_and_clip(windows: Tensor, level_dbfs: Tensor) -> Tensor:
    """Peaks at ``level_dbfs``, clipped at full scale where that is above 0; done in place."""
    peak = torch.maximum(windows.amax(1), -windows.amin(1))
    scale = 10 ** (level_dbfs / 20) / torch.where(peak > 0, peak, 1.0)
    return windows.mul_(scale[:, None]).clamp_(-1.0, 1.0)


def rearrange(windows: Tensor, source: Tensor, added: Tensor) -> Tensor:
    """Windows with artefacts, ``(batch, n)`` as :class:`tocsin.data.artefacts.Artefact` says, clipped at full scale."""
    with_silence = torch.nn.functional.pad(windows, (0, 1))
    return (with_silence.gather(1, source) + added).clamp_(-1.0, 1.0)


def cut(windows: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """Digital silence before the sample ``first`` and from ``last`` on: a file begins or ends there, at once."""
    place = torch.arange(windows.shape[1], device=windows.device)
    return windows * ((place >= first[:, None]) & (place < last[:, None]))


def _rms(windows: Tensor) -> Tensor:
    return windows.square().mean(1).sqrt()


def _ratio(above: Tensor, below: Tensor) -> Tensor:
    """Zero where ``below`` is: silence is not scaled up."""
    return torch.where(below > 0, above / below, 0.0)
