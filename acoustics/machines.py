"""Backfires: small explosions inside an exhaust, between the sounds of the engine.

The pipe, a quarter-wave resonator open at one end, rings at its odd modes, the silencer takes the top off, the engine
runs before and after, and pops come in irregular groups.
"""

import numpy as np
from scipy.signal import oaconvolve

from tocsin.acoustics.waves import BALANCED, Pressure, Source, friedlander, peak_pa, place, ringing


def backfire(generator: np.random.Generator, sample_rate: int) -> Source:
    """Pops through an exhaust pipe, between the sounds of the engine."""
    pops = int(generator.integers(1, 6))
    at_s = np.cumsum(np.concatenate([[0.0], generator.gamma(2.0, generator.uniform(0.05, 0.2), pops - 1)]))
    exhaust = _exhaust(generator, sample_rate)
    level_db = generator.uniform(122, 138)
    parts = []
    before_s = generator.uniform(0.0, 0.6)
    for when in at_s:
        loud_pa = peak_pa(level_db + generator.normal(0, 3))
        puff = friedlander(loud_pa, generator.uniform(0.001, 0.003), BALANCED, sample_rate)
        parts.append((when + before_s, oaconvolve(puff, exhaust)))
    engine = _engine(generator, sample_rate, before_s + at_s[-1] + generator.uniform(0.3, 1.0), exhaust)
    engine *= peak_pa(level_db - generator.uniform(15, 35)) / np.abs(engine).max()
    return Source(place([(0.0, engine), *parts], sample_rate), sample_rate, 0.4)


def _exhaust(generator: np.random.Generator, sample_rate: int) -> Pressure:
    """Impulse response of a pipe: odd quarter-wave modes of hot gas, damped, the high ones by the silencer."""
    length_m, gas_mps = generator.uniform(0.6, 2.5), generator.uniform(420, 560)
    modes_hz = np.arange(1, 40, 2) * gas_mps / (4 * length_m)
    weights = 1 / (1 + (modes_hz / generator.uniform(600, 2000)) ** 2)
    damping_s = generator.uniform(0.006, 0.02)
    return ringing(modes_hz, weights, damping_s, 6 * damping_s, sample_rate)


def _engine(generator: np.random.Generator, sample_rate: int, length_s: float, exhaust: Pressure) -> Pressure:
    """Firing pulses of a running engine through the same pipe."""
    count = round(length_s * sample_rate)
    firing_hz = generator.uniform(25, 110) * np.linspace(1, generator.uniform(0.7, 1.3), count)
    phase = np.cumsum(firing_hz) / sample_rate
    pulses = np.diff(np.floor(phase), prepend=0.0) * generator.uniform(0.6, 1.4, count)
    return oaconvolve(pulses, exhaust)[:count] + 1e-3 * generator.standard_normal(count)
