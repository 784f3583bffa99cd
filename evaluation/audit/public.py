"""The public version of an audit: figures of everybody, and nothing that leads to one person or one door.

The figures are those of the exact records. What a page may draw or quote is made coarse here: places become the middle
of cells of 250 m or more, times whole hours, ids running numbers; columns that the audit does not know, cells of faulty
rows and notes that quote cells are left out; counts below 5 of an area, a cell or a figure's denominator are withheld.
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from tocsin.evaluation.audit.auditing import Audit
from tocsin.evaluation.audit.metrics.metric import SMALL
from tocsin.evaluation.audit.records import STAGES, Records
from tocsin.evaluation.report.section import Cell, Section

if TYPE_CHECKING:
    import pandas

CELL_M = 250.0
WITHHELD = "fewer than 5"
_METRES_A_DEGREE = 110_574.0  # of latitude at the equator, where it is least (WGS 84)
_METRES_A_DEGREE_EAST = 111_319.0  # of longitude at the equator
_KNOWN = frozenset(
    {"time_utc", "outcome", "severity", "latitude", "longitude", "area", "complaint", "contract_eligible", "alerted"}
    | {"called", "arrests", "guns", "casings", "rounds", "officers", "minutes_on_scene"}
    | {f"{stage}_time_utc" for stage in STAGES}
)
_IDS = {"alerts": "alert_id", "calls": "call_id", "shootings": "shooting_id"}
_SHORT = 5  # cells with fewer characters name nobody


def publish(found: Audit) -> Audit:
    """The same audit, coarse: see the head of this file."""
    records = found.records
    areas = set(records.areas["area"].astype(str))
    tables = {kind: _coarse(getattr(records, kind), key, areas, records) for kind, key in _IDS.items()}
    notes, left = _harmless(records)
    if left:
        notes.append(f"{left} notes quote cells of the tables and are left out of the public version.")
    coarse = dataclasses.replace(
        records,
        **tables,
        notes=tuple(notes),
        problems=tuple(dataclasses.replace(problem, found="") for problem in records.problems),
    )
    small = {
        metric.title
        for metric in found.metrics.values()
        # Square miles and days are no people.
        if metric.denominator < SMALL and metric.denominator_words not in ("square-mile years", "days")
    }
    return dataclasses.replace(
        found,
        records=coarse,
        matches=dataclasses.replace(found.matches, incidents=found.matches.incidents.iloc[:0]),
        metrics={key: metric for key, metric in found.metrics.items() if metric.title not in small},
        sections=[_without_small(section, small) for section in found.sections],
    )


def steps_deg(records: Records) -> tuple[float, float]:
    """Height and width in degrees of cells that are nowhere smaller than ``CELL_M``, the same for all of a place."""
    latitudes = np.concatenate([getattr(records, kind)["latitude"].to_numpy(float) for kind in _IDS])
    known = latitudes[~np.isnan(latitudes)]
    # A whole degree further from the equator than any: there a degree of longitude is shortest.
    highest = min(math.ceil(float(np.abs(known).max())) if len(known) else 0, 89)
    return CELL_M / _METRES_A_DEGREE, CELL_M / (_METRES_A_DEGREE_EAST * math.cos(math.radians(highest)))


def without_small_areas(section: Section, name: str = "area") -> Section:
    """A table with a row an area, its rows withheld where a count is 1 to 4, and one more if it could be told."""
    counts = [[cell for cell in row.values() if type(cell) is int] for row in section.rows]
    hidden = {place for place, row in enumerate(counts) if any(0 < count < SMALL for count in row)}
    rest = [place for place in range(len(counts)) if place not in hidden]
    if len(hidden) == 1 and rest:
        # From the others and their sum the one that is withheld could be told.
        hidden.add(min(rest, key=lambda place: sum(counts[place])))
    rows: list[dict[str, Cell]] = [
        {key: cell if key == name else WITHHELD if type(cell) is int else None for key, cell in row.items()}
        if place in hidden
        else dict(row)
        for place, row in enumerate(section.rows)
    ]
    said = f" {len(hidden)} areas are withheld, as a count is below {SMALL} or could be told from the others."
    return dataclasses.replace(section, rows=rows, note=section.note + said * bool(hidden))


def without_small_columns(section: Section) -> Section:
    """A table with a column an area: all its figures of that area withheld where a count is 1 to 4."""
    counts = [cell for row in section.rows for cell in row.values() if type(cell) is int]
    if not any(0 < count < SMALL for count in counts):
        return section
    rows = [{key: cell if key == "figure" else WITHHELD for key, cell in row.items()} for row in section.rows]
    return dataclasses.replace(section, rows=rows, note=section.note + f" Withheld: a count is below {SMALL}.")


def _coarse(table: "pandas.DataFrame", key: str, areas: set[str], records: Records) -> "pandas.DataFrame":
    high, wide = steps_deg(records)
    kept = table[[name for name in table.columns if name in _KNOWN]].copy()
    for name in [name for name in kept.columns if name.endswith("time_utc")]:
        kept[name] = kept[name].dt.floor("h")
    kept["latitude"] = (np.floor(kept["latitude"] / high) + 0.5) * high
    kept["longitude"] = (np.floor(kept["longitude"] / wide) + 0.5) * wide
    kept["area"] = kept["area"].where(kept["area"].isin(areas), "")
    kept.insert(0, key, [str(number) for number in range(1, len(kept) + 1)])
    return kept


def _harmless(records: Records) -> tuple[list[str], int]:
    """Notes that hold no cell of a column that is left out, and how many others there are."""
    cells: set[str] = set()
    areas = set(records.areas["area"].astype(str))
    for kind in _IDS:
        table = getattr(records, kind)
        for name in [name for name in table.columns if name not in _KNOWN or name == "area"]:
            cells |= {text.casefold() for text in table[name].astype(str).unique() if text not in areas}
    telling = [
        cell for cell in cells if len(cell) >= _SHORT and any(letter.isdigit() or letter == " " for letter in cell)
    ]
    kept = [note for note in records.notes if not _quotes(note, telling)]
    kept = [note.split(" that are not among the areas:")[0] for note in kept]
    return kept, len(records.notes) - len(kept)


def _quotes(note: str, cells: Iterable[str]) -> bool:
    folded = note.casefold()
    return any(cell in folded for cell in cells)


def _without_small(section: Section, small: set[str]) -> Section:
    if section.key == "equity":
        return without_small_areas(section)
    kept = [place for place, row in enumerate(section.rows) if not _is_small(row, small)]
    standing_out = [kept.index(place) for place in section.standing_out if place in kept]
    return dataclasses.replace(section, rows=[section.rows[place] for place in kept], standing_out=standing_out)


def _is_small(row: Mapping[str, Cell], small: set[str]) -> bool:
    number = row.get("number")
    return row.get("figure") in small or (isinstance(number, int) and number < SMALL)
