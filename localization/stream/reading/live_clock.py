"""Messages' time while an input that is alive brings few."""

import math


class LiveClock:
    """Messages' time while few come: it goes on as long as input is waited for.

    It passes the newest message by no more than the silence since, so what is replayed slower than it happened does
    not overtake itself. Time that the engine works is not counted, so one that lags behind does not hurry itself.
    """

    def __init__(self) -> None:
        self._now_s = -math.inf
        self._silent_s = 0.0

    def tick(self, waited_s: float, came: bool, message_time_s: float, newest_s: float) -> float:
        """The time now, seconds since 1970, after so long a wait for input that came or did not."""
        self._silent_s = 0.0 if came else self._silent_s + waited_s
        self._now_s = max(message_time_s, min(self._now_s + waited_s, newest_s + self._silent_s))
        return self._now_s
