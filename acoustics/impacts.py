"""Bangs of daily life: hammers, nail guns, doors, things dropped, claps.

A blow is a force of a fraction of a millisecond, a half sine as long as the contact (Hertz 1882), on a body that rings
at its modes: few, low and dead for a door, many and high for steel. What strikes once strikes again: evenly a hammer,
ever faster a ball, in pairs a nail gun.
"""

import numpy as np
from scipy.signal import butter, oaconvolve, sosfilt

from tocsin.acoustics.waves import Pressure, Source, peak_pa, place, ringing

KINDS = {"hammer": 0.3, "nail_gun": 0.2, "door": 0.2, "drop": 0.15, "clap": 0.15}


def impulse(generator: np.random.Generator, sample_rate: int) -> Source:
    """Hammering, a nail gun, a door slammed, something dropped, or clapping hands."""
    kind = generator.choice(list(KINDS), p=list(KINDS.values()))
    draw = {"hammer": _hammer, "nail_gun": _nail_gun, "door": _door, "drop": _drop, "clap": _clap}[kind]
    return Source(place(draw(generator, sample_rate), sample_rate), sample_rate)


def blow(contact_s: float, response: Pressure, sample_rate: int) -> Pressure:
    """A body struck: half a sine of force, as long as the contact lasts, through its impulse response, of peak 1."""
    force = np.sin(np.pi * (np.arange(max(round(contact_s * sample_rate), 1)) + 0.5) / max(contact_s * sample_rate, 1))
    sound = oaconvolve(force, response)
    return sound / np.abs(sound).max()


def _body(
    generator: np.random.Generator,
    sample_rate: int,
    lowest_hz: float,
    highest_hz: float,
    modes: int,
    ring_s: float,
) -> Pressure:
    """Modes spread evenly over the octaves; the higher, the sooner dead, and heard the better, as radiation is."""
    modes_hz = np.exp(generator.uniform(np.log(lowest_hz), np.log(highest_hz), modes))
    decay_s = ring_s * (lowest_hz / modes_hz) ** generator.uniform(0.2, 0.8) * generator.uniform(0.5, 1.5, modes)
    weights = generator.uniform(0.2, 1, modes) * (modes_hz / lowest_hz) ** generator.uniform(0, 1)
    return ringing(modes_hz, weights, decay_s, min(6 * ring_s, 0.6), sample_rate)


def _repeat(
    generator: np.random.Generator, sound: Pressure, at_s: Pressure, level_db: float, spread_db: float
) -> list[tuple[float, Pressure]]:
    return [(when, sound * peak_pa(level_db + generator.normal(0, spread_db))) for when in at_s]


def _hammer(generator: np.random.Generator, sample_rate: int) -> list[tuple[float, Pressure]]:
    """Wood, masonry or steel, one to ten times, 1.2 to 4 a second."""
    steel = generator.random() < 0.4
    lowest_hz = generator.uniform(500, 1500) if steel else generator.uniform(120, 500)
    ring_s = generator.uniform(0.02, 0.15) if steel else generator.uniform(0.008, 0.03)
    body = _body(generator, sample_rate, lowest_hz, 5500, int(generator.integers(8, 30)), ring_s)
    sound = blow(generator.uniform(0.0001, 0.0015), body, sample_rate)
    gaps_s = np.exp(generator.normal(0, 0.08, int(generator.integers(0, 10)))) / generator.uniform(1.2, 4)
    return _repeat(generator, sound, np.concatenate([[0], np.cumsum(gaps_s)]), generator.uniform(110, 125), 2)


