"""What other tables say of an alert or a call: what came of it, and the cars that were sent."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tocsin import TocsinError
from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.audit.reading.context import Context
from tocsin.evaluation.audit.reading.evidence import read_evidence
from tocsin.evaluation.audit.reading.settings import TableSettings
from tocsin.evaluation.audit.reading.tables import read_columns

if TYPE_CHECKING:
    import pandas


def join_outcomes(context: Context, alerts: "pandas.DataFrame") -> "pandas.DataFrame":
    """Alerts with what the tables of outcomes say of them, each found by its ``alert_id``.

    What they leave empty stays as the table of alerts has it. Rows of alerts that are not there, and second rows of
    the same alert, are left out and complained of.

    Raises:
        TocsinError: a table or a column of it cannot be read.
    """
    pandas = pandas_module("`tocsin audit`")
    for table in context.settings.outcomes:
        raw = context.open(table)
        frame = read_columns(context, table, raw, chosen := context.chosen(table, raw))
        context.require(table, raw.columns, chosen, "alert_id")
        if table.evidence:
            frame = frame.drop(columns=["outcome", "severity"], errors="ignore").join(
                read_evidence(context, table, raw)
            )
        frame = _found(context, table, frame, "alert_id", alerts)
        again = frame["alert_id"].duplicated()
        context.complain(table, again, "its alert_id stands in a row before", frame["alert_id"], kept=False)
        said = frame[~again].set_index("alert_id").drop(columns=["latitude", "longitude"])
        for column in said.columns:
            new = alerts["alert_id"].map(said[column])
            if column not in alerts:
                alerts = alerts.assign(**{column: new})
            else:
                empty = new.isna() | (new == "") if pandas.api.types.is_string_dtype(new) else new.isna()
                alerts = alerts.assign(**{column: alerts[column].where(empty, new)})
            if pandas.api.types.is_string_dtype(alerts[column]) or alerts[column].dtype == object:
                alerts[column] = alerts[column].fillna("").astype(str)
    return alerts


def read_units(context: Context) -> "list[tuple[TableSettings, pandas.DataFrame]]":
    """The tables of cars that were sent, with their settings.

    Raises:
        TocsinError: a table or a column of it cannot be read, or it names neither alerts nor calls.
    """
    tables: list[tuple[TableSettings, pandas.DataFrame]] = []
    for table in context.settings.units:
        raw = context.open(table)
        chosen = context.chosen(table, raw)
        if not {"alert_id", "call_id"} & set(chosen):
            raise TocsinError(
                f"{context.folder / table.file}: name its column of alert_id, or of call_id, under columns"
            )
        tables.append((table, read_columns(context, table, raw, chosen)))
    return tables


def join_units(
    context: Context,
    units: "Iterable[tuple[TableSettings, pandas.DataFrame]]",
    events: "pandas.DataFrame",
    key: str,
) -> "pandas.DataFrame":
    """Alerts (``key`` is ``alert_id``) or calls (``call_id``) with the times of the cars sent to them.

    An incident is dispatched and reached when the first of its cars is; ``officers`` is their sum, one for a car that
    says nothing, and ``minutes_on_scene`` the mean of arrival to clearance over officers, so that the product of both
    is the officers' time. Columns that ``events`` has already are filled where empty.
    """
    for table, frame in units:
        if key not in frame:
            continue
        frame = _found(context, table, frame[frame[key] != ""], key, events)
        cars = frame.assign(officers=frame["officers"].fillna(1.0) if "officers" in frame else 1.0)
        summed = {"officers": ("officers", "sum")}
        summed |= {name: (name, "min") for name in ("dispatched_time_utc", "arrived_time_utc") if name in cars}
        if {"arrived_time_utc", "cleared_time_utc"} <= set(cars.columns):
            minutes = (cars["cleared_time_utc"] - cars["arrived_time_utc"]).dt.total_seconds() / 60
            context.complain(table, minutes < 0, "it was cleared before it arrived; read as not known", None, kept=True)
            minutes = minutes.where(minutes >= 0)
            cars = cars.assign(_minutes=minutes * cars["officers"], _timed=cars["officers"].where(minutes.notna()))
            summed |= {"_minutes": ("_minutes", "sum"), "_timed": ("_timed", "sum")}
        of_each = cars.groupby(key).agg(**summed)
        if "_minutes" in of_each:
            of_each["minutes_on_scene"] = (of_each.pop("_minutes") / of_each.pop("_timed")).where(
                lambda time: time >= 0
            )
        for column in of_each.columns:
            new = events[key].map(of_each[column])
            events = events.assign(**{column: events[column].fillna(new) if column in events else new})
    return events


def _found(
    context: Context, table: TableSettings, frame: "pandas.DataFrame", key: str, events: "pandas.DataFrame"
) -> "pandas.DataFrame":
    """Rows whose event is there; the others are complained of."""
    lost = ~frame[key].isin(events[key])
    context.complain(table, lost, f"its {key} is that of no row", frame[key], kept=False)
    return frame[~lost]
