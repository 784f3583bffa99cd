"""Links, places, times, areas and days of small records that can be counted by hand."""

import dataclasses
import math

import numpy as np
import pandas
import pytest
from audit_counts import durham, records_from_counts

from tocsin.evaluation.audit.metrics.equity import equity_section
from tocsin.evaluation.audit.metrics.holidays import FIREWORKS, HOLIDAY, ORDINARY, kinds_of_days
from tocsin.evaluation.audit.metrics.latency import latency_section
from tocsin.evaluation.audit.metrics.links import confirmed_by_source, covered, links_of
from tocsin.evaluation.audit.metrics.overview import audit_metrics
from tocsin.evaluation.audit.metrics.recapture import recapture_section
from tocsin.evaluation.audit.metrics.when import Calendar, rate_metrics, when_sections


def by_key(records, matches=None):
    return {metric.key: metric for metric in audit_metrics(records, matches)}


def small():
    """Four alerts, four calls, four shootings; what belongs together is in no column."""
    counts = {"confirmed": 3, "unconfirmed": 1}
    records = records_from_counts(counts, call_only={"confirmed": 3, "unconfirmed": 1}, days=30)
    shootings = records.shootings.drop(columns=["alerted", "called"]).head(4)
    alerts = records.alerts.drop(columns="call_id")
    return dataclasses.replace(records, alerts=alerts, shootings=shootings)


MATCHES = pandas.DataFrame(
    [("a0", "c0", "s0"), ("a1", "", "s1"), ("", "c1", "s2"), ("a3", "c3", ""), ("a2", "", ""), ("", "", "s3")],
    columns=["alert_id", "call_id", "shooting_id"],
)


@pytest.mark.parametrize("nothing", ["", None])
def test_links_are_those_of_the_matches(nothing):
    links = links_of(small(), MATCHES.replace("", nothing))
    assert links.alert_called.tolist() == [1, 0, 0, 1]
    assert links.call_alerted.tolist() == [1, 0, 0, 1]
    assert links.shooting_alerted.tolist() == [1, 1, 0, 0]
    assert links.shooting_called.tolist() == [1, 0, 1, 0]
    assert links.alert_call.tolist() == [[0, 0], [3, 3]]
    sources = confirmed_by_source(small(), links)
    assert (sources.alert_only, sources.both, sources.call_only) == (1, 1, 1)


def test_records_that_link_nothing_leave_unsaid_what_was_missed():
    links = links_of(small())
    assert links.alert_called is None
    assert links.shooting_alerted is None
    assert not {"missed", "confirmed_both", "gunfire_chapman"} & by_key(small()).keys()


def test_outcomes_alone_give_the_same_sources_as_the_shootings():
    records = durham()
    alone = dataclasses.replace(records, shootings=records.shootings.head(0).drop(columns=["alerted", "called"]))
    one, two = (confirmed_by_source(each, links_of(each)) for each in (records, alone))
    assert (one.alert_only, one.both, one.call_only) == (two.alert_only, two.both, two.call_only) == (73, 96, 113)


def test_shootings_where_or_when_nobody_listened_are_not_missed():
    records = small()
    half = records.start_utc + (records.end_utc - records.start_utc) / 2
    areas = pandas.DataFrame({"area": ["in", "out", "later"], "treated": [True, False, True]})
    areas["start_time_utc"] = pandas.to_datetime(pandas.Series([None, None, half]), utc=True)
    shootings = records.shootings.assign(area=["in", "out", "later", "nowhere"], alerted=[False, False, False, True])
    shootings["time_utc"] = records.start_utc
    records = dataclasses.replace(records, areas=areas, shootings=shootings)
    assert covered(records, shootings).tolist() == [True, False, False, True]
    missed = by_key(records)["missed"]
    assert (missed.numerator, missed.denominator) == (1, 2)
    assert "2 shootings where or when" in missed.caveat


