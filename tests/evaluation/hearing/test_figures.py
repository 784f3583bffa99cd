"""Calibration, Poisson rates and alarms: published tables, scikit-learn as second implementation, cases by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2
from sklearn.metrics import brier_score_loss

from tocsin import TocsinError
from tocsin.evaluation.hearing.alarm_sections import alarms_by_place, by_place, operating_points
from tocsin.evaluation.hearing.counting import Heard, Shot, Stretch, alarms, recall, threshold_of_recall
from tocsin.evaluation.measures.calibration import at_share, brier_score, expected_calibration_error, reliability
from tocsin.evaluation.measures.classification import roc_points, share_interval
from tocsin.evaluation.measures.intervals import poisson_rate
from tocsin.evaluation.report.section import Section, text


def test_calibration_error_by_hand():
    # Ten answers of 0.9, eight of them true; ten of 0.1, one true: half of 0.1 and half of 0.
    stated = [0.9] * 10 + [0.1] * 10
    true = [True] * 8 + [False] * 2 + [True] + [False] * 9
    assert expected_calibration_error(stated, true) == pytest.approx(0.05)
    # Weighing the first ten alone leaves their error alone.
    assert expected_calibration_error(stated, true, [1] * 10 + [0] * 10) == pytest.approx(0.1)


def test_bins_end_with_their_upper_edge():
    low, high = reliability([0.0, 1 / 15, 1.0, 0.95], [False, True, True, True])
    assert (low.low, low.high, low.share, low.observed) == (0, pytest.approx(1 / 15), 0.5, 0.5)
    assert (high.low, high.high, high.stated) == (pytest.approx(14 / 15), 1, pytest.approx(0.975))


def test_calibrated_answers_have_little_error():
    rng = np.random.default_rng(3)
    stated = rng.random(40_000)
    assert expected_calibration_error(stated, rng.random(40_000) < stated) < 0.015
    assert expected_calibration_error(stated, rng.random(40_000) < stated**2) > 0.1


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.integers(1, 5)), min_size=2, max_size=40))
def test_brier_equals_scikit_learn(answers):
    stated, true, weights = (np.array(column) for column in zip(*answers, strict=True))
    expected = brier_score_loss(true, stated, sample_weight=weights, pos_label=True, labels=[False, True])
    assert brier_score(stated, true, weights) == pytest.approx(expected)


def test_what_is_no_probability_is_refused():
    with pytest.raises(TocsinError, match="between 0 and 1"):
        brier_score([1.2], [True])
    with pytest.raises(TocsinError, match=r"one shape \(n,\)"):
        expected_calibration_error([0.2, 0.3], [True])


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0, 3.689), (1, 0.0253, 5.572), (5, 1.623, 11.668), (10, 4.795, 18.390)]
)
def test_poisson_interval_is_that_of_the_published_table(count, low, high):
    # Garwood 1936; the table in Ulm 1990, American Journal of Epidemiology 131.
    rate = poisson_rate(count, 1.0)
    assert rate.value == count
    assert (rate.low, rate.high) == (pytest.approx(low, abs=1e-3), pytest.approx(high, abs=1e-3))


def test_poisson_interval_is_of_chi_square_and_scales_with_the_hours():
    rate = poisson_rate(7, 2.5)
    assert rate.low == pytest.approx(chi2.ppf(0.025, 14) / 2 / 2.5)
    assert rate.high == pytest.approx(chi2.ppf(0.975, 16) / 2 / 2.5)


def test_a_share_that_is_told_shifts_probabilities_as_counting_does():
    rng = np.random.default_rng(4)
    score = rng.normal(size=200_000) + (positive := rng.random(200_000) < 0.5)
    stated = 1 / (1 + np.exp(0.5 - score))  # Bayes' rule of the two normal laws, at even shares
    kept = ~positive | (rng.random(200_000) < 1 / 9)
    assert expected_calibration_error(stated[kept], positive[kept]) > 0.2
    assert expected_calibration_error(at_share(stated[kept], 0.5, 0.1), positive[kept]) < 0.01
    assert at_share([0.3], [0.26], 0.26) == pytest.approx([0.3])


def test_alarms_count_events_over_all_the_time():
    stretches = [
        Stretch("rain", "background", "a", 1800, (1.0, 2.0), (0.2, 0.9)),
        Stretch("clap", "impulse", "b", 5400, (1.0, 2.0), (0.5, 0.4)),
    ]
    found = alarms(stretches, 0.5)
    assert found is not None
    assert (found.number, found.hours, found.per_hour.value) == (2, 2.0, 1.0)
    assert alarms([], 0.5) is None


def test_alarms_within_a_second_of_the_one_before_are_one():
    stretch = Stretch("rain", "background", "a", 60, (1.0, 1.4, 2.3, 3.0, 4.5), (0.9, 0.9, 0.9, 0.1, 0.9))
    # 1.0, 1.4 and 2.3 follow each other within a second; what lies between 2.3 and 4.5 is below the threshold.
    assert (stretch.alarms(0.5), stretch.alarms(0.05), stretch.alarms(0.95)) == (2, 2, 0)


def test_a_place_without_an_alarm_is_below_three_point_seven_over_its_hours():
    stretches = (
        Stretch("traffic", "background", "a", 3600, (1.0, 9.0), (0.9, 0.6)),
        Stretch("crowd", "background", "b", 7200, (1.0,), (0.35,)),
        Stretch("siren", "background", "c", 1800, (), ()),
        Stretch("clap", "impulse", "d", 900, (1.0,), (0.9,)),
    )
    heard = Heard(stretches, tuple(Shot("x", "s", 0.1 * n) for n in range(1, 11)))
    assert {name: len(some) for name, some in by_place(heard).items()} == {
        "city": 1,
        "crowd": 1,
        "traffic": 1,
        "other_beds": 1,
        "everything": 4,
    }
    points = operating_points(heard, 0.95)
    assert points == {
        "at_90_%_recall": pytest.approx(0.2),
        "at_80_%_recall": pytest.approx(0.3),
        "at_the_card's": 0.95,
    }
    section = alarms_by_place({name: (heard, value) for name, value in points.items()})
    rows = {row["place"]: row for row in section.rows}
    hourly = [rows[name]["at_80_%_recall"].value * rows[name]["hours"] for name in rows]
    assert hourly == pytest.approx([2, 1, 2, 0, 4])
    assert text(rows["crowd"]["at_the_card's"]) == "< 1.84"
    assert text(rows["traffic"]["at_90_%_recall"]) == "2.00 (0.24–7.22)"
    assert "at 80 % recall 0.3000 (recall 0.800)" in section.note


def test_threshold_of_recall_is_the_highest_that_reaches_it():
    # Ten shots of one session and one of another: the other weighs as much as all ten.
    shots = [Shot("x", "a", 0.05 * number) for number in range(1, 11)] + [Shot("x", "b", 0.3)]
    assert recall(shots, 0.3) == pytest.approx(0.75)
    assert threshold_of_recall(shots, 0.75) == pytest.approx(0.3)
    assert threshold_of_recall(shots, 0.74) == pytest.approx(0.3)
    assert threshold_of_recall(shots, 0.9) == pytest.approx(0.15)
    # A shot without an event cannot be found by lowering the threshold.
    assert threshold_of_recall([*shots, Shot("x", "c", 0.0)], 0.9) is None
    assert recall([], 0.5) is None


def test_share_interval_sees_sessions_not_clips():
    hits = [True] * 50 + [False] * 50
    few = share_interval(hits, ["a"] * 50 + ["b"] * 50)
    many = share_interval(hits, [str(place) for place in range(100)])
    assert few == (0.5, 0, 1)
    assert many.value == 0.5
    # The normal approximation of a binomial share of 100.
    assert (many.low, many.high) == (pytest.approx(0.402, abs=0.02), pytest.approx(0.598, abs=0.02))


def test_roc_points_run_from_nothing_to_everything():
    false, true = roc_points([3, 2, 1], [True, False, True])
    assert (false.tolist(), true.tolist()) == ([0, 0, 1, 1], [0, 0.5, 0.5, 1])


def test_section_in_both_formats():
    rate = poisson_rate(0, 10)
    section = Section("key", "Title", "Note.", [{"a_b": 1, "c": rate}, {"a_b": None, "c": 0.25}], [1])
    assert section.markdown().splitlines()[4:] == [
        "| a b | c |",
        "|---|---|",
        "| 1 | < 0.369 |",
        "| **–** | **0.250** |",
    ]
    assert section.plain()["rows"][0] == {
        "a_b": 1,
        "c": {"value": 0, "low": 0, "high": pytest.approx(0.3689, abs=1e-4)},
    }
    assert text(poisson_rate(100, 0.5)) == "200 (163–243)"
