"""Curves against the figures at single thresholds, and against scikit-learn's."""

import numpy as np
import pandas
import pytest
from bench_logs import random_log
from sklearn.metrics import det_curve, roc_auc_score

from tocsin.evaluation.bench.counts import count
from tocsin.evaluation.bench.curves import (
    alarms_a_day,
    alarms_by_threshold,
    det,
    precision_recall,
    recall_by_threshold,
    roc,
)
from tocsin.evaluation.bench.log import make_log
from tocsin.evaluation.bench.matching import match
from tocsin.evaluation.bench.scores import RecordingScores


@pytest.fixture(scope="module")
def counts():
    return count(match(random_log(1, recordings=12)))


def test_each_point_is_the_figure_at_its_threshold(counts):
    curves = [curve(counts) for curve in (alarms_a_day, alarms_by_threshold, recall_by_threshold, precision_recall)]
    for place, threshold in enumerate(counts.curve_thresholds()):
        exact, recall = counts.poisson(threshold), counts.recall(threshold).value
        against_recall, by_threshold, recalls, precisions = ([part[place] for part in curve] for curve in curves)
        day = [24 * exact.value, 24 * exact.low, 24 * exact.high]
        assert against_recall == pytest.approx([threshold, recall, *day])
        assert by_threshold == pytest.approx([threshold, threshold, *day])
        assert recalls[2] == pytest.approx(recall)
        assert precisions[1:3] == pytest.approx([recall, counts.precision(threshold).value])
    for curve in curves[2:]:
        # Where a single session has any detection, nothing is known of others.
        known = np.isfinite(curve.low)
        assert known.sum() > 50
        assert (curve.low <= curve.y)[known].all()
        assert (curve.y <= curve.high)[known].all()


def test_roc_and_det_are_those_of_scikit_learn():
    rng = np.random.default_rng(2)
    positive = rng.random(200) < 0.3
    scores = np.round(rng.normal(positive, 1.0), 1)
    answers = RecordingScores(scores, positive, np.arange(200).astype(str))
    curve = roc(answers)
    assert np.trapezoid(curve.y, curve.x) == pytest.approx(roc_auc_score(positive, scores))
    missed = dict(zip(det(answers).thresholds, det(answers).y, strict=True))
    for _, theirs, threshold in zip(*det_curve(positive, scores), strict=True):
        assert missed[threshold] == pytest.approx(theirs)


def test_what_there_is_nothing_of_has_no_curve():
    heard = pandas.DataFrame({"recording": ["a"], "duration_s": [60.0]})
    said = pandas.DataFrame({"recording": ["a"], "onset_s": [1.0], "score": [0.5]})
    silent = count(match(make_log(heard, None, said)))
    assert alarms_a_day(silent) is None
    assert recall_by_threshold(silent) is None
    assert precision_recall(silent) is None
    assert alarms_by_threshold(silent).y.tolist() == [1440.0]
