"""What bangs sound like at one metre: pressure in pascals against time, from physics, not from recordings.

- A **muzzle blast** is a Friedlander wave: a shock, a fall through zero, a weak suction (Weber 1939; Maher 2006).
  Handguns reach 155 to 162 dB peak at one metre and are stronger ahead of the barrel than behind it.
- A **firework** is a lift charge, seconds later a burst whose blast is longer (more powder, no barrel), often followed
  by crackle, hundreds of tiny bursts; or it whistles (a combustion instability gliding down in pitch); or it is a
  string of firecrackers, tens of small blasts a second.
- A **backfire** is a small explosion inside an exhaust: the pipe, a quarter-wave resonator open at one end, rings at
  its odd modes, the silencer takes the top off, the engine runs before and after, and pops come in irregular groups.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from tocsin import TocsinError

Pressure = NDArray[np.float64]

REFERENCE_PA = 20e-6


@dataclass(frozen=True)
class Source:
    """Sound of one event at one metre.

    Attributes:
        pressure_pa: pressure against time, shape ``(n,)``; the first sample is the moment of discharge.
        sample_rate: Hz.
    """

    pressure_pa: Pressure
    sample_rate: int


def friedlander(peak_pa: float, positive_s: float, decay: float, sample_rate: int) -> Pressure:
    """Blast wave ``p(t) = P (1 − t/τ) exp(−b t/τ)`` from its shock to ten positive phases later.

    The value of each sample is the mean over its interval: a shock sampled as it stands would alias.

    Args:
        peak_pa: P, pascals at one metre.
        positive_s: τ, seconds until the pressure crosses zero.
        decay: b, without unit; 1 makes the impulse of the suction equal that of the blast.
        sample_rate: Hz.
    """
    edges = np.arange(int(np.ceil(10 * positive_s * sample_rate)) + 1) / sample_rate / positive_s
    # ∫ (1 − u) exp(−b u) du
    integral = np.exp(-decay * edges) * (edges / decay + 1 / decay**2 - 1 / decay)
    return peak_pa * positive_s * sample_rate * np.diff(integral)


def peak_pa(level_db: float) -> float:
    """Pressure in pascals of a peak level in dB re 20 µPa."""
    return float(REFERENCE_PA * 10 ** (level_db / 20))


def gunshot(generator: np.random.Generator, sample_rate: int, rounds: int = 1) -> Source:
    """Muzzle blasts of one firearm; several rounds come at 0.12 to 0.5 s, evenly but for the shooter's unsteadiness."""
    level_db = generator.uniform(152, 163)
    # The barrel points somewhere: up to 15 dB weaker behind it than ahead (Maher 2006).
    level_db -= 15 * (1 - np.cos(generator.uniform(0, np.pi))) / 2
    positive_s = generator.uniform(0.0005, 0.0018)
    decay = generator.uniform(0.9, 1.6)
    cadence_s = generator.uniform(0.12, 0.5)
    at_s = np.arange(rounds) * cadence_s + generator.normal(0, 0.03 * cadence_s, rounds) * (np.arange(rounds) > 0)
    blasts = [
        friedlander(peak_pa(level_db + generator.normal(0, 0.7)), positive_s, decay, sample_rate) for _ in range(rounds)
    ]
    return Source(_place(list(zip(at_s, blasts, strict=True)), sample_rate), sample_rate)


def fireworks(generator: np.random.Generator, sample_rate: int) -> Source:
    """A salute, a shell with crackle, a whistle with report, or a string of firecrackers."""
    kind = generator.choice(["salute", "crackle", "whistle", "string"], p=[0.25, 0.3, 0.15, 0.3])
    if kind == "string":
        count = int(generator.integers(8, 60))
        at_s = np.cumsum(generator.exponential(1 / generator.uniform(12, 40), count))
        at_s -= at_s[0]
        parts = [
            (when, friedlander(peak_pa(generator.normal(138, 4)), generator.uniform(0.0001, 0.0004), 1.2, sample_rate))
            for when in at_s
        ]
        return Source(_place(parts, sample_rate), sample_rate)
    burst_db, burst_s = generator.uniform(145, 158), generator.uniform(0.002, 0.006)
    burst = friedlander(peak_pa(burst_db), burst_s, generator.uniform(0.8, 1.3), sample_rate)
    if kind == "whistle":
        length_s = generator.uniform(0.5, 1.4)
        return Source(
            _place([(0.0, _whistle(generator, sample_rate, length_s)), (length_s, burst)], sample_rate), sample_rate
        )
    parts = [(0.0, burst)]
    if kind == "crackle":
        count = int(generator.integers(60, 300))
        at_s = generator.uniform(0.15, 0.5) + generator.gamma(2.0, generator.uniform(0.2, 0.5), count)
        parts += [
            (when, friedlander(peak_pa(generator.normal(burst_db - 24, 4)), 0.0001, 1.2, sample_rate)) for when in at_s
        ]
    elif generator.random() < 0.4:  # salutes often come as a battery
        for when in np.cumsum(generator.uniform(0.15, 0.8, int(generator.integers(1, 4)))):
            parts.append((when, burst * 10 ** (generator.normal(0, 2) / 20)))
    if generator.random() < 0.5:  # the lift charge, seconds before, muffled by its mortar
        lift_s = generator.uniform(0.8, 1.6)
        thump = friedlander(peak_pa(burst_db - 14), generator.uniform(0.006, 0.012), 1.0, sample_rate)
        parts = [(0.0, thump)] + [(when + lift_s, part) for when, part in parts]
    return Source(_place(parts, sample_rate), sample_rate)


