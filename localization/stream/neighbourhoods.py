"""Detections in groups that no sound joins: each group can be located by itself."""

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from tocsin.localization.fitting.acceptance import REVERBERATION_S
from tocsin.localization.observation.travel import Air

Array = npt.NDArray[np.float64]

HEARING_M = 1500.0  # farther, fewer than one in a hundred sensors hear a shot


def neighbourhoods(places_m: Array, times_s: Array, air: Air) -> list[list[int]]:
    """Indices of detections at places ``(n, 2)`` and times ``(n,)``, in groups; in order of each group's first.

    Two that one sound, or its reverberation, may have made are in one group.
    """
    speed, farthest_m = air.speed_mps - air.wind_speed_mps, 2.0 * HEARING_M
    points = np.column_stack((places_m, times_s * speed))
    radius_m = float(np.hypot(farthest_m, farthest_m + speed * REVERBERATION_S))
    pairs = cKDTree(points).query_pairs(radius_m, output_type="ndarray")
    apart_m = np.hypot(*(places_m[pairs[:, 0]] - places_m[pairs[:, 1]]).T)
    apart_s = np.abs(times_s[pairs[:, 0]] - times_s[pairs[:, 1]])
    pairs = pairs[(apart_m <= farthest_m) & (apart_s <= apart_m / speed + REVERBERATION_S)]
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(times_s), len(times_s)))
    count, labels = connected_components(links, directed=False)
    groups: list[list[int]] = [[] for _ in range(count)]
    for index, label in enumerate(labels.tolist()):
        groups[label].append(index)
    return groups
