"""Alerts, calls and confirmed shootings that are the same gunfire: matched one to one in space and time.

First alerts with calls, then shootings with what came of that: with an alert, a call, or both as one. What the records
say themselves (``call_id`` of alerts, ``shooting_id`` of alerts and calls) is kept, and only the others are matched. A
match has as many pairs as the tolerances allow, and of all such the nearest: ``assignment.py``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.audit.assignment import Events, Pairs, Tolerance, best_pairs, pairs_within
from tocsin.evaluation.audit.records import Records

if TYPE_CHECKING:
    import pandas

GIVEN, SPACE_AND_TIME, TIME_ALONE = "given", "space and time", "time alone"
_CALLS = Tolerance(metres=500, earliest_s=-120, latest_s=900)
_SHOOTINGS = Tolerance(metres=500, earliest_s=-900, latest_s=900)
COLUMNS = (
    *("alert_id", "call_id", "shooting_id", "time_utc"),
    *("call_metres", "call_seconds", "call_by"),
    *("shooting_metres", "shooting_seconds", "shooting_by", "repeat"),
)


@dataclass(frozen=True)
class Tolerances:
    """How far a call may be from an alert, and a shooting from an alert or a call.

    People call within minutes after the sound; the time of a shooting in a police record is often rounded, or that of
    the first report.
    """

    calls: Tolerance = _CALLS
    shootings: Tolerance = _SHOOTINGS

    def times(self, factor: float) -> "Tolerances":
        """The same, wider or narrower by a factor in space and in time."""
        both = (
            Tolerance(one.metres * factor, one.earliest_s * factor, one.latest_s * factor)
            for one in (self.calls, self.shootings)
        )
        return Tolerances(*both)

    def __str__(self) -> str:
        return f"calls within {self.calls} of an alert; shootings within {self.shootings} of an alert or a call"


@dataclass(frozen=True)
class Matches:
    """What belongs together.

    Attributes:
        incidents: a row for each alert, for each call that belongs to none, and for each shooting that belongs to
            neither, in the order of time. ``alert_id``, ``call_id`` and ``shooting_id`` are ``""`` where there is
            none; ``time_utc`` is that of the first of these three; ``call_metres`` and ``call_seconds`` are how far
            from the alert and how long after it the call is; ``shooting_metres`` and ``shooting_seconds`` the same of
            the shooting, from the nearer of alert and call; ``call_by`` and ``shooting_by`` are ``GIVEN``,
            ``SPACE_AND_TIME``, ``TIME_ALONE`` or ``""``; ``repeat`` is true for an alert or a call alone that is
            within the tolerance of a call or an alert which was matched with another: most likely a second alert, or a
            second caller, of the same gunfire.
        tolerances: that were held.
        notes: sentences for the reader.
    """

    incidents: "pandas.DataFrame"
    tolerances: Tolerances
    notes: tuple[str, ...] = ()


def match_records(records: Records, tolerances: Tolerances | None = None) -> Matches:
    """Match the alerts, the calls and the shootings of the records."""
    pandas = pandas_module("`tocsin audit`")
    tolerances = tolerances or Tolerances()
    notes: list[str] = []
    alerts, calls, shootings = (
        frame.sort_values(["time_utc", key], kind="stable", ignore_index=True)
        for frame, key in (
            (records.alerts, "alert_id"),
            (records.calls, "call_id"),
            (records.shootings, "shooting_id"),
        )
    )
    of = {"alert": _events(alerts), "call": _events(calls), "shooting": _events(shootings)}
    # Of each alert and each call the number of the incident it is in: alerts first, then the calls left alone.
    pairs = pairs_within(of["alert"], of["call"], tolerances.calls)
    given = _given(alerts, "call_id", calls, notes, "alerts")
    matched, call_of = _settle(pairs, given, len(alerts), len(calls))
    taken = np.zeros(len(calls), bool)
    taken[call_of[call_of >= 0]] = True
    alone = np.flatnonzero(~taken)
    # An alert alone near a call that went to another alert, and a call alone near an alert that another call went to.
    alert_repeats, call_repeats = np.zeros(len(alerts), bool), np.zeros(len(calls), bool)
    alert_repeats[pairs.first[taken[pairs.second]]] = True
    call_repeats[pairs.second[(call_of >= 0)[pairs.first]]] = True
    repeats = np.concatenate([alert_repeats & (call_of < 0), call_repeats[alone]])
    incident_calls = np.concatenate([call_of, alone])
    incident_alerts = np.concatenate([np.arange(len(alerts)), np.full(len(alone), -1)])
    incident_of_call = np.full(len(calls), -1)
    incident_of_call[incident_calls[incident_calls >= 0]] = np.flatnonzero(incident_calls >= 0)

    near = _of_incidents(of, incident_of_call, tolerances.shootings)
    from_alerts = _given(alerts, "shooting_id", shootings, notes, "alerts")
    from_calls = _given(calls, "shooting_id", shootings, notes, "calls")
    told, told_shootings = dict(from_alerts), set(from_alerts.values())
    for call, shooting in from_calls.items():
        if shooting not in told_shootings:
            told.setdefault(int(incident_of_call[call]), shooting)
    found, shooting_of = _settle(near, told, len(incident_alerts), len(shootings))
    missed = np.setdiff1d(np.arange(len(shootings)), shooting_of[shooting_of >= 0])

    count = len(incident_alerts) + len(missed)
    none = np.full(len(missed), -1)
    numbers = {
        "alert": np.concatenate([incident_alerts, none]),
        "call": np.concatenate([incident_calls, none]),
        "shooting": np.concatenate([shooting_of, missed]),
    }
    frames = {"alert": alerts, "call": calls, "shooting": shootings}
    columns: dict[str, Any] = {
        f"{kind}_id": _taken(frame[f"{kind}_id"], numbers[kind], text=True) for kind, frame in frames.items()
    }
    times = [_taken(frame["time_utc"], numbers[kind], text=False) for kind, frame in frames.items()]
    columns["time_utc"] = times[0].fillna(times[1]).fillna(times[2])
    columns |= _how("call", pairs, matched, given, count) | _how("shooting", near, found, told, count)
    columns["repeat"] = np.append(repeats, np.zeros(len(missed), bool))
    incidents = pandas.DataFrame(columns, columns=[*COLUMNS])
    order = ["time_utc", "alert_id", "call_id", "shooting_id"]
    incidents = incidents.sort_values(order, kind="stable", ignore_index=True)
    for kind, frame in frames.items():
        without = int(frame["latitude"].isna().sum())
        if without:
            notes.append(f"{without} of {len(frame)} {kind}s have no place: compared by time alone")
    for kind, number in (("alert", int(repeats[: len(alerts)].sum())), ("call", int(repeats[len(alerts) :].sum()))):
        if number:
            other = "a call" if kind == "alert" else "an alert"
            notes.append(f"{kind}s without {other}, but near one that another {kind} was matched with: {number}")
    return Matches(incidents, tolerances, tuple(notes))


def sensitivity(
    records: Records, tolerances: Sequence[Tolerances] | None = None, known: Matches | None = None
) -> "pandas.DataFrame":
    """How the counts move with the tolerances: a row for each.

    Args:
        records: of a deployment.
        tolerances: to match with; half, once and twice :class:`Tolerances` where not given.
        known: matches of the records that were made already, which are not made again.

    Returns:
        ``call_tolerance`` and ``shooting_tolerance`` in words; ``both``, ``alert_only`` and ``call_only``: alerts
        with a call, without one, and calls without an alert; ``alert_only_repeats`` and
        ``call_only_repeats`` among these; ``shootings_both``, ``shootings_alert_only``, ``shootings_call_only`` and
        ``shootings_neither``.
    """
    pandas = pandas_module("`tocsin audit`")
    rows = []
    for held in tolerances or [Tolerances().times(factor) for factor in (0.5, 1, 2)]:
        matches = known if known is not None and known.tolerances == held else match_records(records, held)
        incidents = matches.incidents
        alert, call, shooting = (incidents[f"{kind}_id"] != "" for kind in ("alert", "call", "shooting"))
        kinds = {"both": alert & call, "alert_only": alert & ~call, "call_only": ~alert & call}
        rows.append(
            {"call_tolerance": str(held.calls), "shooting_tolerance": str(held.shootings)}
            | {name: int(which.sum()) for name, which in kinds.items()}
            | {
                f"{name}_repeats": int((kinds[name] & incidents["repeat"]).sum())
                for name in ("alert_only", "call_only")
            }
            | {f"shootings_{name}": int((which & shooting).sum()) for name, which in kinds.items()}
            | {"shootings_neither": int((shooting & ~alert & ~call).sum())}
        )
    return pandas.DataFrame(rows)


def _events(frame: "pandas.DataFrame") -> Events:
    times = frame["time_utc"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    return Events(times.astype(np.int64), frame[["latitude", "longitude"]].to_numpy(dtype=float))


def _given(
    frame: "pandas.DataFrame", key: str, others: "pandas.DataFrame", notes: list[str], name: str
) -> dict[int, int]:
    """Numbers of rows and of the others' rows that the records say belong to them, one to one."""
    if key not in frame:
        return {}
    place = {identity: number for number, identity in enumerate(others[key])}
    said = [(row, identity) for row, identity in enumerate(frame[key].fillna("").astype(str)) if identity]
    row_of: dict[int, int] = {}
    for row, identity in said:
        if identity in place:
            row_of.setdefault(place[identity], row)
    if len(row_of) < len(said):
        notes.append(
            f"{len(said) - len(row_of)} of the {len(said)} {key} that {name} state are of no row or stated before"
        )
    return {row: other for other, row in row_of.items()}


