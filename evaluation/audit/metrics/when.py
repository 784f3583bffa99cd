"""How many alerts come a day, by hour, weekday, month and on holidays, which are shown apart and never dropped."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.audit.metrics.costs import DAYS_A_YEAR, square_miles
from tocsin.evaluation.audit.metrics.holidays import FIREWORKS, HOLIDAY, ORDINARY, kinds_of_days
from tocsin.evaluation.audit.metrics.links import outcome_is
from tocsin.evaluation.audit.metrics.metric import SMALL, Metric, wilson
from tocsin.evaluation.audit.records import CONFIRMED, OUTCOMES, UNCONFIRMED, UNFOUNDED, Records
from tocsin.evaluation.measures.clustered import rate
from tocsin.evaluation.report.section import Cell, Section

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_CLUSTERED = "Poisson, 95 %, widened by how much days differ (Korn and Graham 1998)"


class Calendar:
    """The hours of the period and the alerts, by local day; a day is a cluster, as alerts come in clusters.

    Attributes:
        hours: one row each, ``begin`` (local), ``length`` in days, ``day`` as a number from 0.
        days: how many local days the period touches.
    """

    def __init__(self, records: Records) -> None:
        pandas = pandas_module("an audit")
        begin = pandas.date_range(records.start_utc, records.end_utc, freq="h", inclusive="left")
        ends = np.append(begin[1:], pandas.DatetimeIndex([records.end_utc]))
        length = (pandas.DatetimeIndex(ends, tz="UTC") - begin).total_seconds().to_numpy() / 86_400
        self._zone = records.time_zone
        self.hours = pandas.DataFrame({"begin_utc": begin, "length": length})
        self._describe(self.hours, "begin_utc")
        first = self.hours["date"].min()
        alerts = records.alerts
        times = alerts["time_utc"]
        inside = ((times >= records.start_utc) & (times < records.end_utc)).to_numpy(dtype=bool)
        self.alerts = pandas.DataFrame(
            {
                "time_utc": times[inside],
                "confirmed": outcome_is(alerts, CONFIRMED)[inside],
                "disposed": np.any([outcome_is(alerts, outcome) for outcome in OUTCOMES], axis=0)[inside],
                "empty": (outcome_is(alerts, UNCONFIRMED) | outcome_is(alerts, UNFOUNDED))[inside],
            }
        )
        self.outside = int((~inside).sum())
        self._describe(self.alerts, "time_utc")
        for table in (self.hours, self.alerts):
            table["day"] = (table["date"] - first).dt.days
        self.days = int(self.hours["day"].max()) + 1

    def _describe(self, table: Any, name: str) -> None:
        local = table[name].dt.tz_convert(self._zone).dt.tz_localize(None)
        table["date"] = local.dt.normalize()
        table["hour"], table["weekday"], table["month"] = local.dt.hour, local.dt.day_of_week, local.dt.month
        table["kind"] = kinds_of_days(table[name], self._zone)

    def rows(self, by: str, values: Sequence[Any], titles: Sequence[str]) -> list[dict[str, Cell]]:
        """A row for each value of ``hour``, ``weekday``, ``month`` or ``kind`` that the period holds."""
        rows: list[dict[str, Cell]] = []
        for value, title in zip(values, titles, strict=True):
            time, alerts = self.hours[self.hours[by] == value], self.alerts[self.alerts[by] == value]
            if len(time):
                rows.append(self._row(title, time, alerts))
        return rows

    def all_row(self, title: str) -> dict[str, Cell]:
        """The same for the whole period."""
        return self._row(title, self.hours, self.alerts)

    def by_day(self, table: Any, weights: NDArray[np.generic] | None = None) -> NDArray[np.float64]:
        """Rows, or the sum of ``weights``, of each local day, shape (days,)."""
        return np.bincount(table["day"], weights, self.days).astype(np.float64)

    def _row(self, title: str, time: Any, alerts: Any) -> dict[str, Cell]:
        exposure = self.by_day(time, time["length"].to_numpy())
        row: dict[str, Cell] = {
            "when": title,
            "days": float(exposure.sum()),
            "alerts": len(alerts),
            "alerts_a_day": rate(self.by_day(alerts), exposure),
        }
        if not self.alerts["disposed"].any():
            return row
        disposed, confirmed = int(alerts["disposed"].sum()), int(alerts["confirmed"].sum())
        return row | {
            "without_evidence": int(alerts["empty"].sum()),
            "without_evidence_a_day": rate(self.by_day(alerts[alerts["empty"]]), exposure),
            "confirmed_of_disposed": wilson(confirmed, disposed) if disposed else None,
            "said": f"small numbers: {confirmed} confirmed of {disposed}" if confirmed < SMALL else "–",
        }


def rate_metrics(records: Records, calendar: Calendar) -> list[Metric]:
    """Alerts, and alerts without evidence, a day and a year and square mile, with intervals clustered by day."""
    exposure = calendar.by_day(calendar.hours, calendar.hours["length"].to_numpy())
    miles = square_miles(records)
    chosen = [("alerts", "alerts", calendar.alerts)]
    if calendar.alerts["disposed"].any():
        empty = calendar.alerts[calendar.alerts["empty"]]
        chosen.append(("without_evidence", "alerts without evidence", empty))
    metrics = []
    left = f"{calendar.outside} alerts outside the period, or without a time, are left out." if calendar.outside else ""
    for key, words, table in chosen:
        counts, days = calendar.by_day(table), float(exposure.sum())
        metrics.append(
            Metric(
                f"{key}_a_day",
                f"{words} a day",
                rate(counts, exposure),
                len(table),
                words,
                days,
                "days",
                f"{words.capitalize()} divided by the days of the period, holidays among them.",
                _CLUSTERED,
                left,
                "a day",
            )
        )
        if miles:
            area = exposure * miles / DAYS_A_YEAR
            metrics.append(
                Metric(
                    f"{key}_a_square_mile_year",
                    f"{words} a square mile and year",
                    rate(counts, area),
                    len(table),
                    words,
                    float(area.sum()),
                    "square-mile years",
                    f"{words.capitalize()} divided by the square miles listened to and the years.",
                    _CLUSTERED,
                    left,
                    "a sq mi and year",
                )
            )
    return metrics


def when_sections(calendar: Calendar, time_zone: str) -> list[Section]:
    """By hour, weekday, month and kind of day, a table each."""
    note = f"Local time ({time_zone}). Rates are a day of that kind; intervals clustered by day."
    months = [np.datetime64(f"2000-{month:02d}").astype(object).strftime("%B") for month in range(1, 13)]
    kinds = (FIREWORKS, HOLIDAY, ORDINARY)
    all_days = calendar.all_row("all days")
    return [
        Section(
            "holidays", "Holidays, shown apart", f"{note} Nothing is dropped: the last row holds them all.",
            [*calendar.rows("kind", kinds, kinds), all_days], (len(kinds),),
        ),
        Section("hours", "By hour of the day", note + " A day here is 24 of such hours.",
                calendar.rows("hour", range(24), [f"{hour:02d}:00" for hour in range(24)])),
        Section("weekdays", "By day of the week", note, calendar.rows("weekday", range(7), DAYS)),
        Section("months", "By month", note, calendar.rows("month", range(1, 13), months)),
    ]  # fmt: skip
