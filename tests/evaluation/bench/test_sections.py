"""The tables against the counts that they state, and what they say where there is too little."""

import numpy as np
import pandas
import pytest
from bench_logs import random_log

from tocsin.evaluation.bench.comparison import compare
from tocsin.evaluation.bench.counts import count
from tocsin.evaluation.bench.evaluation import evaluate
from tocsin.evaluation.bench.log import make_log
from tocsin.evaluation.bench.matching import match
from tocsin.evaluation.bench.needed import needed
from tocsin.evaluation.bench.operating_point import LeastRecall, parse_budget
from tocsin.evaluation.bench.sections import comparison_sections, sections_of
from tocsin.evaluation.measures.intervals import poisson_rate
from tocsin.evaluation.report.section import text


@pytest.fixture(scope="module")
def evaluation():
    return evaluate(random_log(1, recordings=12), bases=[parse_budget("9999 per hour"), LeastRecall(1.0)])


def tables_of(evaluation):
    return {section.key: section for section in sections_of(evaluation)}


def test_the_threshold_is_that_of_the_first_basis_that_gives_one(evaluation):
    assert evaluation.threshold == evaluation.points[0][1].threshold.value
    assert evaluation.points[1][1] is None
    assert tables_of(evaluation)["operating_points"].rows[1]["threshold"] == "none will do"


def test_the_summary_states_the_counts(evaluation):
    counts, threshold = evaluation.counts, evaluation.threshold
    figures = {row["figure"]: row["value"] for row in tables_of(evaluation)["summary"].rows}
    hours = 12 * 30 / 3600
    assert figures["false alarms a sensor-hour"] == pytest.approx(poisson_rate(counts.alarms(threshold), hours))
    assert figures["false alarms a sensor-day"].high == pytest.approx(24 * counts.poisson(threshold).high)
    assert figures["recall: share of the true sounds found"] == counts.recall(threshold)


def test_the_curve_falls_from_the_highest_threshold_to_the_lowest(evaluation):
    rows = tables_of(evaluation)["thresholds"].rows
    thresholds = [row["threshold"] for row in rows]
    every = evaluation.counts.every_threshold()
    assert thresholds == sorted(thresholds, reverse=True)
    assert (thresholds[0], thresholds[-1]) == pytest.approx((every[0], every[-1]))


def quiet(hours, sessions=20, sounds=0):
    names = [f"s{place}" for place in range(sessions)]
    heard = pandas.DataFrame({"recording": names, "duration_s": 3600.0 * hours / sessions})
    truth = pandas.DataFrame({"recording": names[:sounds], "onset_s": 1.0, "label": "gunshot"})
    said = pandas.DataFrame({"recording": names[: sounds // 2], "onset_s": 1.0, "score": 0.9})
    return count(match(make_log(heard, truth, said)))


def test_no_alarm_is_stated_as_its_upper_bound_and_how_long_a_week_would_need():
    said = list(needed(quiet(10.0), 0.5))
    assert said[0].startswith("No false alarm in 10 hours says no more than: fewer than 8.9 a day.")
    # 3.7 / T an hour, the upper end of the exact interval of nothing.
    assert "26 days without any would be needed" in said[0]
    assert said[1].startswith("No true sound is labelled")


def test_a_budget_that_the_hours_cannot_show_is_said():
    said = list(needed(quiet(10.0, sounds=20), 0.5, (parse_budget("1 per sensor-week"),)))
    assert any("can only be shown to be kept in 26 days" in sentence for sentence in said)


def test_the_sounds_that_a_share_would_need_are_those_of_the_binomial():
    said = [sentence for sentence in needed(quiet(10.0, 40, sounds=40), 0.5) if "points" in sentence]
    # 1.96² · ½ · ½ / 0.05² = 384 sounds for ± 5 points, if each session has one, less the rounding of the spread.
    number = int(said[0].split("some ")[1].split(" sounds")[0])
    assert number == pytest.approx(384, rel=0.1)


def test_few_sessions_are_said():
    assert next(needed(quiet(10.0, sessions=3), 0.5)).startswith("There are 3 sessions.")


def test_every_figure_is_finite_where_nothing_was_detected_at_all():
    heard = pandas.DataFrame({"recording": ["a"], "duration_s": [60.0]})
    nothing = pandas.DataFrame({"recording": [], "onset_s": [], "score": []})
    tables = tables_of(evaluate(make_log(heard, None, nothing)))
    assert tables["thresholds"].rows == []
    for row in tables["summary"].rows:
        assert np.isfinite(row["value"]).all()


def test_one_session_has_figures_and_no_interval_that_pretends_to_know_others():
    one = evaluate(random_log(1, recordings=2), 0.5, bases=[LeastRecall(0.1)])
    tables = tables_of(one)
    f1 = next(row["value"] for row in tables["summary"].rows if row["figure"] == "F1 of events")
    assert text(f1) == f"{f1.value:.3f}"
    assert tables["summary"].plain()["rows"][-2]["value"]["low"] is None
    assert np.isnan(one.points[0][1].threshold.low)


def test_the_tables_of_a_comparison_state_it():
    log = random_log(1, recordings=12)
    comparison = compare(evaluate(log, 0.5), evaluate(log.with_detections(log.detections.iloc[::2], "half"), 0.5))
    differs, only = comparison_sections(comparison)
    assert list(differs.rows[0]) == ["figure", "detector", "half", "difference"]
    assert differs.rows[0]["difference"] == comparison.at_thresholds[0].difference
    missed = [len(frame) for frame in comparison.missed_by_one()]
    assert [row["missed_sounds"] for row in only.rows] == missed
    assert missed[0] == comparison.found_by_one.only_b
    same = comparison_sections(compare(evaluate(log, 0.5), evaluate(log, 0.4)))[0]
    assert list(same.rows[0])[1:3] == ["detector (first)", "detector (second)"]
