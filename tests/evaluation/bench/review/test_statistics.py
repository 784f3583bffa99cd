"""The figures of a review against closed forms, published tables and other implementations."""

import numpy as np
import pandas
import pytest
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score

from tocsin import TocsinError
from tocsin.evaluation.bench.review.agreement import cohens_kappa
from tocsin.evaluation.bench.review.allocation import LEAST, allocate, importance, parse_figure
from tocsin.evaluation.bench.review.answers import ANSWERS, sample_hash, verdicts
from tocsin.evaluation.bench.review.called import Alarms
from tocsin.evaluation.bench.review.detections import alarms_of
from tocsin.evaluation.bench.review.draw import draw_sample
from tocsin.evaluation.bench.review.estimate import curve_of, more_to_halve, sections_of
from tocsin.evaluation.bench.review.quiet import quiet_pieces
from tocsin.evaluation.bench.review.score_interval import Heard, recall_interval, share_interval
from tocsin.evaluation.bench.review.strata import lower_edges, stratum_of


def heard(*strata: tuple[float, float, float]) -> Heard:
    return Heard(*np.array(strata, float).T[:, None, :])


def log_of(scores, gap_s: float = 20.0) -> pandas.DataFrame:
    onsets = 5 + gap_s * np.arange(len(scores))
    return alarms_of(pandas.DataFrame({"recording": "a.wav", "onset_s": onsets, "score": scores}))


@pytest.mark.parametrize(("true", "number"), [(0, 20), (3, 20), (50, 100), (20, 20)])
def test_one_large_stratum_gives_wilsons_interval(true, number):
    expected = binomtest(true, number).proportion_ci(method="wilson")
    found = share_interval(heard((true, number, 1e12)))
    assert (found.low[0], found.high[0]) == pytest.approx((expected.low, expected.high), abs=1e-7)


def test_simple_random_sampling_is_as_in_the_textbook():
    # Cochran 1977, theorem 3.2: the variance of a share, with the finite population correction.
    share, number, size = 0.3, 4000, 10000
    half = 1.959964 * np.sqrt(share * (1 - share) / number * (size - number) / (size - 1))
    found = share_interval(heard((share * number, number, size)))
    # The ends lie at whole numbers of the population.
    assert found.high[0] - found.low[0] == pytest.approx(2 * half, abs=2 / size)


def test_a_census_is_exact_and_has_no_width():
    scores = np.random.default_rng(1).random(60)
    sample = draw_sample(log_of(scores), 60, 1, "balanced")
    true = (sample["score"] > 0.4).to_numpy(float)
    true[::3] = 1 - true[::3]
    curve = curve_of(sample, true)
    for threshold, value, low, high, alarms in zip(curve.thresholds, *curve.precision[0], curve.alarms, strict=True):
        called = (sample["score"] >= threshold).to_numpy()
        assert (value, low, high) == pytest.approx([true[called].mean()] * 3)
        assert alarms == called.sum()
    assert (curve.more == 0).all()
    found = recall_interval(heard((8, 10, 10)), heard((2, 5, 5)))
    assert [float(part[0]) for part in found] == pytest.approx([0.8] * 3)


def test_equal_strata_of_proportional_size_state_what_joining_them_states():
    # Where all shares are alike, cutting a population changes the estimate not at all and the interval hardly.
    one, parts = heard((24, 120, 6e8)), heard(*[(6, 30, 1.5e8)] * 4)
    assert np.ravel(share_interval(parts)) == pytest.approx(np.ravel(share_interval(one)), abs=1e-6)


def test_shares_turned_round_turn_the_interval_round():
    parts = [(3, 12, 90), (0, 5, 400), (7, 7, 20)]
    found = share_interval(heard(*parts))
    turned = share_interval(heard(*[(number - true, number, size) for true, number, size in parts]))
    assert np.ravel(found) == pytest.approx(1 - np.ravel(turned)[[0, 2, 1]], abs=1e-7)
    ratio = recall_interval(heard(*parts[:1]), heard(*parts[1:]))
    other = recall_interval(heard(*parts[1:]), heard(*parts[:1]))
    assert np.ravel(ratio) == pytest.approx(1 - np.ravel(other)[[0, 2, 1]], abs=1e-6)


