"""From one metre to a microphone: spreading, absorption, echoes, noise, and the sensor's own limits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq
from scipy.signal import butter, sosfilt

from tocsin.acoustics.atmosphere import Atmosphere, absorption_db_per_m, speed_of_sound_mps
from tocsin.acoustics.sources import REFERENCE_PA, Source

Signal = NDArray[np.float64]


@dataclass(frozen=True)
class Echoes:
    """Reflections that follow the direct sound.

    Attributes:
        delay_s: of each reflection behind the direct sound, shape ``(n,)``, positive.
        gain: pressure of each, before its longer path, relative to the direct sound, shape ``(n,)``; signs may differ.
        tail_db: level of the diffuse tail's start relative to the direct sound.
        tail_s: time in which the diffuse tail falls to 1/e.
    """

    delay_s: NDArray[np.float64]
    gain: NDArray[np.float64]
    tail_db: float
    tail_s: float


TAIL_LENGTHS = 6  # the diffuse tail is cut where it has fallen by 52 dB
DEEPEST_SHADOW_DB = 25.0
NO_ECHOES = Echoes(np.zeros(0), np.zeros(0), -np.inf, 0.1)


def random_echoes(generator: np.random.Generator) -> Echoes:
    """Reflections of a street: off the ground within milliseconds, off walls up to 0.8 s later, and a diffuse tail."""
    ground = generator.uniform(0.0005, 0.006)
    walls = generator.uniform(0.01, 0.8, int(generator.integers(2, 20)))
    reach_s = generator.uniform(0.1, 0.4)
    gain = generator.uniform(0.1, 0.7, len(walls)) * np.exp(-walls / reach_s)
    delay_s = np.concatenate([[ground], walls])
    return Echoes(
        delay_s,
        np.concatenate([[generator.uniform(0.2, 0.8)], gain]),
        tail_db=generator.uniform(-55, -30),
        tail_s=generator.uniform(0.1, 0.5),
    )


def receive(
    source: Source,
    distance_m: float,
    atmosphere: Atmosphere,
    echoes: Echoes,
    generator: np.random.Generator,
    delay_s: float = 0.0,
    longest_s: float = np.inf,
    detour_m: float = 0.0,
) -> Signal:
    """Pressure at a distance, in pascals, from the arrival of the direct sound on.

    Spherical spreading from one metre, absorption by the air on every path (ISO 9613-1), echoes and a diffuse tail.

    Args:
        source: the sound at one metre.
        distance_m: of the direct path, one metre or more.
        atmosphere: state of the air.
        echoes: reflections.
        generator: of the diffuse tail.
        delay_s: shifts the sound later by a fraction of a sample or more; a caller places whole samples itself.
        longest_s: nothing after this time is wanted.
        detour_m: how much longer the way over what stands between is than the straight line. It weakens all that comes
            as a screen does, ``10 log10(3 + 40 δ f / c)`` dB (Maekawa 1968), up to 25 dB.
    """
    rate = source.sample_rate
    distance_m = max(distance_m, 1.0)
    wanted = round(min(longest_s, 1e4) * rate)
    pressure_pa = source.pressure_pa[:wanted]
    tail_s = TAIL_LENGTHS * echoes.tail_s if np.isfinite(echoes.tail_db) else 0.0
    count = len(pressure_pa) + round((max(echoes.delay_s.max(initial=0.0), tail_s) + delay_s + 0.02) * rate)
    length = next_fast_len(count, real=True)
    hz = rfftfreq(length, 1 / rate)
    loss_db_per_m = absorption_db_per_m(hz, atmosphere)
    speed = speed_of_sound_mps(atmosphere.temperature_c)
    transfer = np.full(len(hz), 1 / distance_m, complex)
    for late_s, gain in zip(echoes.delay_s, echoes.gain, strict=True):
        further_m = late_s * speed
        gains = gain / (distance_m + further_m) * 10 ** (-loss_db_per_m * further_m / 20)
        transfer += gains * np.exp(-2j * np.pi * hz * late_s)
    if np.isfinite(echoes.tail_db):
        transfer += _tail(echoes, distance_m, loss_db_per_m, length, rate, generator)
    loss_db = loss_db_per_m * distance_m
    if detour_m > 0:
        loss_db = loss_db + np.minimum(10 * np.log10(3 + 40 * detour_m * hz / speed), DEEPEST_SHADOW_DB)
    transfer *= _minimum_phase(loss_db, length) * np.exp(-2j * np.pi * hz * delay_s)
    return irfft(rfft(pressure_pa, length) * transfer, length)[: min(count, wanted)]


def _tail(
    echoes: Echoes, distance_m: float, loss_db_per_m: Signal, length: int, rate: int, generator: np.random.Generator
) -> NDArray[np.complex128]:
    time_s = np.arange(round(TAIL_LENGTHS * echoes.tail_s * rate)) / rate
    # It builds up over some 20 ms: nothing diffuse arrives with the direct sound.
    envelope = (1 - np.exp(-time_s / 0.02)) * np.exp(-time_s / echoes.tail_s)
    noise = generator.standard_normal(len(time_s)) * envelope * 10 ** (echoes.tail_db / 20) / distance_m
    noise *= np.sqrt(12000 / rate)  # the level of the tail is that at 12 kHz, at any rate
    # The diffuse sound has travelled half as far again, and has lost more of its top.
    return rfft(noise, length) * 10 ** (-loss_db_per_m * 0.5 * distance_m / 20)


def _minimum_phase(loss_db: Signal, length: int) -> NDArray[np.complex128]:
    """Response of a loss at each frequency: nothing arrives before its time, as zero phase would have it."""
    cepstrum = irfft(-loss_db / 20 * np.log(10), length)
    folding = np.zeros(length)
    folding[0], folding[1 : (length + 1) // 2] = 1.0, 2.0
    if length % 2 == 0:
        folding[length // 2] = 1.0
    return np.exp(rfft(cepstrum * folding, length))


def urban_noise(count: int, sample_rate: int, level_dbspl: float, generator: np.random.Generator) -> Signal:
    """Noise of a town, in pascals: a random slope between pink and brown, swelling slowly, and a hum of machines.

    Args:
        count: samples.
        sample_rate: Hz.
        level_dbspl: root mean square level, dB re 20 µPa.
        generator: of all that is random.
    """
    length = next_fast_len(count, real=True)
    hz = rfftfreq(length, 1 / sample_rate)
    slope = generator.uniform(0.5, 1.1)
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


def record(pressure_pa: Signal, sample_rate: int, full_scale_dbspl: float) -> NDArray[np.float32]:
    """What a sensor stores of a pressure: microphone band from 40 Hz, clipped at full scale, 16 bit, float32 in −1 … 1.

    Args:
        pressure_pa: pascals, ``(n,)``.
        sample_rate: Hz.
        full_scale_dbspl: peak level that fills the converter, dB re 20 µPa.
    """
    microphone = butter(2, 40.0, "highpass", fs=sample_rate, output="sos")
    full_scale_pa = REFERENCE_PA * 10 ** (full_scale_dbspl / 20)
    samples = np.clip(sosfilt(microphone, pressure_pa) / full_scale_pa, -1.0, 32767 / 32768)
    return (np.round(samples * 32768) / 32768).astype(np.float32)
