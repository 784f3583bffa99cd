"""F1 by its definition, the best one by trying all, recordings as single answers, calibration of known scores."""

import numpy as np
import pandas
import pytest
from bench_logs import random_log
from sklearn.metrics import roc_auc_score

from tocsin.evaluation.bench.counts import count
from tocsin.evaluation.bench.log import make_log
from tocsin.evaluation.bench.matching import match
from tocsin.evaluation.bench.scores import best_f1, calibration, f1, recording_scores
from tocsin.evaluation.measures.calibration import expected_calibration_error


def test_f1_is_the_harmonic_mean_of_precision_and_recall_and_the_best_is_the_highest():
    counts = count(match(random_log(1, detections=30)))
    values = []
    for threshold in counts.every_threshold():
        precision, recall = counts.precision(threshold).value, counts.recall(threshold).value
        values.append(2 * precision * recall / (precision + recall) if recall else 0.0)
        interval = f1(counts, threshold)
        assert interval.value == pytest.approx(values[-1])
        assert interval.low <= interval.value <= interval.high
    assert best_f1(counts)[1] == pytest.approx(max(values))


def test_the_area_of_recordings_is_that_of_scikit_learn():
    rng = np.random.default_rng(3)
    names = [f"r{place}" for place in range(60)]
    heard = pandas.DataFrame({"recording": names, "duration_s": 4.0})
    truth = pandas.DataFrame(
        {"recording": names[:20], "onset_s": 0.0, "offset_s": 4.0, "label": "gunshot", "weak": True}
    )
    said = pandas.DataFrame({"recording": rng.choice(names[:50], 200), "onset_s": rng.uniform(0, 4, 200)})
    said["score"] = rng.random(200)
    answers = recording_scores(match(make_log(heard, truth, said)))
    highest = said.groupby("recording")["score"].max().reindex(names).fillna(-1)
    assert answers.area().value == pytest.approx(roc_auc_score(np.arange(60) < 20, highest))
    assert recording_scores(match(random_log(1))) is None


def calibrated(power, seed=4, sessions=40):
    """Detections whose probability of being right is a power of their score."""
    rng = np.random.default_rng(seed)
    names = [f"s{place}" for place in range(sessions)]
    heard = pandas.DataFrame({"recording": names, "duration_s": 10_000.0})
    said = pandas.DataFrame({"recording": np.repeat(names, 100), "onset_s": np.tile(np.arange(100) * 100.0, sessions)})
    said["score"] = rng.random(len(said))
    right = rng.random(len(said)) < said["score"] ** power
    return match(make_log(heard, said[right].drop(columns="score").assign(label="gunshot"), said))


def test_scores_that_are_probabilities_have_a_small_error_and_others_the_one_they_were_given():
    assert calibration(calibrated(1)).error.low <= 0.02
    # The mean of |s − s³| over 0 … 1 is a quarter.
    errors = [calibration(calibrated(3, seed)).error for seed in range(20)]
    assert sum(error.low <= 0.25 <= error.high for error in errors) >= 17
    matched = calibrated(3)
    direct = expected_calibration_error(matched.log.detections["score"], matched.outcome == 1)
    assert calibration(matched).error.value == pytest.approx(direct)


def test_scores_that_are_no_probabilities_have_no_calibration():
    log = random_log(5)
    assert (
        calibration(match(log.with_detections(log.detections.assign(score=log.detections["score"] * 9), "loud")))
        is None
    )
