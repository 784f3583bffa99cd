import numpy as np
import pytest
from scipy import stats

from tocsin import TocsinError
from tocsin.evaluation.measures.bootstrap import (
    expanded_percentile,
    interval_over_sessions,
    resample_counts,
    session_curve_band,
)
from tocsin.evaluation.measures.classification import area_under_roc, session_interval


def _sessions(seed: int, n_sessions: int = 12) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    of = rng.integers(3, 20, n_sessions).astype(float)
    found = rng.binomial(of.astype(int)[:, None], rng.beta(4, 2, n_sessions)[:, None], (n_sessions, 5)).astype(float)
    return found, of


def test_draws_hold_as_many_sessions_of_each_kind_as_there_are():
    kinds = np.array(["with shots"] * 3 + ["without"] * 9)
    counts = resample_counts(12, 400, seed=1, strata=kinds)
    assert counts.shape == (400, 12)
    assert (counts[:, :3].sum(axis=1) == 3).all()
    assert (counts[:, 3:].sum(axis=1) == 9).all()
    # Multinomial: the mean of each count is 1, its variance 1 - 1/k.
    np.testing.assert_allclose(counts.mean(axis=0), 1.0, atol=0.2)
    np.testing.assert_allclose(counts[:, 3:].var(), 1 - 1 / 9, atol=0.08)


def test_tails_make_a_normal_bootstrap_as_wide_as_student_s_interval():
    # The bootstrap distribution of a mean is about normal with the variance of the plug-in estimate, (n - 1) / n of the
    # unbiased one: the expanded tails must lie where Student's interval ends.
    normal = stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    for n in (4, 10, 50):
        low, high = expanded_percentile(np.sqrt((n - 1) / n) * normal, n, 0.9)
        assert (low, high) == pytest.approx(stats.t.interval(0.9, n - 1), rel=2e-3)


def test_the_band_is_the_interval_of_scipy_at_each_threshold():
    found, of = _sessions(2)
    band = session_curve_band(found, of, n_resamples=20_000, seed=3)
    n = len(of)
    expanded = 1 - 2 * stats.norm.cdf(np.sqrt(n / (n - 1)) * stats.t.ppf(0.025, n - 1))
    for place in range(found.shape[1]):
        expected = stats.bootstrap(
            (found[:, place], of),
            lambda f, o, axis=-1: f.sum(axis=axis) / o.sum(axis=axis),
            paired=True,
            method="percentile",
            confidence_level=expanded,
            n_resamples=20_000,
            rng=np.random.default_rng(4),
        ).confidence_interval
        assert band.value[place] == pytest.approx(found[:, place].sum() / of.sum())
        assert (band.low[place], band.high[place]) == pytest.approx(tuple(expected), abs=0.01)


def test_the_band_does_not_depend_on_how_many_thresholds_are_drawn_for_at_once(monkeypatch):
    found, of = _sessions(5)
    whole = session_curve_band(found, of)
    monkeypatch.setattr("tocsin.evaluation.measures.bootstrap._AT_ONCE", 2)
    np.testing.assert_allclose(session_curve_band(found, of), whole)
    np.testing.assert_allclose(session_curve_band(found, np.tile(of[:, None], 5)), whole)


def test_sessions_without_anything_to_find_change_only_the_draws():
    found, of = _sessions(6, 6)
    empty = np.zeros((6, 5))
    # Kept apart, they are drawn apart, and the interval is the same but for chance.
    kinds = [0] * 6 + [1] * 6
    alone = session_curve_band(found, of, n_resamples=20_000)
    beside = session_curve_band(np.vstack([found, empty]), np.append(of, np.zeros(6)), 20_000, strata=kinds)
    np.testing.assert_allclose(beside, alone, atol=0.02)


def test_what_nothing_is_known_of_is_nan():
    band = session_curve_band([[1.0, 0.0], [0.0, 0.0]], [[2.0, 0.0], [0.0, 0.0]])
    assert band.value[0] == 0.5
    assert np.isnan([band.low[0], band.high[0], *np.array(band)[:, 1]]).all()
    one = session_curve_band([[3.0]], [4.0])
    assert one.value[0] == 0.75
    assert np.isnan([one.low[0], one.high[0]]).all()


def test_wrong_shapes_are_said():
    with pytest.raises(TocsinError, match=r"not \(3, 2\) and \(4,\)"):
        session_curve_band(np.ones((3, 2)), np.ones(4))
    with pytest.raises(TocsinError, match="at least one session"):
        resample_counts(0)
    with pytest.raises(TocsinError, match="each of the 3 sessions"):
        resample_counts(3, strata=[1, 2])


def test_area_over_sessions_of_two_kinds_is_near_the_percentile_interval(rng):
    sessions = np.repeat(np.arange(60), 5)
    positive = sessions < 25
    scores = rng.normal(positive * 1.2, 1) + rng.normal(0, 0.6, 60)[sessions]

    def area(counts):
        return np.array([area_under_roc(scores, positive, row[sessions]) for row in counts])

    kinds = np.arange(60) < 25
    interval = interval_over_sessions(area, 60, n_resamples=300, strata=kinds, bounds=(0, 1))
    known = session_interval(area_under_roc, scores, positive, sessions.astype(str))
    assert interval.value == pytest.approx(known.value)
    assert interval.low == pytest.approx(known.low, abs=0.02)
    assert interval.high == pytest.approx(known.high, abs=0.02)


def test_one_session_of_each_kind_says_nothing_of_others():
    interval = interval_over_sessions(lambda counts: counts @ [1.0, 5.0], 2, strata=["a", "b"])
    assert interval.value == 6
    assert np.isnan([interval.low, interval.high]).all()


def test_figure_at_its_bound_is_as_many_trials_as_there_are_sessions():
    def share(counts):
        return (counts @ np.full(8, 3.0)) / (counts @ np.full(8, 3.0))

    interval = interval_over_sessions(share, 8, bounds=(0, 1))
    assert interval == pytest.approx((1.0, stats.binomtest(8, 8).proportion_ci().low, 1.0))
    none = interval_over_sessions(lambda counts: 0 * share(counts), 8, bounds=(0, 1))
    assert none == pytest.approx((0.0, 0.0, stats.binomtest(0, 8).proportion_ci().high))


def test_mean_has_student_s_interval_or_a_little_more_and_bounds_bend_it(rng):
    values = rng.beta(5, 2, 30)

    def mean(counts):
        return (counts @ values) / counts.sum(axis=1)

    student = stats.t.interval(0.9, 29, values.mean(), stats.sem(values))
    plain = interval_over_sessions(mean, 30, confidence=0.9)
    assert plain.low <= student[0] + 1e-12
    assert plain.high >= student[1] - 1e-12
    assert (plain.low, plain.high) == pytest.approx(student, abs=0.02)
    bent = interval_over_sessions(mean, 30, confidence=0.9, bounds=(0, 1))
    assert (bent.low, bent.high) == pytest.approx(student, abs=0.03)
    assert bent.low < plain.low + 1e-12
