"""Metrics of classification against scikit-learn as the second implementation, and against cases worked by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from tocsin import TocsinError
from tocsin.data.splits import session_weights
from tocsin.evaluation.measures.classification import (
    area_under_roc,
    confusion_matrix,
    recall_at_false_positive_rate,
    session_interval,
)


@st.composite
def scored_clips(draw):
    seed, n = draw(st.integers(0, 2**32 - 1)), draw(st.integers(2, 80))
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.4
    positive[:2] = True, False
    # Few distinct scores, so that ties are common.
    scores = rng.integers(0, draw(st.integers(1, 30)), n) / 7 + 0.5 * positive
    return scores, positive, rng.integers(1, 5, n).astype(float)


@settings(max_examples=200, deadline=None)
@given(scored_clips())
def test_area_equals_scikit_learn(clips):
    scores, positive, weights = clips
    assert area_under_roc(scores, positive) == pytest.approx(metrics.roc_auc_score(positive, scores), abs=1e-12)
    expected = metrics.roc_auc_score(positive, scores, sample_weight=weights)
    assert area_under_roc(scores, positive, weights) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=200, deadline=None)
@given(scored_clips(), st.sampled_from([0.0, 0.01, 0.1, 0.5, 1.0]))
def test_recall_equals_the_best_of_scikit_learns_curve(clips, rate):
    scores, positive, weights = clips
    false, true, _ = metrics.roc_curve(positive, scores, sample_weight=weights, drop_intermediate=False)
    point = recall_at_false_positive_rate(scores, positive, rate, weights)
    assert point.recall == pytest.approx(true[false <= rate + 1e-12].max(), abs=1e-12)
    called = scores >= point.threshold
    assert weights[called & positive].sum() / weights[positive].sum() == pytest.approx(point.recall)
    assert weights[called & ~positive].sum() / weights[~positive].sum() == pytest.approx(point.false_positive_rate)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc"), st.integers(1, 9)), min_size=1, max_size=40))
def test_confusion_equals_scikit_learn(calls):
    truth, predicted, weights = zip(*calls, strict=True)
    expected = metrics.confusion_matrix(truth, predicted, labels=list("abc"), sample_weight=weights)
    assert np.array_equal(confusion_matrix(truth, predicted, "abc", weights), expected)


def test_area_by_hand():
    assert area_under_roc([3, 2, 1], [True, False, False]) == 1
    assert area_under_roc([1, 2, 2], [True, True, False]) == 0.25
    assert area_under_roc([5, 5, 5, 5], [True, False, True, False]) == 0.5


def test_recall_is_nothing_where_the_highest_score_is_a_negative():
    point = recall_at_false_positive_rate([9, 8, 7], [False, True, True], 0.1)
    assert point == (np.inf, 0, 0)


def test_session_counts_once_whatever_its_clips():
    sessions = ["a"] * 90 + ["b"] * 10 + ["c"]
    assert session_weights(sessions) == pytest.approx([1 / 90] * 90 + [1 / 10] * 10 + [1])
    # Ninety wrong clips of one session and one right clip of another: half of the positive sessions lie above.
    scores = [0.0] * 90 + [0.5] * 10 + [1.0]
    positive = [True] * 90 + [False] * 10 + [True]
    assert area_under_roc(scores, positive, session_weights(sessions)) == pytest.approx(0.5)
    assert area_under_roc(scores, positive) == pytest.approx(1 / 91)


def test_interval_does_not_change_when_a_session_is_repeated_clip_by_clip():
    rng = np.random.default_rng(5)
    sessions = [f"s{i}" for i in range(30)]
    positive = np.arange(30) < 10
    scores = rng.standard_normal(30) + positive
    once = session_interval(area_under_roc, scores, positive, sessions)
    many = session_interval(
        area_under_roc, np.repeat(scores, 7), np.repeat(positive, 7), np.repeat(sessions, 7).tolist()
    )
    assert many == pytest.approx(once, abs=1e-12)
    assert once.low < once.value < once.high


def test_interval_covers_the_true_area_about_as_often_as_stated():
    # Scores normal with a shift of 1: the true area is the normal distribution at 1/√2.
    rng = np.random.default_rng(11)
    true_area = 0.7602499389
    covered = []
    for trial in range(100):
        positive = np.arange(100) < 40
        scores = rng.standard_normal(100) + positive
        sessions = [f"s{i}" for i in range(100)]
        interval = session_interval(area_under_roc, scores, positive, sessions, n_resamples=200, seed=trial)
        covered.append(interval.low <= true_area <= interval.high)
    assert 86 <= sum(covered) <= 100


def test_sessions_of_both_kinds_are_drawn_without_losing_a_side():
    interval = session_interval(area_under_roc, [2, 1, 4, 3], [True, False, True, False], ["a", "a", "b", "b"])
    assert interval.low <= interval.value == 0.75 <= interval.high


@pytest.mark.parametrize(
    ("scores", "positive", "sentence"),
    [
        ([1.0, 2.0], [True, True], "needs positives and negatives"),
        ([], [], "needs positives and negatives"),
        ([1.0, float("nan")], [True, False], "the score of clip 1 is NaN"),
        ([1.0, 2.0], [True], r"must have one shape \(n,\)"),
    ],
)
def test_what_has_no_curve_is_refused(scores, positive, sentence):
    with pytest.raises(TocsinError, match=sentence):
        area_under_roc(scores, positive)


def test_label_of_no_class_is_refused():
    with pytest.raises(TocsinError, match="'z' is none of the classes a, b"):
        confusion_matrix(["a"], ["z"], "ab")
