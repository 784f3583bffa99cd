"""The bootstrap over sessions against scipy's, against the t interval it should resemble, and its coverage."""

import numpy as np
import pytest
from scipy import stats

from tocsin.evaluation.measures.bootstrap import expanded_percentile, resample_counts


def test_a_draw_has_as_many_sessions_as_there_are_and_each_is_drawn_once_on_average():
    drawn = resample_counts(12, 4000, seed=1)
    assert (drawn.sum(axis=1) == 12).all()
    assert drawn.mean(axis=0) == pytest.approx(1, abs=0.08)


def test_it_is_the_percentile_interval_of_scipy_where_sessions_are_many():
    values = np.random.default_rng(2).exponential(size=400)
    drawn = resample_counts(400, 4000, seed=3) @ values / 400
    theirs = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", random_state=4)
    assert expanded_percentile(drawn, 400) == pytest.approx(tuple(theirs.confidence_interval), abs=0.01)


@pytest.mark.parametrize("sessions", [5, 8, 15])
def test_for_few_sessions_it_is_as_wide_as_a_t_interval(sessions):
    values = np.random.default_rng(5).normal(size=sessions)
    low, high = expanded_percentile(resample_counts(sessions, 20_000, seed=6) @ values / sessions, sessions)
    exact = stats.t.interval(0.95, sessions - 1, values.mean(), stats.sem(values))
    # The mean of few values is drawn from few: its tails are a little shorter than the normal ones.
    assert high - low == pytest.approx(exact[1] - exact[0], rel=0.15)