def test_a_stratum_without_an_answer_leaves_the_figure_open():
    assert np.isnan(share_interval(heard((3, 10, 50), (0, 0, 50))).value[0])


def test_neyman_allocation_has_its_closed_form():
    sizes, guess = np.array([4000, 2000, 1000]), np.array([0.1, 0.5, 0.8])
    weights = importance(parse_figure("precision@0"), np.array([0.0, 0.3, 0.6]), sizes, guess)
    spread = sizes * np.sqrt(guess * (1 - guess))
    assert allocate(sizes, weights, 300) == pytest.approx(300 * spread / spread.sum(), abs=1)
    ignored = importance(parse_figure("alarms-per-day@0.3"), np.array([0.0, 0.3, 0.6]), sizes, guess)
    assert allocate(sizes, ignored, 300)[0] == LEAST
    assert allocate(np.array([1, 3, 500]), np.ones(3), 40).tolist() == [1, 3, 36]
    with pytest.raises(TocsinError, match="too few for 3 strata: draw 6"):
        allocate(sizes, weights, 5)


def test_allocation_for_recall_is_the_best_of_all_that_can_be_tried():
    sizes, guess, edges = np.array([900, 300]), np.array([0.2, 0.7]), np.array([0.0, 0.5])
    total = sizes * guess
    recall = total[1] / total.sum()
    slope = np.array([-recall, 1 - recall]) * sizes
    variances = [(slope**2 * guess * (1 - guess) / np.array([first, 60 - first])).sum() for first in range(2, 59)]
    found = allocate(sizes, importance(parse_figure("recall@0.5"), edges, sizes, guess), 60)
    assert found[0] == pytest.approx(2 + np.argmin(variances), abs=1)


def test_strata_are_of_equal_steps_of_the_root_of_the_frequencies():
    # Evenly spread scores: equal widths. A cut begins a stratum, and no stratum is empty.
    scores = (np.arange(10000) + 0.5) / 10000
    assert lower_edges(scores, 5) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8], abs=0.011)
    assert 0.9 in lower_edges(scores, 5, 0.9)
    lumps = np.repeat([0.0, 0.01, 1.0], [500, 3, 200])
    edges = lower_edges(lumps, 6, 0.5)
    assert (np.bincount(stratum_of(lumps, edges), minlength=len(edges)) > 0).all()


def test_alarms_are_counted_as_the_standard_report_counts_them():
    frame = pandas.DataFrame({"recording": list("aaaab"), "onset_s": [1, 1.8, 2.7, 4.0, 4.1]})
    frame["score"] = [0.2, 0.9, 0.4, 0.3, 0.3]
    found = alarms_of(frame)
    assert found["onset_s"].tolist() == [1.8, 4.0, 4.1]
    assert found["at_or_above"].tolist() == [1, 3, 3]
    assert found["last_s"].tolist() == [2.7, 4.0, 4.1]


def test_quiet_pieces_hold_every_moment_far_from_alarms_once():
    alarms = alarms_of(pandas.DataFrame({"recording": ["a", "a"], "onset_s": [0.5, 50.0], "score": [1.0, 1.0]}))
    pieces = quiet_pieces(alarms, {"a": 100.0, "b": 33.0}, 10.0)
    mine = pieces[pieces["recording"] == "a"]
    assert mine["length_s"].sum() == pytest.approx(100 - 1.5 - 2)
    assert pieces[pieces["recording"] == "b"]["length_s"].tolist() == pytest.approx([11, 11, 11])
    assert not ((mine["onset_s"] < 51) & (mine["onset_s"] + mine["length_s"] > 49)).any()