def test_the_contract_rate_counts_what_lies_within_25_m_and_leaves_holidays_out():
    records = small()
    shootings = records.shootings.assign(latitude=36.0, longitude=-78.9)
    # New Year, and three days in no window; a degree of latitude is 110.96 km there.
    shootings["time_utc"] = pandas.to_datetime(["2023-01-01T12Z", *["2023-01-10T12Z"] * 3])
    shootings["contract_eligible"] = [True, True, True, False]
    offsets_m = np.array([10.0, 24.0, 40.0, 0.0])
    alerts = records.alerts.assign(latitude=36.0 + offsets_m / 110_960, longitude=-78.9)
    alerts["shooting_id"] = ["s0", "s1", "s2", None]
    found = by_key(dataclasses.replace(records, alerts=alerts, shootings=shootings))
    every, ordinary = found["contract_performance"], found["contract_performance_ordinary"]
    assert (every.numerator, every.denominator) == (2, 3)
    assert (ordinary.numerator, ordinary.denominator) == (1, 2)
    assert found["location_error_median"].value.value == pytest.approx(24, abs=0.1)
    assert (found["located_within_25_m"].numerator, found["located_within_25_m"].denominator) == (2, 3)
    assert (found["missed_eligible"].numerator, found["missed_eligible"].denominator) == (0, 3)
    assert (found["missed"].numerator, found["missed"].denominator) == (1, 4)


def test_latencies_are_of_each_pair_of_stages_and_backward_ones_are_counted():
    records = records_from_counts({"confirmed": 20}, days=20)
    alerts = records.alerts
    alerts["published_time_utc"] = alerts["time_utc"] + pandas.to_timedelta(np.arange(20.0) - 2, unit="s")
    alerts["sound_time_utc"] = alerts["time_utc"]
    alerts["arrived_time_utc"] = alerts["time_utc"] + pandas.Timedelta("300s")
    alerts.loc[19, "arrived_time_utc"] = pandas.NaT
    rows = {(row["from"], row["to"]): row for row in latency_section(records).rows}
    stages = {("sound", "published"), ("sound", "arrived"), ("published", "arrived"), ("notice", "arrived")}
    assert rows.keys() == stages
    assert rows["notice", "arrived"]["median"] == rows["published", "arrived"]["median"]
    assert rows["sound", "published"]["number"] == 18
    assert rows["sound", "published"]["backwards"] == 2
    assert rows["sound", "published"]["median"].value == pytest.approx(8.5)
    assert rows["sound", "arrived"]["number"] == 19
    assert rows["sound", "arrived"]["median"].value == 300
    assert "2 alerts are left out" in by_key(records)["latency_sound_published_median"].caveat


def test_matched_pairs_tell_how_much_sooner_the_alert_came():
    notice = by_key(durham())["matched_notice"]
    assert notice.value == (-60, -60, -60)
    assert notice.denominator == 217


def test_responses_are_counted_from_the_notice_and_compared_in_pairs():
    records = durham()
    for table, seconds in ((records.alerts, 311.0), (records.calls, 402.0)):
        table["arrived_time_utc"] = table["time_utc"] + pandas.Timedelta(seconds=seconds)
    medians = {row["of"]: row["median"].value for row in latency_section(records).rows}
    assert medians == pytest.approx({"alerts": 311, "calls": 402})
    found = by_key(records)
    assert found["matched_notice_arrived"].value.value == pytest.approx(-91)
    assert found["matched_arrived"].value.value == pytest.approx(-151)


def test_the_estimate_is_stated_for_each_odds_ratio_and_grows_with_it():
    section = recapture_section(durham(), links_of(durham()))
    totals = [row["shootings_in_all"].value for row in section.rows]
    assert totals == sorted(totals)
    assert section.rows[section.standing_out[0]]["odds_ratio"] == "1"
    assert section.rows[-1]["nobody_told_of"] == pytest.approx(8 * section.rows[0]["nobody_told_of"])


def test_equity_of_a_table_by_hand():
    records = records_from_counts({"confirmed": 20, "unconfirmed": 60, "unfounded": 20}, days=365)
    alerts = records.alerts.assign(area=["north"] * 10 + ["south"] * 10 + ["north"] * 60 + ["south"] * 20)
    areas = pandas.DataFrame({"area": ["north", "south"], "population": [2000, 4000], "square_miles": [1.0, 2.0]})
    shootings = pandas.DataFrame({"shooting_id": [str(number) for number in range(20)], "area": "south"})
    shootings.loc[:9, "area"] = "north"
    shootings["time_utc"] = records.start_utc
    section = equity_section(dataclasses.replace(records, alerts=alerts, areas=areas, shootings=shootings))
    north, south = section.rows
    assert (north["alerts"], north["without_evidence"], north["confirmed_shootings"]) == (70, 60, 10)
    assert north["alerts_per_1000_residents_a_year"].value == pytest.approx(35)
    assert north["alerts_against_elsewhere"].value == pytest.approx((70 / 2000) / (30 / 4000))
    assert north["disparity"].value == pytest.approx(3.0)
    assert south["disparity"].value == pytest.approx(1 / 3)
    assert "of 100 alerts without evidence 75 fall here, of 100 confirmed shootings 50" in north["in_words"]


