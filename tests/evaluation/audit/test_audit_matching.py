"""Matching: the best of all choices by trying them, and what must not depend on order, on the hour, or on the place."""

import itertools

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin import TocsinError
from tocsin.evaluation.audit.assignment import (
    EARTH_RADIUS_M,
    Events,
    Tolerance,
    _solve,
    best_pairs,
    metres_between,
    pairs_within,
    solve_sparse,
)
from tocsin.evaluation.audit.matching import GIVEN, Tolerances, match_records, sensitivity
from tocsin.evaluation.audit.records import Records

START = pandas.Timestamp("2023-01-01", tz="UTC").as_unit("us")


def table(key: str, seconds, north_m=None, **columns) -> pandas.DataFrame:
    """Events at seconds after START, metres north of a point; NaN has no place."""
    seconds = np.asarray(seconds, float)
    north_m = np.zeros(len(seconds)) if north_m is None else np.asarray(north_m, float)
    frame = pandas.DataFrame(
        {
            key: [f"{key[0]}{number}" for number in range(len(seconds))],
            "time_utc": START + pandas.to_timedelta(np.round(seconds * 1e6).astype(np.int64), unit="us"),
            "latitude": 36 + np.degrees(north_m / EARTH_RADIUS_M),
            "longitude": np.where(np.isnan(north_m), np.nan, -78.9),
        }
    )
    return frame.assign(**columns)


def records(alerts=None, calls=None, shootings=None) -> Records:
    return Records(
        alerts=table("alert_id", []) if alerts is None else alerts,
        calls=table("call_id", []) if calls is None else calls,
        shootings=table("shooting_id", []) if shootings is None else shootings,
        areas=pandas.DataFrame(),
        costs=pandas.DataFrame(),
        start_utc=START,
        end_utc=START + pandas.Timedelta(days=365),
        time_zone="America/New_York",
    )


def by_trying(pairs) -> tuple[int, float]:
    """The most pairs there can be, and the least cost of so many, of all sets of pairs."""
    count, numbers = 0, range(len(pairs.first))
    best = (0, 0.0)
    for count in range(1, len(numbers) + 1):
        costs = [
            float(pairs.cost[list(some)].sum())
            for some in itertools.combinations(numbers, count)
            if len(set(pairs.first[list(some)])) == count == len(set(pairs.second[list(some)]))
        ]
        if not costs:
            break
        best = (count, min(costs))
    return best


times = st.lists(st.integers(0, 1200), max_size=4)


@settings(max_examples=150, deadline=None)
@given(times, times, st.integers(0, 2**32 - 1))
def test_the_choice_equals_the_best_of_all(first_s, second_s, seed):
    rng = np.random.default_rng(seed)
    events = [
        Events(np.sort(np.array(seconds, np.int64)) * 1_000_000, 36 + rng.uniform(0, 0.004, (len(seconds), 2)))
        for seconds in (first_s, second_s)
    ]
    events[0].places[rng.random(len(first_s)) < 0.2] = np.nan
    pairs = pairs_within(*events, Tolerance(400, -120, 600))
    chosen = best_pairs(pairs)
    assert len(set(pairs.first[chosen])) == len(chosen) == len(set(pairs.second[chosen]))
    count, cost = by_trying(pairs)
    assert len(chosen) == count
    assert pairs.cost[chosen].sum() == pytest.approx(cost)


