"""Comparisons of a detector with itself, with its errors put in by hand, and of two whose difference is known."""

import numpy as np
import pandas
import pytest
from bench_logs import random_log

from tocsin import TocsinError
from tocsin.evaluation.bench.comparison import compare
from tocsin.evaluation.bench.evaluation import evaluate
from tocsin.evaluation.bench.log import make_log


def test_a_detector_differs_from_itself_by_nothing():
    log = random_log(1, recordings=12)
    comparison = compare(evaluate(log, 0.5), evaluate(log, 0.5))
    for difference in (*comparison.at_thresholds, comparison.at_recall):
        assert difference.first == difference.second
        assert difference.difference == (0, 0, 0)
    for frame in (*comparison.missed_by_one(), *comparison.alarms_of_one()):
        assert frame.empty


def test_the_other_way_round_every_difference_changes_its_sign():
    one, other = evaluate(random_log(2, recordings=12), 0.5), evaluate(random_log(2, recordings=12), 0.8)
    there, back = compare(one, other, recall=0.1), compare(other, one, recall=0.1)
    for forth, to in zip(there.at_thresholds, back.at_thresholds, strict=True):
        assert forth.difference == pytest.approx((-to.difference.value, -to.difference.high, -to.difference.low))
    assert there.at_recall.difference == (0, 0, 0)
    first, second = there.alarms_of_one()
    assert [len(frame) for frame in back.alarms_of_one()] == [len(second), len(first)]


def test_what_only_one_gets_wrong_is_what_was_put_in():
    heard = pandas.DataFrame({"recording": ["a", "b"], "duration_s": 100.0})
    truth = pandas.DataFrame({"recording": ["a", "a", "b"], "onset_s": [10.0, 20.0, 30.0], "label": "gunshot"})
    said = truth[["recording", "onset_s"]].assign(score=0.9)
    more = pandas.DataFrame({"recording": ["a", "b"], "onset_s": [50.0, 60.0], "score": [0.8, 0.7]})
    first = make_log(heard, truth, pandas.concat([said.iloc[:2], more]))
    second = first.with_detections(pandas.concat([said.iloc[1:], more.iloc[1:]]), "other")
    comparison = compare(evaluate(first, 0.5), evaluate(second, 0.5))
    missed_by_first, missed_by_second = comparison.missed_by_one()
    assert missed_by_first["onset_s"].tolist() == [30.0]
    assert missed_by_second["onset_s"].tolist() == [10.0]
    only_first, only_second = comparison.alarms_of_one()
    assert only_first["onset_s"].tolist() == [50.0]
    assert only_second.empty


def test_other_recordings_are_refused():
    with pytest.raises(TocsinError, match="other recordings or other truth"):
        compare(evaluate(random_log(3, recordings=4)), evaluate(random_log(3, recordings=8)))


def two_detectors(seed, sessions=25):
    """Sessions that are hard for both; the second finds 10 points fewer and raises half an alarm an hour more."""
    rng = np.random.default_rng(seed)
    names = [f"s{place}" for place in range(sessions)]
    heard = pandas.DataFrame({"recording": names, "duration_s": 36_000.0})
    truth = pandas.DataFrame({"recording": np.repeat(names, 10), "onset_s": np.tile(np.arange(10) * 3600.0, sessions)})
    hard = np.repeat(rng.uniform(-0.2, 0.2, sessions), 10)
    logs = []
    for missed, alarms in ((0.3, 1.0), (0.4, 1.5)):
        right = truth[rng.random(len(truth)) >= missed + hard]
        loud = rng.poisson(10 * alarms * rng.gamma(2, 0.5, sessions))
        wrong = pandas.DataFrame({"recording": np.repeat(names, loud), "onset_s": rng.uniform(60, 36_000, loud.sum())})
        logs.append(make_log(heard, truth.assign(label="gunshot"), pandas.concat([right, wrong]).assign(score=0.9)))
    return [evaluate(log, 0.5) for log in logs]


def test_the_intervals_hold_a_known_difference_in_93_of_100_draws_or_more():
    draws, covered = 150, np.zeros(2)
    for seed in range(draws):
        comparison = compare(*two_detectors(seed), recall=0.5)
        for place, (difference, true) in enumerate(zip(comparison.at_thresholds, (0.1, -0.5), strict=True)):
            covered[place] += difference.difference.low <= true <= difference.difference.high
    # Three standard errors of a share of 150 below 0.95; alarms that run into one another are a few fewer.
    assert (covered / draws >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / draws)).all()
