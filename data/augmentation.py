"""Changes to a training window that a sensor, a distance or a street could have made, in NumPy.

All take and give float32 samples ``(n,)``; the randomness comes from the generator passed in, so that an example is the
same in whichever process it is made.
"""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

_LOUDEST_S = 0.02


def loudest_rms(samples: Samples, sample_rate: int) -> float:
    """Root mean square of the loudest 20 ms: the level of a bang, however long the quiet around it."""
    length = max(1, round(_LOUDEST_S * sample_rate))
    frames = samples[: len(samples) // length * length].reshape(-1, length)
    return float(np.sqrt(np.mean(frames.astype(np.float64) ** 2, axis=1).max(initial=0.0)))


def mix(signal: Samples, noise: Samples, sample_rate: int, snr_db: float) -> Samples:
    """Signal plus noise, the noise scaled so that its loudest 20 ms stand ``snr_db`` above the noise's mean."""
    noise_rms = float(np.sqrt(np.mean(noise.astype(np.float64) ** 2)))
    if noise_rms == 0:
        return signal
    scale = loudest_rms(signal, sample_rate) / noise_rms * 10 ** (-snr_db / 20)
    return signal + np.float32(scale) * noise


def fill_digital_silence(samples: Samples, noise: Samples, relative_db: float, sample_rate: int) -> Samples:
    """Put noise where samples are exactly zero, ``relative_db`` below the loudest 20 ms.

    Padding and zeroed stretches say which data set a clip is from, not what sounds in it.
    """
    empty = samples == 0
    noise_rms = float(np.sqrt(np.mean(noise.astype(np.float64) ** 2)))
    if noise_rms == 0 or not empty.any():
        return samples
    scale = (loudest_rms(samples, sample_rate) or 1.0) / noise_rms * 10 ** (-relative_db / 20)
    return np.where(empty, np.float32(scale) * noise, samples)


def reshape_spectrum(samples: Samples, sample_rate: int, generator: np.random.Generator) -> Samples:
    """A random low-pass (distance, microphone, codec) and a random tilt of up to ± 3 dB an octave about 1 kHz."""
    spectrum = np.fft.rfft(samples)
    hz = np.fft.rfftfreq(len(samples), 1 / sample_rate)
    octaves = np.log2(np.maximum(hz, 50.0) / 1000.0)
    gain_db = generator.uniform(-3, 3) * octaves
    corner_hz = np.exp(generator.uniform(np.log(1200), np.log(6000)))
    gain_db -= 10 * np.log10(1 + (hz / corner_hz) ** (2 * generator.integers(1, 4)))
    return np.fft.irfft(spectrum * 10 ** (np.clip(gain_db, -60, 12) / 20), len(samples)).astype(np.float32)


def add_echoes(samples: Samples, sample_rate: int, generator: np.random.Generator) -> Samples:
    """Some discrete echoes of streets, 5 to 500 ms late, and a diffuse tail, falling with delay."""
    response = np.zeros(round(0.6 * sample_rate), np.float32)
    response[0] = 1.0
    for delay_s in generator.uniform(0.005, 0.5, generator.integers(1, 12)):
        decay = np.exp(-delay_s / generator.uniform(0.05, 0.4))
        response[round(delay_s * sample_rate)] += np.float32(
            generator.choice([-1, 1]) * generator.uniform(0.1, 0.8) * decay
        )
    time_s = np.arange(len(response)) / sample_rate
    tail = generator.standard_normal(len(response)) * np.exp(-time_s / generator.uniform(0.03, 0.3))
    response += (10 ** (generator.uniform(-50, -25) / 20) * tail).astype(np.float32)
    length = len(samples) + len(response)
    wet = np.fft.irfft(np.fft.rfft(samples, length) * np.fft.rfft(response, length), length)
    return wet[: len(samples)].astype(np.float32)


def gain_and_clip(samples: Samples, generator: np.random.Generator, clipping_share: float) -> Samples:
    """A random level; in ``clipping_share`` of the cases above full scale: clipping then says nothing of the class."""
    peak = float(np.abs(samples).max()) or 1.0
    level_db = generator.uniform(0, 18) if generator.random() < clipping_share else generator.uniform(-45, 0)
    return np.clip(samples * np.float32(10 ** (level_db / 20) / peak), -1.0, 1.0)


def cut(samples: Samples, onset: int | None, sample_rate: int, generator: np.random.Generator) -> Samples:
    """Digital silence up to a random moment, from one on, or both: a file begins or ends there, at once.

    An onset (a sample's index) and its surroundings, 20 ms before to 200 ms after, are kept.
    """
    earliest_end, latest_start = len(samples) // 2, len(samples) // 2
    if onset is not None:
        earliest_end, latest_start = onset - round(0.02 * sample_rate), onset + round(0.2 * sample_rate)
    changed = samples.copy()
    before, after = [(True, False), (False, True), (True, True)][generator.choice(3, p=[0.5, 0.2, 0.3])]
    if before:
        changed[: round(generator.random() * max(earliest_end, 0))] = 0
    if after:
        changed[round(len(samples) - generator.random() * max(len(samples) - latest_start, 0)) :] = 0
    return changed
