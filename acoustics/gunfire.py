"""Gunfire: muzzle blasts, the shock waves of supersonic projectiles, bursts.

- The **muzzle blast** is a Friedlander wave. Its size is that of Weber's (1939) sphere, in which the powder gases
  expand until they no longer outrun sound: pressure and duration at a distance both grow with the radius of the
  sphere, its energy with the cube. It is stronger ahead of the barrel than behind it (Maher 2006; Beck, Nakasone &
  Marr 2011).
- On its way a weak shock runs ahead of the zero crossing behind it, so a blast grows longer and weaker than spreading
  alone would make it, with the square root of the logarithm of the distance (Whitham 1952).
- A **supersonic projectile** drags a cone whose half angle is arcsin(1/M); where the cone passes, an N-wave is heard
  (Whitham 1952; Sadler et al. 1998), ahead of the blast.
"""

from dataclasses import dataclass

import numpy as np

from tocsin.acoustics.waves import BALANCED, Pressure, Source, friedlander, n_wave, place

SPEED_MPS = 340.0
AIR_PA = 101_325.0
HEAT_RATIO = 1.4
# Pressure at the surface of Weber's sphere: 8 cm make 160 dB peak at one metre, as a 9 mm pistol does (159 to 162 dB a
# metre beside the muzzle, Dater 2014).
SPHERE_PA = 25_000.0
# Duration in times of sound through its radius. A sphere of radius R whose surface moves as exp(-ct/R), so that it
# comes to rest within its own size, radiates (1 - ct/R) exp(-ct/R). Handguns at 218 to 663 m are strongest at 0.5 to
# 1 kHz; these are still an octave too low, and longer ones further off (`benchmarks/live_fire_spectrum.py`).
SPHERE_TRANSITS = 1.0
FARTHEST_FLIGHT_M = 600.0  # of a projectile that hits nothing before


@dataclass(frozen=True)
class Firearm:
    """A class of firearms: ranges of what differs within it.

    Attributes:
        weber_radius_m: least and greatest.
        speed_mps: of the projectile.
        calibre_m: its diameter; 0 where no single shock forms, as for the pellets of a shotgun.
        length_m: of the projectile.
        share: of the shots that are of this class.
    """

    weber_radius_m: tuple[float, float]
    speed_mps: tuple[float, float]
    calibre_m: tuple[float, float]
    length_m: tuple[float, float]
    share: float


FIREARMS = {
    "handgun": Firearm((0.055, 0.10), (250, 430), (0.0057, 0.0115), (0.010, 0.017), 0.6),
    # An AR-15 in .223 has 162 to 163 dB a metre beside the muzzle, an M4 164 (Dater 2014): 10 to 13 cm.
    "rifle": Firearm((0.10, 0.24), (680, 960), (0.0056, 0.0079), (0.019, 0.033), 0.28),
    "shotgun": Firearm((0.08, 0.14), (350, 430), (0.0, 0.0), (0.01, 0.01), 0.12),
}


def muzzle_blast(weber_radius_m: float, angle_rad: float, front_to_back_db: float) -> tuple[float, float]:
    """Peak in pascals and positive phase in seconds at one metre, at an angle off the barrel.

    The level falls by half the difference beside the barrel, by all of it behind, where what comes round the shooter is
    longer as well.
    """
    behind = (1 - np.cos(angle_rad)) / 2
    # The sphere's radius describes the side; ahead of it is as much stronger as behind it is weaker.
    peak = SPHERE_PA * weber_radius_m * 10 ** (front_to_back_db * (0.5 - behind) / 20)
    return float(peak), float(SPHERE_TRANSITS * weber_radius_m / SPEED_MPS * (1 + 0.5 * behind))


def stretch(peak_pa: float, positive_s: float, distance_m: float) -> float:
    """Factor by which a blast, given at one metre, is longer, and weaker than by spreading alone, at a distance.

    The front moves at ``1 + (γ+1)/(4γ) Δp/p`` times the speed of sound and the product of pressure, distance and
    duration stays, so ``τ² = τ₁² + (γ+1)/(2γ) P₁ τ₁ / (p c) ln r`` (weak-shock theory, Whitham 1952).
    """
    growth = (HEAT_RATIO + 1) / (2 * HEAT_RATIO) * peak_pa / (AIR_PA * SPEED_MPS * positive_s)
    return float(np.sqrt(1 + growth * np.log(max(distance_m, 1.0))))


