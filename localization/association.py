"""Which arrivals belong to one sound: a consensus over all source positions.

Every sensor's arrivals make a function of time, the evidence that direct sound came then. A source position delays
these functions by its travel times; where their sum has a peak, a sound was made there and then. So the search is a
delay and sum over a grid, whatever the number of arrivals; echoes, misses and other sounds only fail to add up. The
shots of a burst share a position, and their peaks are added for it.

Calhoun et al. 2021 (arXiv 2108.07377) seek the largest set of pulses that agree within 40 ms; this is the same idea
with weights. The evidence is a ratio of likelihoods: an arrival of given odds against the clutter of all others, and
silence of a sensor against its hearing the shot, which is the less expected the farther it is.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import maximum_filter1d

from tocsin.localization.arrivals import Arrivals, Indices
from tocsin.localization.travel import Air, travel_times_s

Array = npt.NDArray[np.float64]

PATH_SIGMA_S = 0.010  # what a town does to the travel time of direct sound (live fire: 9-15 ms)
TOLERANCE_S = 0.05
HEARD = 0.95  # probability that a near sensor picks a shot
HEARING_RANGE_M = 700.0  # where this has fallen to 1/e
CLUTTER_PER_S = 2.5  # arrivals a second that are not direct, while there are any; divided by their prior odds
SHOT_COST = 4.5  # evidence below which a sum of arrivals at one place and time is no shot
SEPARATION_S = 0.12  # the shots of a burst are told apart from here on
REACH_M = 3000.0  # beyond, a sensor says nothing of where sources are sought
MARGIN_M = 400.0  # how far outside the sensors sources are sought

_FEW_SENSORS = 8
_FINE_CELL_M, _COARSE_CELL_M = 25.0, 40.0
_STARTS = 16
_RINGS, _RING_M = 10, 100.0  # distances at which the hearing of a sensor is tabulated
_BLOCK_ELEMENTS = 4_000_000
_ROUNDS = ((8.0, 3, 0.014), (4.0, 2, PATH_SIGMA_S))  # of refinement: step (m), steps to each side, kernel (s)


@dataclass(frozen=True)
class Candidate:
    """A place, the shots that the arrivals make there, and how well they agree.

    Attributes:
        position_m: in the working frame, ``(2,)``.
        times_s: discharge of each shot after the reference, in order.
        score: natural logarithm of the likelihood ratio of all shots to clutter, less ``SHOT_COST`` each.
    """

    position_m: Array
    times_s: Array
    score: float


def associate(arrivals: Arrivals, air: Air) -> list[Candidate]:
    """Return the places that explain arrivals as shots, the best first; places of one peak appear once.

    Each candidate stands alone: it takes whatever arrivals it needs. The caller accepts one and asks again.
    """
    few = len(arrivals.sensor_ids) <= _FEW_SENSORS
    cell_m = _FINE_CELL_M if few else _COARSE_CELL_M
    cells = _grid(arrivals.sensors_m, cell_m)
    if not cells.size:
        return []
    scores, times = _back_projection(arrivals, air, cells, cell_m)
    starts: list[int] = []
    for cell in np.argsort(-scores, kind="stable"):
        if scores[cell] <= 0.0 or len(starts) == _STARTS:
            break
        if all(np.hypot(*(cells[cell] - cells[other])) > 2.2 * cell_m for other in starts):
            starts.append(int(cell))
    candidates = [refine(arrivals, air, cells[start], times[start]) for start in starts]
    return sorted((item for item in candidates if item.times_s.size), key=lambda item: -item.score)


def shot_scores(
    arrivals: Arrivals, air: Air, position_m: Array, times_s: Array, sigma_s: float = PATH_SIGMA_S
) -> Array:
    """Evidence, ``(shots,)``, for a shot at one place and each of some times: the logarithm of a likelihood ratio."""
    travel_s = travel_times_s(position_m, arrivals.sensors_m, air)
    hearing = hearing_at(arrivals, position_m)
    return np.sum(
        [
            evidence(arrivals, sensor, times_s + travel_s[sensor], float(hearing[sensor]), sigma_s)
            for sensor in range(len(arrivals.sensor_ids))
        ],
        axis=0,
    )


def assign(arrivals: Arrivals, air: Air, position_m: Array, time_s: float) -> Indices:
    """The arrival of each sensor, one at most, that fits a shot best: by its odds and its residual."""
    travel_s = travel_times_s(position_m, arrivals.sensors_m, air)
    residual = (arrivals.time_s - time_s - travel_s[arrivals.sensor]) / PATH_SIGMA_S
    fit = np.log(arrivals.odds) - np.minimum(0.5 * residual**2, 2.0 * np.abs(residual))
    near = np.abs(residual) < TOLERANCE_S / PATH_SIGMA_S
    chosen = []
    for sensor in range(len(arrivals.sensor_ids)):
        own = np.flatnonzero(near & (arrivals.sensor == sensor))
        if own.size:
            chosen.append(own[fit[own].argmax()])
    return np.array(chosen, dtype=np.intp)


def refine(arrivals: Arrivals, air: Air, position_m: Array, times_s: Array) -> Candidate:
    """Climb from a cell of the grid to the place where its shots agree best, on two finer grids."""
    for step_m, steps, sigma_s in _ROUNDS:
        offsets = step_m * np.arange(-steps, steps + 1)
        places = position_m + np.stack(np.meshgrid(offsets, offsets), axis=-1).reshape(-1, 2)
        travel_s = travel_times_s(places, arrivals.sensors_m, air)
        hearing = hearing_at(arrivals, position_m)
        lags_s = np.arange(-0.07, 0.0701, sigma_s / 3)
        total = np.zeros(len(places))
        best_s = np.empty((len(places), len(times_s)))
        for shot, time_s in enumerate(times_s):
            summed = np.zeros((len(places), lags_s.size))
            for sensor in range(len(arrivals.sensor_ids)):
                asked = time_s + lags_s + travel_s[:, sensor, None]
                table_s = np.arange(asked.min(), asked.max() + 0.004, 0.003)
                table = evidence(arrivals, sensor, table_s, float(hearing[sensor]), sigma_s)
                summed += np.interp(asked.ravel(), table_s, table).reshape(asked.shape)
            total += np.maximum(summed.max(axis=1) - SHOT_COST, 0.0)
            best_s[:, shot] = time_s + lags_s[summed.argmax(axis=1)]
        best = int(total.argmax())
        position_m, times_s = places[best], best_s[best]
    return candidate_at(arrivals, air, position_m, times_s)


def candidate_at(arrivals: Arrivals, air: Air, position_m: Array, times_s: Array) -> Candidate:
    """Score a place exactly; times that make no shot there, or the same one twice, are dropped."""
    scores = shot_scores(arrivals, air, position_m, times_s) - SHOT_COST
    kept: list[int] = []
    for shot in np.argsort(-scores, kind="stable"):
        if scores[shot] > 0.0 and all(abs(times_s[shot] - times_s[other]) > SEPARATION_S / 2 for other in kept):
            kept.append(int(shot))
    kept.sort(key=lambda shot: times_s[shot])
    return Candidate(position_m, times_s[kept], float(scores[kept].sum()))


def hearing_at(arrivals: Arrivals, position_m: Array) -> Array:
    """Probability, ``(m,)``, that each sensor picks the direct sound of a shot fired at a place."""
    return _hearing(_distances_m(arrivals, position_m))


def evidence(arrivals: Arrivals, sensor: int, at_s: Array, hearing: float, sigma_s: float) -> Array:
    """Evidence of one sensor for a shot whose direct sound would come at given times; negative where it is silent.

    Args:
        arrivals: all arrivals.
        sensor: its index.
        at_s: the times, any shape; the result has the same.
        hearing: probability that the sensor picks such a shot.
        sigma_s: standard deviation of the travel time.
    """
    own = arrivals.sensor == sensor
    sigma = np.hypot(sigma_s, arrivals.sigma_s[own])
    lag = np.abs(at_s[..., None] - arrivals.time_s[own]) / sigma
    # Nine in ten arrivals of direct sound are Gaussian, one in ten is bent round something: a broad two-sided tail.
    density = (0.9 * np.exp(-0.5 * lag**2) / np.sqrt(2.0 * np.pi) + 0.1 * np.exp(-lag / 3.0) / 6.0) / sigma
    ratio = (density @ arrivals.odds[own]) / CLUTTER_PER_S
    return np.asarray(np.log1p(hearing * (ratio - 1.0)))


def _grid(sensors_m: Array, cell_m: float) -> Array:
    low, high = sensors_m.min(axis=0) - MARGIN_M, sensors_m.max(axis=0) + MARGIN_M
    axes = [np.arange(low[axis], high[axis] + cell_m, cell_m) for axis in (0, 1)]
    cells = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    # A wide site is mostly out of earshot: leave out what no three sensors can hear.
    hearers = np.sum([np.hypot(*(cells - sensor).T) < REACH_M for sensor in sensors_m], axis=0)
    return np.asarray(cells[hearers >= 3])


def _distances_m(arrivals: Arrivals, positions_m: Array) -> Array:
    return np.asarray(np.sqrt(((positions_m[..., None, :] - arrivals.sensors_m) ** 2).sum(axis=-1)))


def _hearing(distance_m: Array) -> Array:
    """Probability that a sensor picks the direct sound of a shot at a distance."""
    return np.asarray(HEARD * np.exp(-((distance_m / HEARING_RANGE_M) ** 2)))


def _back_projection(arrivals: Arrivals, air: Air, cells: Array, cell_m: float) -> tuple[Array, dict[int, Array]]:
    """Score of every cell, and the discharge times of its shots: the delay and sum over the whole stretch of time."""
    sigma_s = float(np.hypot(PATH_SIGMA_S, cell_m / np.sqrt(12.0) / air.speed_mps))
    step_s = sigma_s / 2.5
    travel_s = travel_times_s(cells, arrivals.sensors_m, air)
    begin_s = float(arrivals.time_s.min() - travel_s.max())
    count = int((arrivals.time_s.max() - begin_s) / step_s) + 2
    delays = np.rint(travel_s / step_s).astype(np.intp)
    rings = np.minimum((_distances_m(arrivals, cells) / _RING_M).astype(np.intp), _RINGS - 1)
    ring_hearing = _hearing(np.linspace(0.5, _RINGS - 0.5, _RINGS) * _RING_M)
    windows = []
    for sensor in range(len(arrivals.sensor_ids)):
        at_s = begin_s + step_s * np.arange(count + int(delays[:, sensor].max()) + 1, dtype=np.float64)
        by_ring = [evidence(arrivals, sensor, at_s, float(hearing), sigma_s) for hearing in ring_hearing]
        windows.append(sliding_window_view(np.array(by_ring, dtype=np.float32), count, axis=1))
    cost = np.float32(SHOT_COST - 2.0)  # the cell is not quite the place: leave some for the refinement
    width = int(SEPARATION_S / step_s) | 1
    scores = np.zeros(len(cells))
    times: dict[int, Array] = {}
    block = max(1, _BLOCK_ELEMENTS // count)
    for first in range(0, len(cells), block):
        part = slice(first, first + block)
        summed = np.zeros((len(cells[part]), count), dtype=np.float32)
        for sensor, window in enumerate(windows):
            summed += window[rings[part, sensor], delays[part, sensor]]
        peaks = (summed > cost) & (summed == maximum_filter1d(summed, width, axis=1))
        scores[part] = np.where(peaks, summed - cost, np.float32(0.0)).sum(axis=1)
        for row in np.flatnonzero(scores[part] > 0.0):
            times[first + int(row)] = begin_s + step_s * np.flatnonzero(peaks[row]).astype(np.float64)
    return scores, times
