"""Which column of a table is probably what, by its name and by what its first cells look like."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.audit.reading.times import is_epoch, likely_formats

if TYPE_CHECKING:
    import pandas

_ENOUGH = 0.8  # share of the filled cells that must look like what the name of the column says
_PAIR = r"[(\[]?\s*-?\d+\.\d+\s*[,;\s]\s*-?\d+\.\d+\s*[)\]]?"
# Words of a file's name, and the kind of table that they mean.
_KINDS = {
    "outcomes": r"outcome|dispos|result|finding",
    "calls": r"\bcalls?\b|911|cad\b",
    "alerts": r"alert|shotspotter|raven|gunshot|acoustic|detect|notif|activation",
    "units": r"\bunits?\b|\bcars?\b|respon",
    "shootings": r"shoot|homicid|victim|discharge|shots.?fired|crime|incident",
    "areas": r"area|district|beat|zone|boundar|\.geojson$",
    "costs": r"cost|invoice|payment",
}
# Names of columns, best first, for what the audit knows; names are compared in small letters and words.
_NAMES: dict[str, tuple[str, ...]] = {
    "alert_id": (r"^(alert|incident|event|notification|flex|ss|shotspotter) ?(id|no|num|number)$", r"^id$"),
    "call_id": (r"^(call|cad|event|incident) ?(id|no|num|number)$", r"^id$"),
    "shooting_id": (r"^(case|report|shooting|incident|rd|ir) ?(id|no|num|number)?$", r"^id$"),
    "time": (r"\b(date ?time|timestamp)\b", r"received|occurr", r"\b(date|time)\b"),
    "latitude": (r"^lat(itude)?$", r"\blat(itude)?\b"),
    "longitude": (r"^lo?ng?(itude)?$", r"\blo?ng?(itude)?\b"),
    "x": (r"^x$", r"easting", r"\bx\b"),
    "y": (r"^y$", r"northing", r"\by\b"),
    "area": (r"^area$", r"\barea\b", r"\b(district|beat|precinct|zone)\b"),
    "outcome": (r"outcome", r"dispos", r"finding|result", r"^status$"),
    "severity": (r"severity", r"^(injury )?type$", r"offense"),
    "complaint": (r"complaint",),
    "rounds": (r"\b(rounds|shots)\b",),
    "arrests": (r"\barrests?$",),
    "guns": (r"^(guns?|firearms?|weapons?)\b",),
    "casings": (r"casings?\b",),
    "dispatched_time": (r"dispatch",),
    "arrived_time": (r"arriv|on ?scene",),
    "cleared_time": (r"clear|closed",),
    "alerted": (r"alert|shot ?spotter",),
    "called": (r"^called$|911",),
    "square_miles": (r"\bsq(uare)? ?mi",),
    "population": (r"popul|residents",),
    "item": (r"item|what|description",),
    "amount": (r"amount|cost|price|dollars",),
    "per": (r"^per$|period|frequency",),
}
_OF_KIND = {
    "alerts": ("alert_id", "time", "outcome", "complaint", "rounds", "arrests", "guns", "casings"),
    "calls": ("call_id", "time", "outcome", "arrests"),
    "shootings": ("shooting_id", "time", "severity", "alerted", "called"),
    "outcomes": ("alert_id", "outcome", "complaint", "rounds", "arrests", "guns", "casings"),
    "units": ("alert_id", "call_id", "dispatched_time", "arrived_time", "cleared_time"),
    "areas": ("area", "square_miles", "population"),
    "costs": ("item", "amount", "per"),
}
_PLACED = ("latitude", "longitude", "x", "y", "area")
_TIMES = ("dispatched_time", "arrived_time")
_NUMBERS = ("rounds", "arrests", "guns", "casings", "square_miles", "population", "amount")


def kind_of(path: Path) -> tuple[str, bool]:
    """What a table is of by its file's name, and whether that is said."""
    name = re.sub(r"[_\W]+", " ", path.stem.lower()) + path.suffix.lower()
    for kind, pattern in _KINDS.items():
        if re.search(pattern, name):
            return kind, True
    return "alerts", False


