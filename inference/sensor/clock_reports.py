"""What programs that set the system's clock report of it, read into its standard deviation.

Each reader takes the text as the program printed it, and gives None where that is no such report. Reports are bounds:
NTP states how far the clock is off at most, so the error is taken to lie evenly within, which is bound/√3.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

ClockSource = Literal["pps", "gps", "chrony", "timesyncd", "none"]

FREQUENCY_TOLERANCE = 15e-6  # PHI of RFC 5905: how fast an unwatched clock may go astray
LONGEST = 65_536  # letters of a report that are looked at
LARGEST_S = 1e6
PULSE_OFF_S = 0.1  # a clock that differs more from the pulses is not set by them

_SPAN = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(us|μs|µs|ms|s|min|h|d|w|month|y)?(?=[\s\d(]|$)")
_UNITS_S = {
    **{"us": 1e-6, "μs": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0},
    **{"d": 86_400.0, "w": 604_800.0, "month": 2_629_800.0, "y": 31_557_600.0},
}


@dataclass(frozen=True)
class ClockQuality:
    """How good the system's clock is.

    Attributes:
        sigma_s: standard deviation, seconds.
        source: what sets it.
        synchronised: whether anything does.
        said: the same in words.
    """

    sigma_s: float
    source: ClockSource
    synchronised: bool
    said: str


def read_chrony(text: str, unknown_sigma_s: float) -> ClockQuality | None:
    """Of ``chronyc -c tracking``: 14 values with commas between them, in the order of ``chronyc tracking``.

    The clock is off by at most the offset that is being corrected + root dispersion + half the root delay (chronyc's
    manual, *tracking*). A reference that chrony itself has, at stratum 1, is named by four letters: PPS, GPS, NMEA.
    """
    values = text[:LONGEST].strip().rpartition("\n")[2].split(",")
    if len(values) < 14:
        return None
    reference, name, leap = values[0].strip(), values[1].strip(), values[13].strip()
    offset, delay, dispersion = (_number(values[place]) for place in (4, 10, 11))
    stratum = _number(values[2])
    if offset is None or delay is None or dispersion is None or stratum is None or min(delay, dispersion) < 0:
        return None
    # 7F7F0101 is the clock itself, where chrony is told to serve it for want of a better one.
    if leap == "Not synchronised" or stratum < 1 or reference.upper() == "7F7F0101":
        return ClockQuality(unknown_sigma_s, "none", False, "chrony runs, but follows nothing yet")
    bound_s = abs(offset) + dispersion + delay / 2
    source = _reference_clock(reference) if stratum == 1 else "chrony"
    said = f"chrony follows {name or reference}, within {_milliseconds(bound_s)}"
    return ClockQuality(bound_s / math.sqrt(3), source, True, said)


def read_timesyncd(text: str, unknown_sigma_s: float, age_s: float | None = None) -> ClockQuality | None:
    """Of ``timedatectl timesync-status``.

    The clock was off by at most the offset measured last + root distance of the server + half the delay to it + jitter;
    since then it may have gone astray by 15 ppm.

    Args:
        text: what was printed.
        unknown_sigma_s: standard deviation where nothing sets the clock.
        age_s: how long ago the last answer came; None: taken to be one interval between questions.
    """
    fields = dict(_fields(text))
    if "Packet count" not in fields and "Server" not in fields:
        return None
    if _number(fields.get("Packet count", "0")) == 0 or fields.get("Leap", "").startswith("not"):
        return ClockQuality(unknown_sigma_s, "none", False, "systemd-timesyncd runs, but had no answer yet")
    distance, delay = _span(fields.get("Root distance")), _span(fields.get("Delay"))
    if distance is None or delay is None or min(distance, delay) < 0:
        return None
    since = max(age_s, 0.0) if age_s is not None else _span(fields.get("Poll interval")) or 2048.0
    offset, jitter = _span(fields.get("Offset")) or 0.0, _span(fields.get("Jitter")) or 0.0
    bound_s = abs(offset) + distance + delay / 2 + abs(jitter) + FREQUENCY_TOLERANCE * abs(since)
    said = f"systemd-timesyncd follows {fields.get('Server') or 'a server'}, within {_milliseconds(bound_s)}"
    return ClockQuality(min(bound_s, LARGEST_S) / math.sqrt(3), "timesyncd", True, said)


def read_gpsd(text: str, unknown_sigma_s: float) -> ClockQuality | None:
    """Of gpsd's JSON, a report a line: its ``PPS`` compares the system's clock with a pulse; the newest is taken.

    A fix alone (``TPV``) says where and when, but not whether anything sets the clock by it.
    """
    quality = None
    for report in _reports(text):
        if report.get("class") == "TPV" and quality is None and report.get("mode") in (2, 3):
            said = "gpsd has a fix, but no pulse to compare the clock with"
            quality = ClockQuality(unknown_sigma_s, "none", False, said)
        if report.get("class") != "PPS":
            continue
        names = ("clock_sec", "real_sec", "clock_nsec", "real_nsec", "precision")
        numbers = [_number(report.get(name)) for name in names]
        if None in numbers[:4]:
            continue
        seconds, real_seconds, nanoseconds, real_nanoseconds, precision = (number or 0.0 for number in numbers)
        off_s = (seconds - real_seconds) + (nanoseconds - real_nanoseconds) * 1e-9
        if abs(off_s) > PULSE_OFF_S:
            said = f"the clock is {off_s:.3g} s off gpsd's pulses: let chrony set it by them"
            quality = ClockQuality(max(unknown_sigma_s, abs(off_s)), "none", False, said)
        else:
            sigma_s = math.hypot(off_s, 2.0 ** min(max(precision or -20.0, -30.0), 0.0))
            said = f"the clock was {_milliseconds(abs(off_s))} off gpsd's pulse"
            quality = ClockQuality(sigma_s, "pps", True, said)
    return quality


def _reference_clock(reference: str) -> ClockSource:
    """What the four letters of a reference clock, in hexadecimal, say it is."""
    try:
        letters = bytes.fromhex(reference).decode("ascii", "replace")
    except ValueError:
        return "chrony"
    if letters.startswith("PPS"):
        return "pps"
    return "gps" if letters.startswith(("GPS", "NMEA", "GNSS")) else "chrony"


def _fields(text: str) -> Iterator[tuple[str, str]]:
    for line in text[:LONGEST].splitlines():
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip(), value.strip()


def _reports(text: str) -> Iterator[dict[str, Any]]:
    for line in text[:LONGEST].splitlines():
        try:
            report = json.loads(line)
        except (ValueError, RecursionError):  # torn, or of another program
            continue
        if isinstance(report, dict):
            yield report


def _number(value: object) -> float | None:
    """A finite number of a sane size, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and abs(number) < 1e12 else None


def _span(text: str | None) -> float | None:
    """Seconds of a span as systemd writes it: ``9.575ms (max: 5s)``, ``34min 8s``, ``-291us``, ``0``; None if none."""
    found = list(_SPAN.finditer((text or "").partition("(")[0]))
    if not found:
        return None
    total = sum(float(amount) * _UNITS_S.get(unit or "s", 1.0) for amount, unit in (match.groups() for match in found))
    return total if abs(total) < LARGEST_S else None


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.2g} ms" if seconds < 0.1 else f"{seconds:.2g} s"