def test_windows_of_fireworks_end_to_the_second_and_holidays_are_those_of_the_united_states():
    local = [
        "2022-12-29 23:59:59", "2022-12-30 00:00:00", "2023-01-03 23:59:59", "2023-01-04 00:00:00",
        "2023-07-01 23:59:59", "2023-07-02 00:00:00", "2023-07-06 23:59:59", "2023-11-23 12:00:00",
    ]  # fmt: skip
    times = pandas.Series(pandas.to_datetime(local)).dt.tz_localize("America/New_York").dt.tz_convert("UTC")
    kinds = kinds_of_days(times, "America/New_York").tolist()
    assert kinds == [ORDINARY, FIREWORKS, FIREWORKS, ORDINARY, ORDINARY, FIREWORKS, FIREWORKS, HOLIDAY]


def test_each_table_by_time_holds_every_alert_and_every_hour_of_a_year_with_both_clock_changes():
    records = durham()
    calendar = Calendar(records)
    for section in when_sections(calendar, records.time_zone):
        rows = [row for row in section.rows if row["when"] != "all days"]
        assert sum(row["alerts"] for row in rows) == 1042
        assert sum(row["days"] for row in rows) == pytest.approx(365)
    assert calendar.days == 365
    march, november = (calendar.exposure[(pandas.Timestamp(day) - pandas.Timestamp("2022-12-15")).days]
                       for day in ("2023-03-12", "2023-11-05"))  # fmt: skip
    assert (march * 24, november * 24) == pytest.approx((23, 25))


def test_rates_that_come_in_clusters_of_days_cover_the_truth():
    rng, covered, poisson = np.random.default_rng(11), 0, 0
    records = records_from_counts({"": 1}, days=60)
    day = np.array([records.start_utc + pandas.Timedelta(days=number, hours=1) for number in range(60)])
    for _ in range(120):
        counts = rng.poisson(4 * rng.gamma(1, 1, 60))
        times = pandas.Series(np.repeat(day, counts))
        alerts = pandas.DataFrame({"alert_id": np.arange(len(times)).astype(str), "time_utc": times, "outcome": None})
        changed = dataclasses.replace(records, alerts=alerts)
        low, high = rate_metrics(changed, Calendar(changed))[0].value[1:]
        covered += low <= 4 <= high
        half = 1.96 * math.sqrt(counts.sum()) / 60
        poisson += abs(counts.sum() / 60 - 4) <= half
    assert covered / 120 >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 120)
    assert poisson / 120 < 0.8


def test_alerts_outside_the_period_are_said():
    records = records_from_counts({"confirmed": 10, "unconfirmed": 10}, days=30)
    records.alerts.loc[0, "time_utc"] = records.end_utc
    metric = by_key(records)["alerts_a_day"]
    assert metric.numerator == 19
    assert "1 alerts outside the period" in metric.caveat


def test_a_list_of_confirmed_alerts_alone_is_not_taken_for_a_perfect_system():
    assert (
        "list of confirmed alerts alone" in by_key(records_from_counts({"confirmed": 48}))["precision_evidence"].caveat
    )
    assert "list of" not in by_key(durham())["precision_evidence"].caveat


def test_costs_of_half_a_year_are_half_of_the_yearly_ones():
    records = records_from_counts({"confirmed": 10}, square_miles=2.0, yearly=100_000, once=7, days=73)
    found = by_key(records)
    assert found["cost_alert"].value.value == pytest.approx(100_000 / 5 / 10, rel=1e-3)
    assert found["cost_square_mile_year"].value.value == pytest.approx(50_000)
    assert "once (7 USD)" in found["cost_alert"].caveat
