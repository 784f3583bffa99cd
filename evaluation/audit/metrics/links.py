"""Which alert, call and shooting are the same event, from the records' own columns and from matches."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.audit.records import CONFIRMED, Records

if TYPE_CHECKING:
    import pandas

Flags = NDArray[np.float64]


@dataclass(frozen=True)
class Links:
    """What belongs together. Flags are 1, 0 or NaN (not known) for each row; None where the records say nothing.

    Attributes:
        alert_called: whether there was a call about the same event, shape (alerts,).
        call_alerted: whether there was an alert, shape (calls,).
        shooting_alerted, shooting_called: the same for confirmed shootings, shape (shootings,).
        alert_call: rows of the alert and of the call of a pair, shape (pairs, 2).
        alert_shooting: rows of the alert and of the shooting of a pair, shape (pairs, 2).
    """

    alert_called: Flags | None
    call_alerted: Flags | None
    shooting_alerted: Flags | None
    shooting_called: Flags | None
    alert_call: NDArray[np.int64]
    alert_shooting: NDArray[np.int64]


@dataclass(frozen=True)
class Sources:
    """Confirmed events by who told of them, and what they were counted from."""

    alert_only: int
    both: int
    call_only: int
    basis: str


def links_of(records: Records, matches: "pandas.DataFrame | None" = None) -> Links:
    """All links of the records; ``matches`` has ``alert_id``, ``call_id`` and ``shooting_id``, empty where none is.

    A column of the records that says the answer (``alerted``, ``called``) goes before what links imply.
    """
    alerts, calls, shootings = records.alerts, records.calls, records.shootings
    alert_call = _pairs(alerts, calls, "alert_id", "call_id", matches)
    alert_shooting = _pairs(alerts, shootings, "alert_id", "shooting_id", matches)
    call_shooting = _pairs(calls, shootings, "call_id", "shooting_id", matches)
    called = alerted = heard = told = None
    if len(calls) and alert_call is not None:
        called, alerted = _linked(len(alerts), alert_call[:, 0]), _linked(len(calls), alert_call[:, 1])
    if alert_shooting is not None:
        heard = _linked(len(shootings), alert_shooting[:, 1])
    if call_shooting is not None:
        told = _linked(len(shootings), call_shooting[:, 1])
        if alert_shooting is not None and called is not None:
            through = alert_shooting[called[alert_shooting[:, 0]] == 1, 1]
            told[through] = 1.0
    nothing = np.empty((0, 2), dtype=np.int64)
    return Links(
        _said(alerts, "called", called),
        _said(calls, "alerted", alerted),
        _said(shootings, "alerted", heard),
        _said(shootings, "called", told),
        nothing if alert_call is None else alert_call,
        nothing if alert_shooting is None else alert_shooting,
    )


def confirmed_by_source(records: Records, links: Links) -> Sources | None:
    """Confirmed events told of by the alert alone, by both, by a call alone; None where the records do not say.

    Counted from the confirmed shootings, where these say who told of them, else from the outcomes of alerts and calls.
    """
    heard, told = links.shooting_alerted, links.shooting_called
    if heard is not None and told is not None:
        inside = covered(records, records.shootings)
        only, both, call = (int(((heard == a) & (told == b) & inside).sum()) for a, b in ((1, 0), (1, 1), (0, 1)))
        return Sources(only, both, call, "confirmed shootings")
    if links.alert_called is None or links.call_alerted is None:
        return None
    right, true = outcome_is(records.alerts, CONFIRMED), outcome_is(records.calls, CONFIRMED)
    if not true.any():
        return None
    calls = true & (links.call_alerted == 0) & covered(records, records.calls)
    only, both = (int((right & (links.alert_called == value)).sum()) for value in (0, 1))
    return Sources(only, both, int(calls.sum()), "outcomes of alerts and of calls")


def outcome_is(table: "pandas.DataFrame", outcome: str) -> NDArray[np.bool_]:
    """Whether each row has that outcome, shape (rows,); no row has one where there is no such column."""
    if "outcome" not in table:
        return np.zeros(len(table), dtype=bool)
    return np.asarray((table["outcome"] == outcome).fillna(False).to_numpy(dtype=bool))


def covered(records: Records, table: "pandas.DataFrame") -> NDArray[np.bool_]:
    """Whether the system listened where and when each row was, shape (rows,).

    A row without an area, or with one that the areas do not list, counts as covered: nothing says it was not.
    """
    areas = records.areas
    inside = np.ones(len(table), dtype=bool)
    if not len(areas) or "area" not in table or "treated" not in areas:
        return inside
    known = areas.drop_duplicates("area").set_index("area")
    place = known.index.get_indexer(table["area"])
    found = place >= 0
    treated = known["treated"].astype("boolean").fillna(True).to_numpy(dtype=bool)
    inside[found] = treated[place[found]]
    when = table["time_utc"].to_numpy(dtype="datetime64[ns]")
    for name, before in (("start_time_utc", True), ("end_time_utc", False)):
        if name in known:
            times = pandas_module("an audit").to_datetime(known[name], utc=True).to_numpy(dtype="datetime64[ns]")
            edge = times[np.where(found, place, 0)]
            # A time that is not known compares as false, so it leaves nothing out.
            inside &= ~(found & ((when < edge) if before else (when >= edge)))
    return inside


def column(table: "pandas.DataFrame", name: str) -> Any:
    """A column as pandas has it, or None where it is missing or wholly empty."""
    return table[name] if name in table and table[name].notna().any() else None


def _said(table: "pandas.DataFrame", name: str, linked: Flags | None) -> Flags | None:
    said = column(table, name)
    if said is None:
        return linked
    own = np.asarray(said.astype("boolean").astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan))
    return own if linked is None else np.where(np.isnan(own), linked, own)


def _linked(rows: int, places: NDArray[np.int64]) -> Flags:
    flags = np.zeros(rows)
    flags[places] = 1.0
    return flags


def _pairs(
    left: "pandas.DataFrame", right: "pandas.DataFrame", left_id: str, right_id: str, matches: "pandas.DataFrame | None"
) -> NDArray[np.int64] | None:
    """Rows of what belongs together, shape (pairs, 2), or None where neither a column nor the matches tell."""
    pandas = pandas_module("an audit")
    tables = []
    if column(left, right_id) is not None:
        tables.append(left[[left_id, right_id]])
    if matches is not None and left_id in matches and right_id in matches:
        joined = matches[[left_id, right_id]].dropna()
        joined = joined[((joined[left_id] != "") & (joined[right_id] != "")).to_numpy(dtype=bool)]
        # Matches of alerts alone do not tell whether a call and a shooting are one.
        if len(joined) or left_id == "alert_id":
            tables.append(joined)
    if not tables or not len(left) or not len(right):
        return None
    pairs = pandas.concat(tables).dropna().drop_duplicates()
    rows = [_rows_of(pairs[name], table[name]) for table, name in ((left, left_id), (right, right_id))]
    both = np.column_stack(rows).astype(np.int64)
    return both[(both >= 0).all(axis=1)]


def _rows_of(wanted: Any, ids: Any) -> NDArray[np.int64]:
    """The first row that has each wanted id, -1 where none has."""
    index = pandas_module("an audit").Index(ids)
    if index.is_unique:
        return np.asarray(index.get_indexer(wanted))
    unique = (~ids.duplicated() & ids.notna()).to_numpy(dtype=bool)
    if not unique.any():
        return np.full(len(wanted), -1)
    places = pandas_module("an audit").Index(ids[unique]).get_indexer(wanted)
    return np.where(places >= 0, np.flatnonzero(unique)[places], -1)
