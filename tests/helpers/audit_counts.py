"""Records of a deployment with given counts, for tests of the audit: the rows are invented, the counts are not."""

from collections.abc import Mapping

import numpy as np
import pandas

from tocsin.evaluation.audit.records import Records

ALERTS = ("alert_id", "time_utc", "outcome", "latitude", "longitude", "area")
CALLS = ("call_id", "time_utc", "outcome", "latitude", "longitude", "area")
SHOOTINGS = ("shooting_id", "time_utc", "severity", "latitude", "longitude", "area")
AREAS = ("area", "square_miles", "population", "treated")
COSTS = ("item", "amount", "per")

Counts = Mapping[str, int]


def records_from_counts(
    alert_only: Counts,
    both: Counts | None = None,
    call_only: Counts | None = None,
    serious: tuple[int, int, int] = (0, 0, 0),
    square_miles: float | None = None,
    yearly: float | None = None,
    once: float | None = None,
    arrests: int = 0,
    days: int = 365,
    start: str = "2022-12-15",
) -> Records:
    """Records with as many notices of each outcome (``""`` is none) by alert alone, by both and by a call alone.

    Where there are calls, each confirmed notice is a confirmed shooting; ``serious`` says how many of those of each
    source hurt somebody. Alerts without a call have ``arrests``, one each.
    """
    sources = [_outcomes(counts or {}) for counts in (alert_only, both, call_only)]
    heard, told = sources[0] + sources[1], sources[1] + sources[2]
    begin = pandas.Timestamp(start, tz="America/New_York").tz_convert("UTC")
    end = (pandas.Timestamp(start, tz="America/New_York") + pandas.DateOffset(days=days)).tz_convert("UTC")
    both_ids = [f"c{number}" for number in range(len(sources[1]))]
    alerts = _table(ALERTS, "alert_id", "a", heard, begin, end)
    calls = _table(CALLS, "call_id", "c", told, begin, end)
    if told:
        # A call comes a minute after the shots that an alert heard at once.
        calls.loc[: len(both_ids) - 1, "time_utc"] = (
            alerts["time_utc"].iloc[len(sources[0]) :] + pandas.Timedelta("60s")
        ).to_numpy()
        alerts["call_id"] = [None] * len(sources[0]) + both_ids
    if arrests:
        alerts["arrests"] = [1] * arrests + [0] * (len(heard) - arrests)
    shootings = pandas.DataFrame(columns=list(SHOOTINGS))
    if told:
        found = [outcomes.count("confirmed") for outcomes in sources]
        shootings = _table(SHOOTINGS, "shooting_id", "s", [""] * sum(found), begin, end)
        shootings["severity"] = [
            "injury" if number < hurt else "casings"
            for count, hurt in zip(found, serious, strict=True)
            for number in range(count)
        ]
        shootings["alerted"] = [True] * (found[0] + found[1]) + [False] * found[2]
        shootings["called"] = [False] * found[0] + [True] * (found[1] + found[2])
    shootings["time_utc"] = pandas.to_datetime(shootings["time_utc"], utc=True)
    areas = [{"area": "pilot", "square_miles": square_miles, "treated": True}] if square_miles else []
    costs = [("system", yearly, "year")] * (yearly is not None) + [("start", once, "once")] * (once is not None)
    return Records(
        alerts=alerts,
        calls=calls,
        shootings=shootings,
        areas=pandas.DataFrame(areas, columns=list(AREAS)),
        costs=pandas.DataFrame(costs, columns=list(COSTS)),
        start_utc=begin,
        end_utc=end,
        time_zone="America/New_York",
    )


def _outcomes(counts: Counts) -> list[str]:
    return [outcome for outcome, number in counts.items() for _ in range(number)]


def _table(columns, name: str, letter: str, outcomes: list[str], begin, end) -> pandas.DataFrame:
    share = np.random.default_rng(len(outcomes)).permutation(len(outcomes)) / max(len(outcomes), 1)
    times = begin + (end - begin) * share
    table = pandas.DataFrame({name: [f"{letter}{number}" for number in range(len(outcomes))]})
    table["time_utc"] = (
        pandas.DatetimeIndex(times).as_unit("ns") if len(outcomes) else pandas.DatetimeIndex([], tz="UTC")
    )
    if "outcome" in columns:
        table["outcome"] = [outcome or None for outcome in outcomes]
    for column in columns:
        if column not in table:
            table[column] = np.nan if column in ("latitude", "longitude") else None
    return table[list(columns)]


def durham() -> Records:
    """The pilot of Durham, North Carolina, 15 December 2022 to 14 December 2023 (Cook and Soliman, Wilson Center)."""
    return records_from_counts(
        alert_only={"confirmed": 73, "unconfirmed": 752},
        both={"confirmed": 96, "unconfirmed": 121},
        call_only={"confirmed": 113, "unconfirmed": 292},
        serious=(2, 24, 26),
        square_miles=3.0,
        yearly=197_500,
        once=28_000,
        arrests=7,
    )
