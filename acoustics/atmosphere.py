"""The air: how fast sound goes in it, and how much of it the air takes away."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Atmosphere:
    """State of the air, uniform over a scene."""

    temperature_c: float = 15.0
    relative_humidity_percent: float = 60.0
    pressure_kpa: float = 101.325


def speed_of_sound_mps(temperature_c: float) -> float:
    """Speed of sound in m/s, ``20.03 √T`` with T in kelvin (Calhoun et al. 2021, arXiv 2108.07377)."""
    return float(20.03 * np.sqrt(temperature_c + 273.15))


def absorption_db_per_m(frequency_hz: ArrayLike, atmosphere: Atmosphere) -> NDArray[np.float64]:
    """Attenuation of tones by the air, dB/m, for each frequency (ISO 9613-1:1993, equations 3 to 5 and B.3)."""
    frequency = np.asarray(frequency_hz, float)
    kelvin = atmosphere.temperature_c + 273.15
    warmth = kelvin / 293.15
    pressure = atmosphere.pressure_kpa / 101.325
    saturation = 10 ** (-6.8346 * (273.16 / kelvin) ** 1.261 + 4.6151)
    water = atmosphere.relative_humidity_percent * saturation / pressure  # molar concentration of vapour, percent
    oxygen_hz = pressure * (24 + 4.04e4 * water * (0.02 + water) / (0.391 + water))
    nitrogen_hz = pressure * warmth**-0.5 * (9 + 280 * water * np.exp(-4.170 * (warmth ** (-1 / 3) - 1)))
    squared = frequency**2
    relaxation = 0.01275 * np.exp(-2239.1 / kelvin) / (oxygen_hz + squared / oxygen_hz)
    relaxation += 0.1068 * np.exp(-3352.0 / kelvin) / (nitrogen_hz + squared / nitrogen_hz)
    return 8.686 * squared * (1.84e-11 / pressure * np.sqrt(warmth) + warmth**-2.5 * relaxation)
