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
from tocsin.evaluation.audit.records import CONFIRMED, UNCONFIRMED, UNFOUNDED, Records
from tocsin.evaluation.measures.clustered import rate
from tocsin.evaluation.report.section import Cell, Section

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_CLUSTERED = "Poisson, 95 %, widened by how much days differ (Korn and Graham 1998)"


Columns = dict[str, NDArray[Any]]


class Calendar:
    """The hours of the period and the alerts, by local day; a day is a cluster, as alerts come in clusters.

    Attributes:
        hours, alerts: ``day`` as a number from 0, ``hour``, ``weekday``, ``month`` and ``kind``, shape (rows,) each;
            hours also their ``length`` in days, alerts whether they are ``confirmed``, ``disposed``, ``empty``.
        days: how many local days the period touches.
        outside: alerts outside the period, or without a time, which no rate counts.
    """

    def __init__(self, records: Records) -> None:
        pandas = pandas_module("an audit")
        begin = pandas.date_range(records.start_utc, records.end_utc, freq="h", inclusive="left")
        ends = begin[1:].append(pandas.DatetimeIndex([records.end_utc]))
        alerts, times = records.alerts, records.alerts["time_utc"]
        inside = ((times >= records.start_utc) & (times < records.end_utc)).to_numpy(dtype=bool)
        first = records.start_utc.tz_convert(records.time_zone).tz_localize(None).normalize()
        self.hours = _described(pandas.Series(begin), first, records.time_zone)
        self.hours["length"] = np.asarray((ends - begin).total_seconds()) / 86_400
        self.alerts = _described(times[inside], first, records.time_zone)
        self.alerts["confirmed"] = outcome_is(alerts, CONFIRMED)[inside]
        self.alerts["empty"] = (outcome_is(alerts, UNCONFIRMED) | outcome_is(alerts, UNFOUNDED))[inside]
        self.alerts["disposed"] = self.alerts["confirmed"] | self.alerts["empty"]
        self.outside = int((~inside).sum())
        self.days = int(self.hours["day"].max()) + 1
        self.exposure = self.by_day(self.hours["day"], self.hours["length"])

    def by_day(self, day: NDArray[Any], weights: NDArray[Any] | None = None) -> NDArray[np.float64]:
        """How many rows, or the sum of ``weights``, of each local day, shape (days,)."""
        return np.bincount(day, weights, self.days).astype(np.float64)

    def rows(self, by: str, values: Sequence[Any], titles: Sequence[str]) -> list[dict[str, Cell]]:
        """A row for each value of ``hour``, ``weekday``, ``month`` or ``kind`` that the period holds."""
        rows: list[dict[str, Cell]] = []
        for value, title in zip(values, titles, strict=True):
            time = self.hours[by] == value
            if time.any():
                rows.append(self._row(title, time, self.alerts[by] == value))
        return rows

    def all_row(self, title: str) -> dict[str, Cell]:
        """The same for the whole period."""
        return self._row(title, *(np.ones(len(one["day"]), dtype=bool) for one in (self.hours, self.alerts)))

    def _row(self, title: str, time: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> dict[str, Cell]:
        exposure = self.by_day(self.hours["day"][time], self.hours["length"][time])
        day = self.alerts["day"]
        row: dict[str, Cell] = {
            "when": title,
            "days": float(exposure.sum()),
            "alerts": int(chosen.sum()),
            "alerts_a_day": rate(self.by_day(day[chosen]), exposure),
        }
        if not self.alerts["disposed"].any():
            return row
        empty = chosen & self.alerts["empty"]
        disposed, confirmed = (int(self.alerts[name][chosen].sum()) for name in ("disposed", "confirmed"))
        return row | {
            "without_evidence": int(empty.sum()),
            "without_evidence_a_day": rate(self.by_day(day[empty]), exposure),
            "confirmed_of_disposed": wilson(confirmed, disposed) if disposed else None,
            "said": f"small numbers: {confirmed} confirmed of {disposed}" if confirmed < SMALL else "–",
        }


def _described(times_utc: Any, first: Any, time_zone: str) -> Columns:
    local = times_utc.dt.tz_convert(time_zone).dt.tz_localize(None)
    return {
        "day": ((local.dt.normalize() - first).dt.days).to_numpy(dtype=np.int64),
        "hour": local.dt.hour.to_numpy(),
        "weekday": local.dt.day_of_week.to_numpy(),
        "month": local.dt.month.to_numpy(),
        "kind": kinds_of_days(times_utc, time_zone).astype(str),
    }


def rate_metrics(records: Records, calendar: Calendar) -> list[Metric]:
    """Alerts, and alerts without evidence, a day and a year and square mile, with intervals clustered by day."""
    exposure, day = calendar.exposure, calendar.alerts["day"]
    miles = square_miles(records)
    chosen = [("alerts", "alerts", day)]
    if calendar.alerts["disposed"].any():
        chosen.append(("without_evidence", "alerts without evidence", day[calendar.alerts["empty"]]))
    metrics = []
    left = f"{calendar.outside} alerts outside the period, or without a time, are left out." if calendar.outside else ""
    for key, words, days_of in chosen:
        counts, days = calendar.by_day(days_of), float(exposure.sum())
        metrics.append(
            Metric(
                f"{key}_a_day",
                f"{words} a day",
                rate(counts, exposure),
                len(days_of),
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
                    len(days_of),
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
