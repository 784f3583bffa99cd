"""From one metre to a microphone: spreading, absorption, the ground, echoes, screens and turbulence."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq

from tocsin.acoustics.atmosphere import Atmosphere, absorption_db_per_m, speed_of_sound_mps
from tocsin.acoustics.ground import Ground, ground_gain
from tocsin.acoustics.surroundings import Echoes
from tocsin.acoustics.waves import Source

Signal = NDArray[np.float64]
Spectrum = NDArray[np.complex128]

TAIL_LENGTHS = 6  # the diffuse tail is cut where it has fallen by 52 dB
TAIL_DULL_HZ = 1200.0
DEEPEST_SHADOW_DB = 25.0
HALF_TAPS = 8  # of the sinc that moves an echo by a fraction of a sample
FURTHER_M = (0.0, 30.0, 100.0, np.inf)  # echoes in one of these steps lose their top alike
EDDY_M = 1.1  # correlation length of turbulence near the ground (Daigle 1979)
RAYLEIGH_NEPER = 0.64  # 5.6 dB: a level that fades more does so as the sum of many paths


def receive(
    source: Source,
    distance_m: float,
    atmosphere: Atmosphere,
    echoes: Echoes,
    generator: np.random.Generator,
    delay_s: float = 0.0,
    longest_s: float = np.inf,
    detour_m: float = 0.0,
    ground: Ground | None = None,
    turbulence: float = 0.0,
) -> Signal:
    """Pressure at a distance, in pascals, from the arrival of the direct sound on.

    Spherical spreading from one metre, absorption by the air on every path (ISO 9613-1), echoes, all with the ground's
    reflection (as of the direct path: other paths are as low), a diffuse tail, screened, and faded by turbulence.

    Args:
        source: the sound at one metre.
        distance_m: of the direct path, one metre or more.
        atmosphere: state of the air.
        echoes: reflections.
        generator: of the diffuse tail and of the turbulence.
        delay_s: shifts the sound later by a fraction of a sample or more; a caller places whole samples itself.
        longest_s: nothing after this time is wanted.
        detour_m: how much longer the way over what stands between is than the straight line. It weakens all that comes
            as a screen does, ``10 log10(3 + 40 δ f / c)`` dB (Maekawa 1968), up to 25 dB.
        ground: what reflects below; without one there is none.
        turbulence: variance of the refractive index, 10⁻⁶ (weak) to 10⁻⁵ (sunny and windy); 0 is still air.
    """
    rate = source.sample_rate
    distance_m = max(distance_m, 1.0)
    wanted = round(min(longest_s, 1e4) * rate)
    pressure_pa = source.pressure_pa[:wanted]
    tail_s = TAIL_LENGTHS * echoes.tail_s if np.isfinite(echoes.tail_db) else 0.0
    response_s = max(echoes.delay_s.max(initial=0.0), tail_s) + delay_s + 0.02
    count = len(pressure_pa) + min(round(response_s * rate), wanted)
    length = next_fast_len(count, real=True)
    hz = rfftfreq(length, 1 / rate)
    speed = speed_of_sound_mps(atmosphere.temperature_c)
    loss_db_per_m = absorption_db_per_m(hz, atmosphere)
    transfer: Spectrum = np.full(len(hz), 1 / distance_m, complex)
    further_m = echoes.delay_s * speed
    gains = echoes.gain / (distance_m + further_m)
    for least_m, most_m in pairwise(FURTHER_M):
        inside = (further_m >= least_m) & (further_m < most_m) & (echoes.delay_s * rate < length - 2 * HALF_TAPS)
        if inside.any():
            late = rfft(_taps(echoes.delay_s[inside] * rate, gains[inside], length), length)
            transfer += late * 10 ** (-loss_db_per_m * further_m[inside].mean() / 20)
    variance = _phase_variance(hz, distance_m, speed, turbulence)
    if ground is not None:
        rise_m = ground.source_height_m - ground.microphone_height_m
        level_m = float(np.sqrt(max(distance_m**2 - rise_m**2, 1.0)))
        transfer *= ground_gain(hz, level_m, ground, speed, np.exp(-variance))
    if np.isfinite(echoes.tail_db):
        transfer += _tail(echoes, distance_m, loss_db_per_m, length, rate, generator)
    loss_db = loss_db_per_m * distance_m
    if detour_m > 0:
        loss_db = loss_db + np.minimum(10 * np.log10(3 + 40 * detour_m * hz / speed), DEEPEST_SHADOW_DB)
    exponent = _minimum_phase(loss_db, length) - 2j * np.pi * hz * delay_s
    if turbulence > 0:
        exponent += _fading(hz, variance, generator)
    transfer *= np.exp(exponent)
    return irfft(rfft(pressure_pa, length) * transfer, length)[: min(count, wanted)]


def _taps(at: Signal, gains: Signal, length: int) -> Signal:
    """Impulses at fractions of samples: a sinc under a raised cosine."""
    offsets = np.arange(1 - HALF_TAPS, HALF_TAPS + 1)
    whole = np.floor(at)
    apart = offsets - (at - whole)[:, None]
    values = np.sinc(apart) * np.cos(np.pi * apart / (2 * HALF_TAPS)) ** 2 * gains[:, None]
    places = whole[:, None].astype(int) + offsets
    return np.bincount(places[places >= 0], values[places >= 0], length).astype(np.float64)


def _tail(
    echoes: Echoes, distance_m: float, loss_db_per_m: Signal, length: int, rate: int, generator: np.random.Generator
) -> Spectrum:
    time_s = np.arange(min(round(TAIL_LENGTHS * echoes.tail_s * rate), length // 2)) / rate
    # It builds up over some 20 ms: nothing diffuse arrives with the direct sound.
    envelope = (1 - np.exp(-time_s / 0.02)) * np.exp(-time_s / echoes.tail_s)
    noise = generator.standard_normal(len(time_s)) * envelope * 10 ** (echoes.tail_db / 20) / distance_m
    noise *= np.sqrt(12000 / rate)  # the level of the tail is that at 12 kHz, at any rate
    # Every further wall takes more of the top than of the rest: high up the tail is over three times sooner.
    dull = 1 / (1 + (np.arange(length // 2 + 1) * rate / length / TAIL_DULL_HZ) ** 2)
    spectrum = dull * rfft(noise, length) + (1 - dull) * rfft(noise * np.exp(-2 * time_s / echoes.tail_s), length)
    # The diffuse sound has travelled half as far again, and has lost more of its top.
    return spectrum * 10 ** (-loss_db_per_m * 0.5 * distance_m / 20)


def _phase_variance(hz: Signal, distance_m: float, speed_mps: float, turbulence: float) -> Signal:
    """Of a spherical wave in Gaussian turbulence: ``√π/2 ⟨μ²⟩ k² L r`` (Daigle 1979)."""
    return np.sqrt(np.pi) / 2 * turbulence * EDDY_M * distance_m * (2 * np.pi * hz / speed_mps) ** 2


def _fading(hz: Signal, variance: Signal, generator: np.random.Generator) -> Spectrum:
    """Logarithm of a random level and phase, alike within half an octave; each has half of the variance, or less."""
    nodes_hz = np.geomspace(31.5, max(float(hz[-1]), 63.0), 16)
    level, phase = (np.interp(hz, nodes_hz, generator.standard_normal(16)) for _ in range(2))
    deviation = np.sqrt(variance / 2)
    fading = np.minimum(deviation, RAYLEIGH_NEPER)
    return fading * level - fading**2 + 1j * deviation * phase


def _minimum_phase(loss_db: Signal, length: int) -> Spectrum:
    """Logarithm of the response of a loss at each frequency: nothing comes early, as with zero phase it would."""
    cepstrum = irfft(-loss_db / 20 * np.log(10), length)
    folding = np.zeros(length)
    folding[0], folding[1 : (length + 1) // 2] = 1.0, 2.0
    if length % 2 == 0:
        folding[length // 2] = 1.0
    return rfft(cepstrum * folding, length)