def guess_columns(frame: "pandas.DataFrame", kind: str) -> dict[str, list[str]]:
    """Columns of a table for what the audit knows of its kind; two of a time where date and clock time are apart."""
    placed = _PLACED if kind in ("alerts", "calls", "shootings") else ()
    staged = _TIMES if kind in ("alerts", "calls") else ()
    names = {column: plain(column) for column in frame.columns}
    chosen: dict[str, list[str]] = {}
    taken: set[str] = set()
    for key in (*_OF_KIND[kind], *placed, *staged):
        fitting = [
            column
            for pattern in _NAMES[key]
            for column, name in names.items()
            if column not in taken and re.search(pattern, name) and fits(frame[column], key)
        ]
        found = _time_columns(frame, list(dict.fromkeys(fitting))) if key == "time" else fitting[:1]
        if found:
            chosen[key] = found
            taken.update(found)
    pair = [column for column in frame.columns if column not in taken and _share(frame[column], _PAIR) > _ENOUGH]
    if placed and "latitude" not in chosen and pair:
        chosen["place"] = pair[:1]
    return chosen


def plain(column: str) -> str:
    """A name in small letters and words: ``Incident ID``, ``incident_id`` and ``IncidentID`` alike."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column)
    return re.sub(r"[_\W]+", " ", apart).strip().lower()


def _share(cells: "pandas.Series", pattern: str) -> float:
    filled = cells[cells != ""]
    return float(filled.str.fullmatch(pattern).mean()) if len(filled) else 0.0


def evidence_columns(frame: "pandas.DataFrame") -> dict[str, str]:
    """Columns of counts that are evidence of gunfire where they are above nought, and of what severity."""
    found = {}
    for pattern, severity in (
        ("fatal|killed|deaths", "fatal"),
        ("injur|wounded|victims", "injury"),
        ("casings?", "casings"),
    ):
        for column in frame.columns:
            if column not in found and re.search(rf"\b({pattern})", plain(column)) and fits(frame[column], "casings"):
                found[column] = severity
    return found


def fits(cells: "pandas.Series", key: str) -> bool:
    """Whether cells look like what the name of their column says."""
    pandas = pandas_module("`tocsin audit`")
    filled = cells[cells != ""]
    if not len(filled):
        return False
    numbers = pandas.to_numeric(filled.str.replace(r"[,$]", "", regex=True), errors="coerce")
    if key in ("latitude", "longitude"):
        return bool(numbers.abs().le(90 if key == "latitude" else 180).mean() > _ENOUGH)
    if key in _NUMBERS or key in ("x", "y"):
        return bool(numbers.notna().mean() > _ENOUGH)
    if key in ("alerted", "called", "complaint"):
        return _share(filled.str.lower(), r"true|false|yes|no|y|n|t|f|0|1") > _ENOUGH
    if key.endswith("_id"):
        return bool(filled.is_unique or key != "alert_id")
    if key in ("outcome", "severity"):
        return bool(filled.nunique() <= max(50, len(filled) // 20))
    return True


def _time_columns(frame: "pandas.DataFrame", fitting: Sequence[str]) -> list[str]:
    """The column of times among those that are called so, or those of dates and of clock times."""
    clock = [
        column for column in fitting if _share(frame[column], r"\d{1,2}:\d\d(:\d\d(\.\d+)?)?( ?[AaPp][Mm])?") > _ENOUGH
    ]
    whole = [column for column in fitting if column not in clock and _is_time(frame[column])]
    with_clock = [column for column in whole if frame[column].str.contains(r"\d:\d").mean() > 0.5]
    if with_clock:
        return with_clock[:1]
    return [whole[0], clock[0]] if whole and clock else whole[:1]


def _is_time(cells: "pandas.Series") -> bool:
    filled = cells[cells != ""]
    if not len(filled) or _share(filled, r"\d{1,8}") > _ENOUGH:
        return False  # years and numbers are no times
    # What states an offset is read as ISO 8601.
    plain = filled.str.replace(r"(?:\s*Z|\s*UTC|[+-]\d\d:?\d\d)$", "", regex=True)
    return is_epoch(filled) or bool(likely_formats(plain))
