"""What a sensor makes of pressure: the town's noise, the microphone's band, gain control, clipping, 16 bits."""

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfftfreq
from scipy.signal import butter, sosfilt

from tocsin.acoustics.waves import REFERENCE_PA

Signal = NDArray[np.float64]

AGC_BLOCK_S = 0.01
AGC_ATTACK_S = 0.05
LOWEST_HZ = 40.0


def urban_noise(count: int, sample_rate: int, level_dbspl: float, generator: np.random.Generator) -> Signal:
    """Noise of a town, in pascals: a slope from pink to steeper than brown, swelling slowly, and a hum of machines.

    Args:
        count: samples.
        sample_rate: Hz.
        level_dbspl: root mean square level, dB re 20 µPa.
        generator: of all that is random.
    """
    length = next_fast_len(count, real=True)
    hz = rfftfreq(length, 1 / sample_rate)
    slope = generator.uniform(0.5, 1.3)
    spectrum = np.maximum(hz, 20.0) ** -slope
    noise = irfft(spectrum * np.exp(2j * np.pi * generator.random(len(hz))), length)[:count]
    time_s = np.arange(count) / sample_rate
    swell_db = generator.uniform(0, 4) * np.sin(
        2 * np.pi * (generator.uniform(0.05, 0.3) * time_s + generator.random())
    )
    noise *= 10 ** (swell_db / 20) / np.std(noise)
    for _ in range(int(generator.integers(0, 4))):
        hum_hz = generator.uniform(40, 400)
        noise += generator.uniform(0, 0.5) * np.sin(2 * np.pi * (hum_hz * time_s + generator.random()))
    return noise / np.std(noise) * REFERENCE_PA * 10 ** (level_dbspl / 20)


def in_band(pressure_pa: Signal, sample_rate: int, low_hz: float = LOWEST_HZ, high_hz: float | None = None) -> Signal:
    """Pressure in a microphone's band: Butterworth, two poles below, and two above where ``high_hz`` is given."""
    heard = sosfilt(butter(2, low_hz, "highpass", fs=sample_rate, output="sos"), pressure_pa)
    if high_hz is not None and high_hz < 0.45 * sample_rate:
        heard = sosfilt(butter(2, high_hz, fs=sample_rate, output="sos"), heard)
    return heard


def gain_control(samples: Signal, sample_rate: int, release_s: float) -> Signal:
    """A slow automatic gain: halves what is above −12 dBFS (in dB), within 50 ms, and lets go over ``release_s``."""
    block = max(round(AGC_BLOCK_S * sample_rate), 1)
    blocks = np.abs(np.resize(samples, -(-len(samples) // block) * block)).reshape(-1, block).max(axis=1)
    above_db = np.maximum(20 * np.log10(np.maximum(blocks, 1e-9)) + 12, 0)
    attack, release = (1 - np.exp(-AGC_BLOCK_S / time_s) for time_s in (AGC_ATTACK_S, release_s))
    followed_db = np.empty(len(blocks))
    level_db = 0.0
    for index, now_db in enumerate(above_db.tolist()):
        level_db += (attack if now_db > level_db else release) * (now_db - level_db)
        followed_db[index] = level_db
    gain = 10 ** (-followed_db / 40)
    middles = (np.arange(len(blocks)) + 0.5) * block
    return samples * np.interp(np.arange(len(samples)), middles, gain)


def record(
    pressure_pa: Signal,
    sample_rate: int,
    full_scale_dbspl: float,
    low_hz: float = LOWEST_HZ,
    high_hz: float | None = None,
    agc_release_s: float | None = None,
) -> NDArray[np.float32]:
    """What a sensor stores of a pressure: in the microphone's band, clipped at full scale, 16 bit, float32 in −1 … 1.

    Args:
        pressure_pa: pascals, ``(n,)``.
        sample_rate: Hz.
        full_scale_dbspl: peak level that fills the converter, dB re 20 µPa.
        low_hz: where the band begins.
        high_hz: where it ends, if below the converter's own end.
        agc_release_s: of a slow automatic gain, if there is one.
    """
    samples = in_band(pressure_pa, sample_rate, low_hz, high_hz) / (REFERENCE_PA * 10 ** (full_scale_dbspl / 20))
    if agc_release_s is not None:
        samples = gain_control(samples, sample_rate, agc_release_s)
    return (np.round(np.clip(samples, -1.0, 32767 / 32768) * 32768) / 32768).astype(np.float32)
