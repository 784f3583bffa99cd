import numpy as np
import pytest
from scipy import stats

from tocsin import TocsinError
from tocsin.evaluation.measures.clustered import rate_band, share_band
from tocsin.evaluation.measures.intervals import poisson_rate


def test_sessions_of_one_truth_have_the_interval_of_clopper_and_pearson():
    # Variance between sessions is then that of the trials, but for n / (n - 1), and t is near z.
    n = 4000
    for k in (400, 2000, 3990):
        band = share_band((np.arange(n) < k)[:, None], np.ones(n))
        expected = stats.binomtest(k, n).proportion_ci(method="exact")
        assert (band.low[0], band.high[0]) == pytest.approx(tuple(expected), abs=5e-5)


def test_copies_of_a_truth_within_its_session_add_nothing():
    found = (np.arange(40) < 31)[:, None].astype(float)
    once, thrice = share_band(found, np.ones(40)), share_band(3 * found, np.full(40, 3.0))
    np.testing.assert_allclose(thrice, once)


def test_all_or_nothing_found_is_stated_as_so_many_sessions():
    band = share_band(np.array([[7.0, 0.0]] * 10), np.full(10, 7.0))
    all_ten = stats.binomtest(10, 10).proportion_ci(method="exact")
    assert (band.value[0], band.low[0], band.high[0]) == pytest.approx((1, all_ten.low, 1))
    assert (band.value[1], band.low[1], band.high[1]) == pytest.approx((0, 0, 1 - all_ten.low))


def test_design_effect_is_that_of_leaving_out_one_session_at_a_time(rng):
    of = rng.integers(5, 30, 60).astype(float)
    found = rng.binomial(of.astype(int), rng.beta(3, 1, 60)).astype(float)
    band = share_band(found[:, None], of)
    share = found.sum() / of.sum()
    left_out = (found.sum() - found) / (of.sum() - of)
    variance = 59 / 60 * ((left_out - share) ** 2).sum()
    sessions = of.sum() ** 2 / (of**2).sum()
    worth = share * (1 - share) / variance * (stats.norm.ppf(0.025) / stats.t.ppf(0.025, sessions - 1)) ** 2
    low = stats.beta.ppf(0.025, worth * share, worth * (1 - share) + 1)
    high = stats.beta.ppf(0.975, worth * share + 1, worth * (1 - share))
    assert (band.low[0], band.high[0]) == pytest.approx((low, high))


def test_scale_of_a_rate_is_that_of_leaving_out_one_session_at_a_time(rng):
    hours = rng.uniform(0.5, 3, 40)
    counts = rng.poisson(4 * hours * rng.gamma(1, 1, 40)).astype(float)
    band = rate_band(counts[:, None], hours)
    rate = counts.sum() / hours.sum()
    left_out = (counts.sum() - counts) / (hours.sum() - hours)
    variance = 39 / 40 * ((left_out - rate) ** 2).sum()
    sessions = hours.sum() ** 2 / (hours**2).sum()
    scale = variance * hours.sum() / rate * (stats.t.ppf(0.025, sessions - 1) / stats.norm.ppf(0.025)) ** 2
    worth = counts.sum() / scale
    ends = stats.gamma.ppf(0.025, worth), stats.gamma.ppf(0.975, worth + 1)
    assert (band.low[0], band.high[0]) == pytest.approx(tuple(end * scale / hours.sum() for end in ends))


def test_rates_of_even_sessions_zero_and_one_session_are_the_exact_poisson_ones():
    for counts, hours in (([2, 2, 2], [1, 1, 1]), ([0, 0], [3, 4.5]), ([5], [2])):
        band = rate_band(np.array(counts)[:, None], hours)
        assert (band.value[0], band.low[0], band.high[0]) == pytest.approx(poisson_rate(sum(counts), sum(hours)))


def test_an_hour_cut_into_sessions_of_no_spread_changes_nothing_and_copies_widen():
    counts = np.array([0, 1, 5, 2, 0, 9, 1, 1])[:, None]
    single = rate_band(counts, np.ones(8))
    # Ten times as many alarms in ten times the hours, at the same spread between sessions: the same interval.
    tenfold = rate_band(10 * counts, np.full(8, 10.0))
    np.testing.assert_allclose(tenfold, single)
    assert single.high[0] > poisson_rate(19, 8).high
    assert single.low[0] < poisson_rate(19, 8).low


def test_sessions_without_hours_or_truths_are_left_out():
    counts, hours = np.array([[3, 1], [0, 2], [4, 4]]), np.array([1.0, 2.0, 1.5])
    np.testing.assert_allclose(rate_band(np.vstack([counts, [[0, 0]]]), np.append(hours, 0)), rate_band(counts, hours))
    np.testing.assert_allclose(
        share_band(np.vstack([counts, [[0, 0]]]), np.append(4 * hours, 0)), share_band(counts, 4 * hours)
    )
    assert np.isnan(share_band([[0.0]], [0.0])).all()
    assert np.isnan(rate_band([[0.0]], [0.0])).all()


def test_one_session_says_hardly_anything_of_others():
    band = share_band([[70.0]], [100.0])
    assert band.value[0] == 0.7
    assert band.low[0] < 0.05
    assert band.high[0] > 0.99


def test_what_cannot_be_is_refused():
    with pytest.raises(TocsinError, match="more was found than was there"):
        share_band([[3.0]], [2.0])
    with pytest.raises(TocsinError, match="events in none"):
        rate_band([[3.0]], [0.0])
    with pytest.raises(TocsinError, match=r"not \(2, 1\) and \(3,\)"):
        rate_band(np.ones((2, 1)), np.ones(3))
