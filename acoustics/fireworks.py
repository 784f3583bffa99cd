"""Fireworks: lift charges, shells high up, salutes, crackle, whistles and rockets, strings of firecrackers.

A shell's burst is a Friedlander wave longer than a muzzle's (more powder, no barrel), from a point tens of metres up:
nothing screens it, and the ground's echo comes late. Crackle is hundreds of tiny bursts, a whistle a combustion
instability gliding in pitch with its overtones, a string tens of small blasts a second.
"""

import numpy as np
from scipy.signal import butter, sosfilt

from tocsin.acoustics.waves import BALANCED, NEAR_GROUND_M, Pressure, Source, friedlander, peak_pa, place, train

Part = tuple[float, Pressure]
KINDS = {"shell": 0.3, "salutes": 0.2, "rocket": 0.2, "string": 0.3}


def fireworks(generator: np.random.Generator, sample_rate: int) -> Source:
    """A shell with or without lift charge and crackle, a row of salutes, a rocket, or a string of firecrackers."""
    kind = generator.choice(list(KINDS), p=list(KINDS.values()))
    if kind == "string":
        return Source(_string(generator, sample_rate), sample_rate, NEAR_GROUND_M)
    burst_db = generator.uniform(145, 160)
    if kind == "salutes":
        high = generator.random() < 0.5
        parts = _salutes(generator, sample_rate, burst_db)
    elif kind == "rocket":
        high = True
        parts = _rocket(generator, sample_rate, burst_db)
    else:
        high = True
        parts = _shell(generator, sample_rate, burst_db)
    return Source(place(parts, sample_rate), sample_rate, generator.uniform(20, 120) if high else NEAR_GROUND_M)


def _burst(generator: np.random.Generator, sample_rate: int, burst_db: float) -> Pressure:
    """The blast of a burst, as long as its charge is large."""
    positive_s = 0.0025 * 10 ** ((burst_db - 152) / 40) * generator.uniform(0.6, 1.6)
    return friedlander(peak_pa(burst_db), positive_s, BALANCED, sample_rate)


def _shell(generator: np.random.Generator, sample_rate: int, burst_db: float) -> list[Part]:
    """A burst, often crackle after it; half the time the lift charge before, muffled by its mortar."""
    parts: list[Part] = [(0.0, _burst(generator, sample_rate, burst_db))]
    if generator.random() < 0.6:
        parts.append((generator.uniform(0.05, 0.5), _crackle(generator, sample_rate, burst_db)))
    if generator.random() < 0.5:
        lift_s = generator.uniform(0.8, 3.0)
        thump = friedlander(peak_pa(burst_db - 14), generator.uniform(0.006, 0.012), BALANCED, sample_rate)
        parts = [(0.0, thump)] + [(when + lift_s, part) for when, part in parts]
    return parts


def _crackle(generator: np.random.Generator, sample_rate: int, burst_db: float) -> Pressure:
    """Hundreds of small bursts, thickest soon after the start, of three sizes."""
    total = []
    for positive_s in (0.0001, 0.0002, 0.0004):
        count = int(generator.integers(15, 120))
        at_s = generator.gamma(2.0, generator.uniform(0.15, 0.5), count)
        levels = 10 ** (generator.normal(0, 4, count) / 20)
        pulse = friedlander(peak_pa(burst_db - generator.uniform(12, 28)), positive_s, BALANCED, sample_rate)
        total.append((0.0, train(at_s, levels, pulse, sample_rate)))
    return place(total, sample_rate)


def _salutes(generator: np.random.Generator, sample_rate: int, burst_db: float) -> list[Part]:
    """Flash powder, loud and single, or a battery of them of much the same size."""
    burst = _burst(generator, sample_rate, burst_db)
    count = 1 if generator.random() < 0.4 else int(generator.integers(2, 12))
    gaps_s = np.exp(generator.uniform(np.log(0.12), np.log(1.0))) * generator.gamma(4.0, 0.25, count - 1)
    at_s = np.concatenate([[0.0], np.cumsum(gaps_s)])
    return [(when, burst * 10 ** (generator.normal(0, 2.5) / 20)) for when in at_s]


def _rocket(generator: np.random.Generator, sample_rate: int, burst_db: float) -> list[Part]:
    """A whistle, a rush of gas, or both, rising and going out; most often a report at its end."""
    length_s = generator.uniform(0.5, 2.0)
    parts: list[Part] = []
    whistles = generator.random() < 0.6
    if whistles:
        parts.append((0.0, _whistle(generator, sample_rate, length_s)))
    if not whistles or generator.random() < 0.5:
        parts.append((0.0, _rush(generator, sample_rate, length_s)))
    if generator.random() < 0.75:
        report_db = burst_db - generator.uniform(5, 15)
        parts.append((length_s + generator.uniform(0, 0.4), _burst(generator, sample_rate, report_db)))
    return parts


def _whistle(generator: np.random.Generator, sample_rate: int, length_s: float) -> Pressure:
    """A pitch of 1.2 to 4.2 kHz that glides, rough by a hundredth, with two overtones."""
    time_s = np.arange(round(length_s * sample_rate)) / sample_rate
    first_hz, last_hz = generator.uniform(2500, 4200), generator.uniform(1200, 2800)
    if generator.random() < 0.25:
        first_hz, last_hz = last_hz, first_hz
    glide_hz = first_hz + (last_hz - first_hz) * (time_s / length_s) ** generator.uniform(0.5, 2.0)
    phase = 2 * np.pi * np.cumsum(glide_hz * (1 + 0.01 * generator.standard_normal(len(time_s)))) / sample_rate
    tone = np.sin(phase)
    for overtone, level in ((2, 0.3), (3, 0.15)):
        tone += level * np.sin(overtone * phase) * (overtone * glide_hz < 0.45 * sample_rate)
    flutter = 1 + generator.uniform(0, 0.5) * np.sin(2 * np.pi * generator.uniform(10, 60) * time_s)
    swell = np.sin(np.pi * np.minimum(time_s / length_s, 1)) ** 0.5
    return peak_pa(generator.uniform(116, 128)) * swell * flutter * tone


def _rush(generator: np.random.Generator, sample_rate: int, length_s: float) -> Pressure:
    """Turbulent gas: noise about 0.4 to 2 kHz, strongest at the start."""
    count = round(length_s * sample_rate)
    middle_hz = generator.uniform(400, 2000)
    band = butter(1, (middle_hz / 2, middle_hz * 2), "bandpass", fs=sample_rate, output="sos")
    noise = sosfilt(band, generator.standard_normal(count))
    share = np.arange(count) / count
    return peak_pa(generator.uniform(108, 122)) * noise * np.minimum(share / 0.05, 1) * np.exp(-2 * share)


def _string(generator: np.random.Generator, sample_rate: int) -> Pressure:
    """Firecrackers one after the other, sometimes two at once, with a few large ones in some strings."""
    count = int(np.exp(generator.uniform(np.log(6), np.log(150))))
    gaps_s = generator.gamma(generator.uniform(0.7, 3.0), 1.0, count)
    at_s = np.cumsum(gaps_s / gaps_s.mean() / generator.uniform(6, 40))
    levels_db = generator.normal(0, generator.uniform(1.5, 5), count)
    levels_db[generator.random(count) < generator.choice([0.0, 0.05])] += 8
    pulse = friedlander(peak_pa(138), generator.uniform(0.00015, 0.0006), BALANCED, sample_rate)
    return train(at_s - at_s[0], 10 ** (levels_db / 20), pulse, sample_rate)