def _settle(
    pairs: Pairs, given: Mapping[int, int], firsts: int, seconds: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Numbers of the chosen pairs, and of each of the first the number of its second, −1 where it has none."""
    first_free, second_free = np.ones(firsts, bool), np.ones(seconds, bool)
    first_free[list(given)] = False
    second_free[list(given.values())] = False
    free = np.flatnonzero(first_free[pairs.first] & second_free[pairs.second])
    chosen = free[best_pairs(pairs[free])]
    second_of = np.full(firsts, -1, np.intp)
    second_of[list(given)] = list(given.values())
    second_of[pairs.first[chosen]] = pairs.second[chosen]
    return chosen, second_of


def _of_incidents(of: Mapping[str, Events], incident_of_call: NDArray[np.intp], tolerance: Tolerance) -> Pairs:
    """Pairs of an incident and a shooting, each by the nearer of the incident's alert and its call."""
    by_alert = pairs_within(of["alert"], of["shooting"], tolerance)
    by_call = pairs_within(of["call"], of["shooting"], tolerance)
    both = Pairs(
        np.concatenate([by_alert.first, incident_of_call[by_call.first]]),
        np.concatenate([by_alert.second, by_call.second]),
        np.concatenate([by_alert.metres, by_call.metres]),
        np.concatenate([by_alert.seconds, by_call.seconds]),
        np.concatenate([by_alert.cost, by_call.cost]),
    )
    order = np.lexsort((both.cost, both.second, both.first))
    both = both[order]
    new = np.append(True, (np.diff(both.first) != 0) | (np.diff(both.second) != 0))[: len(order)]
    return both[new]


def _taken(column: "pandas.Series", numbers: NDArray[np.intp], text: bool) -> "pandas.Series":
    """Values by number, empty where it is −1."""
    taken = (column.astype(object) if text else column).reindex(numbers).reset_index(drop=True)
    return taken.fillna("").astype(str) if text else taken


def _how(
    kind: str, pairs: Pairs, chosen: NDArray[np.intp], given: Mapping[int, int], count: int
) -> dict[str, NDArray[Any]]:
    """Distance, time and reason of the matches of each incident."""
    metres, seconds, by = np.full(count, np.nan), np.full(count, np.nan), np.full(count, "", dtype=object)
    rows = pairs.first[chosen]
    metres[rows], seconds[rows] = pairs.metres[chosen], pairs.seconds[chosen]
    by[rows] = np.where(np.isnan(pairs.metres[chosen]), TIME_ALONE, SPACE_AND_TIME)
    by[list(given)] = GIVEN
    return {f"{kind}_metres": metres, f"{kind}_seconds": seconds, f"{kind}_by": by}
