"""Published audits, from the counts that they rest on."""

import pytest
from audit_counts import durham, records_from_counts

from tocsin.evaluation.audit.metrics.overview import audit_metrics, audit_sections


def figures(records, matches=None):
    metrics = audit_metrics(records, matches)
    assert len({metric.key for metric in metrics}) == len(metrics)
    return {metric.key: metric.value.value for metric in metrics}


def test_durham_is_what_the_wilson_center_published():
    found = figures(durham())
    shares = {
        "confirmed_of_all": 0.162,
        "confirmed_call_only": 0.279,
        "confirmed_both": 0.442,
        "recall_all": 0.60,
        "called_all": 0.74,
        "recall_serious": 0.50,
        "called_serious": 0.96,
        "told_alert_only": 0.26,
        "told_both": 0.34,
        "told_call_only": 0.40,
    }
    for key, share in shares.items():
        digits = 3 if round(share, 2) != share else 2
        assert round(found[key], digits) == share, key
    # 8.9 % is 26 % of 282 shootings over 57 % of 1,447 notices. Of 825 no whole number is: 73 are 8.85 %.
    assert round(0.26 * 282 / (0.57 * 1447), 3) == 0.089
    assert found["confirmed_alert_only"] == pytest.approx(73 / 825)
    assert found["confirmed_alert_only"] == pytest.approx(0.089, abs=0.001)
    assert round(found["cost_additional_confirmed"]) == 2705
    assert found["cost_additional_confirmed"] == pytest.approx(197_500 / 73)
    assert round(found["cost_additional_arrest"]) == 28_214
    assert round(found["cost_alert"]) == 190
    assert round(found["cost_square_mile_year"]) == 65_833
    assert found["missed"] == pytest.approx(113 / 282)


def test_durham_s_calls_are_as_often_unconfirmed_as_published():
    found = figures(durham())
    assert round(100 * (1 - found["confirmed_alert_only"])) == 91
    assert round(100 * (1 - found["confirmed_call_only"])) == 72


def test_new_york_in_june_2023_is_what_the_comptroller_published():
    records = records_from_counts({"confirmed": 122, "unconfirmed": 771, "unfounded": 47}, days=30, start="2023-06-01")
    minutes = {"confirmed": 60.0, "unconfirmed": 32.0, "unfounded": 20.0}
    records.alerts["minutes_on_scene"] = records.alerts["outcome"].map(minutes)
    metrics = {metric.key: metric for metric in audit_metrics(records)}
    for key, percent in (("confirmed", 13), ("unconfirmed", 82), ("unfounded", 5)):
        assert round(100 * metrics[f"{key}_of_all"].value.value) == percent
    hours = metrics["officer_hours_without_evidence"]
    assert round(hours.value.value, 1) == 426.9
    assert "count as one" in hours.caveat
    assert metrics["precision_lower"].value.value == pytest.approx(122 / 940)
    assert metrics["precision_upper"].value.value == pytest.approx(893 / 940)


@pytest.mark.parametrize(
    ("counts", "percents"),
    [
        ({"confirmed": 62, "unfounded": 42, "unconfirmed": 19}, (50, 34, 15)),
        ({"confirmed": 81, "unfounded": 7, "unconfirmed": 12}, (81, 7, 12)),
    ],
)
def test_san_jose_before_and_after_it_was_set_anew_is_what_was_published(counts, percents):
    found = figures(records_from_counts(counts, days=120))
    for key, percent in zip(("confirmed", "unfounded", "unconfirmed"), percents, strict=True):
        assert round(100 * found[f"{key}_of_all"]) == percent


def test_chicago_is_what_the_inspector_general_published():
    counts = {"confirmed": 4556, "unconfirmed": 41_830 - 4556, "": 50_176 - 41_830}
    found = figures(records_from_counts(counts, days=517, start="2020-01-01"))
    assert round(100 * found["confirmed_of_all"], 1) == 9.1
    assert round(100 * found["confirmed_of_disposed"], 1) == 10.9
    assert found["no_disposition"] == pytest.approx(8346 / 50_176)


def test_the_vendor_s_rule_of_the_first_months_in_durham_calls_three_percent_wrong():
    records = records_from_counts({"confirmed": 59, "unconfirmed": 290}, days=97)
    records.alerts["complaint"] = [number < 11 for number in range(349)]
    found = figures(records)
    assert round(100 * (1 - found["precision_vendor"]), 1) == 3.2
    assert round(100 * (1 - found["precision_evidence"])) == 83


def test_what_durham_s_counts_cannot_answer_is_said_and_every_table_is_whole():
    sections = audit_sections(durham())
    missing = next(section for section in sections if section.key == "unanswered")
    assert any("off the place" in row["question"] for row in missing.rows)
    assert not any("911" in row["question"] for row in missing.rows)
    for section in sections:
        assert section.rows
        assert all(list(row) == list(section.rows[0]) for row in section.rows)
        assert "nan" not in section.markdown()
        assert section.plain()["title"] == section.title
