"""When a sample was taken, by the system's clock, told by when the blocks came.

The converter's quartz counts the samples, and a clock that is never set times the blocks; between the two lies a line,
found in :mod:`tocsin.inference.sensor.lower_edge` as what no block came before. What the system's clock is ahead of
that clock is followed apart, in :mod:`tocsin.inference.sensor.system_offset`: to set it does not bend the line.

What no arrival can tell is a delay that all blocks share (converter, driver, the length of a period): it is taken for a
part of the sound's way until ``known_latency_s`` says how long it is.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.inference.sensor.lower_edge import FEWEST_POINTS, LowerEdge, fit_lower_edge
from tocsin.inference.sensor.system_offset import SystemOffset

STRETCH_S, STRETCH_BLOCKS = 4.0, 4  # a stretch, of which the least delayed block is kept, has at least these
FIRST_STRETCH_S, FIRST_STRETCHES = 1.0, 8  # the first ones are shorter, so that there is a line soon
STRETCHES = 128
UNKNOWN_SIGMA_S, NOTHING_KNOWN_SIGMA_S = 0.1, 1.0  # before there is a line, and before there is a stretch
FLOOR_SIGMA_S = 2e-5
WARMING = 1e-5 / 3600  # a quartz that warms up changes its rate by so much a second, and bends the line
TRUSTED_STRETCHES = 8
TRUSTED_SIGMA_S = 0.003
TRUSTED_RATE = 500e-6
DISTRUST = 3.0  # times the standard deviation, where the clock is not trusted
EARLY_S = 0.005  # with six standard deviations: earlier than the line by more, samples were counted that never were
PARTS = 8  # of the window, of which none may lie above the line as a whole
NEWEST = 3  # stretches, which must not either
UNLIKELY = 14.0  # exp(−14): that the lowest of a part is so high by chance
LEARNT_RATE_SIGMA = 5e-6  # at least, of a rate that was known before the device was opened again
BROKEN_RATE_SIGMA = 1e-4  # of a rate that was known before the line broke
LATE = 6.0  # times the mean height, where the newest two stretches are higher: exp(−12) by chance
SMALLEST_LATE_S = 1e-4


@dataclass(frozen=True)
class SampleTime:
    """When a sample was taken: seconds since 1970 by the system's clock, and the standard deviation of it."""

    time_s: float
    sigma_s: float


@dataclass
class _Stretch:
    """Blocks that came one after the other: the least delayed of them, and the spread of all."""

    time_s: float
    height_s: float
    count: int
    mean_s: float
    squares: float

    def add(self, time_s: float, height_s: float) -> None:
        if height_s < self.height_s:
            self.time_s, self.height_s = time_s, height_s
        self.count += 1
        change = height_s - self.mean_s
        self.mean_s += change / self.count
        self.squares += change * (height_s - self.mean_s)