@pytest.mark.parametrize("design", ["random", "balanced", "optimal"])
def test_a_sample_is_reproducible_and_its_weights_add_up_to_the_log(design):
    scores = np.random.default_rng(2).beta(0.4, 0.6, 500)
    figure = parse_figure("recall@0.5")
    pieces = quiet_pieces(log_of(scores), {"a.wav": 11000.0}, 10.0)
    one, other, third = (
        draw_sample(log_of(scores), 80, seed, design, figure, quiet=(pieces, 30)) for seed in (4, 4, 5)
    )
    pandas.testing.assert_frame_equal(one, other)
    assert not one["score"].equals(third["score"])
    mine = one[one["kind"] == "alarm"]
    assert (len(mine), mine["weight"].sum()) == (80, pytest.approx(500))
    assert one[one["kind"] == "quiet"]["weight"].sum() == pytest.approx(len(pieces))
    assert not one.duplicated(["recording", "onset_s"]).any()
    assert abs(np.corrcoef(np.arange(80), mine["score"])[0, 1]) < 0.3  # a blind order


def test_the_size_above_a_threshold_is_that_of_the_log():
    scores = np.random.default_rng(6).beta(0.4, 0.6, 400).round(2)
    sample = draw_sample(log_of(scores), 60, 1, "balanced", parse_figure("precision@0.5"))
    alarms = Alarms(sample, np.zeros(60))
    at = alarms.thresholds()
    assert alarms.called(at).size.sum(axis=1).tolist() == [(scores >= one).sum() for one in at]


def test_kappa_is_that_of_scikit_learn_and_its_error_that_of_fleiss():
    # Fleiss, "Statistical Methods for Rates and Proportions" (1981), table 13.1: kappa 0.68, standard error 0.087.
    table = np.array([[75, 1, 4], [5, 4, 1], [0, 0, 10]], float)
    found = cohens_kappa(table)
    assert found.value == pytest.approx(0.676, abs=5e-4)
    assert (found.high - found.value) / 1.959964 == pytest.approx(0.087, abs=1e-3)
    one, other = np.random.default_rng(8).integers(0, 4, (2, 50))
    counts = np.array([[((one == a) & (other == b)).sum() for b in range(4)] for a in range(4)], float)
    assert cohens_kappa(counts).value == pytest.approx(cohen_kappa_score(one, other))
    everywhere = cohens_kappa(np.diag([10.0, 10.0]))
    assert everywhere.value == everywhere.high == 1
    assert everywhere.low < 0.75
    assert cohens_kappa(np.diag([10.0, 0.0])) is None


def test_disagreement_and_doubt_bound_the_figures_both_ways():
    sample = draw_sample(log_of(np.linspace(0, 1, 50)), 20, 1, "random")
    names = sample["id"].tolist()
    first = pandas.DataFrame({"id": names, "answer": ["gunshot"] * 12 + ["impulse"] * 6 + ["unsure"] * 2})
    second = first.assign(answer=["gunshot"] * 10 + ["fireworks"] * 8 + ["unsure"] * 2)
    verdict = verdicts(sample, [first, second])
    assert verdict.tolist() == [1.0] * 10 + [0.5] * 2 + [0.0] * 6 + [0.5] * 2
    section, agreement = sections_of(sample, {"a": first, "b": second}, sensor_days=5.0)
    row = section.rows[0]
    assert row["precision, unsure as false"].value == 0.5
    assert row["precision, unsure as true"].value == 0.7
    assert row["false alarms a sensor-day, unsure as true"].value == pytest.approx(50 * 0.3 / 5)
    assert agreement.rows[0]["agreed"] == 0.6
    assert set(ANSWERS) >= set(first["answer"])
    assert sample_hash(sample) != sample_hash(sample.iloc[::-1])


def test_more_clips_halve_an_interval():
    now = heard((30, 100, 1e9), (40, 80, 1e9))
    assert more_to_halve(now)[0] == pytest.approx(3 * 180, abs=2)
    later = share_interval(heard((120, 400, 1e9), (160, 320, 1e9)))
    found = share_interval(now)
    assert (later.high - later.low)[0] == pytest.approx((found.high - found.low)[0] / 2, rel=0.02)
