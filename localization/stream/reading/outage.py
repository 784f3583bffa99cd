"""How long to wait, after a broker was away, for the sensors that come back to it one by one."""

import math

from tocsin.inference.mqtt import LONGEST_DELAY_S

COME_BACK_S = 2.0  # to connect and to send, beside the wait between two attempts
STILL_S = 5.0  # of an outage for which time stands still


class Outage:
    """When a broker was lost and found.

    Sensors try again after delays that double, so after an outage they are back within as long as it lasted, or a
    minute. What the first of them kept must not go on alone: time would pass what the last of them kept.
    """

    def __init__(self) -> None:
        self._lost_s = self._until_s = -math.inf
        self._is_lost = False

    def lost(self, now_s: float) -> None:
        """The broker is not there, by a clock that is never set."""
        if not self._is_lost:
            self._is_lost = True
            if now_s >= self._until_s:  # one that is lost again before all were back was away since the first time
                self._lost_s = now_s

    def found(self, now_s: float) -> None:
        """It is there, for the first time or again."""
        if self._is_lost:
            self._is_lost = False
            self._until_s = now_s + min(now_s - self._lost_s, LONGEST_DELAY_S) + COME_BACK_S

    def holds(self, now_s: float) -> bool:
        """Whether what comes is to wait for what others kept."""
        return self._is_lost or now_s < self._until_s

    def stands_still(self, now_s: float) -> bool:
        """Whether nothing follows from silence: what was sent may be on its way. A long outage holds up nothing."""
        return self.holds(now_s) and now_s < self._lost_s + STILL_S
