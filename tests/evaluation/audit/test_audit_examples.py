"""The worked example: the published counts of Durham's pilot come back out of its tables; its rows say they are not."""

from pathlib import Path

import pandas
import pytest

from tocsin.evaluation.audit.examples import write_durham
from tocsin.evaluation.audit.matching import match_records, sensitivity
from tocsin.evaluation.audit.reading.records_reader import read_records

COMMITTED = Path(__file__).parents[3] / "examples/durham"


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("durham")
    write_durham(folder)
    return read_records(folder)


@pytest.fixture(scope="module")
def incidents(records):
    return match_records(records).incidents


def sources(frame: pandas.DataFrame) -> tuple[int, int, int]:
    """Incidents by the system alone, by both, by a call alone."""
    alert, call = frame["alert_id"] != "", frame["call_id"] != ""
    return int((alert & ~call).sum()), int((alert & call).sum()), int((~alert & call).sum())


def test_notifications_are_those_published(records, incidents):
    assert sources(incidents) == (825, 217, 405)
    assert len(incidents) == 1447
    assert (len(records.alerts), len(records.calls), len(records.shootings)) == (1042, 622, 282)
    assert not records.problems


def test_confirmed_are_those_published(records, incidents):
    confirmed = incidents[incidents["shooting_id"] != ""]
    assert sources(confirmed) == (73, 96, 113)
    shares = [round(100 * count / 282) for count in sources(confirmed)]
    assert shares == [26, 34, 40]
    # 16.2, 8.9, 44.2 and 27.9 %.
    of_all = [round(100 * one / all_, 1) for one, all_ in zip(sources(confirmed), sources(incidents), strict=True)]
    assert of_all == [8.8, 44.2, 27.9] or of_all == [8.9, 44.2, 27.9]
    assert round(100 * (records.alerts["outcome"] == "confirmed").mean(), 1) == 16.2
    by_outcome = set(records.alerts.loc[records.alerts["outcome"] == "confirmed", "alert_id"])
    assert by_outcome == set(confirmed["alert_id"]) - {""}


def test_serious_shootings_are_those_published(records, incidents):
    serious = records.shootings[records.shootings["severity"] == "injury"]
    assert (len(serious), serious["alerted"].sum(), serious["called"].sum()) == (52, 26, 50)
    assert (serious["contract_eligible"].fillna(False) & ~serious["alerted"]).sum() == 8
    # What the records state is what the matching finds.
    found = incidents.set_index("shooting_id").loc[records.shootings["shooting_id"]]
    assert ((found["alert_id"] != "").to_numpy() == records.shootings["alerted"].to_numpy(bool)).all()
    assert ((found["call_id"] != "").to_numpy() == records.shootings["called"].to_numpy(bool)).all()


def test_costs_arrests_and_response_are_those_published(records, incidents):
    alone = incidents[(incidents["alert_id"] != "") & (incidents["call_id"] == "")]
    arrests = records.alerts.set_index("alert_id")["arrests"]
    assert arrests[alone["alert_id"]].sum() == 7
    assert arrests.sum() + records.calls["arrests"].sum() == 29
    cost, miles = records.costs["amount"].sum(), records.areas["square_miles"].sum()
    # Per square mile and year, per alert, per additional confirmed shooting and arrest.
    assert [round(cost / count) for count in (miles, 1042, 73, 7)] == [65_833, 190, 2_705, 28_214]
    medians = [
        (frame["arrived_time_utc"] - frame["time_utc"]).dt.total_seconds().median()
        for frame in (records.alerts, records.calls)
    ]
    assert medians[0] - medians[1] == pytest.approx(-72, abs=1)
    assert records.days == 365


def test_narrower_tolerances_lose_matches_and_wider_ones_gain_none(records):
    both = sensitivity(records)["both"].tolist()
    assert both[0] < both[1] == both[2] == 217


def test_every_row_says_that_it_is_synthetic(records):
    for frame in (records.alerts, records.calls, records.shootings):
        assert (frame["Data"] == "synthetic").all()
    assert records.notes[0].startswith("SYNTHETIC ROWS")


def test_the_committed_folder_is_what_the_function_writes(tmp_path):
    write_durham(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == sorted(path.name for path in COMMITTED.iterdir())
    for name in names:
        assert (tmp_path / name).read_text() == (COMMITTED / name).read_text(), name
    assert sum(path.stat().st_size for path in COMMITTED.iterdir()) < 300_000
