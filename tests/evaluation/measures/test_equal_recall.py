from dataclasses import replace

import numpy as np
import pytest

from tocsin import TocsinError
from tocsin.evaluation.measures.bootstrap import resample_counts
from tocsin.evaluation.measures.equal_recall import Steps, at_equal_recall

N_SESSIONS = 12
HOURS = np.linspace(0.5, 3, N_SESSIONS)


def _steps(rng: np.random.Generator, apart: float, alarms: int = 300) -> Steps:
    found = np.round(rng.normal(apart, 1, 120), 2)
    found[:4] = -np.inf
    return Steps(
        found, np.arange(120) % N_SESSIONS, np.round(rng.normal(0, 1, alarms), 2), rng.integers(0, N_SESSIONS, alarms)
    )


def _slowly(steps: Steps, counts: np.ndarray, recall: float) -> tuple[float, float]:
    """Threshold and alarms of one draw, by writing every truth and alarm as often as its session was drawn."""
    times = counts.astype(int)
    truths = np.repeat(steps.found_scores, times[steps.found_sessions])
    alarms = np.repeat(steps.alarm_scores, times[steps.alarm_sessions])
    for threshold in sorted(set(truths[np.isfinite(truths)]), reverse=True):
        if np.mean(truths >= threshold) >= recall - 1e-12:
            return threshold, float((alarms >= threshold).sum())
    return np.nan, np.nan


@pytest.mark.parametrize("recall", [0.5, 0.8, 0.95])
def test_every_draw_is_what_writing_it_out_gives(rng, recall, monkeypatch):
    monkeypatch.setattr("tocsin.evaluation.measures.equal_recall._CELLS", 1000)
    steps, counts = _steps(rng, 2.0), resample_counts(N_SESSIONS, 60, seed=4)
    thresholds = steps.thresholds(counts, recall)
    alarms = np.where(np.isnan(thresholds), np.nan, steps.alarms(counts, thresholds))
    expected = np.array([_slowly(steps, row, recall) for row in counts])
    np.testing.assert_allclose(np.stack([thresholds, alarms], axis=1), expected)


def test_only_the_order_of_scores_matters(rng):
    a, b = _steps(rng, 2.5), _steps(rng, 1.5)
    plain = at_equal_recall(a, b, HOURS, 0.8)
    bent = replace(b, found_scores=np.exp(b.found_scores) - 9, alarm_scores=np.exp(b.alarm_scores) - 9)
    again = at_equal_recall(a, bent, HOURS, 0.8)
    assert again[:3] == plain[:3]
    assert again.threshold_b == pytest.approx(np.exp(plain.threshold_b) - 9)
    assert plain.rate_a.value - plain.rate_b.value == pytest.approx(plain.difference.value)
    assert plain.difference.high < 0 < plain.rate_b.low


def test_a_detector_differs_from_itself_by_nothing(rng):
    steps = _steps(rng, 2.0)
    result = at_equal_recall(steps, steps, HOURS, 0.9)
    assert result.difference == (0.0, 0.0, 0.0)
    assert result.lost == 0


def test_draws_in_which_too_few_are_found_are_counted(rng):
    a, b = _steps(rng, 2.0), _steps(rng, 2.0)
    assert 0.2 < at_equal_recall(a, b, HOURS, 116 / 120).lost < 0.8


def test_recall_out_of_reach_and_other_truths_are_said(rng):
    a, b = _steps(rng, 2.0), _steps(rng, 2.0)
    with pytest.raises(TocsinError, match=r"first detector finds 96.7% at any threshold: ask for a recall of 0.966"):
        at_equal_recall(a, b, HOURS, 0.99)
    with pytest.raises(TocsinError, match="same truths to find, and here are 120 and 100"):
        at_equal_recall(a, replace(b, found_scores=b.found_scores[:100]), HOURS, 0.5)
    with pytest.raises(TocsinError, match="the recall is 0, expected"):
        at_equal_recall(a, b, HOURS, 0)
