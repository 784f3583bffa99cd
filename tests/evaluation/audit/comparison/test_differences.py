"""Difference in differences, event study and trends against counts worked by hand, regression and draws."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t
from statsmodels.formula.api import poisson

from tocsin import TocsinError
from tocsin.evaluation.audit.comparison.differences import (
    difference_in_differences,
    event_study,
    placebo_findings,
    trend_before,
)
from tocsin.evaluation.audit.comparison.panel import Panel


def panel_of_counts(counts, start, exposure=None):
    areas, periods = np.shape(counts)
    people = np.ones((areas, periods)) if exposure is None else exposure
    names = tuple(f"area {place}" for place in range(areas)), tuple(f"{place:02}" for place in range(periods))
    return Panel(*names, np.asarray(counts, dtype=float), people, np.asarray(start))


@pytest.fixture
def panel(rng):
    start = np.where(np.arange(12) < 5, 6, -1)
    return panel_of_counts(rng.poisson(rng.gamma(5, 2, (12, 1)) * np.ones(12)), start)


def test_the_ratio_is_that_of_the_four_totals_and_of_statsmodels(panel):
    effect = difference_in_differences(panel)
    before, after, others_before, others_after = effect.totals
    assert effect.ratio.value == pytest.approx((after / before) / (others_after / others_before))
    area, period = np.repeat(np.arange(12), 12), np.tile(np.arange(12), 12)
    frame = {"y": panel.counts.ravel(), "area": area, "period": period, "on": (panel.treated[area]) & (period >= 6)}
    model = poisson("y ~ C(area) + C(period) + on", pd.DataFrame(frame))
    fit = model.fit(disp=0, maxiter=100, cov_type="cluster", cov_kwds={"groups": area})
    assert np.log(effect.sandwich.value) == pytest.approx(fit.params.iloc[-1])
    reach = t.ppf(0.975, 11) * fit.bse.iloc[-1]
    assert np.log(effect.sandwich.high) == pytest.approx(fit.params.iloc[-1] + reach)
    assert effect.ratio.value == pytest.approx(effect.sandwich.value)


def test_with_a_population_that_changes_the_ratio_is_that_of_the_regression(panel):
    growing = panel_of_counts(panel.counts, panel.start, np.linspace(1, 2, 12) * np.ones((12, 1)))
    # All grow alike, which the effects of the periods take up; the errors are found by fitting anew.
    assert not growing.steady
    assert difference_in_differences(growing).ratio == pytest.approx(difference_in_differences(panel).ratio)
    doubled = panel.exposure * np.where(panel.treated[:, None] & (np.arange(12) >= 6), 2.0, 1.0)
    halved = difference_in_differences(panel_of_counts(panel.counts, panel.start, doubled))
    assert halved.ratio.value == pytest.approx(difference_in_differences(panel).ratio.value / 2)


def test_the_event_study_has_the_totals_of_its_bins(panel):
    study = event_study(panel, width=3)
    assert study.first.tolist() == [-6, -3, 0, 3]
    assert study.last.tolist() == [-4, -1, 2, 5]
    totals = panel.counts.reshape(12, 4, 3).sum(axis=2)
    of, others = totals[panel.treated].sum(axis=0), totals[~panel.treated].sum(axis=0)
    expected = of / of[1] / (others / others[1])
    assert [ratio.value for ratio in study.ratios] == pytest.approx(expected)
    assert study.arrays["time"] == [-5, -2, 1, 4]
    assert np.isnan(study.ratios[1].low)
    assert event_study(panel).first.tolist() == [-6, -4, -2, 0, 2, 4]


def test_a_treated_group_that_falls_before_the_start_is_seen_and_one_that_does_not_is_seen_in_5_of_100(rng):
    start = np.where(np.arange(20) < 8, 12, -1)
    falling = np.where(start[:, None] > 0, np.linspace(2, 0.5, 15), 1.0) * 30
    assert trend_before(panel_of_counts(rng.poisson(falling), start)).p_value < 0.001
    found = [trend_before(panel_of_counts(rng.poisson(np.full((20, 15), 8.0)), start)).p_value for _ in range(400)]
    # Three standard errors of a share of 400.
    assert abs(np.mean(np.array(found) < 0.05) - 0.05) <= 0.033


def test_two_areas_that_swap_roles_turn_the_ratio_round(panel):
    swapped = panel.restarted(np.where(panel.treated, -1, 6))
    effect, turned = difference_in_differences(panel), difference_in_differences(swapped)
    assert turned.ratio.value == pytest.approx(1 / effect.ratio.value)
    assert (turned.ratio.low, turned.ratio.high) == pytest.approx((1 / effect.ratio.high, 1 / effect.ratio.low))


def test_an_empty_side_has_no_ratio(panel):
    counts = np.where(panel.treated[:, None], 0, panel.counts)
    effect = difference_in_differences(panel_of_counts(counts, panel.start))
    assert np.isnan(effect.ratio.value)
    assert effect.totals[:2] == (0, 0)


@pytest.mark.parametrize(
    ("start", "said"),
    [([-1] * 12, "no area has the system"), ([0] + [-1] * 11, "from the first period"), ([3, 5] + [-1] * 10, "2 diff")],
)
def test_a_start_that_cannot_be_compared_gives_a_sentence(panel, start, said):
    with pytest.raises(TocsinError, match=said):
        difference_in_differences(panel.restarted(np.array(start)))


def test_made_up_starts_find_something_in_5_of_100_draws(rng):
    shares = [
        placebo_findings(panel_of_counts(rng.poisson(np.full((24, 12), 6.0)), [-1] * 24), 8, 6, 200).value
        for _ in range(60)
    ]
    assert np.mean(shares) == pytest.approx(0.05, abs=0.012)
    with pytest.raises(TocsinError, match="2 to 10 of the 12 areas"):
        placebo_findings(panel_of_counts(np.ones((12, 4)), [-1] * 12), 11, 2)
