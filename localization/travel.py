"""How long sound takes from a source to the sensors: speed from temperature, wind as a shift of each path."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tocsin.acoustics.atmosphere import Atmosphere, speed_of_sound_mps

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Air(Atmosphere):
    """The air between source and sensors, alike everywhere, and its wind.

    Attributes:
        temperature_c: degrees Celsius; each degree is 0.17 % of the speed. Humidity and pressure are not used.
        wind_speed_mps: metres a second.
        wind_from_deg: where the wind blows from, degrees clockwise from north (y).
        temperature_sigma_c: standard deviation of the temperature along the paths.
    """

    wind_speed_mps: float = 0.0
    wind_from_deg: float = 0.0
    temperature_sigma_c: float = 1.0

    @property
    def speed_mps(self) -> float:
        """Speed of sound in still air, metres a second."""
        return float(speed_of_sound_mps(self.temperature_c))

    @property
    def wind_vector_mps(self) -> Array:
        """Where the wind carries, metres a second east and north, shape ``(2,)``."""
        bearing = np.radians(self.wind_from_deg)
        return np.asarray(-self.wind_speed_mps * np.array([np.sin(bearing), np.cos(bearing)]))

    @property
    def speed_sigma_share(self) -> float:
        """Standard deviation of the speed of sound as a share of it, from that of the temperature."""
        return 0.5 * self.temperature_sigma_c / (self.temperature_c + 273.15)


def travel_times_s(sources_m: Array, sensors_m: Array, air: Air) -> Array:
    """Travel times in seconds, shape ``(…, n)``, of sound from sources ``(…, 2)`` to sensors ``(n, 2)``, metres.

    Wind carries the wave front: the time solves ``|path − wind · time| = speed · time``, a quadratic in the time. This
    is the shift of each sensor of Calhoun et al. 2021 (arXiv 2108.07377), solved in closed form. The wind must be
    slower than sound.
    """
    paths = sensors_m - sources_m[..., None, :]
    speed, wind = air.speed_mps, air.wind_vector_mps
    squared = (paths**2).sum(axis=-1)
    if not wind.any():
        return np.asarray(np.sqrt(squared) / speed)
    along = paths @ wind
    margin = speed**2 - wind @ wind
    return np.asarray((np.sqrt(along**2 + margin * squared) - along) / margin)
