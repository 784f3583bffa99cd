"""What ``tocsin fuse`` says of clocks: sentences while it runs, and rows of its report."""

from typing import Any

from tocsin.data.complaints import complain
from tocsin.localization.stream.clocks import Clock
from tocsin.localization.stream.fusion import Fusion


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
