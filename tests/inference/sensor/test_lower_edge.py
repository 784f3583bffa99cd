"""The line under delays against its likelihood summed by brute force, and against lines that are known."""

import numpy as np
import pytest

from tocsin.inference.sensor.lower_edge import fit_lower_edge


def points(generator, count=40, rate=7e-5, scale_s=0.002):
    times = np.sort(generator.uniform(-400, 0, count))
    weights = generator.integers(1, 9, count).astype(float)
    return times, 0.25 + rate * times + generator.exponential(scale_s, count) / weights, weights


def test_moments_are_those_of_the_likelihood_summed_on_a_fine_grid():
    # Heights that vary by as much as their mean and more: their lower tail is as thick as the formula takes it to be.
    times = np.linspace(-100.0, 0.0, 12)
    over = np.array([0.1, 0.3, 2.9, 0.4, 0.1, 0.3, 0.3, 0.15, 2.9, 0.3, 0.3, 0.1]) * 1e-3
    heights = 1e-4 * times + over
    edge = fit_lower_edge(times, heights, np.ones(12))

    rates = np.linspace(-2e-4, 4e-4, 600)[:, None]
    values = np.linspace(-0.012, 0.003, 1500)[None, :]
    lowest = np.min(heights[:, None, None] - rates * times[:, None, None], axis=0)
    total = heights.sum() - rates * times.sum() - 12 * values
    density = np.where(values <= lowest, total.clip(1e-6) ** -12.0, 0.0)
    density /= density.sum()
    value, rate = (density * values).sum(), (density * rates).sum()
    assert edge.value_s == pytest.approx(value, abs=1e-5)
    assert edge.rate == pytest.approx(rate, abs=5e-7)
    assert edge.value_variance == pytest.approx((density * (values - value) ** 2).sum(), rel=0.1)
    assert edge.rate_variance == pytest.approx((density * (rates - rate) ** 2).sum(), rel=0.1)
    assert edge.covariance == pytest.approx((density * (values - value) * (rates - rate)).sum(), rel=0.1)


def test_stated_deviations_hold_over_many_lines():
    errors, rate_errors = [], []
    for seed in range(300):
        edge = fit_lower_edge(*points(np.random.default_rng(seed)))
        errors.append((edge.value_s - 0.25) / edge.value_variance**0.5)
        rate_errors.append((edge.rate - 7e-5) / edge.rate_variance**0.5)
    for found in (errors, rate_errors):
        assert 0.90 <= np.mean(np.abs(found) <= 1.96) <= 0.995


def test_points_on_a_line_give_the_line():
    times = np.linspace(-100.0, 0.0, 20)
    edge = fit_lower_edge(times, 3.0 - 4e-5 * times, np.ones(20))
    assert edge.at(-50.0) == pytest.approx(3.0 + 50 * 4e-5, abs=2e-6)
    assert edge.rate == pytest.approx(-4e-5, abs=1e-7)


@pytest.mark.parametrize("late_s", [0.5, 2.0, 30.0])
def test_points_far_too_late_say_nothing(late_s):
    times, heights, weights = points(np.random.default_rng(1))
    delayed = np.array([3, 17, 18, 30])
    held = heights.copy()
    held[delayed] += late_s
    expected = fit_lower_edge(*(np.delete(of, delayed) for of in (times, heights, weights)))
    assert fit_lower_edge(times, held, weights) == expected


def test_a_rate_known_from_before_is_kept_where_points_say_little():
    times, heights, weights = points(np.random.default_rng(2), count=5)
    told = fit_lower_edge(times / 40, heights - 7e-5 * times * 39 / 40, weights, rate=7e-5, rate_sigma=1e-6)
    assert told.rate == pytest.approx(7e-5, abs=1e-5)
    alone = fit_lower_edge(times / 40, heights - 7e-5 * times * 39 / 40, weights)
    assert alone.rate_variance > 100 * told.rate_variance
