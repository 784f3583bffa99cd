"""Records of a deployment, from the folder of an analyst: :func:`read_records` reads all that ``audit.yaml`` names."""

import datetime
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tocsin import TocsinError
from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.audit.reading.areas import fill_areas, read_areas
from tocsin.evaluation.audit.reading.context import Context
from tocsin.evaluation.audit.reading.joins import join_outcomes, join_units, read_units
from tocsin.evaluation.audit.reading.settings import CostTable
from tocsin.evaluation.audit.reading.settings_file import read_settings
from tocsin.evaluation.audit.reading.tables import read_events
from tocsin.evaluation.audit.reading.times import zone_of
from tocsin.evaluation.audit.reading.values import read_numbers
from tocsin.evaluation.audit.records import Records

if TYPE_CHECKING:
    import pandas

# Reports of gunfire centre about midnight where they were counted; in UTC those of America centre before sunrise.
_CENTRE_FROM_H, _CENTRE_TO_H = 20.0, 3.0
_LEAST_ROWS, _LEAST_RHYTHM = 100, 0.2


def read_records(path: Path | str, mapping: str | None = None) -> Records:
    """The records that ``audit.yaml`` describes.

    Args:
        path: the file, or the folder that holds it and its tables.
        mapping: a mapping that Tocsin brings, such as ``cambridge-ma``, for a folder that needs no ``audit.yaml``.

    Raises:
        TocsinError: something cannot be read, in a sentence that says what and where. Faults of single rows are no
            errors: they are ``problems`` of the records.
    """
    settings, folder = read_settings(Path(path), mapping)
    zone = zone_of(settings.time_zone)
    context = Context(settings, folder, notes=list(settings.notes))
    areas = read_areas(context)
    costs = _costs(context)
    alerts = read_events(context, "alerts", settings.alerts)
    calls = read_events(context, "calls", settings.calls)
    shootings = read_events(context, "shootings", settings.shootings)
    if not len(alerts) and not len(calls) and not len(shootings):
        raise TocsinError(f"{folder}: there are no alerts, calls or shootings: name a table of them in audit.yaml")
    units = read_units(context)
    alerts = join_units(context, units, join_outcomes(context, alerts), "alert_id")
    calls = join_units(context, units, calls, "call_id")
    events = {"alerts": alerts, "calls": calls, "shootings": shootings}
    start, end = _period(context, events, zone)
    for kind, frame in events.items():
        inside = (frame["time_utc"] >= start) & (frame["time_utc"] < end)
        if not inside.all():
            context.notes.append(
                f"{kind}: {int((~inside).sum())} of {len(frame)} rows are outside the period, left out"
            )
        events[kind] = frame[inside].reset_index(drop=True)
        fill_areas(context, events[kind], areas, kind)
        _look_at_rhythm(context, events[kind], kind)
    return Records(
        alerts=events["alerts"],
        calls=events["calls"],
        shootings=events["shootings"],
        areas=areas,
        costs=costs,
        start_utc=start,
        end_utc=end,
        time_zone=settings.time_zone,
        currency=settings.currency,
        notes=tuple(context.notes),
        problems=tuple(context.problems),
        sources=context.sources,
    )


def _period(
    context: Context, events: "dict[str, pandas.DataFrame]", zone: datetime.tzinfo
) -> "tuple[pandas.Timestamp, pandas.Timestamp]":
    """From the start of the first day to the end of the last, local; of the rows where the YAML does not say."""
    pandas = pandas_module("`tocsin audit`")
    settings = context.settings
    times = [frame["time_utc"] for frame in events.values() if len(frame)]
    first = settings.first_day or min(column.min() for column in times).tz_convert(zone).date()
    last = settings.last_day or max(column.max() for column in times).tz_convert(zone).date()
    if settings.first_day is None or settings.last_day is None:
        context.notes.append(f"the period is taken from the rows: {first} to {last}")
    if last < first:
        raise TocsinError(f"audit.yaml: last_day {last} is before first_day {first}")
    bounds = (datetime.datetime.combine(day, datetime.time(), zone) for day in (first, last + datetime.timedelta(1)))
    start, end = (pandas.Timestamp(bound.astimezone(datetime.UTC)).as_unit("us") for bound in bounds)
    return start, end


def _look_at_rhythm(context: Context, frame: "pandas.DataFrame", kind: str) -> None:
    """Say so where the hours of the day are not those of gunfire, which a wrong time zone would do."""
    if len(frame) < _LEAST_ROWS:
        return
    local = frame["time_utc"].dt.tz_convert(context.settings.time_zone)
    turns = (local.dt.hour + local.dt.minute / 60).to_numpy() / 24
    mean = np.exp(2j * math.pi * turns).mean()
    centre = float(np.angle(mean) / (2 * math.pi) * 24 % 24)
    if abs(mean) < _LEAST_RHYTHM or centre >= _CENTRE_FROM_H or centre <= _CENTRE_TO_H:
        return
    context.notes.append(
        f"{kind}: the hours of the day centre at {int(centre):02}:{int(centre % 1 * 60):02} in "
        f"{context.settings.time_zone}, but those of gunfire centre about midnight elsewhere: are the times of the "
        "table in another zone, such as UTC?"
    )


def _costs(context: Context) -> "pandas.DataFrame":
    pandas = pandas_module("`tocsin audit`")
    said = context.settings.costs
    if not isinstance(said, CostTable):
        rows = [cost.model_dump() for cost in said]
        frame = pandas.DataFrame(rows, columns=["item", "amount", "per"])
        return frame.astype({"item": str, "amount": float, "per": str})
    raw = context.open(said)
    chosen = context.chosen(said, raw)
    for key in ("item", "amount", "per"):
        context.require(said, raw.columns, chosen, key)
    costs = pandas.DataFrame({key: raw[chosen[key][0]] for key in ("item", "amount", "per")})
    bad = ~costs["per"].isin(["year", "once"])
    context.complain(said, bad, "its per is neither year nor once", costs["per"], kept=False)
    costs["amount"] = read_numbers(context, said, costs["amount"], "amount")
    return costs[~bad].reset_index(drop=True)
