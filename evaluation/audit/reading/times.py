"""Times as cities write them, to UTC.

Local times that clocks skip or show twice are read as PEP 495 has it with fold 0: one that does not exist by the clock
before it was put forward (02:30 becomes 03:30 daylight time), one that was twice as the first (daylight time).
"""

import datetime
import re
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tocsin import TocsinError
from tocsin.data.dataframes import pandas_module

if TYPE_CHECKING:
    import pandas

EPOCH = "epoch"
SKIPPED = "its local time does not exist, clocks were put forward; read by the clock before"
TWICE = "its local time was twice, clocks were put back; read as the first of both"
NO_TIME = "its time is no time"
_DAYS = ("%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%Y", "%Y/%m/%d", "%Y-%m-%d", "%m-%d-%Y", "%d-%m-%Y")
_CLOCKS = (" %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", " %I:%M:%S%p", " %I:%M%p", " %H:%M:%S.%f", "", " %H%M")
_FORMATS = ("ISO8601", *(day + clock for day in _DAYS for clock in _CLOCKS))
_OFFSET = r"(?:Z|UTC|[+-]\d\d:?\d\d)$"
_SAMPLE = 400
_YEARS = (1970, 2100)  # what is read as a time of others is a number, or misspelt


@dataclass(frozen=True)
class Times:
    """Times in UTC (NaT where there is none) and which of the texts were not straightforward, by the texts' index."""

    utc: "pandas.Series"
    bad: "pandas.Series"
    skipped: "pandas.Series"
    twice: "pandas.Series"


def zone_of(name: str) -> zoneinfo.ZoneInfo:
    """A time zone by its name. Raises ``TocsinError``, with the nearest, where there is none."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = get_close_matches(name, zoneinfo.available_timezones(), n=1)
        meant = f"did you mean {near[0]}?" if near else "expected one such as America/New_York"
        raise TocsinError(f"there is no time zone {name!r}: {meant}") from None


def to_utc(texts: "pandas.Series", zone: str, time_format: str | None, where: str) -> Times:
    """Times of a column of texts.

    Args:
        texts: the cells, ``""`` where empty.
        zone: in which those are that state no offset from UTC.
        time_format: as strptime has it, ``epoch`` for seconds since 1970; guessed of all cells together where ``None``.
        where: file and column, for sentences.

    Raises:
        TocsinError: the zone is not known, or day and month cannot be told apart.
    """
    pandas = pandas_module("`tocsin audit`")
    info = zone_of(zone)
    filled = texts[texts != ""]
    nothing = pandas.Series(False, index=texts.index)
    utc = pandas.Series(pandas.NaT, index=texts.index, dtype="datetime64[us, UTC]")
    skipped, twice = nothing.copy(), nothing.copy()
    if time_format == EPOCH or (time_format is None and is_epoch(filled)):
        seconds = pandas.to_numeric(filled, errors="coerce")
        seconds = seconds.where(seconds.abs() < 1e11, seconds / 1000)  # milliseconds
        seconds = seconds.where(seconds.between(0, 4e9))
        utc[filled.index] = pandas.to_datetime(seconds, unit="s", utc=True).dt.as_unit("us")
    else:
        stated = filled.str.contains(_OFFSET) & filled.str.contains(":")
        if stated.any():
            whole = filled[stated].str.replace(r"\s*UTC$", "Z", regex=True)
            form = "ISO8601" if time_format is None else time_format
            utc[whole.index] = _parse(pandas, whole, form, utc=True)
        naive = filled[~stated]
        if len(naive):
            local = _parse(pandas, naive, time_format or _guess(naive, where))
            utc[naive.index], gap, overlap = _from_local(pandas, local, zone, info)
            skipped[gap], twice[overlap] = True, True
    return Times(utc, (texts != "") & utc.isna(), skipped, twice)


def is_epoch(filled: "pandas.Series") -> bool:
    """Whether nearly all are seconds, or milliseconds, since 1970."""
    return len(filled) > 0 and filled.str.fullmatch(r"\d{9,10}(\.\d+)?|\d{13}").mean() > 0.9


def _parse(pandas: Any, texts: "pandas.Series", time_format: str, utc: bool = False) -> "pandas.Series":
    try:
        times = pandas.to_datetime(texts, format=time_format, errors="coerce", utc=utc).dt.as_unit("us")
    except ValueError as error:
        raise TocsinError(f"time_format {time_format!r} is none that strptime knows: {error}") from None
    return times.where(times.dt.year.between(*_YEARS))


def likely_formats(texts: "pandas.Series") -> list[str]:
    """The formats in which most of the texts are times and which read them differently; none where none does."""
    pandas = pandas_module("`tocsin audit`")
    sample = texts.iloc[:: max(len(texts) // _SAMPLE, 1)]
    texts_of = sample.tolist()
    read = {form: _parse(pandas, sample, form) for form, look in _looks().items() if any(map(look, texts_of))}
    counts = {form: int(times.notna().sum()) for form, times in read.items()}
    most = max(counts.values(), default=0)
    best = [form for form, count in counts.items() if count == most > 0]
    return best[:1] + [form for form in best[1:] if not read[form].equals(read[best[0]])]


def _guess(texts: "pandas.Series", where: str) -> str:
    likely = likely_formats(texts)
    example = texts.iloc[0]
    if not likely:
        raise TocsinError(
            f'{where}: {example!r} is in no format of times that is known: write time_format, such as "%m/%d/%Y %H:%M"'
        )
    if len(likely) > 1:
        raise TocsinError(
            f'{where}: {example!r} and the others may be "{likely[0]}" or "{likely[1]}": write one as time_format'
        )
    return likely[0]


@lru_cache
def _looks() -> dict[str, Callable[[str], object]]:
    """Of each format whether a text has its look, which is told faster than whether it is a time."""
    looks: dict[str, Callable[[str], object]] = {}
    for form in _FORMATS:
        pattern = re.escape(form).replace("%Y", r"\d{4}").replace("%p", "[AaPp][Mm]").replace("%f", r"\d+")
        looks[form] = re.compile(re.sub("%[mdyHIMS]", r"\\d{1,2}", pattern)).fullmatch
    return looks | {"ISO8601": re.compile(r"\d{4}-\d\d-\d\d").match}


def _from_local(
    pandas: Any, local: "pandas.Series", zone: str, info: zoneinfo.ZoneInfo
) -> "tuple[pandas.Series, list[Any], list[Any]]":
    """UTC of naive local times, and the index of those that do not exist and of those that were twice."""
    utc = local.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT").dt.tz_convert("UTC")
    gap: list[Any] = []
    overlap: list[Any] = []
    for row, time in local[utc.isna() & local.notna()].items():
        first = time.to_pydatetime().replace(tzinfo=info, fold=0)
        (gap if first.utcoffset() < first.replace(fold=1).utcoffset() else overlap).append(row)
        utc[row] = pandas.Timestamp(first.astimezone(datetime.UTC))
    return utc, gap, overlap