def _nail_gun(generator: np.random.Generator, sample_rate: int) -> list[tuple[float, Pressure]]:
    """The blow of the driver, the rush of the exhaust, and 40 to 110 ms later the piston's return, weaker."""
    body = _body(generator, sample_rate, generator.uniform(150, 500), 5500, int(generator.integers(10, 30)), 0.012)
    sound = blow(generator.uniform(0.0001, 0.0006), body, sample_rate)
    time_s = np.arange(round(0.12 * sample_rate)) / sample_rate
    rush = sosfilt(
        butter(1, generator.uniform(500, 1500), "highpass", fs=sample_rate, output="sos"),
        generator.standard_normal(len(time_s)),
    )
    rush *= (
        generator.uniform(0.03, 0.2) * np.minimum(time_s / 0.004, 1) * np.exp(-time_s / generator.uniform(0.01, 0.04))
    )
    back_s, weaker = generator.uniform(0.04, 0.11), generator.uniform(0.1, 0.5)
    shot = place([(0.0, sound), (0.002, rush), (back_s, weaker * sound)], sample_rate)
    gaps_s = generator.gamma(4.0, generator.uniform(0.1, 0.4), int(generator.integers(0, 6)))
    return _repeat(generator, shot, np.concatenate([[0], np.cumsum(gaps_s)]), generator.uniform(115, 130), 1)


def _door(generator: np.random.Generator, sample_rate: int) -> list[tuple[float, Pressure]]:
    """A leaf on its frame, the latch about it, sometimes a rattle."""
    leaf = _body(generator, sample_rate, generator.uniform(45, 120), 900, int(generator.integers(8, 25)), 0.06)
    latch = _body(generator, sample_rate, generator.uniform(900, 2000), 5500, 12, generator.uniform(0.004, 0.015))
    level_db = generator.uniform(105, 120)
    parts = [(0.08, blow(generator.uniform(0.002, 0.008), leaf, sample_rate) * peak_pa(level_db))]
    click = blow(0.0003, latch, sample_rate) * peak_pa(level_db - generator.uniform(6, 20))
    parts.append((0.08 + generator.uniform(-0.06, 0.06), click))
    for when in 0.08 + np.cumsum(generator.uniform(0.02, 0.08, int(generator.integers(0, 4)))):
        parts.append((when, (click if generator.random() < 0.5 else parts[0][1]) * generator.uniform(0.1, 0.5)))
    return parts


def _drop(generator: np.random.Generator, sample_rate: int) -> list[tuple[float, Pressure]]:
    """A thing that bounces: each flight shorter and each blow weaker by the coefficient of restitution."""
    body = _body(generator, sample_rate, generator.uniform(60, 600), 5000, int(generator.integers(6, 25)), 0.025)
    sound = blow(generator.uniform(0.0003, 0.004), body, sample_rate)
    restitution = generator.uniform(0.25, 0.8)
    flights_s = generator.uniform(0.1, 0.6) * restitution ** np.arange(int(generator.integers(0, 10)))
    strength = restitution ** np.arange(len(flights_s) + 1) * peak_pa(generator.uniform(105, 120))
    return [(when, sound * level) for when, level in zip(np.r_[0, np.cumsum(flights_s)], strength, strict=True)]


def _clap(generator: np.random.Generator, sample_rate: int) -> list[tuple[float, Pressure]]:
    """Hands: the air between them rings dully at 0.4 to 2.5 kHz for a few milliseconds; one pair or several."""
    at_s: list[float] = []
    for _ in range(int(generator.choice([1, 1, 1, 4, 12]))):
        rate_hz, first_s = generator.uniform(1.5, 5), generator.uniform(0, 0.5)
        at_s += list(first_s + np.arange(int(generator.integers(1, 10))) / rate_hz + generator.normal(0, 0.01))
    parts = []
    level_db = generator.uniform(98, 112)
    for middle_hz in np.exp(generator.uniform(np.log(400), np.log(2500), 3)):
        body = ringing(middle_hz * np.array([0.6, 1, 1.9, 3.1]), [0.5, 1, 0.5, 0.3], 0.0025, 0.02, sample_rate)
        body *= 1 + 0.5 * generator.standard_normal(len(body))
        hands = blow(generator.uniform(0.0002, 0.0008), body, sample_rate)
        parts += _repeat(generator, hands, np.array(at_s)[generator.random(len(at_s)) < 0.34], level_db, 3)
    return parts or _repeat(generator, hands, np.array(at_s[:1]), level_db, 3)
