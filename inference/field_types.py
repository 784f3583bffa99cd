"""What the fields of a detection may hold, and how they are written by many hands: texts, numbers, times."""

import math
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

FIRST_YEAR, LAST_YEAR = 1970, 2200
EXAMPLE_TIME = "2018-12-19T00:49:27.467Z"
# What R, pandas, databases and spreadsheets write where there is no value.
ABSENT = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none"})

_TIME = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[Tt ] *(?P<time>\d\d:\d\d(:\d\d([.,]\d+)?)?) *"
    r"(?P<zone>[Zz]|[Uu][Tt][Cc]|[Gg][Mm][Tt]|(?P<hours>[+-]\d\d)(:?(?P<minutes>\d\d))?)?"
)


def _text_of_a_number(value: Any) -> Any:
    """Names that are numbers come as numbers from what knows no better; a table gives the same names as text."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return str(value) if number else value


def _rfc_3339(value: Any) -> Any:
    """Refuse bare numbers, which would be taken for seconds since 1970; write zones as RFC 3339 does.

    ``2018-12-19 00:49:27.467 UTC`` and the ``+00`` of databases are such times too.
    """
    if isinstance(value, datetime):
        return value
    match = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"expected a time such as {EXAMPLE_TIME}")
    zone = f"{match['hours']}:{match['minutes'] or '00'}" if match["hours"] else "Z" if match["zone"] else ""
    return f"{match['date']}T{match['time'].replace(',', '.')}{zone}"


def _to_utc(time: datetime) -> datetime:
    if not FIRST_YEAR <= time.year <= LAST_YEAR:
        raise ValueError(f"expected a year from {FIRST_YEAR} to {LAST_YEAR}")
    return time.astimezone(UTC)


Text = Annotated[str, BeforeValidator(_text_of_a_number)]
Sigma = Annotated[float, Field(ge=0.0, le=1e9)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
UtcTime = Annotated[AwareDatetime, BeforeValidator(_rfc_3339), AfterValidator(_to_utc)]


def without_absent(fields: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """The fields less those of ``names`` that hold only a word for nothing (``NA``, ``NaN``, ``null`` …)."""
    return {name: value for name, value in fields.items() if name not in names or not _is_absent(value)}


def _is_absent(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in ABSENT
    return value is None or (isinstance(value, float) and math.isnan(value))


def format_time(time: datetime, timespec: str = "microseconds") -> str:
    """RFC 3339 in UTC with microseconds, or what ``datetime.isoformat`` knows as ``timespec``."""
    return time.isoformat(timespec=timespec).replace("+00:00", "Z")
