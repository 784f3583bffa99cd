"""What the system's clock is ahead of the clock that is never set, followed through slews and steps.

A slew changes it slowly: between two readings it is interpolated. A step changes it at once, and because the clock was
wrong before, what is asked afterwards is told by the new setting, also of moments before the step.
"""

import time
from collections import deque

STEP_S = 0.01  # a change of more is a step, less a correction of the clock's speed
FASTEST_SLEW = 1e-3
READINGS, READINGS_APART_S = 256, 0.1


def read_clocks() -> tuple[float, float]:
    """The system's clock (seconds since 1970) and the clock that is never set (seconds), read at the same moment.

    The second is the one that nobody steers either, where there is one (Linux, macOS): a plain monotonic clock is sped
    up and slowed down together with the system's, which would look like a quartz that changes its rate.
    """
    best = (float("inf"), 0.0, 0.0)
    for _ in range(4):
        before = _never_set()
        system = time.time()
        after = _never_set()
        best = min(best, (after - before, system, (before + after) / 2))
        if best[0] < 2e-5:
            break
    return best[1], best[2]


def _never_set() -> float:
    raw = getattr(time, "CLOCK_MONOTONIC_RAW", None)
    return time.monotonic() if raw is None else time.clock_gettime(raw)


class SystemOffset:
    """The system's clock at any moment of the last half minute, by the clock that is never set.

    Attributes:
        steps: how often the system's clock was set while it was watched.
    """

    def __init__(self) -> None:
        self.steps = 0
        self._readings: deque[tuple[float, float]] = deque(maxlen=READINGS)
        self._newest = (0.0, 0.0)  # the clock that is never set, and what the system's is ahead of it

    def observe(self, system_s: float, monotonic_s: float) -> None:
        """Take note of both clocks, read at the same moment."""
        ahead_s = system_s - monotonic_s
        if self._readings:
            passed_s = abs(monotonic_s - self._newest[0])
            if abs(ahead_s - self._newest[1]) > STEP_S + FASTEST_SLEW * passed_s:
                self.steps += 1
                self._readings.clear()
        self._newest = (monotonic_s, ahead_s)
        if not self._readings or monotonic_s - self._readings[-1][0] >= READINGS_APART_S:
            self._readings.append(self._newest)

    def at(self, monotonic_s: float) -> float:
        """The system's clock at a moment, seconds since 1970; before the first reading and after the last, as then."""
        later = self._newest
        for earlier in reversed(self._readings):
            if earlier[0] <= monotonic_s:
                passed_s = later[0] - earlier[0]
                share = min((monotonic_s - earlier[0]) / passed_s, 1.0) if passed_s > 0 else 0.0
                return monotonic_s + earlier[1] + share * (later[1] - earlier[1])
            later = earlier
        return monotonic_s + later[1]
