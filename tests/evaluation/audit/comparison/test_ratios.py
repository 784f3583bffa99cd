"""Rate ratios against statsmodels, a published difference in differences, and draws with a known effect."""

import numpy as np
import pytest

from tocsin import TocsinError
from tocsin.evaluation.audit.comparison.glm import fitted_log_ratios, sandwich_interval
from tocsin.evaluation.audit.comparison.ratios import log_ratios, satterthwaite, wald_p

AREAS, PERIODS = 9, 8
TREATED = np.arange(AREAS) < 4
BINS = np.array([0, 0, 0, 0, 1, 1, 2, 2])


@pytest.fixture
def counts(rng):
    return rng.poisson(rng.gamma(4, 2, (AREAS, 1)) * np.ones(PERIODS)).astype(float)


def test_the_ratio_of_totals_and_its_jackknife_are_those_of_the_poisson_regression_fitted_anew_without_each_area(
    counts,
):
    closed = log_ratios(counts @ np.eye(3)[BINS], TREATED)
    fitted = fitted_log_ratios(counts, np.ones(counts.shape), TREATED, BINS)
    np.testing.assert_allclose(closed.value, fitted.value, atol=1e-9)
    np.testing.assert_allclose(closed.covariance, fitted.covariance, atol=1e-9)
    np.testing.assert_allclose(closed.freedom, fitted.freedom, rtol=1e-12)


def test_an_exposure_that_does_not_change_cancels_and_one_that_doubles_is_divided_out(counts):
    levels = np.linspace(1, 9, AREAS)[:, None] * np.ones(PERIODS)
    plain = fitted_log_ratios(counts, np.ones(counts.shape), TREATED, BINS)
    np.testing.assert_allclose(fitted_log_ratios(counts, levels, TREATED, BINS).value, plain.value, atol=1e-9)
    doubled = np.where(TREATED[:, None] & (BINS > 0), 2.0, 1.0)
    halved = fitted_log_ratios(counts, doubled, TREATED, BINS)
    np.testing.assert_allclose(halved.value, plain.value - np.log(2), atol=1e-9)


def test_card_and_krueger():
    # "Minimum Wages and Employment", American Economic Review 84 (1994), table 3: mean full-time equivalents of New
    # Jersey's and Pennsylvania's restaurants, before and after. Their difference in differences is 2.76; as a ratio
    # the same four means give what a Poisson regression does.
    before_nj, after_nj, before_pa, after_pa = 20.44, 21.03, 23.33, 21.17
    counts = np.array([[before_nj, after_nj]] * 2 + [[before_pa, after_pa]] * 2)
    found = np.exp(log_ratios(counts, [True, True, False, False]).value[0])
    expected_without = before_nj * after_pa / before_pa
    assert found == pytest.approx(after_nj / expected_without)
    assert (after_nj - before_nj) - (after_pa - before_pa) == pytest.approx(2.76, abs=0.015)
    assert found == pytest.approx(1.134, abs=0.001)
    sandwich = sandwich_interval(counts, np.ones((4, 2)), np.array([[False, True]] * 2 + [[False, False]] * 2))
    assert sandwich.value == pytest.approx(found)


def test_degrees_of_freedom_are_welchs():
    assert satterthwaite([np.array(2.0), np.array(2.0)], [6, 6]) == pytest.approx(10)
    assert satterthwaite([np.array(5.0), np.array(0.0)], [4, 30]) == pytest.approx(3)


def test_a_joint_test_of_one_ratio_is_that_ratios_own_test(counts):
    found = log_ratios(counts @ np.eye(2)[np.minimum(BINS, 1)], TREATED)
    assert wald_p(found.value, found.covariance, float(found.freedom[0])) == pytest.approx(found.p_values()[0])


def test_one_treated_area_alone_has_no_interval(counts):
    found = log_ratios(counts @ np.eye(3)[BINS], np.arange(AREAS) == 0)
    assert np.isfinite(found.value).all()
    assert np.isnan(found.error).all()


def test_without_comparison_areas_it_says_so(counts):
    with pytest.raises(TocsinError, match="only one kind"):
        log_ratios(counts, np.ones(AREAS, dtype=bool))


@pytest.mark.parametrize(("areas", "treated"), [(10, 4), (20, 6), (40, 10)])
@pytest.mark.parametrize("ratio", [1.0, 0.7])
def test_the_interval_covers_a_known_effect_in_93_to_97_of_100_draws(areas, treated, ratio):
    rng, chosen = np.random.default_rng([areas, round(10 * ratio)]), np.arange(areas) < treated
    shape = (20_000, areas)
    # Areas differ in level and drift apart by 20 % for good.
    means = 40 * rng.lognormal(0, 0.4, (*shape, 1)) * rng.gamma(25, 1 / 25, (*shape, 2))
    means[:, chosen, 1] *= ratio
    found = log_ratios(rng.poisson(means), chosen)
    covered = np.abs(found.value[:, 0] - np.log(ratio)) <= found.reach()[:, 0]
    assert 0.93 <= covered.mean() <= 0.97
    assert np.exp(found.value.mean()) == pytest.approx(ratio, rel=0.02)
