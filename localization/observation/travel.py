"""How long sound takes from a source to the sensors: speed from temperature, wind as a shift of each path."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tocsin import TocsinError
from tocsin.acoustics.atmosphere import Atmosphere, speed_of_sound_mps

Array = npt.NDArray[np.float64]

UNKNOWN_TEMPERATURE_SIGMA_C = 10.0
UNKNOWN_WIND_SIGMA_MPS = 3.0
# A temperature in kelvin or fahrenheit must not become a place.
LIMITS = {"temperature_c": (-60.0, 60.0), "wind_speed_mps": (0.0, 60.0)}


@dataclass(frozen=True)
class Air(Atmosphere):
    """The air between source and sensors, alike everywhere, and its wind.

    Attributes:
        temperature_c: degrees Celsius; each degree is 0.17 % of the speed. Humidity and pressure are not used.
        wind_speed_mps: metres a second.
        wind_from_deg: where the wind blows from, degrees clockwise from north (y).
        temperature_sigma_c: standard deviation of the temperature, the same error on all paths; a station a few
            kilometres away is good to about 1.5 °C (likeliest on positions 1, 2, 4, 6 of the live fire).
        wind_sigma_mps: standard deviation of the wind along each axis, the same error on all paths.

    What is left out here is taken for known; :func:`air_of` takes it for unknown, with the sigmas that go with that.
    """

    wind_speed_mps: float = 0.0
    wind_from_deg: float = 0.0
    temperature_sigma_c: float = 1.5
    wind_sigma_mps: float = 0.5

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


def air_of(known: Mapping[str, float]) -> Air:
    """Air of what is known of it, by the names of :class:`Air`; where the temperature or the wind is not, less sure.

    ``air_of({"temperature_c": 4.0})`` is what the commands make of ``--temperature-c 4``: 4 °C and a wind that nobody
    knows. Every other value is that of :class:`Air`.

    Raises:
        TocsinError: a value is no finite number, or outside what air on earth has.
    """
    for name, value in known.items():
        low, high = LIMITS.get(name, (-np.inf, np.inf))
        if not (np.isfinite(value) and low <= value <= high):
            wanted = f"{low:g} to {high:g}" if name in LIMITS else "a finite number"
            raise TocsinError(f"{name} is {value}: expected {wanted}")
    sigmas = {}
    if "temperature_c" not in known:
        sigmas["temperature_sigma_c"] = UNKNOWN_TEMPERATURE_SIGMA_C
    if "wind_speed_mps" not in known:
        sigmas["wind_sigma_mps"] = UNKNOWN_WIND_SIGMA_MPS
    return Air(**{**sigmas, **known})


def travel_times_s(sources_m: Array, sensors_m: Array, air: Air) -> Array:
    """Travel times in seconds, shape ``(…, n)``, of sound from sources ``(…, 2)`` to sensors ``(n, 2)``, metres.

    With a third coordinate, up, in both, the path is the slant one. Wind carries the wave front: the time solves
    ``|path − wind · time| = speed · time``, a quadratic in the time. This is the shift of each sensor of Calhoun et al.
    2021 (arXiv 2108.07377), solved in closed form. The wind must be slower than sound.
    """
    paths = sensors_m - sources_m[..., None, :]
    speed, wind = air.speed_mps, air.wind_vector_mps
    squared = (paths**2).sum(axis=-1)
    if not wind.any():
        return np.asarray(np.sqrt(squared) / speed)
    along = paths[..., :2] @ wind
    margin = speed**2 - wind @ wind
    return np.asarray((np.sqrt(along**2 + margin * squared) - along) / margin)


def weather_delays_s(source_m: Array, sensors_m: Array, air: Air) -> Array:
    """What one standard deviation of temperature, wind east and wind north adds to the travel times of a source.

    Seconds, shape ``(n, 3)``, from a source ``(2,)`` to sensors ``(n, 2)``, or with a third coordinate up; to first
    order, about still air.
    """
    paths = sensors_m - source_m
    warmer_s = -air.speed_sigma_share * np.linalg.norm(paths, axis=-1) / air.speed_mps
    return np.column_stack((warmer_s, -paths[:, :2] * air.wind_sigma_mps / air.speed_mps**2))
