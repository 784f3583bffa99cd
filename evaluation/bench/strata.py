"""Where the errors are: false alarms and sounds found by sensor, hour, weekday, kind of recording, level, distance."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.bench.alarms import false_alarms
from tocsin.evaluation.bench.matching import Matched
from tocsin.evaluation.measures.clustered import rate, share
from tocsin.evaluation.measures.intervals import ONE_ALARM_S
from tocsin.evaluation.report.section import Cell, Section

if TYPE_CHECKING:
    import pandas

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SHOWN = 30  # rows of a table at most: a thousand sensors are a table for a program
LEAST_HOURS = 0.001  # in less a rate says nothing: what is left between the sounds of clips
DISTANCES_M = (0.0, 100.0, 200.0, 300.0, 450.0, 600.0, 1000.0, np.inf)
DECIBELS = (-np.inf, *np.arange(-60.0, 61.0, 10.0), np.inf)


def strata(
    matched: Matched, threshold: float, one_alarm_s: float = ONE_ALARM_S, time_zone: str = "UTC"
) -> list[Section]:
    """The tables of a log at a threshold for all that it tells sensors, hours, levels … of."""
    heard = matched.log.recordings
    alarms = false_alarms(matched, threshold, one_alarm_s)
    sections = []
    for column, what in (("sensor_id", "sensor"), ("label", "kind of recording")):
        if heard[column].nunique() > 1:
            sections.append(_by_recording(matched, alarms, threshold, heard[column], what))
    if heard["start_time_utc"].notna().all():
        pieces = _hours_of(matched, ZoneInfo(time_zone))
        at = _times(matched, alarms, ZoneInfo(time_zone))
        for key, values, what in (
            ("hour", [str(hour) for hour in range(24)], f"hour of the day ({time_zone})"),
            ("weekday", list(WEEKDAYS), f"weekday ({time_zone})"),
        ):
            of_alarm = at.dt.hour.astype(str) if key == "hour" else at.dt.day_name()
            sections.append(_by_time(matched, alarms, pieces, key, values, of_alarm, what))
    for column, unit, edges in (("level_dbfs", "dBFS", DECIBELS), ("snr_db", "dB", DECIBELS)):
        if column in alarms and alarms[column].notna().any():
            sections.append(_alarms_by_steps(alarms, column, unit, edges))
    for column, unit, edges in (("distance_m", "m", DISTANCES_M), ("snr_db", "dB", DECIBELS)):
        if column in matched.targets and matched.targets[column].notna().any():
            sections.append(_found_by_steps(matched, threshold, column, unit, edges))
    return [section for section in sections if section.rows]


def _by_recording(
    matched: Matched, alarms: "pandas.DataFrame", threshold: float, keys: "pandas.Series", what: str
) -> Section:
    """Hours, false alarms and sounds found of the recordings of each key, the most alarms an hour first."""
    values = keys.replace("", "not said").to_numpy(dtype=str)
    sessions = matched.log.recordings["session"].to_numpy(dtype=str)
    alarmed = np.bincount(alarms["recording"].cat.codes, minlength=len(values))
    codes = matched.targets["recording"].cat.codes.to_numpy()
    sounds = np.bincount(codes, minlength=len(values))
    found = np.bincount(codes[matched.found_at >= threshold], minlength=len(values))
    rows: list[dict[str, Cell]] = []
    for value in sorted(set(values)):
        mine = values == value
        _, session = np.unique(sessions[mine], return_inverse=True)
        by_session = [np.bincount(session, numbers[mine]) for numbers in (alarmed, matched.seconds, found, sounds)]
        hours = matched.seconds[mine].sum() / 3600
        rows.append(
            {
                what.replace(" ", "_"): value,
                "hours": float(hours),
                "false_alarms": int(alarmed[mine].sum()),
                "an_hour": rate(by_session[0], by_session[1] / 3600) if hours >= LEAST_HOURS else None,
                "sounds": int(sounds[mine].sum()),
                "found": share(by_session[2], by_session[3]) if sounds[mine].sum() else None,
            }
        )
    rows.sort(key=lambda row: -(row["an_hour"].value if isinstance(row["an_hour"], tuple) else -1.0))
    note = f"Threshold {threshold:g}. Intervals over sessions."
    if len(rows) > SHOWN:
        note += f" The {SHOWN} of {len(rows)} with most false alarms an hour."
    key = f"by_{what.split(' ')[0]}"
    return Section(key, f"By {what}", note, rows[:SHOWN])


def _hours_of(matched: Matched, zone: ZoneInfo) -> "pandas.DataFrame":
    """Hours listened to, in pieces that each lie in one hour of the clock: ``session, hour, weekday, hours``."""
    heard = matched.log.recordings
    rows = []
    starts = heard["start_time_utc"].dt.tz_convert(zone)
    counted = matched.seconds / heard["duration_s"].to_numpy()
    for session, start, duration_s, part in zip(
        heard["session"], starts, heard["duration_s"], counted.tolist(), strict=True
    ):
        for at, seconds in _pieces(start, duration_s):
            rows.append((session, str(at.hour), WEEKDAYS[at.weekday()], seconds * part / 3600))
    return pandas_module().DataFrame(rows, columns=["session", "hour", "weekday", "hours"])


def _pieces(start: "pandas.Timestamp", duration_s: float) -> Iterator[tuple["pandas.Timestamp", float]]:
    left, at = duration_s, start
    while left > 0:
        into_s = at.minute * 60 + at.second + at.microsecond / 1e6
        seconds = min(left, 3600 - into_s)
        yield at, seconds
        # In UTC, so that a night of 23 or 25 hours keeps its length.
        at = (at.tz_convert("UTC") + pandas_module().Timedelta(seconds=seconds)).tz_convert(at.tz)
        left -= seconds if seconds > 1e-6 else left


def _times(matched: Matched, alarms: "pandas.DataFrame", zone: ZoneInfo) -> "pandas.Series":
    starts = matched.log.recordings["start_time_utc"].iloc[alarms["recording"].cat.codes].reset_index(drop=True)
    return (starts + pandas_module().to_timedelta(alarms["onset_s"], unit="s")).dt.tz_convert(zone)


def _by_time(
    matched: Matched,
    alarms: "pandas.DataFrame",
    pieces: "pandas.DataFrame",
    key: str,
    values: Sequence[str],
    of_alarm: "pandas.Series",
    what: str,
) -> Section:
    sessions = matched.log.recordings["session"].iloc[alarms["recording"].cat.codes].to_numpy(dtype=str)
    rows: list[dict[str, Cell]] = []
    for value in values:
        hours = pieces[pieces[key] == value].groupby("session")["hours"].sum()
        if hours.sum() > 0:
            mine = sessions[(of_alarm == value).to_numpy()]
            counts = [int((mine == session).sum()) for session in hours.index]
            per_hour = rate(counts, hours.to_numpy())
            rows.append({key: value, "hours": float(hours.sum()), "false_alarms": sum(counts), "an_hour": per_hour})
    return Section(f"by_{key}", f"By {what}", "False alarms by when they sounded. Intervals over sessions.", rows)


def _alarms_by_steps(alarms: "pandas.DataFrame", column: str, unit: str, edges: Sequence[float]) -> Section:
    rows: list[dict[str, Cell]] = [
        {_name(column): span, "false_alarms": int(inside.sum()), "share": float(inside.sum() / len(alarms))}
        for span, inside in _steps(alarms[column].to_numpy(dtype=float), unit, edges)
    ]
    return Section(
        f"false_alarms_by_{column}", f"False alarms by {_title(column)}", "Of their highest detection.", rows
    )


def _found_by_steps(matched: Matched, threshold: float, column: str, unit: str, edges: Sequence[float]) -> Section:
    targets = matched.targets
    sessions = matched.log.recordings["session"].to_numpy(dtype=str)[targets["recording"].cat.codes]
    found = matched.found_at >= threshold
    rows: list[dict[str, Cell]] = []
    for span, inside in _steps(targets[column].to_numpy(dtype=float), unit, edges):
        _, session = np.unique(sessions[inside], return_inverse=True)
        by_session = share(np.bincount(session, found[inside]), np.bincount(session))
        rows.append({_name(column): span, "sounds": int(inside.sum()), "found": by_session})
    note = f"Threshold {threshold:g}. Intervals over sessions."
    return Section(f"found_by_{column}", f"Sounds found by {_title(column)}", note, rows)


def _steps(values: NDArray[np.float64], unit: str, edges: Sequence[float]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    for low, high in pairwise(edges):
        inside = (values >= low) & (values < high)
        if inside.any():
            if low == -np.inf:
                span = f"below {high:g} {unit}"
            else:
                span = f"{low:g} {unit} and more" if high == np.inf else f"{low:g} to {high:g} {unit}"
            yield span, inside


def _name(column: str) -> str:
    return column.rsplit("_", 1)[0]


def _title(column: str) -> str:
    return {"snr_db": "rise over the background", "level_dbfs": "level", "distance_m": "distance"}[column]
