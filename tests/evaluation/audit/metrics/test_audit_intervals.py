"""Intervals of an audit's figures against statsmodels, scipy, closed forms, and simulated coverage."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest
from statsmodels.stats.proportion import proportion_confint

from tocsin.evaluation.audit.metrics.equity import disparity, ratio_of_rates
from tocsin.evaluation.audit.metrics.metric import share_metric, small_words, wilson
from tocsin.evaluation.audit.metrics.quantiles import quantile
from tocsin.evaluation.audit.metrics.recapture import chapman


@pytest.mark.parametrize(("count", "of"), [(0, 12), (3, 10), (169, 1042), (40, 40)])
def test_wilson_is_that_of_statsmodels(count, of):
    found = wilson(count, of)
    assert (found.low, found.high) == pytest.approx(proportion_confint(count, of, method="wilson"), abs=1e-9)


def test_twice_the_counts_narrow_a_share_by_the_root_of_two():
    once, twice = wilson(500, 3000), wilson(1000, 6000)
    assert (once.high - once.low) / (twice.high - twice.low) == pytest.approx(math.sqrt(2), rel=2e-3)


def test_small_numbers_are_said_and_no_cases_have_no_share():
    assert "only 3 of 10" in small_words(3, 10)
    assert "only 2 of 52 are not" in small_words(50, 52)
    assert small_words(5, 10) == ""
    assert "None of 7" in small_words(0, 7)
    assert "only 4 are" in small_words(4, math.inf)
    assert share_metric("k", "t", 0, 0, "a", "b", "d") == []


@pytest.mark.parametrize("number", [6, 15, 40])
def test_the_interval_of_a_median_is_that_of_the_sign_test(number):
    values = np.random.default_rng(number).normal(0, 1, number)
    found = quantile(values, 0.5)

    def refused(median):
        return binomtest(int((values < median).sum()), number).pvalue < 0.05

    assert found.value == pytest.approx(np.median(values))
    assert refused(found.low - 1e-9)
    assert not refused(found.low + 1e-9)
    assert not refused(found.high - 1e-9)
    assert refused(found.high + 1e-9)


def test_too_few_values_have_a_quantile_without_an_interval():
    found = quantile([1.0, 2.0, 3.0, 4.0, 5.0], 0.5)
    assert found.value == 3.0
    assert math.isnan(found.low)
    assert math.isnan(quantile(np.arange(20.0), 0.9).high)


@pytest.mark.parametrize("at", [0.25, 0.5, 0.9])
def test_a_quantile_of_skewed_times_lies_in_its_interval(at):
    rng, covered = np.random.default_rng(7), 0
    true = -math.log(1 - at)
    for _ in range(600):
        found = quantile(rng.exponential(1, 80), at)
        covered += found.low <= true <= found.high
    assert covered / 600 >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 600)


def test_chapman_is_the_published_formula_with_seber_s_variance_in_chao_s_interval():
    alert_only, both, call_only = 73, 96, 113
    first, second = alert_only + both, call_only + both
    found = chapman(alert_only, both, call_only)
    assert found.value == pytest.approx((first + 1) * (second + 1) / (both + 1) - 1)
    seen = alert_only + both + call_only
    # Seber 1982, equation 3.3, written as published.
    variance = (first + 1) * (second + 1) * (first - both) * (second - both) / ((both + 1) ** 2 * (both + 2))
    unseen = found.value - seen
    reach = math.exp(1.96 * math.sqrt(math.log(1 + variance / unseen**2)))
    assert found.low == pytest.approx(seen + unseen / reach, rel=1e-5)
    assert found.high == pytest.approx(seen + unseen * reach, rel=1e-5)


@pytest.mark.parametrize("odds_ratio", [0.5, 1.0, 2.0, 4.0])
def test_the_sensitivity_is_of_the_odds_ratio_that_it_says(odds_ratio):
    unseen = chapman(100_000, 200_000, 50_000, odds_ratio).value - 350_000
    assert 200_000 * unseen / (100_000 * 50_000) == pytest.approx(odds_ratio, rel=1e-4)


def test_one_source_that_finds_nothing_new_has_no_interval():
    assert chapman(0, 10, 5).value == 15
    assert math.isnan(chapman(0, 10, 5).low)


@pytest.mark.parametrize(("first", "second"), [(0.5, 0.5), (0.6, 0.74), (0.2, 0.4)])
def test_chapman_is_unbiased_and_its_interval_covers_the_truth(first, second):
    rng, true, covered, values = np.random.default_rng(3), 400, 0, []
    for _ in range(1000):
        heard, told = rng.random(true) < first, rng.random(true) < second
        found = chapman(int((heard & ~told).sum()), int((heard & told).sum()), int((~heard & told).sum()))
        covered += found.low <= true <= found.high
        values.append(found.value)
    assert np.mean(values) == pytest.approx(true, rel=0.02)
    assert 0.92 <= covered / 1000 <= 0.98


def test_ratios_cover_the_truth_and_have_no_value_where_nothing_is_below():
    rng, covered = np.random.default_rng(5), [0, 0]
    for _ in range(1000):
        counts = rng.poisson([30, 60, 20, 80])
        ratio = ratio_of_rates(counts[0], 2.0, counts[1], 8.0)
        covered[0] += ratio.low <= 2.0 <= ratio.high
        index = disparity(*counts)
        covered[1] += index.low <= (30 / 60) / (20 / 80) <= index.high
    assert min(covered) / 1000 >= 0.93
    assert math.isnan(ratio_of_rates(3, 1.0, 0, 1.0).value)
    assert ratio_of_rates(0, 1.0, 5, 1.0).value == 0
    assert math.isnan(disparity(1, 0, 1, 1).value)
