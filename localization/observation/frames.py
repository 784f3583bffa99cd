"""Frames: WGS 84 latitude and longitude to and from local metres (east, north, up).

By way of the Earth-centred frame, in closed form: exact on the ellipsoid to better than a millimetre, so what is left
is what a plane leaves: over 10 km horizontal distances are short by about a centimetre, and a point at sea level lies
8 m below the plane.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

_SEMI_MAJOR_M = 6378137.0
_FLATTENING = 1.0 / 298.257223563
_ECCENTRICITY_SQUARED = _FLATTENING * (2.0 - _FLATTENING)

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LocalFrame:
    """A plane that touches the ellipsoid of WGS 84: x east, y north, z up, metres.

    Args:
        latitude: of the origin, degrees.
        longitude: of the origin, degrees.
        elevation_m: of the origin above the ellipsoid (or any level that all elevations share), metres.
    """

    latitude: float
    longitude: float
    elevation_m: float = 0.0

    def to_local(self, latitude: npt.ArrayLike, longitude: npt.ArrayLike, elevation_m: npt.ArrayLike = 0.0) -> Array:
        """Degrees, degrees and metres, of shapes that broadcast, to ``(…, 3)`` metres east, north, up."""
        offset = _to_earth_centred(latitude, longitude, elevation_m) - self._origin()
        return np.asarray(offset @ self._axes().T)

    def to_geographic(self, local_m: npt.ArrayLike) -> Array:
        """Metres east, north, up of shape ``(…, 3)`` to latitude, longitude (degrees) and elevation (metres)."""
        return _from_earth_centred(np.asarray(local_m, dtype=np.float64) @ self._axes() + self._origin())

    def _origin(self) -> Array:
        return _to_earth_centred(self.latitude, self.longitude, self.elevation_m)

    def _axes(self) -> Array:
        """Rows: the unit vectors east, north and up in the Earth-centred frame."""
        latitude, longitude = np.radians(self.latitude), np.radians(self.longitude)
        sin_lat, cos_lat, sin_lon, cos_lon = np.sin(latitude), np.cos(latitude), np.sin(longitude), np.cos(longitude)
        return np.array(
            [
                [-sin_lon, cos_lon, 0.0],
                [-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat],
                [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat],
            ]
        )


class Positioned(Protocol):
    """What has a position in one of two frames: metres ``x_m, y_m``, or degrees ``latitude, longitude``."""

    @property
    def x_m(self) -> float | None:
        """See above."""

    @property
    def y_m(self) -> float | None:
        """See above."""

    @property
    def latitude(self) -> float | None:
        """See above."""

    @property
    def longitude(self) -> float | None:
        """See above."""


def metres_of(item: Positioned, frame: LocalFrame | None) -> Array:
    """Position in the plane of a frame, or as it stands where positions are in metres (no frame), ``(2,)``."""
    if frame is None:
        return np.array([item.x_m or 0.0, item.y_m or 0.0])
    return np.asarray(frame.to_local(item.latitude or 0.0, item.longitude or 0.0)[:2])


def _to_earth_centred(latitude: npt.ArrayLike, longitude: npt.ArrayLike, elevation_m: npt.ArrayLike) -> Array:
    phi, lam = np.radians(np.asarray(latitude, float)), np.radians(np.asarray(longitude, float))
    height = np.asarray(elevation_m, dtype=np.float64)
    normal = _SEMI_MAJOR_M / np.sqrt(1.0 - _ECCENTRICITY_SQUARED * np.sin(phi) ** 2)
    across = (normal + height) * np.cos(phi)
    up = (normal * (1.0 - _ECCENTRICITY_SQUARED) + height) * np.sin(phi)
    return np.stack(np.broadcast_arrays(across * np.cos(lam), across * np.sin(lam), up), axis=-1)


def _from_earth_centred(point: Array) -> Array:
    """Bowring's formula (Survey Review 1976), repeated once: below a micrometre at any height a sensor can have."""
    x, y, z = point[..., 0], point[..., 1], point[..., 2]
    across = np.hypot(x, y)
    semi_minor = _SEMI_MAJOR_M * (1.0 - _FLATTENING)
    second = _ECCENTRICITY_SQUARED / (1.0 - _ECCENTRICITY_SQUARED)
    beta = np.arctan2(z * _SEMI_MAJOR_M, across * semi_minor)
    for _ in range(2):
        latitude = np.arctan2(
            z + second * semi_minor * np.sin(beta) ** 3,
            across - _ECCENTRICITY_SQUARED * _SEMI_MAJOR_M * np.cos(beta) ** 3,
        )
        beta = np.arctan2((1.0 - _FLATTENING) * np.sin(latitude), np.cos(latitude))
    normal = _SEMI_MAJOR_M / np.sqrt(1.0 - _ECCENTRICITY_SQUARED * np.sin(latitude) ** 2)
    # This form of the height holds at the poles too, where across / cos(latitude) does not.
    height = across * np.cos(latitude) + z * np.sin(latitude) - _SEMI_MAJOR_M**2 / normal
    return np.stack((np.degrees(latitude), np.degrees(np.arctan2(y, x)), height), axis=-1)