class SampleClock:
    """The times of the samples of one device.

    Args:
        sample_rate: nominal, Hz.
        known_latency_s: how long after it was captured a sample arrives at the earliest: what the maker states, or what
            a measurement with a clap beside a timed microphone gave. It is subtracted.
    """

    def __init__(self, sample_rate: float, known_latency_s: float = 0.0) -> None:
        self._sample_rate = sample_rate
        self._latency_s = known_latency_s
        self._system = SystemOffset()
        self._stretches: deque[_Stretch] = deque(maxlen=STRETCHES)
        self._open: _Stretch | None = None
        self._began_s = 0.0  # of the open stretch
        self._edge: LowerEdge | None = None
        self._edge_s = 0.0  # counted time of the edge's zero
        self._known_rate = 0.0
        self._known_rate_sigma: float | None = None

    def observe(self, samples: int, arrived_s: float, arrived_monotonic_s: float) -> None:
        """Take note of a block: how many samples had come with it in all, and when by both clocks of a ``Block``."""
        self._system.observe(arrived_s, arrived_monotonic_s)
        counted_s = samples / self._sample_rate
        height_s = arrived_monotonic_s - counted_s
        if self._edge is not None:
            ahead_s = counted_s - self._edge_s
            early_s = self._edge.at(ahead_s) - height_s
            if early_s > EARLY_S and early_s**2 > 36 * self._edge.variance_at(ahead_s):
                self.begin_anew()
        if self._open is None:
            self._open, self._began_s = _Stretch(counted_s, height_s, 1, height_s, 0.0), counted_s
        else:
            self._open.add(counted_s, height_s)
        enough_s = FIRST_STRETCH_S if len(self._stretches) < FIRST_STRETCHES else STRETCH_S
        if counted_s - self._began_s >= enough_s and self._open.count >= STRETCH_BLOCKS:
            self._stretches.append(self._open)
            self._open = None
            if len(self._stretches) == STRETCHES:
                self._known_rate_sigma = None  # a full window tells the rate of now
            self._fit(counted_s)

    def time_of(self, sample: float) -> SampleTime:
        """When a sample, counted from 0 as the blocks are, was taken. Of one of before a gap, ask before the gap.

        Raises:
            ValueError: no block was observed yet, or none since the clock began anew.
        """
        counted_s = sample / self._sample_rate
        if self._edge is not None:
            ahead_s = counted_s - self._edge_s
            taken = self._system.at(counted_s + self._edge.at(ahead_s) - self._latency_s)
            bend_s = WARMING * (self._edge_s - self._stretches[0].time_s) ** 2 / 12
            variance = self._edge.variance_at(ahead_s) + FLOOR_SIGMA_S**2 + bend_s**2 + self._late_s**2
            return SampleTime(taken, variance**0.5 if self.trusted else DISTRUST * variance**0.5)
        # The least delayed block is all there is.
        heights = [stretch.height_s for stretch in (*self._stretches, self._open) if stretch is not None]
        if not heights:
            raise ValueError("no block was observed that tells a time")
        sigma_s = UNKNOWN_SIGMA_S if self._stretches else NOTHING_KNOWN_SIGMA_S
        return SampleTime(self._system.at(counted_s + min(heights) - self._latency_s), sigma_s)

    def begin_anew(self) -> None:
        """Samples were lost, or the device was opened again: only the rate of its quartz is still known."""
        if self._edge is not None and self.trusted:
            self._known_rate = self._edge.rate
            self._known_rate_sigma = max(self._edge.rate_variance**0.5, LEARNT_RATE_SIGMA)
        self._stretches.clear()
        self._open = self._edge = None

    @property
    def steps(self) -> int:
        """How often the system's clock was set while it was watched."""
        return self._system.steps

    @property
    def rate_error_ppm(self) -> float:
        """How much faster than it says the device counts, by the clock that is never set; 0 where nothing is known."""
        rise = self._known_rate if self._edge is None else self._edge.rate
        return (1 / (1 + rise) - 1) * 1e6

    @property
    def jitter_s(self) -> float:
        """Standard deviation of the delays within a few seconds, the middle one of all such stretches; 0 before one."""
        spreads = [(stretch.squares / (stretch.count - 1)) ** 0.5 for stretch in self._stretches]
        return float(np.median(spreads)) if spreads else 0.0

    @property
    def trusted(self) -> bool:
        """Whether a line is there that can be believed: of enough data, of a credible rate, and known well."""
        edge = self._edge
        return (
            edge is not None
            and len(self._stretches) >= TRUSTED_STRETCHES
            and abs(edge.rate) <= TRUSTED_RATE
            and edge.value_variance <= TRUSTED_SIGMA_S**2
            and self._late_s == 0
        )

    @property
    def _late_s(self) -> float:
        """How far the newest blocks all lie above the line, seconds; 0 where that may be chance."""
        if self._edge is None:
            return 0.0
        newest = (self._stretches[-1], self._open or self._stretches[-2])
        over = min(stretch.height_s - self._edge.at(stretch.time_s - self._edge_s) for stretch in newest)
        return over if over > LATE * self._edge.scale_s + SMALLEST_LATE_S else 0.0

    def _fit(self, now_s: float) -> None:
        before, self._edge = self._edge, None
        while len(self._stretches) >= FEWEST_POINTS:
            table = np.array([(stretch.time_s, stretch.height_s, stretch.count) for stretch in self._stretches])
            times, heights, weights = table[:, 0] - now_s, table[:, 1], table[:, 2] / table[:, 2].mean()
            edge = fit_lower_edge(times, heights, weights, self._known_rate, self._known_rate_sigma)
            over = (heights - edge.value_s - edge.rate * times) * weights
            kept = _newest_on_a_line(over)
            if kept == len(over):
                self._edge, self._edge_s = edge, now_s
                return
            # Samples were lost in silence, or the quartz changes its rate: what is newer may lie on a line.
            self._known_rate, self._known_rate_sigma = (before or edge).rate, BROKEN_RATE_SIGMA
            while len(self._stretches) > kept:
                self._stretches.popleft()


def _newest_on_a_line(over: NDArray[np.float64]) -> int:
    """How many of the newest may lie on a line: all, unless some that follow each other lie above it as a whole.

    Args:
        over: ``(n,)`` heights over the line, as if each were the lowest of as many blocks, the newest last.
    """
    if len(over) < 2 * NEWEST:
        return len(over)
    # The scale is told by differences of neighbours, for a bend raises the heights themselves.
    most = UNLIKELY * max(float(np.median(np.abs(np.diff(over)))) / np.log(2), 1e-5)
    if over[-NEWEST:].min() * NEWEST > most:
        return NEWEST
    size = max(len(over) // PARTS, NEWEST)
    lowest = np.lib.stride_tricks.sliding_window_view(over, size).min(axis=1)
    return len(over) // 2 if lowest.max() * size > most else len(over)
