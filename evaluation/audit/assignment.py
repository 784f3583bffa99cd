"""Which of two lists of events belong together: pairs within reach in space and time, and the best one-to-one choice.

The choice has as many pairs as there can be, and of all such the least sum of costs. Events that no chain of pairs
joins are settled apart: each connected component is an assignment problem (Kuhn 1955; solved by the shortest augmenting
paths of Crouse 2016, as SciPy has it; large ones on the sparse graph, Jonker and Volgenant 1987).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError

EARTH_RADIUS_M = 6_371_008.8
_PAIRS_AT_ONCE = 2_000_000
_LARGEST_DENSE = 4_000_000  # cells of a matrix of costs, above which the sparse graph is searched


@dataclass(frozen=True)
class Tolerance:
    """How far apart two events may be and still be one.

    Attributes:
        metres: between their places, at most; events without a place are compared by time alone.
        earliest_s, latest_s: bounds of the second's time less the first's, seconds.
    """

    metres: float
    earliest_s: float
    latest_s: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.metres) and self.metres > 0):
            raise TocsinError(f"the tolerance in space is {self.metres:g} m, expected more than 0")
        if not (np.isfinite([self.earliest_s, self.latest_s]).all() and self.earliest_s < self.latest_s):
            raise TocsinError(
                f"the tolerance in time is {self.earliest_s:g} to {self.latest_s:g} s: expected the earlier first"
            )

    def __str__(self) -> str:
        return f"{self.metres:g} m, {self.earliest_s:+g} to {self.latest_s:+g} s"


@dataclass(frozen=True)
class Events:
    """Events in the order of time: ``time_us`` (n,), microseconds since 1970; ``places`` (n, 2), degrees or NaN."""

    time_us: NDArray[np.int64]
    places: NDArray[np.float64]


@dataclass(frozen=True)
class Pairs:
    """Pairs of an event of the one and of the other list, by their numbers, all arrays of the same length.

    ``metres`` is NaN where either has no place; ``seconds`` is the second's time less the first's; ``cost`` is the
    distance in tolerances (1, the most, where it is not known) plus the time in tolerances.
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    metres: NDArray[np.float64]
    seconds: NDArray[np.float64]
    cost: NDArray[np.float64]

    def __getitem__(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> "Pairs":
        """Some of the pairs."""
        return Pairs(
            self.first[chosen], self.second[chosen], self.metres[chosen], self.seconds[chosen], self.cost[chosen]
        )


def metres_between(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Great-circle distances of two arrays (n, 2) of latitudes and longitudes in degrees, by the haversine formula."""
    (latitude, longitude), (other_latitude, other_longitude) = np.radians(one).T, np.radians(other).T
    half = np.sin((other_latitude - latitude) / 2) ** 2
    half += np.cos(latitude) * np.cos(other_latitude) * np.sin((other_longitude - longitude) / 2) ** 2
    return 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(half, 1)))


def pairs_within(first: Events, second: Events, tolerance: Tolerance) -> Pairs:
    """All pairs within the tolerance, in the order of the first and then of the second."""
    low = np.searchsorted(second.time_us, first.time_us + round(tolerance.earliest_s * 1e6), "left")
    high = np.searchsorted(second.time_us, first.time_us + round(tolerance.latest_s * 1e6), "right")
    lengths = high - low
    ends = np.cumsum(lengths)
    # Pieces of rows, so that a night of fireworks need not be held in memory at once.
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.unique(np.append(0, np.searchsorted(ends, np.arange(_PAIRS_AT_ONCE, total, _PAIRS_AT_ONCE))))
    pieces = []
    for begin, end in zip(cuts, [*cuts[1:], len(low)], strict=True):
        of_piece = lengths[begin:end]
        one = np.repeat(np.arange(begin, end), of_piece)
        before = np.repeat(np.cumsum(of_piece) - of_piece, of_piece)
        other = np.arange(len(one)) - before + np.repeat(low[begin:end], of_piece)
        metres = metres_between(first.places[one], second.places[other])
        near = ~(metres > tolerance.metres)
        pieces.append((one[near], other[near], metres[near]))
    one, other, metres = (np.concatenate(column) for column in zip(*pieces, strict=True))
    seconds = (second.time_us[other] - first.time_us[one]) / 1e6
    longest = max(abs(tolerance.earliest_s), abs(tolerance.latest_s))
    cost = np.where(np.isnan(metres), 1.0, metres / tolerance.metres) + np.abs(seconds) / longest
    return Pairs(one, other, metres, seconds, cost)


def best_pairs(pairs: Pairs) -> NDArray[np.intp]:
    """Numbers of those pairs that make the best one-to-one choice, in their order."""
    if not len(pairs.first):
        return np.zeros(0, np.intp)
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _, one = np.unique(pairs.first, return_inverse=True)
    _, other = np.unique(pairs.second, return_inverse=True)
    ones, others = int(one.max()) + 1, int(other.max()) + 1
    size = ones + others
    graph = coo_array((np.ones(len(one), np.int8), (one, other + ones)), shape=(size, size))
    parts, label = connected_components(graph, directed=False)
    in_ones, in_others = np.bincount(label[:ones], minlength=parts), np.bincount(label[ones:], minlength=parts)
    of_pair = label[one]
    order = np.lexsort((pairs.cost, of_pair))
    begins = np.searchsorted(of_pair[order], np.arange(parts))
    star = (in_ones == 1) | (in_others == 1)
    chosen = [order[begins[star]]]
    ends = np.append(begins[1:], len(order))
    for part in np.flatnonzero(~star):
        members = np.sort(order[begins[part] : ends[part]])
        chosen.append(members[_solve(one[members], other[members], pairs.cost[members])])
    return np.sort(np.concatenate(chosen))


def _solve(one: NDArray[np.intp], other: NDArray[np.intp], cost: NDArray[np.float64]) -> NDArray[np.intp]:
    """The best choice of the pairs of a component."""
    rows, one = np.unique(one, return_inverse=True)
    columns, other = np.unique(other, return_inverse=True)
    # A pair more is worth any change of costs.
    worth = 1 + (min(len(rows), len(columns)) + 1) * float(cost.max())
    if len(rows) * len(columns) <= _LARGEST_DENSE:
        from scipy.optimize import linear_sum_assignment

        matrix = np.zeros((len(rows), len(columns)))
        number = np.full(matrix.shape, -1, np.intp)
        matrix[one, other], number[one, other] = cost - worth, np.arange(len(one))
        found = number[linear_sum_assignment(matrix)]
        return found[found >= 0]
    return solve_sparse(one, other, cost, worth)


def solve_sparse(
    one: NDArray[np.intp], other: NDArray[np.intp], cost: NDArray[np.float64], worth: float
) -> NDArray[np.intp]:
    """The same on the graph of the pairs, where a matrix of all would be too large; a pair is worth ``worth``."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    ones, others = int(one.max()) + 1, int(other.max()) + 1
    alone = np.arange(ones)
    # Each of the first may stay alone, in a column of its own. The 1 keeps costs of nought from being no edges.
    values = np.concatenate([cost + 1, np.full(ones, worth + 2.0)])
    shape = (ones, others + ones)
    places = (np.concatenate([one, alone]), np.concatenate([other, others + alone]))
    rows, columns = min_weight_full_bipartite_matching(coo_array((values, places), shape=shape).tocsr())
    number = {pair: place for place, pair in enumerate(zip(one.tolist(), other.tolist(), strict=True))}
    matched = zip(rows.tolist(), columns.tolist(), strict=True)
    return np.array([number[pair] for pair in matched if pair[1] < others], dtype=np.intp)
