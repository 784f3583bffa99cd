"""Shares and rates over sessions at one threshold against closed forms, and that their intervals cover the truth."""

import numpy as np
import pytest
from scipy.stats import binomtest

from tocsin import TocsinError
from tocsin.evaluation.measures.clustered import independent_cases, rate, share
from tocsin.evaluation.measures.intervals import poisson_rate


@pytest.mark.parametrize(("hits", "cases"), [(0, 12), (12, 12)])
def test_where_all_agree_it_is_the_interval_of_clopper_and_pearson_with_a_case_a_session(hits, cases):
    by_session = share([hits / 4] * 4, [cases / 4] * 4)
    exact = binomtest(hits // 3, cases // 3).proportion_ci(method="exact")
    assert (by_session.low, by_session.high) == pytest.approx((exact.low, exact.high))


def test_sessions_of_one_case_are_nearly_the_interval_of_clopper_and_pearson():
    hits = np.arange(400) < 100
    exact = binomtest(100, 400).proportion_ci(method="exact")
    found = share(hits, np.ones(400))
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=5e-4)


def test_sessions_that_are_all_or_nothing_are_worth_a_case_each():
    hits, cases = [10, 0] * 20, [10] * 40
    assert independent_cases(hits, cases) == pytest.approx(40, rel=0.1)


def test_a_rate_of_alike_sessions_is_that_of_poisson_and_one_of_clusters_is_wider():
    alike, clustered = rate([2] * 10, [1.0] * 10), rate([20] + [0] * 9, [1.0] * 10)
    exact = poisson_rate(20, 10.0)
    assert alike == pytest.approx(exact)
    assert clustered.value == exact.value
    assert clustered.low < exact.low
    assert clustered.high > 1.5 * exact.high
    assert rate([0, 0], [1.0, 1.0]) == poisson_rate(0, 2.0)


@pytest.mark.parametrize(("sessions", "spread"), [(10, 0.0), (10, 1.0), (40, 1.0)])
def test_a_rate_lies_in_its_interval_in_93_of_100_draws_or_more(sessions, spread):
    rng, covered = np.random.default_rng(sessions), 0
    for _ in range(600):
        hours = rng.uniform(0.5, 2, sessions)
        factor = rng.gamma(1 / spread**2, spread**2, sessions) if spread else 1.0
        interval = rate(rng.poisson(2 * hours * factor), hours)
        covered += interval.low <= 2 <= interval.high
    # Three standard errors of a share of 600 below 0.95.
    assert covered / 600 >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 600)


@pytest.mark.parametrize(("sessions", "alike"), [(10, 0.2), (40, 0.2), (40, 0.01)])
def test_a_share_lies_in_its_interval_in_93_of_100_draws_or_more(sessions, alike):
    rng, covered = np.random.default_rng(sessions), 0
    for _ in range(600):
        cases = rng.integers(1, 20, sessions)
        true = rng.beta(0.85 * (1 / alike - 1), 0.15 * (1 / alike - 1), sessions)
        interval = share(rng.binomial(cases, true), cases)
        covered += interval.low <= 0.85 <= interval.high
    assert covered / 600 >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 600)


def test_no_case_and_no_time_are_refused():
    with pytest.raises(TocsinError, match="needs cases"):
        share([0], [0])
    with pytest.raises(TocsinError, match="needs time"):
        rate([0], [0.0])
