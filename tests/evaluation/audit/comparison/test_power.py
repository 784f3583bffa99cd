"""Backgrounds against the laws that counts were drawn from, and power against a normal approximation."""

import numpy as np
import pytest
from scipy.stats import norm

from tocsin import TocsinError
from tocsin.evaluation.audit.comparison.background import background_of, even_background
from tocsin.evaluation.audit.comparison.limits import smallest_seen
from tocsin.evaluation.audit.comparison.panel import Panel
from tocsin.evaluation.audit.comparison.power import Pilot, pilot_grid, pilot_power


def panel_of_counts(counts, start=None):
    areas, periods = np.shape(counts)
    names = tuple(map(str, range(areas))), tuple(map(str, range(periods)))
    began = np.full(areas, -1) if start is None else start
    return Panel(*names, np.asarray(counts, dtype=float), np.ones((areas, periods)), began)


@pytest.mark.parametrize(("passing", "lasting"), [(0.0, 0.0), (0.3, 0.0), (0.1, 0.05)])
def test_the_laws_that_counts_were_drawn_from_are_found(passing, lasting):
    rng, found = np.random.default_rng(5), []
    for _ in range(30):
        means = 20 * rng.lognormal(0, 0.5, (40, 1)) * np.ones(24)
        if passing:
            means = means * rng.gamma(1 / passing, passing, means.shape)
        if lasting:
            means = means * np.repeat(rng.gamma(1 / lasting, lasting, (40, 2)), 12, axis=1)
        estimate = background_of(panel_of_counts(rng.poisson(means)))
        found.append((estimate.passing, estimate.lasting))
    assert np.mean(found, axis=0) == pytest.approx([passing, lasting], abs=0.012)


def test_a_season_is_found_where_two_years_are_known():
    season = 1 + 0.5 * np.sin(2 * np.pi * np.arange(24) / 12)
    found = background_of(panel_of_counts(np.outer([100, 300, 500], season)))
    np.testing.assert_allclose(found.season, season[:12], rtol=0.01)
    assert background_of(panel_of_counts(np.full((3, 8), 4))).season.tolist() == [1.0] * 12


def test_months_with_the_system_are_no_background():
    counts = np.full((4, 12), 10.0)
    counts[:2, 6:] = 0
    found = background_of(panel_of_counts(counts, np.array([6, 6, -1, -1])))
    assert found.levels.tolist() == [10] * 4


def test_power_is_that_of_the_normal_approximation_where_areas_are_many():
    pilot = Pilot(60, 60, 12, 12)
    found = pilot_power(even_background(1200, 60, 0, 0), pilot, [0.8, 0.85], simulations=2000)
    for ratio, power in found.power:
        error = np.sqrt((1 + 1 + 1 + 1 / ratio) / 1200)
        expected = norm.sf(norm.ppf(0.975) + np.log(ratio) / error)
        assert power.low - 0.02 <= expected <= power.high + 0.02
    assert found.events == pytest.approx((1200, 1200))
    # Both quantiles times the error of the logarithm, with that of the ratio itself.
    assert found.smallest == pytest.approx(smallest_seen(np.sqrt((3 + 1 / 0.87) / 1200), 1e6).fall, abs=0.02)


def test_no_effect_is_found_in_2_to_3_of_100_pilots_on_either_side():
    found = pilot_power(even_background(2000, 20, 0.05, 0.01), Pilot(10, 10, 12, 12), [0.9999, 1.0001], 4000)
    for _, power in found.power:
        assert 0.015 <= power.value <= 0.035


def test_larger_and_longer_pilots_and_stronger_effects_show_more():
    background = even_background(282, 6, 0.03, 0.01)
    grid = pilot_grid(background, [6, 24], [6, 24], 24, 12, [0.8, 0.6], simulations=400)
    small, long, large, both = ([power.value for _, power in found.power] for found in grid)
    assert small[0] < long[0] < both[0]
    assert small[0] < large[0] < both[0]
    assert all(weak < strong for weak, strong in (small, long, large, both))
    assert grid[0].smallest < grid[3].smallest < 1


def test_serious_shootings_of_a_pilot_like_durhams_show_no_fall_that_could_be_hoped_for():
    # 52 serious of 282 confirmed shootings a year on three square miles, taken as six areas (Cook and Soliman, Wilson
    # Center for Science and Justice): a year against a year does not show that a third fewer are shot.
    found = pilot_power(even_background(52, 6, 0, 0), Pilot(6, 12, 12, 12), [0.67], simulations=500)
    assert found.power[0][1].high < 0.5
    assert not found.smallest > 0.5


def test_a_pilot_with_a_side_of_one_area_gives_a_sentence():
    with pytest.raises(TocsinError, match="two areas with and two without"):
        pilot_power(even_background(10, 2, 0, 0), Pilot(1, 5, 12, 12))
    with pytest.raises(TocsinError, match="two areas with events and four periods"):
        background_of(panel_of_counts(np.ones((1, 12))))
