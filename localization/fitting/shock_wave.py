"""When the shock wave of a supersonic round is heard: its Mach cone sweeps over sensors ahead of the muzzle.

Assumed: the round flies level and straight, drag takes the same share of its speed on every metre (drag grows with the
square of the speed), and nothing stops it before ``FLIGHT_M``. Its Mach number is that at the muzzle.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tocsin.localization.observation.travel import Air, travel_times_s

Array = npt.NDArray[np.float64]

LEAST_MACH = 1.05
MOST_MACH = 3.2
DRAG_PER_M = 1.0e-3  # rifle rounds lose 0.8 to 1.2 per mille of their speed a metre
FLIGHT_M = 600.0
_NEWTON_STEPS = 8


@dataclass(frozen=True)
class Trajectory:
    """Where a supersonic round flew: degrees clockwise from north (y), and its Mach number at the muzzle.

    The sigmas are standard deviations; ``n_sensors`` picked its shock wave.
    """

    azimuth_deg: float
    azimuth_sigma_deg: float
    mach: float
    mach_sigma: float
    n_sensors: int

    def to_dict(self) -> dict[str, float]:
        """The fields of the contract, ready for JSON."""
        return {
            "azimuth_deg": round(self.azimuth_deg % 360.0, 1) % 360.0,
            "azimuth_sigma_deg": round(self.azimuth_sigma_deg, 1),
            "mach": round(self.mach, 2),
            "mach_sigma": round(self.mach_sigma, 2),
            "n_sensors": self.n_sensors,
        }


def shock_arrivals_s(
    position_m: Array,
    sensors_m: Array,
    azimuth_deg: Array | float,
    mach: Array | float,
    air: Air,
    drag_per_m: float = DRAG_PER_M,
    flight_m: float = FLIGHT_M,
) -> Array:
    """Seconds from discharge to the shock wave at each sensor, shape ``(…, n)``; NaN where it does not pass.

    What is heard left the trajectory at ``s``, where the ray to a sensor x ahead and y beside makes the Mach angle with
    it: ``(x − s) √(M(s)² − 1) = y``, ``M(s) = M exp(−k s)`` (Whitham 1952; Maher 2006 for k = 0, where the arrival is
    ``(x + y √(M² − 1)) / (M c)``). By Fermat's principle wind moves that point in second order only, so it is that of
    still air, and wind shifts the path from there.

    Args:
        position_m: the muzzle, ``(2,)``.
        sensors_m: ``(n, 2)``.
        azimuth_deg: of the flight, clockwise from north (y), any shape.
        mach: at the muzzle, a shape that broadcasts with it.
        air: the air.
        drag_per_m: k, the share of its speed that the round loses on a metre.
        flight_m: where it hits.
    """
    azimuth, mach = np.broadcast_arrays(
        np.radians(azimuth_deg)[..., None], np.asarray(mach, dtype=np.float64)[..., None]
    )
    direction = np.stack((np.sin(azimuth), np.cos(azimuth)), axis=-1)
    paths_m = sensors_m - position_m
    ahead_m = direction[..., 0] * paths_m[:, 0] + direction[..., 1] * paths_m[:, 1]
    aside_m = np.abs(direction[..., 1] * paths_m[:, 0] - direction[..., 0] * paths_m[:, 1])
    # Beyond the end, or where the round has become subsonic, no ray leaves.
    supersonic_m = np.log(np.maximum(mach, 1.0)) / drag_per_m if drag_per_m > 0.0 else np.full_like(mach, np.inf)
    end_m = np.minimum(flight_m, supersonic_m)
    # (x − s)² (M(s)² − 1) falls and is convex: Newton's steps from before the root stay before it. There lies where a
    # round as slow as it is beside the sensor would be heard from; without drag that is the answer.
    slowest = np.maximum(mach**2 * np.exp(-2.0 * drag_per_m * np.maximum(ahead_m, 0.0)) - 1.0, 1e-12)
    at_m = np.maximum(ahead_m - aside_m / np.sqrt(slowest), 0.0)
    for _ in range(_NEWTON_STEPS if drag_per_m > 0.0 else 0):
        left_m, square = ahead_m - at_m, mach**2 * np.exp(-2.0 * drag_per_m * at_m)
        slope = 2.0 * left_m * (square - 1.0 + drag_per_m * left_m * square)
        at_m = at_m + (left_m**2 * (square - 1.0) - aside_m**2) / np.maximum(slope, 1e-9)
        at_m = np.clip(at_m, 0.0, np.maximum(ahead_m, 0.0))
    passes = (mach > 1.0) & (ahead_m >= 0.0) & (ahead_m**2 * (mach**2 - 1.0) >= aside_m**2)
    passes &= at_m <= end_m
    flown_s = np.expm1(drag_per_m * at_m) / drag_per_m if drag_per_m > 0.0 else at_m
    rays_m = paths_m - at_m[..., None] * direction
    ray_s = travel_times_s(-rays_m, np.zeros((1, 2)), air)[..., 0]
    return np.where(passes, flown_s / (np.maximum(mach, 1.0) * air.speed_mps) + ray_s, np.nan)
