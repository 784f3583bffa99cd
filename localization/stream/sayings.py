"""What ``tocsin fuse`` says beside its incidents: sentences on stderr, the clocks among them, and the report."""

import json
from pathlib import Path
from typing import Any

from tocsin import TocsinError
from tocsin.localization.options import complain
from tocsin.localization.stream.clocks import Clock
from tocsin.localization.stream.fusion import Fusion

SAID_IN_FULL = 5  # bad lines, and refused detections, that are said one by one


class Sayings:
    """Sentences on stderr: the first few, then their number."""

    def __init__(self, what: str) -> None:
        self.count = 0
        self._what = what

    def say(self, sentence: str) -> None:
        """One sentence more."""
        self.count += 1
        if self.count <= SAID_IN_FULL:
            complain(sentence)

    def close(self) -> None:
        """How many there were, where not all were said."""
        if self.count > SAID_IN_FULL:
            complain(f"{self.count} {self._what}, of which the first {SAID_IN_FULL} are named above")


def tell_clocks(engine: Fusion, said: dict[str, Clock]) -> None:
    """Say what is new of clocks: one is off, or off by another time than was said, or right again."""
    off = engine.clocks.off()
    for sensor_id, clock in off.items():
        before = said.get(sensor_id)
        if before is None or abs(before.offset_s - clock.offset_s) > 3.0 * (before.sigma_s + clock.sigma_s):
            said[sensor_id] = clock
            side = "fast" if clock.offset_s > 0 else "slow"
            complain(
                f"the clock of sensor {sensor_id} is {abs(clock.offset_s) * 1000:.0f} ± {clock.sigma_s * 1000:.0f} ms "
                f"{side} by {clock.shots} rounds: corrected"
            )
    for sensor_id in [name for name in said if name not in off]:
        del said[sensor_id]
        complain(f"the clock of sensor {sensor_id} is no longer known to be off")


def clock_rows(engine: Fusion) -> list[dict[str, Any]]:
    """What is known of each clock, a row a sensor."""
    return [
        {
            "sensor_id": sensor_id,
            "offset_s": round(clock.offset_s, 6),
            "sigma_s": round(clock.sigma_s, 6),
            "drift_ppm": round(clock.drift_ppm, 3),
            "rounds": clock.shots,
            "corrected": clock.is_off,
        }
        for sensor_id, clock in sorted(engine.clocks.clocks.items())
    ]


def write_report(path: Path, fields: dict[str, Any]) -> None:
    """Write one JSON object. Raises ``TocsinError`` where that cannot be."""
    try:
        path.write_text(json.dumps(fields) + "\n", encoding="utf-8")
    except OSError as error:
        raise TocsinError(f"{path} cannot be written ({error.strerror}): choose another --report") from None
