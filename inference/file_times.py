"""When a recording began: by its name, as recorders write it, or by when its file was written last."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path

# 20181219_004926 of AudioMoth, SM4_20181219_004926 of Song Meter, 2018-12-19T00-49-26.250Z and its like.
# An offset counts only behind a T, where ISO 8601 puts it: elsewhere, -0001 is the number of a part.
_TIME = re.compile(
    r"(?<!\d)((?:19[7-9]|2[01]\d)\d)([-_]?)(\d\d)\2(\d\d)"
    r"(?:(T)|[_ -])(\d\d)([-:_.h]?)(\d\d)\7(\d\d)"
    r"(?:[.,](\d{1,9}))?(?:(Z)|(?:([+-])(\d\d):?(00|15|30|45)))?(?!\d)",
    re.ASCII,
)
_FURTHEST_HOURS = 14
# The writer closes the file a little after the end, and the times of some file systems have steps of 2 s.
MODIFIED_SIGMA_S = 2.0


@dataclass(frozen=True)
class Began:
    """When a recording began.

    Attributes:
        began_s: seconds since 1970.
        sigma_s: its standard deviation, seconds.
        source: ``stated``, ``name`` or ``modified``, by what it is told.
    """

    began_s: float
    sigma_s: float
    source: str


def time_in_name(name: str, zone: tzinfo = UTC) -> Began | None:
    """The time in the name of a file, or None where there is none.

    Args:
        name: of the file, with or without its ending.
        zone: of recorders that do not write theirs into the name; UTC, as AudioMoth's is.

    Returns:
        The first time in it. A clock read to the second is as wrong as a number rounded to the second: its standard
        deviation is the step over √12.
    """
    for match in _TIME.finditer(name):
        year, _, month, day, iso, hour, _, minute, second, fraction, utc, sign, off_hours, off_minutes = match.groups()
        at: tzinfo = zone
        if utc:
            at = UTC
        elif sign and iso and int(off_hours) <= _FURTHEST_HOURS:
            offset = timedelta(hours=int(off_hours), minutes=int(off_minutes))
            at = timezone(-offset if sign == "-" else offset)
        try:
            whole = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=at)
        except ValueError:  # a 13th month: a number of another kind
            continue
        digits = len(fraction or "")
        return Began(whole.timestamp() + int(fraction or 0) / 10**digits, 10.0**-digits / 12**0.5, "name")
    return None


def began(path: Path, duration_s: float, stated_s: float | None = None, zone: tzinfo = UTC) -> Began:
    """When a recording began: as stated, by its name, or else its length before the file was written last.

    Args:
        path: of the file.
        duration_s: its length, seconds.
        stated_s: seconds since 1970, where somebody knows it.
        zone: as for :func:`time_in_name`.
    """
    if stated_s is not None:
        return Began(stated_s, 0.0, "stated")
    return time_in_name(path.name, zone) or Began(path.stat().st_mtime - duration_s, MODIFIED_SIGMA_S, "modified")