@pytest.mark.parametrize("seed", range(5))
def test_the_sparse_solver_finds_the_cost_of_the_dense_one(seed):
    rng = np.random.default_rng(seed)
    cells = rng.choice(60 * 80, 400, replace=False)
    one, other = np.unique(cells // 80, return_inverse=True)[1], np.unique(cells % 80, return_inverse=True)[1]
    cost = rng.uniform(0, 2, len(cells))
    cost[:3] = 0
    dense, sparse = _solve(one, other, cost), solve_sparse(one, other, cost, worth=200.0)
    assert len(dense) == len(sparse) == len(set(one[sparse])) == len(set(other[sparse]))
    assert cost[dense].sum() == pytest.approx(cost[sparse].sum())


def test_pairs_equal_all_that_a_double_loop_finds():
    rng = np.random.default_rng(3)
    first, second = (
        Events(np.sort(rng.integers(0, 7200, n)) * 1_000_000, 36 + rng.uniform(0, 0.01, (n, 2))) for n in (40, 70)
    )
    held = Tolerance(500, -120, 900)
    pairs = pairs_within(first, second, held)
    expected = [
        (i, j)
        for i in range(40)
        for j in range(70)
        if -120 <= (second.time_us[j] - first.time_us[i]) / 1e6 <= 900
        and metres_between(first.places[i : i + 1], second.places[j : j + 1])[0] <= 500
    ]
    assert list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == expected


def test_distances_equal_those_of_pyproj_on_the_sphere():
    pyproj = pytest.importorskip("pyproj")
    rng = np.random.default_rng(4)
    one, other = rng.uniform(-80, 80, (2, 50, 2))
    geod = pyproj.Geod(a=EARTH_RADIUS_M, b=EARTH_RADIUS_M)
    assert metres_between(one, other) == pytest.approx(geod.inv(one[:, 1], one[:, 0], other[:, 1], other[:, 0])[2])


def random_records(rng) -> Records:
    return records(
        table("alert_id", rng.uniform(0, 40_000, 60), rng.uniform(0, 1500, 60)),
        table("call_id", rng.uniform(0, 40_000, 90), rng.uniform(0, 1500, 90)),
        table("shooting_id", rng.uniform(0, 40_000, 40), np.where(rng.random(40) < 0.2, np.nan, 500.0)),
    )


def test_the_order_of_rows_does_not_matter():
    given = random_records(np.random.default_rng(5))
    shuffled = records(
        *(frame.sample(frac=1, random_state=1) for frame in (given.alerts, given.calls, given.shootings))
    )
    pandas.testing.assert_frame_equal(match_records(given).incidents, match_records(shuffled).incidents)


def test_a_shift_of_all_times_changes_nothing_else():
    given, days = random_records(np.random.default_rng(6)), pandas.Timedelta(days=200)
    here = match_records(given).incidents
    moved = (frame.assign(time_utc=frame["time_utc"] + days) for frame in (given.alerts, given.calls, given.shootings))
    later = match_records(records(*moved)).incidents
    assert ((later.pop("time_utc") - here.pop("time_utc")) == days).all()
    pandas.testing.assert_frame_equal(here, later)


def test_every_row_is_in_one_incident_and_every_match_within_its_tolerance():
    given, held = random_records(np.random.default_rng(7)), Tolerances()
    incidents = match_records(given, held).incidents
    for frame, key in ((given.alerts, "alert_id"), (given.calls, "call_id"), (given.shootings, "shooting_id")):
        assert sorted(name for name in incidents[key] if name) == sorted(frame[key])
    matched = incidents[incidents["call_by"] != ""]
    assert len(matched) > 5
    assert matched["call_seconds"].between(-120, 900).all()
    assert (matched["call_metres"] <= 500).all()
    timed = incidents[incidents["shooting_by"] == "time alone"]
    assert len(timed) > 0
    assert timed["shooting_metres"].isna().all()


def test_two_alerts_that_share_a_call_do_not_both_get_it():
    matches = match_records(records(table("alert_id", [0, 10]), table("call_id", [60, 500])))
    assert sorted(matches.incidents["call_id"]) == ["c0", "c1"]
    alone = match_records(records(table("alert_id", [0, 10]), table("call_id", [60]))).incidents
    assert alone["call_id"].tolist() == ["", "c0"]
    assert alone["call_seconds"].tolist()[1] == 50


def test_a_second_caller_is_said_to_repeat():
    matches = match_records(records(table("alert_id", [0]), table("call_id", [60, 200, 5000])))
    assert matches.incidents[["alert_id", "call_id", "repeat"]].to_numpy().tolist() == [
        ["a0", "c0", False],
        ["", "c1", True],
        ["", "c2", False],
    ]
    assert matches.notes == ("calls without an alert, but near one that another call was matched with: 1",)


def test_a_second_alert_of_a_burst_is_said_to_repeat():
    matches = match_records(records(table("alert_id", [0, 20, 5000]), table("call_id", [90])))
    assert matches.incidents[["alert_id", "call_id", "repeat"]].to_numpy().tolist() == [
        ["a0", "", True],
        ["a1", "c0", False],
        ["a2", "", False],
    ]


def test_a_shooting_goes_to_the_incident_by_its_call_where_it_has_no_alert():
    matches = match_records(
        records(table("alert_id", [0]), table("call_id", [60, 9000]), table("shooting_id", [30, 9100, 50_000]))
    )
    assert matches.incidents[["alert_id", "call_id", "shooting_id"]].to_numpy().tolist() == [
        ["a0", "c0", "s0"],
        ["", "c1", "s1"],
        ["", "", "s2"],
    ]
    assert matches.incidents["shooting_seconds"].tolist()[:2] == [30, 100]


def test_stated_ids_are_kept_however_far_and_those_of_no_row_are_said():
    alerts = table("alert_id", [0, 100, 200], call_id=["c1", "", "lost"], shooting_id=["s0", "s0", ""])
    matches = match_records(records(alerts, table("call_id", [20, 90_000]), table("shooting_id", [70_000])))
    first = matches.incidents.set_index("alert_id").loc["a0"]
    assert (first["call_id"], first["call_by"], first["shooting_id"]) == ("c1", GIVEN, "s0")
    assert np.isnan(first["call_seconds"])
    assert matches.incidents["shooting_id"].tolist().count("s0") == 1
    assert matches.notes == (
        "1 of the 2 call_id that alerts state are of no row or stated before",
        "1 of the 2 shooting_id that alerts state are of no row or stated before",
    )


def test_wider_tolerances_never_find_fewer():
    counts = sensitivity(random_records(np.random.default_rng(8)), [Tolerances().times(x) for x in (0.2, 0.5, 1, 2, 5)])
    assert counts["both"].is_monotonic_increasing
    assert counts["both"].iloc[-1] > counts["both"].iloc[0]
    assert ((counts["both"] + counts["alert_only"]) == 60).all()
    assert ((counts["both"] + counts["call_only"]) == 90).all()
    assert (counts.filter(like="shootings_").sum(axis=1) == 40).all()


def test_nothing_to_match_gives_no_rows():
    matches = match_records(records())
    assert len(matches.incidents) == 0
    assert sensitivity(records())["both"].tolist() == [0, 0, 0]


@pytest.mark.parametrize(("metres", "earliest", "latest"), [(0, 0, 1), (float("nan"), 0, 1), (5, 3, 2)])
def test_a_tolerance_that_holds_nothing_is_refused(metres, earliest, latest):
    with pytest.raises(TocsinError, match="expected"):
        Tolerance(metres, earliest, latest)
