"""Where and when sounds may have been made: arrivals thrown back over a grid of places, tile by tile.

A tile of the grid asks only the sensors that can hear it, and is left out while fewer than three of them heard
anything. So the work is that of the sensors about a place, whatever the size of the town.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import maximum_filter1d
from scipy.spatial import cKDTree

from tocsin.localization.observation.arrivals import CLUTTER_PER_S, Array, Arrivals, Indices
from tocsin.localization.observation.nearby import PATH_SIGMA_S, hearing_at_distance, likelihood
from tocsin.localization.observation.travel import Air, travel_times_s

SHOT_COST = 4.5  # evidence below which a sum of arrivals at one place and time is no shot
SEPARATION_S = 0.12  # the shots of a burst are told apart from here on
MARGIN_M = 400.0  # how far outside the sensors sources are sought
ABOUT_M = 250.0  # a sound that was found can have hidden another this near
LEAST_OF_BURST = 0.15  # of the highest peak
BURST_S = 5.0  # rounds with longer pauses than this are sought apart
DENSE_REACH_M = 1000.0  # among many sensors the near ones do
SEARCH_REACH_M = 1500.0  # sensors farther off add too little to be searched with

_FEW_SENSORS = 8
_FINE_CELL_M, _COARSE_CELL_M = 25.0, 40.0
_TILE_CELLS = 8  # along each side of a tile
_BLOCK_TILES = 5  # along each side of a block, which gives a number of starts at most
_STARTS = 16
_RINGS, _RING_M = 12, 100.0  # distances at which the hearing of a sensor is tabulated
_MOST_SHOTS = 12  # of one place
_MOST_OF_TILE = 40  # cells and bursts of a tile that are looked at, the best
_SECONDS_OF_STARTS = 10.0
_KERNEL_S = 0.15
_CHUNK_BINS = 1024  # of time, searched at once


@dataclass(frozen=True)
class Start:
    """A place ``(2,)`` and the times of its shots, for a climb to begin at; ``score`` is that of the grid."""

    position_m: Array
    times_s: Array
    score: float


@dataclass(frozen=True)
class _Table:
    """Evidence over silence of each sensor at each ring, ``(m, rings, bins)``, from ``begin_s`` on."""

    values: npt.NDArray[np.float32]
    begin_s: float
    step_s: float


def back_project(arrivals: Arrivals, air: Air, about_m: Array | None = None) -> list[Start]:
    """The peaks of the grid, at most 16 in a square of a kilometre or two and in ten seconds.

    Args:
        arrivals: those that are left.
        air: the air.
        about_m: search only the tiles near these places, ``(n, 2)``.
    """
    cell_m = _FINE_CELL_M if len(arrivals.sensor_ids) <= _FEW_SENSORS else _COARSE_CELL_M
    reach_m = SEARCH_REACH_M if cell_m == _FINE_CELL_M else DENSE_REACH_M
    side_m = cell_m * _TILE_CELLS
    corners = _tiles(arrivals.sensors_m, side_m)
    low_m = corners.min(axis=0)
    if about_m is not None:
        away, _ = cKDTree(about_m).query(corners + side_m / 2, distance_upper_bound=ABOUT_M + side_m / 2)
        corners = corners[np.isfinite(away)]
    hearers = arrivals.index.tree.query_ball_point(corners + side_m / 2, reach_m + side_m / 2, return_sorted=True)
    tiles = [(corner, np.array(near)) for corner, near in zip(corners, hearers, strict=True) if len(near) >= 3]
    if not tiles:
        return []
    grid = cell_m * (np.stack(np.meshgrid(*[np.arange(_TILE_CELLS)] * 2), axis=-1).reshape(-1, 2) + 0.5)
    across_m = float(np.hypot(*np.ptp(arrivals.sensors_m, axis=0))) + 2.0 * (MARGIN_M + side_m)
    slowest_mps = air.speed_mps - float(np.hypot(*air.wind_vector_mps))
    farthest_s = min(across_m, reach_m + 1.3 * side_m) / slowest_mps
    sigma_s = float(np.hypot(PATH_SIGMA_S, cell_m / np.sqrt(12.0) / air.speed_mps))
    step_s = sigma_s / 2.5
    begin_s, end_s = float(arrivals.time_s[0]) - farthest_s, float(arrivals.time_s[-1])
    found: dict[tuple[int, ...], list[Start]] = {}
    while begin_s < end_s:
        count = min(_CHUNK_BINS, int((end_s - begin_s) / step_s) + 1)
        table = _evidence_table(arrivals, sigma_s, step_s, begin_s, count + int(farthest_s / step_s) + 2)
        for corner, near in tiles:
            block = tuple(((corner - low_m) / (side_m * _BLOCK_TILES)).astype(int).tolist())
            found.setdefault(block, []).extend(_search(arrivals, air, corner + grid, near, table, count))
        begin_s += count * step_s
    return [start for starts in found.values() for start in _apart(starts, 2.2 * cell_m)]


def _tiles(sensors_m: Array, side_m: float) -> Array:
    low, high = sensors_m.min(axis=0) - MARGIN_M, sensors_m.max(axis=0) + MARGIN_M
    counts = np.ceil((high - low) / side_m).astype(int)
    steps = np.stack(np.meshgrid(*(np.arange(count) for count in counts)), axis=-1).reshape(-1, 2)
    return np.asarray(low + side_m * steps)


def _evidence_table(arrivals: Arrivals, sigma_s: float, step_s: float, begin_s: float, bins: int) -> _Table:
    first, last = np.searchsorted(arrivals.time_s, [begin_s - _KERNEL_S, begin_s + bins * step_s + _KERNEL_S])
    sensor = arrivals.sensor[first:last]
    sigma = np.hypot(sigma_s, arrivals.sigma_s[first:last])
    odds = arrivals.odds[first:last] / (sigma * CLUTTER_PER_S)
    centre = (arrivals.time_s[first:last] - begin_s) / step_s
    half = int(_KERNEL_S / step_s)
    at = np.rint(centre).astype(np.intp)[:, None] + np.arange(-half, half + 1)
    value = likelihood(np.abs(at - centre[:, None]) * (step_s / sigma[:, None])) * odds[:, None]
    inside = (at >= 0) & (at < bins)
    sensors = len(arrivals.sensor_ids)
    ratio = np.bincount((sensor[:, None] * bins + at)[inside], value[inside], sensors * bins).astype(np.float32)
    hearing = hearing_at_distance((np.arange(_RINGS, dtype=np.float64) + 0.5) * _RING_M)
    gain = (hearing / (1.0 - hearing)).astype(np.float32)
    return _Table(np.log1p(gain[:, None] * ratio.reshape(sensors, 1, bins)), begin_s, step_s)


def _search(arrivals: Arrivals, air: Air, cells: Array, near: Indices, table: _Table, count: int) -> list[Start]:
    """Every cell of a tile with its score and the discharge times of its shots: delay and sum."""
    sensors_m = arrivals.sensors_m[near]
    travel_s = travel_times_s(cells, sensors_m, air)
    first_s = table.begin_s + travel_s.min(axis=0) - _KERNEL_S
    last_s = table.begin_s + count * table.step_s + travel_s.max(axis=0) + _KERNEL_S
    key, key_of = arrivals.index.key, arrivals.index.key_of
    active = np.searchsorted(key, key_of(near, last_s)) > np.searchsorted(key, key_of(near, first_s))
    if active.sum() < 3:
        return []
    delays = np.rint(travel_s / table.step_s).astype(np.intp)
    rings = (np.hypot(*(cells[:, None] - sensors_m).transpose(2, 0, 1)) / _RING_M).astype(np.intp)
    rings = np.minimum(rings, _RINGS - 1)
    summed = np.empty((len(cells), count), dtype=np.float32)
    summed[:] = np.log1p(-hearing_at_distance((rings + 0.5) * _RING_M)).sum(axis=1)[:, None]
    windows = sliding_window_view(table.values, count, axis=2)
    for column in np.flatnonzero(active).tolist():
        summed += windows[near[column], rings[:, column], delays[:, column]]
    cost = np.float32(SHOT_COST - 2.0)  # the cell is not quite the place: leave some for the climb
    high = np.flatnonzero(summed.max(axis=1) > cost)
    if not high.size:
        return []
    summed = summed[high]
    peaks = (summed > cost) & (summed == maximum_filter1d(summed, int(SEPARATION_S / table.step_s) | 1, axis=1))
    row, at = np.nonzero(peaks)
    heights = summed[row, at] - cost
    at_s = table.begin_s + table.step_s * at
    burst = np.cumsum((np.diff(row, prepend=-1) != 0) | (np.diff(at_s, prepend=-np.inf) > BURST_S)) - 1
    first = np.flatnonzero(np.diff(burst, prepend=-1))
    # Lesser peaks beside a high one are mostly chance; a round among them is found when the first is taken.
    kept = heights >= LEAST_OF_BURST * np.maximum.reduceat(heights, first)[burst]
    scores = np.bincount(burst, heights * kept)
    result: list[Start] = []
    bounds = np.append(first, at.size)
    for best in np.argsort(-scores, kind="stable")[:_MOST_OF_TILE].tolist():
        own = np.arange(bounds[best], bounds[best + 1])
        own = own[kept[own]]
        own = np.sort(own[np.argsort(-heights[own], kind="stable")[:_MOST_SHOTS]])
        result.append(Start(cells[high[row[own[0]]]], at_s[own], float(scores[best])))
    return result


def _apart(found: list[Start], least_m: float) -> list[Start]:
    """The best ones, none near a better one of the same seconds."""
    if not found:
        return []
    scores = np.array([start.score for start in found])
    places = np.array([start.position_m for start in found])
    first_s, last_s = np.array([(start.times_s[0], start.times_s[-1]) for start in found]).T
    most = int(np.ceil((last_s.max() - first_s.min()) / _SECONDS_OF_STARTS + 0.01)) * _STARTS
    kept: list[Start] = []
    while len(kept) < most and scores.max() > 0.0:
        best = int(scores.argmax())
        kept.append(found[best])
        together = (first_s < last_s[best] + BURST_S) & (last_s > first_s[best] - BURST_S)
        scores[together & (np.hypot(*(places - places[best]).T) <= least_m)] = 0.0
    return kept
