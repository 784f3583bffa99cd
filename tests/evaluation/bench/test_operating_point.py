"""Operating points against trying every threshold, and on sessions whose threshold is known."""

import numpy as np
import pandas
import pytest
from bench_logs import random_log

from tocsin import TocsinError
from tocsin.evaluation.bench.counts import count
from tocsin.evaluation.bench.log import make_log
from tocsin.evaluation.bench.matching import match
from tocsin.evaluation.bench.operating_point import Budget, Costs, LeastRecall, operating_point, parse_budget


@pytest.mark.parametrize(
    ("text", "per_hour"),
    [
        ("1/sensor-week", 1 / 168),
        ("one false alarm a sensor-week", 1 / 168),
        ("0.5 per day", 0.5 / 24),
        ("2 an hour", 2.0),
        ("3 alarms per sensor-month", 3 / 730.5),
    ],
)
def test_a_budget_is_understood_as_people_say_it(text, per_hour):
    assert parse_budget(text).per_hour == pytest.approx(per_hour)


@pytest.mark.parametrize("text", ["often", "1 per mile", "-2/day", "many a day", "1.2.3 per day"])
def test_what_is_no_budget_is_answered_with_an_example(text):
    with pytest.raises(TocsinError, match='type for example "1 per sensor-week"'):
        parse_budget(text)


@pytest.mark.parametrize("seed", range(4))
def test_the_threshold_is_that_found_by_trying_them_all(seed):
    counts = count(match(random_log(seed, detections=40)))
    every, hours = counts.every_threshold(), counts.hours.sum()
    budget = Budget(np.median(counts.alarms_at(every)) / hours, "some")
    allowed = budget.per_hour * hours
    kept = [threshold for threshold in every if counts.alarms_at(every[every >= threshold]).max() <= allowed]
    assert operating_point(counts, budget).threshold.value == min(kept)
    found = [threshold for threshold in every if counts.recall(threshold).value >= 0.3]
    assert operating_point(counts, LeastRecall(0.3)).threshold.value == max(found)
    costs = Costs(miss=50, sounds_per_hour=2)
    paid = [100 * (1 - counts.recall(each).value) + counts.alarms(each) / hours for each in every]
    assert operating_point(counts, costs).threshold.value == every[int(np.argmin(paid))]


def test_a_careful_budget_is_kept_by_the_upper_end_of_the_interval():
    counts = count(match(random_log(5, recordings=40, detections=40)))
    bold, careful = (operating_point(counts, Budget(200, "some", careful)) for careful in (False, True))
    assert careful.threshold.value >= bold.threshold.value
    assert careful.poisson.high <= 200 < bold.poisson.high


def test_what_cannot_be_given_is_none():
    counts = count(match(random_log(6)))
    assert operating_point(counts, LeastRecall(1.0)) is None
    assert operating_point(counts, Budget(0.0, "none, at the upper end", careful=True)) is None


def sessions_alike(number, noise):
    """Sessions of ten hours with the same sounds and false alarms, whose scores differ by some noise."""
    rng = np.random.default_rng(7)
    names = [f"s{place}" for place in range(number)]
    heard = pandas.DataFrame({"recording": names, "duration_s": 36_000.0})
    truth = pandas.DataFrame({"recording": np.repeat(names, 10), "onset_s": np.tile(np.arange(10) * 3600.0, number)})
    right = truth.assign(score=np.tile(np.linspace(0.5, 0.95, 10), number))
    wrong = right.assign(onset_s=right["onset_s"] + 1800, score=right["score"] - 0.4)
    said = pandas.concat([right, wrong])
    said["score"] += noise * rng.standard_normal(len(said))
    return count(match(make_log(heard, truth.assign(label="gunshot"), said)))


def test_sessions_that_are_the_same_give_one_threshold_and_unseen_figures_as_good_as_seen():
    point = operating_point(sessions_alike(20, 0.0), LeastRecall(0.8))
    assert point.threshold == pytest.approx((0.6, 0.6, 0.6))
    assert point.unseen_recall == point.recall
    assert point.unseen_rate == point.rate


def test_a_threshold_chosen_on_few_sessions_does_worse_on_unseen_ones():
    budget = Budget(0.1, "one in ten hours")
    seen, unseen = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        names = [f"s{place}" for place in range(6)]
        heard = pandas.DataFrame({"recording": names, "duration_s": 36_000.0})
        at_s = rng.uniform(0, 36_000, 120)
        said = pandas.DataFrame({"recording": np.repeat(names, 20), "onset_s": at_s, "score": rng.random(120)})
        point = operating_point(count(match(make_log(heard, None, said))), budget)
        seen.append(point.rate.value)
        unseen.append(point.unseen_rate.value)
    assert max(seen) <= 0.1 + 1e-9
    assert np.mean(unseen) > np.mean(seen)


def test_the_interval_of_a_threshold_holds_the_true_one_where_sessions_are_drawn_anew():
    # Scores of sounds are uniform between 0 and 1: 80 % of them are found at a threshold of 0.2.
    covered = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        names = [f"s{place}" for place in range(30)]
        heard = pandas.DataFrame({"recording": names, "duration_s": 36_000.0})
        truth = pandas.DataFrame({"recording": np.repeat(names, 5), "onset_s": np.tile(np.arange(5) * 100.0, 30)})
        said = truth.assign(score=rng.random(150))
        counts = count(match(make_log(heard, truth.assign(label="gunshot"), said)))
        threshold = operating_point(counts, LeastRecall(0.8), seed).threshold
        covered += threshold.low <= 0.2 <= threshold.high
    assert covered >= 52
