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
    pandas, zone = pandas_module("a panel"), records.time_zone
    table, areas = getattr(records, of), records.areas
    if not len(areas):
        raise TocsinError("the records name no areas, so there is nothing to compare: give the table areas")
    if severities:
        table = table[table["severity"].isin(severities)]
    names = areas["area"].astype(str).to_numpy()
    treated = areas["treated"].fillna(False).astype(bool).to_numpy()
    began = _local(areas, "start_time_utc", zone)
    ended = _local(areas, "end_time_utc", zone)
    if (treated & began.isna().to_numpy()).any():
        lacking = names[treated & began.isna().to_numpy()][0]
        raise TocsinError(f"area {lacking} is treated but has no start_time_utc: write when the system began there")
    first, last = (time.tz_convert(zone).tz_localize(None) for time in (records.start_utc, records.end_utc))
    frequency = "MS" if unit == "month" else "W-MON"
    edges = pandas.date_range(
        first.floor("D") - pandas.Timedelta(days=32), last + pandas.Timedelta(days=32), freq=frequency
    )
    opens, closes = edges[:-1], edges[1:]
    whole = (opens >= first) & (closes <= last)
    notes = [f"{of} by area and {unit}, of {zone} time; {unit}s that the records cover in part are left out."]
    for time in began[treated].unique():
        cut = (opens < time) & (closes > time)
        if (cut & whole).any():
            notes.append(f"The {unit} of {opens[cut][0]:%Y-%m-%d}, in which the system began, is left out.")
        whole &= ~cut
    if treated.any() and ended[treated].notna().any() and ended[treated].min() < last:
        stop = ended[treated].min()
        whole &= closes <= stop
        notes.append(f"{unit.capitalize()}s after the system ended somewhere ({stop:%Y-%m-%d}) are left out.")
    opens, closes = opens[whole], closes[whole]
    if not len(opens):
        raise TocsinError(f"the records cover no whole {unit} that can be compared, from {first} to {last}")
    known = table[table["area"].astype("string").isin(names)]
    if len(known) < len(table):
        notes.append(f"{len(table) - len(known)} of {len(table)} {of} lie in no area of the table and are left out.")
    when = known["time_utc"].dt.tz_convert(zone).dt.tz_localize(None).to_numpy()
    slot = np.searchsorted(closes.to_numpy(), when, side="right")
    inside = (slot < len(opens)) & (when >= opens.to_numpy()[np.minimum(slot, len(opens) - 1)])
    place = {name: index for index, name in enumerate(names)}
    counts = np.zeros((len(names), len(opens)))
    rows = known["area"].astype(str).map(place).to_numpy()
    np.add.at(counts, (rows[inside], slot[inside]), 1)
    start = np.full(len(names), -1)
    if treated.any():
        start[treated] = np.searchsorted(opens.to_numpy(), began[treated].to_numpy())
    start[start == len(opens)] = -1
    exposure = np.ones(counts.shape)
    if "population" in areas and areas["population"].notna().all() and (areas["population"] > 0).all():
        exposure *= areas["population"].to_numpy(dtype=np.float64)[:, None]
    periods = tuple(f"{time:%Y-%m-%d}" for time in opens)
    return Panel(tuple(names), periods, counts, exposure, start, tuple(notes))


def _local(areas: "pandas.DataFrame", column: str, zone: str) -> Any:
    pandas = pandas_module("a panel")
    if column not in areas:
        return pandas.Series(pandas.NaT, index=areas.index).reset_index(drop=True)
    times = pandas.to_datetime(areas[column], utc=True)
    return times.dt.tz_convert(zone).dt.tz_localize(None).reset_index(drop=True)
