import numpy as np
import pytest
from scipy import stats

from tocsin import TocsinError
from tocsin.evaluation.measures.paired import mcnemar, paired_interval


def _cases(only_a: int, only_b: int, both: int = 20) -> tuple[np.ndarray, np.ndarray]:
    a = np.array([True] * only_a + [False] * only_b + [True] * both)
    b = np.array([False] * only_a + [True] * only_b + [True] * both)
    return a, b


@pytest.mark.parametrize(("only_a", "only_b"), [(5, 1), (0, 7), (40, 22), (4, 4), (900, 1100), (0, 0)])
def test_exact_is_the_binomial_test_of_scipy_and_mid_p_counts_this_division_half(only_a, only_b):
    a, b = _cases(only_a, only_b)
    test = mcnemar(a, b, np.arange(len(a)))
    assert (test.only_a, test.only_b) == (only_a, only_b)
    n = only_a + only_b
    expected = stats.binomtest(only_a, n).pvalue if n else 1.0
    assert test.p_exact == pytest.approx(expected, abs=1e-12)
    # By its definition: all divisions that are less likely, and half of those as likely (Lancaster 1961).
    chances = stats.binom.pmf(np.arange(n + 1), n, 0.5)
    as_likely = np.isin(np.arange(n + 1), [only_a, only_b])
    further = abs(np.arange(n + 1) - n / 2) > abs(only_a - n / 2)
    assert test.p_mid == pytest.approx(chances[further].sum() + chances[as_likely].sum() / 2 if n else 1.0, abs=1e-12)


def test_of_sessions_of_one_case_it_is_mcnemar_s_chi_square():
    a, b = _cases(19, 8)
    assert mcnemar(a, b, np.arange(len(a))).p_sessions == pytest.approx(stats.chi2.sf((19 - 8) ** 2 / 27, 1))


def test_cases_of_one_session_count_once():
    a, b = _cases(9, 2, 0)
    single = mcnemar(a, b, np.arange(11)).p_sessions
    assert mcnemar(np.repeat(a, 5), np.repeat(b, 5), np.repeat(np.arange(11), 5)).p_sessions == pytest.approx(single)
    # Worked by hand: two sessions differ by 1/2 and 1/4; (3/4)² / (1/4 + 1/16) = 1.8.
    sessions = ["x", "x", "y", "y", "y", "y"]
    by_hand = mcnemar([True, True, False, True, True, True], [True, False, False, True, False, True], sessions)
    assert by_hand.p_sessions == pytest.approx(stats.chi2.sf(1.8, 1))


def test_detectors_change_sides():
    a, b = _cases(12, 3)
    sessions = np.arange(len(a)) // 3
    there, back = mcnemar(a, b, sessions), mcnemar(b, a, sessions)
    assert (back.only_a, back.only_b) == (there.only_b, there.only_a)
    assert back[2:] == pytest.approx(there[2:])


def test_difference_of_means_is_between_student_s_paired_interval_and_a_little_more(rng):
    sums = np.stack([rng.normal(3, 1, 25), np.ones(25)], axis=1)
    other = sums + np.stack([rng.normal(-0.5, 0.3, 25), np.zeros(25)], axis=1)
    interval = paired_interval(lambda total: total[:, 0] / total[:, 1], sums, other)
    student = stats.ttest_rel(sums[:, 0], other[:, 0]).confidence_interval()
    assert interval.value == pytest.approx((sums - other)[:, 0].mean())
    # The jackknife of a mean is Student's; the bootstrap may reach further by chance, not by much.
    assert interval.low <= student.low + 1e-12
    assert interval.high >= student.high - 1e-12
    assert interval.high - interval.low < 1.2 * (student.high - student.low)


def test_a_detector_differs_from_itself_by_nothing(rng):
    sums = rng.uniform(1, 2, (8, 2))
    assert paired_interval(lambda total: total[:, 0] / total[:, 1], sums, sums) == (0.0, 0.0, 0.0)
    with pytest.raises(TocsinError, match=r"not \(8, 2\) and \(8, 1\)"):
        paired_interval(lambda total: total[:, 0], sums, sums[:, :1])