def shock_wave(mach: float, miss_m: float, calibre_m: float, length_m: float) -> tuple[float, float]:
    """Peak in pascals and duration in seconds of a projectile's N-wave.

    ``P = 0.53 p (M²−1)^⅛ d / (b^¾ l^¼)`` and ``T = 1.82 M b^¼ d / (c (M²−1)^⅜ l^¼)`` (Whitham 1952, after Sadler et al.
    1998).

    Args:
        mach: speed of the projectile over that of sound, above 1.
        miss_m: b, its least distance from the microphone.
        calibre_m: d.
        length_m: l.
    """
    excess = mach**2 - 1
    peak = 0.53 * AIR_PA * excess**0.125 * calibre_m / (miss_m**0.75 * length_m**0.25)
    duration = 1.82 * mach * miss_m**0.25 * calibre_m / (SPEED_MPS * excess**0.375 * length_m**0.25)
    return float(peak), float(duration)


def shock_lead_s(distance_m: float, angle_rad: float, mach: float, flight_m: float = FARTHEST_FLIGHT_M) -> float | None:
    """How long before the blast the N-wave comes, or ``None`` outside the Mach cone's reach.

    What is heard left the trajectory where its ray, at ``arccos(1/M)`` to it, leads to the microphone: that place must
    lie between the muzzle and the end of the flight. It comes ``(x + y √(M²−1)) / (M c)`` after the discharge for a
    microphone x ahead and y beside (Maher 2006).
    """
    ahead_m, aside_m = distance_m * np.cos(angle_rad), distance_m * np.sin(angle_rad)
    if mach <= 1:
        return None
    slope = np.sqrt(mach**2 - 1)
    if not 0 <= ahead_m - aside_m / slope <= flight_m:
        return None
    return float((distance_m - (ahead_m + aside_m * slope) / mach) / SPEED_MPS)


def gunshot(
    generator: np.random.Generator, sample_rate: int, rounds: int = 1, distance_m: float | None = None
) -> Source:
    """Rounds of one firearm, fired singly (0.12 to 0.5 s apart) or, some bursts, at 600 to 1100 rounds a minute.

    Args:
        generator: of all that is random.
        sample_rate: Hz.
        rounds: fired.
        distance_m: of the microphone. With it the blast is as long as it has become there, and shock waves of
            supersonic projectiles come ahead, as heard there (times the distance, since a source is at one metre).
            Without it the blasts are as at 200 m and no projectile is heard.
    """
    names = list(FIREARMS)
    firearm = FIREARMS[names[int(generator.choice(len(names), p=[FIREARMS[name].share for name in names]))]]
    angle_rad = float(generator.uniform(0, np.pi))
    peak, positive_s = muzzle_blast(generator.uniform(*firearm.weber_radius_m), angle_rad, generator.uniform(10, 20))
    longer = stretch(peak, positive_s, distance_m or 200.0)
    peak, positive_s = peak / longer, positive_s * longer
    blast = friedlander(peak, positive_s, BALANCED, sample_rate)
    parts: list[tuple[float, Pressure]] = []
    at_s = _rounds_s(generator, rounds)
    lead_s, crack = _crack(generator, firearm, angle_rad, distance_m, sample_rate)
    for when in at_s:
        gain = 10 ** (generator.normal(0, 0.7) / 20)
        parts.append((when + lead_s, blast * gain))
        if len(crack):
            parts.append((when, crack * gain))
    return Source(place(parts, sample_rate), sample_rate)


def _rounds_s(generator: np.random.Generator, rounds: int) -> Pressure:
    """Seconds of each round after the first."""
    automatic = rounds >= 3 and generator.random() < 0.4
    cadence_s = 60 / generator.uniform(600, 1100) if automatic else generator.uniform(0.12, 0.5)
    unsteady = 0.01 if automatic else 0.03 if generator.random() < 0.5 else 0.2
    gaps = cadence_s * np.exp(generator.normal(0, unsteady, rounds - 1))
    return np.concatenate([[0.0], np.cumsum(gaps)])


def _crack(
    generator: np.random.Generator, firearm: Firearm, angle_rad: float, distance_m: float | None, sample_rate: int
) -> tuple[float, Pressure]:
    """The shock wave at the microphone and its lead, or nothing."""
    mach = generator.uniform(*firearm.speed_mps) / SPEED_MPS
    calibre_m, length_m = generator.uniform(*firearm.calibre_m), generator.uniform(*firearm.length_m)
    flight_m = generator.uniform(10, FARTHEST_FLIGHT_M)
    lead_s = None if distance_m is None else shock_lead_s(distance_m, angle_rad, mach, flight_m)
    if distance_m is None or lead_s is None or calibre_m == 0:
        return 0.0, np.zeros(0)
    peak, duration_s = shock_wave(mach, max(distance_m * np.sin(angle_rad), 1.0), calibre_m, length_m)
    return lead_s, n_wave(peak * distance_m, duration_s, sample_rate)
