"""Panels: tables that are right and wrong, neighbours, and records counted by hand."""

import numpy as np
import pandas as pd
import pytest

from tocsin import TocsinError
from tocsin.evaluation.audit.comparison.from_records import panel_from_records
from tocsin.evaluation.audit.comparison.panel import neighbours_within, panel_of, read_panel, without_touching
from tocsin.evaluation.audit.records import Records

PERIODS = ("2023-01", "2023-02", "2023-03")


def table(**columns):
    rows = [(area, period) for area in "ABC" for period in PERIODS]
    frame = pd.DataFrame(rows, columns=["area", "period"]).assign(count=range(9))
    return frame.assign(**columns)


def test_a_table_in_any_order_becomes_the_same_panel():
    since = ["2023-02-01"] * 3 + [None] * 6
    frame = table(treated_from=since)
    panel, shuffled = panel_of(frame), panel_of(frame.sample(frac=1, random_state=1))
    np.testing.assert_array_equal(panel.counts, np.arange(9).reshape(3, 3))
    np.testing.assert_array_equal(shuffled.counts, panel.counts)
    assert panel.start.tolist() == shuffled.start.tolist() == [1, -1, -1]
    assert panel.periods == ("2023-01-01", "2023-02-01", "2023-03-01")
    assert panel.steady


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (table().drop(columns="count"), "lacks the column count"),
        (table().drop(index=4), "has no row for area B in 2023-02-01"),
        (pd.concat([table(), table().iloc[:1]]), "has 2 rows for area A in 2023-01-01"),
        (table(count=[-1, *range(8)]), "row 1: count is '-1'"),
        (table(period="soon"), "row 1: period is 'soon'"),
        (table(population=0), "a population is 0"),
        (table(treated_from=["2023-01", "2023-02"] + [None] * 7), "area A has two dates"),
        (table().iloc[:0], "has no row"),
    ],
)
def test_a_wrong_table_gives_a_sentence(frame, said):
    with pytest.raises(TocsinError, match=said):
        panel_of(frame)


def test_a_file_that_is_not_there_gives_a_sentence(tmp_path):
    with pytest.raises(TocsinError, match="is not there"):
        read_panel(tmp_path / "none.csv")


def test_areas_that_touch_treated_ones_are_left_out_and_stand_apart():
    panel = panel_of(table(treated_from=["2023-02-01"] * 3 + [None] * 6))
    kept, beside = without_touching(panel, {"B": ["A"]})
    assert (kept.areas, kept.start.tolist()) == (("A", "C"), [1, -1])
    assert (beside.areas, beside.start.tolist()) == (("B", "C"), [1, -1])
    assert "touch treated ones" in kept.notes[0]
    assert without_touching(panel, {"B": ["C"]}) == (panel, None)


def test_a_degree_of_latitude_is_111_km():
    latitude, longitude = {"A": 40.0, "B": 41.0, "C": 45.0}, dict.fromkeys("ABC", -80.0)
    assert neighbours_within(latitude, longitude, 111.3) == {"A": ("B",), "B": ("A",), "C": ()}
    assert neighbours_within(latitude, longitude, 111.1)["A"] == ()


def records(**areas):
    times = pd.to_datetime(
        ["2023-01-01T04:59:59Z", "2023-01-01T05:00:00Z", "2023-02-01T04:59:59Z", "2023-04-01T03:59:59Z"], utc=True
    )
    shootings = pd.DataFrame({"time_utc": times, "area": ["A", "A", "B", "Z"], "severity": ["injury"] * 4})
    named = pd.DataFrame({"area": ["A", "B"], "treated": [True, False], **areas})
    nothing = pd.DataFrame()
    return Records(
        nothing,
        nothing,
        shootings,
        named,
        nothing,
        pd.Timestamp("2022-12-10", tz="UTC"),
        pd.Timestamp("2023-06-01T04:00:00", tz="UTC"),
        "America/New_York",
    )


def test_records_are_counted_by_whole_months_of_local_time():
    begun = {"start_time_utc": pd.to_datetime(["2023-03-15T12:00:00Z", None], utc=True)}
    panel = panel_from_records(records(**begun, population=[100, 300]))
    # December is covered in part; the system began within March; local midnight is 05:00 UTC, 04:00 in summer.
    assert panel.periods == ("2023-01-01", "2023-02-01", "2023-04-01", "2023-05-01")
    np.testing.assert_array_equal(panel.counts, [[1, 0, 0, 0], [1, 0, 0, 0]])
    assert panel.start.tolist() == [2, -1]
    assert panel.exposure[:, 0].tolist() == [100, 300]
    assert any("1 of 4 shootings lie in no area" in note for note in panel.notes)
    assert any("2023-03-01, in which the system began" in note for note in panel.notes)


def test_records_are_counted_by_weeks_from_monday_on_until_the_system_ends():
    known = {
        "start_time_utc": pd.to_datetime(["2023-01-30T05:00:00Z", None], utc=True),
        "end_time_utc": pd.to_datetime(["2023-02-20T05:00:00Z", None], utc=True),
    }
    panel = panel_from_records(records(**known), "week")
    assert (panel.periods[0], panel.periods[-1]) == ("2022-12-12", "2023-02-13")
    assert panel.periods[panel.start[0]] == "2023-01-30"
    assert panel.counts.sum() == 3


def test_a_treated_area_without_a_start_gives_a_sentence():
    with pytest.raises(TocsinError, match="area A is treated but has no start_time_utc"):
        panel_from_records(records())


def test_no_shooting_at_all_is_a_panel_of_noughts():
    known = {"start_time_utc": pd.to_datetime(["2023-03-01T05:00:00Z", None], utc=True)}
    panel = panel_from_records(records(**known), severities=("fatal",))
    assert (panel.counts.sum(), panel.counts.shape, panel.start.tolist()) == (0, (2, 5), [2, -1])
