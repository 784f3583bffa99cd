"""A panel from the records of a deployment: confirmed shootings, or calls, by area and whole month or week."""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tocsin import TocsinError
from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.audit.comparison.panel import Panel, Unit
from tocsin.evaluation.audit.records import Records

if TYPE_CHECKING:
    import pandas

TABLES = Literal["shootings", "calls", "alerts"]


def panel_from_records(
    records: Records, unit: Unit = "month", of: TABLES = "shootings", severities: tuple[str, ...] = ()
) -> Panel:
    """Count a table of the records by area and whole period of local time.

    Periods that the records cover in part, those in which the system began somewhere, and those after it ended
    somewhere are left out, and the notes say so. Weeks begin on Monday.

    Args:
        records: with ``areas`` that say where the system listened and since when.
        unit: of the periods.
        of: the table that is counted.
        severities: those of shootings that count; all where empty.

    Raises:
        TocsinError: there are no areas, a treated area has no start, or no whole period is left.
    """
    zone, table, areas = records.time_zone, getattr(records, of), records.areas
    if not len(areas):
        raise TocsinError("the records name no areas, so there is nothing to compare: give the table areas")
    if severities:
        table = table[table["severity"].isin(severities)]
    names = areas["area"].astype(str).to_numpy()
    treated = areas["treated"].eq(True).to_numpy(dtype=bool)
    began, ended = (_local(areas, column, zone)[treated] for column in ("start_time_utc", "end_time_utc"))
    if began.isna().any():
        lacking = names[treated][began.isna().to_numpy()][0]
        raise TocsinError(f"area {lacking} is treated but has no start_time_utc: write when the system began there")
    opens, closes, cuts = _whole_periods(records, unit, began, ended)
    known = table[table["area"].astype("string").isin(names)]
    counted = f"{of.capitalize()} by area and {unit}, of {zone} time"
    notes = [f"{counted}; {unit}s that the records cover in part are left out.", *cuts]
    if len(known) < len(table):
        notes.append(f"{len(table) - len(known)} of {len(table)} {of} lie in no area of the table and are left out.")
    times = pandas_module("a panel").to_datetime(known["time_utc"], utc=True)
    when = times.dt.tz_convert(zone).dt.tz_localize(None).to_numpy()
    slot = np.searchsorted(closes, when, side="right")
    inside = (slot < len(opens)) & (when >= opens[np.minimum(slot, len(opens) - 1)])
    place = {name: index for index, name in enumerate(names)}
    counts = np.zeros((len(names), len(opens)))
    np.add.at(counts, (known["area"].astype(str).map(place).to_numpy(dtype=int)[inside], slot[inside]), 1)
    start = np.full(len(names), -1)
    start[treated] = np.searchsorted(opens, began.to_numpy())
    start[start == len(opens)] = -1
    exposure = np.ones(counts.shape)
    if "population" in areas and (areas["population"] > 0).all():
        exposure *= areas["population"].to_numpy(dtype=np.float64)[:, None]
    return Panel(tuple(names), tuple(str(time)[:10] for time in opens), counts, exposure, start, tuple(notes))


def _whole_periods(records: Records, unit: Unit, began: Any, ended: Any) -> tuple[Any, Any, list[str]]:
    """First moments of the periods that can be compared, those after their last, and what was left out."""
    pandas = pandas_module("a panel")
    first, last = (
        time.tz_convert(records.time_zone).tz_localize(None) for time in (records.start_utc, records.end_utc)
    )
    margin = pandas.Timedelta(days=32)
    edges = pandas.date_range(first.floor("D") - margin, last + margin, freq="MS" if unit == "month" else "W-MON")
    opens, closes = edges[:-1], edges[1:]
    whole, notes = (opens >= first) & (closes <= last), []
    for time in began.unique():
        cut = (opens < time) & (closes > time)
        if (cut & whole).any():
            notes.append(f"The {unit} of {opens[cut][0]:%Y-%m-%d}, in which the system began, is left out.")
        whole &= ~cut
    if ended.notna().any() and ended.min() < last:
        whole &= closes <= ended.min()
        notes.append(f"{unit.capitalize()}s after the system ended somewhere ({ended.min():%Y-%m-%d}) are left out.")
    if not whole.any():
        raise TocsinError(f"the records cover no whole {unit} that can be compared, from {first} to {last}")
    return opens[whole].to_numpy(), closes[whole].to_numpy(), notes


def _local(areas: "pandas.DataFrame", column: str, zone: str) -> Any:
    pandas = pandas_module("a panel")
    if column not in areas:
        return pandas.Series(pandas.NaT, index=areas.index).reset_index(drop=True)
    times = pandas.to_datetime(areas[column], utc=True)
    return times.dt.tz_convert(zone).dt.tz_localize(None).reset_index(drop=True)
