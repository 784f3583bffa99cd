"""Times and positions as coarsely as they were written: rounding is an error as any other, and sets a floor of sigma.

A step of rounding is told from all detections together: those that happen to fall on a full second do not make times
whole seconds. Metres are taken as they stand, for sensors are surveyed in round ones.
"""

import math
from collections.abc import Sequence

import numpy as np

from tocsin.inference.detection import Detection

ROUNDED = 12.0**-0.5  # standard deviation of an error that is anything up to half a step, in steps
METRES_A_DEGREE = 111_320.0
CHANCE = 1e-3
_PARTS = 10**9  # of a degree that are told apart; a tenth of a millimetre


def time_step_s(detections: Sequence[Detection]) -> float:
    """The part of a second of which all onset times are multiples: 0.1 where they are written in tenths."""
    return _step([item.onset_time_utc.microsecond for item in detections], 10**6)


def position_step_m(detections: Sequence[Detection]) -> float:
    """That of latitudes and longitudes, root mean square of north and east; 0 in a local frame.

    Only their decimals tell it: sensors on a regular grid are multiples of its spacing, and yet not rounded to it.
    """
    degrees = np.array(
        [(item.latitude, item.longitude) for item in detections if not item.is_local], dtype=np.float64
    ).reshape(-1, 2)
    if not degrees.size:
        return 0.0
    # Both axes are written alike, and all sensors may stand on one parallel.
    step_m = METRES_A_DEGREE * min(
        _decimal(math.gcd(_PARTS, *axis.tolist())) / _PARTS for axis in np.rint(degrees.T * _PARTS).astype(np.int64)
    )
    return step_m * float(np.sqrt((1.0 + np.cos(np.radians(degrees[0, 0])) ** 2) / 2.0))


def with_rounding(detections: Sequence[Detection]) -> list[Detection]:
    """Detections whose sigmas are not less than what the rounding of times and positions of all of them makes."""
    least = {
        "onset_sigma_s": ROUNDED * time_step_s(detections),
        "position_sigma_m": ROUNDED * position_step_m(detections),
    }
    return [
        item.model_copy(update=raised)
        if (raised := {name: value for name, value in least.items() if getattr(item, name) < value})
        else item
        for item in detections
    ]


def _step(values: Sequence[int], whole: int) -> float:
    """The part of the whole of which all values are multiples: a tenth, a hundredth, a thousandth and so on.

    It is one of these several times, a quarter for one, where it is no chance that so many are multiples of that.
    """
    exact = math.gcd(whole, *values)
    decimal = _decimal(exact)
    return (exact if (decimal / exact) ** len(set(values)) < CHANCE else decimal) / whole


def _decimal(exact: int) -> int:
    """The greatest power of ten that divides a number."""
    return 10 ** max(power for power in range(len(str(exact))) if exact % 10**power == 0)