def backfire(generator: np.random.Generator, sample_rate: int) -> Source:
    """Pops through an exhaust pipe, between the sounds of the engine."""
    pops = int(generator.integers(1, 6))
    at_s = np.cumsum(np.concatenate([[0.0], generator.gamma(2.0, generator.uniform(0.05, 0.2), pops - 1)]))
    ringing = _pipe(generator, sample_rate)
    level_db = generator.uniform(122, 138)
    parts = []
    for when in at_s:
        puff = friedlander(
            peak_pa(level_db + generator.normal(0, 3)), generator.uniform(0.001, 0.003), 1.0, sample_rate
        )
        parts.append((when, fftconvolve(puff, ringing)))
    before_s = generator.uniform(0.0, 0.6)
    engine = _engine(generator, sample_rate, before_s + at_s[-1] + generator.uniform(0.3, 1.0), ringing)
    engine *= peak_pa(level_db - generator.uniform(15, 35)) / np.abs(engine).max()
    late = [(when + before_s, part) for when, part in parts]
    return Source(_place([(0.0, engine), *late], sample_rate), sample_rate)


def render(label: str, generator: np.random.Generator, sample_rate: int) -> Source:
    """One event, drawn at random: ``gunshot`` (a round or a burst of up to six), ``fireworks``, ``backfire``.

    Raises:
        TocsinError: no source is known for the label.
    """
    if label == "gunshot":
        rounds = 1 if generator.random() < 0.5 else int(generator.integers(2, 7))
        return gunshot(generator, sample_rate, rounds)
    if label not in ("fireworks", "backfire"):
        raise TocsinError(f"no sound source for {label!r}: there are gunshot, fireworks and backfire")
    return (fireworks if label == "fireworks" else backfire)(generator, sample_rate)


def _place(parts: list[tuple[float, Pressure]], sample_rate: int) -> Pressure:
    """Sum of sounds that start at given seconds."""
    starts = [round(max(when, 0.0) * sample_rate) for when, _ in parts]
    total = np.zeros(max(start + len(part) for start, (_, part) in zip(starts, parts, strict=True)))
    for start, (_, part) in zip(starts, parts, strict=True):
        total[start : start + len(part)] += part
    return total


def _whistle(generator: np.random.Generator, sample_rate: int, length_s: float) -> Pressure:
    time_s = np.arange(round(length_s * sample_rate)) / sample_rate
    first_hz, last_hz = generator.uniform(2500, 4200), generator.uniform(1200, 2400)
    glide_hz = first_hz + (last_hz - first_hz) * time_s / length_s
    phase = 2 * np.pi * np.cumsum(glide_hz * (1 + 0.01 * generator.standard_normal(len(time_s)))) / sample_rate
    swell = np.sin(np.pi * np.minimum(time_s / length_s, 1)) ** 0.5
    return peak_pa(generator.uniform(118, 128)) * swell * np.sin(phase)


def _pipe(generator: np.random.Generator, sample_rate: int) -> Pressure:
    """Impulse response of an exhaust: odd quarter-wave modes of hot gas, damped, the high ones by the silencer."""
    length_m, gas_mps = generator.uniform(0.6, 2.5), generator.uniform(420, 560)
    time_s = np.arange(round(0.12 * sample_rate)) / sample_rate
    damping_s = generator.uniform(0.006, 0.02)
    top_hz = generator.uniform(600, 2000)
    response = np.zeros(len(time_s))
    for mode in range(1, 40, 2):
        mode_hz = mode * gas_mps / (4 * length_m)
        if mode_hz < 0.45 * sample_rate:
            weight = 1 / (1 + (mode_hz / top_hz) ** 2)
            response += weight * np.sin(2 * np.pi * mode_hz * time_s) * np.exp(-time_s / damping_s)
    return response / np.abs(response).max()


def _engine(generator: np.random.Generator, sample_rate: int, length_s: float, ringing: Pressure) -> Pressure:
    """Firing pulses of a running engine through the same pipe."""
    count = round(length_s * sample_rate)
    firing_hz = generator.uniform(25, 110) * np.linspace(1, generator.uniform(0.7, 1.3), count)
    phase = np.cumsum(firing_hz) / sample_rate
    pulses = np.diff(np.floor(phase), prepend=0.0) * generator.uniform(0.6, 1.4, count)
    return fftconvolve(pulses, ringing)[:count] + 1e-3 * generator.standard_normal(count)
