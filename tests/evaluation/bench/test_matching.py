"""Matching against sed_scores_eval, against scipy's maximum matching, and alarms against counting one by one."""

import warnings

import numpy as np
import pandas
import pytest
from bench_logs import random_log
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from tocsin import TocsinError
from tocsin.evaluation.bench.alarms import false_alarm_steps
from tocsin.evaluation.bench.log import UNSURE, make_log
from tocsin.evaluation.bench.matching import FALSE, NEITHER, TRUE, match

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from sed_scores_eval import collar_based
    from sed_scores_eval.base_modules import statistics
    from sed_scores_eval.base_modules.scores import create_score_dataframe


def counts_at(matched, threshold):
    reached = matched.log.detections["score"].to_numpy() >= threshold
    return int((matched.found_at >= threshold).sum()), int((reached & (matched.outcome == FALSE)).sum())


@given(seed=st.integers(0, 10_000), collar_s=st.sampled_from([0.0, 0.05, 0.2, 1.0]))
@settings(max_examples=20, deadline=None)
def test_every_threshold_has_as_many_as_the_largest_matching_of_scipy(seed, collar_s):
    log = random_log(seed, recordings=3)
    matched = match(log, collar_s)
    for threshold in np.unique(log.detections["score"])[::4]:
        most = 0
        for name in log.recordings["recording"]:
            truth = log.truth.loc[log.truth["recording"] == name, "onset_s"].to_numpy()
            mine = log.detections[(log.detections["recording"] == name) & (log.detections["score"] >= threshold)]
            near = np.abs(mine["onset_s"].to_numpy()[:, None] - truth) <= collar_s + 5e-7
            most += int((maximum_bipartite_matching(csr_matrix(near)) >= 0).sum()) if near.size else 0
        reached = int((log.detections["score"] >= threshold).sum())
        assert counts_at(matched, threshold) == (most, reached - most)


def as_scores(log):
    """Each detection as a piece of 10 ms of its score, with silence between, as sed_scores_eval takes them."""
    scores, truth = {}, {}
    for name, mine in log.detections.groupby("recording", observed=False):
        onset_s = mine["onset_s"].to_numpy()
        edges = np.unique(np.append([0.0, 30.5], np.append(onset_s, onset_s + 0.0005)))
        values = np.zeros((len(edges) - 1, 1))
        values[np.searchsorted(edges, onset_s), 0] = mine["score"]
        scores[name] = create_score_dataframe(values, edges, ["gunshot"])
        sounds = log.truth.loc[log.truth["recording"] == name, "onset_s"]
        truth[name] = [(at_s, at_s + 0.0005, "gunshot") for at_s in sounds]
    return scores, truth


@pytest.mark.parametrize("seed", range(3))
def test_precision_and_recall_are_those_of_sed_scores_eval(seed, monkeypatch):
    # Its compiled part refuses arrays that cannot be written to, as pandas 3 gives them.
    compiled = statistics.onset_offset_curves
    monkeypatch.setattr(statistics, "onset_offset_curves", lambda scores, *rest: compiled(np.array(scores), *rest))
    log = random_log(seed, sounds=5, detections=12)
    # There a detection lasts, so two at one time would be one.
    said = log.detections.drop_duplicates(["recording", "onset_s"])
    log = log.with_detections(said[said["score"] > 0], "apart")
    matched = match(log, 0.2)
    scores, truth = as_scores(log)
    precision, recall, thresholds, _ = collar_based.precision_recall_curve(
        scores, truth, onset_collar=0.2, offset_collar=1e6
    )["gunshot"]
    compared = 0
    for p, r, threshold in zip(precision, recall, thresholds, strict=True):
        # At no threshold at all the silence between is a detection, too.
        if threshold > 0 and np.isfinite(threshold):
            found, wrong = counts_at(matched, threshold)
            assert (p, r) == pytest.approx((found / (found + wrong), found / len(matched.targets)), abs=1e-6)
            compared += 1
    assert compared > 20


@given(seed=st.integers(0, 10_000), one_alarm_s=st.sampled_from([0.0, 0.3, 1.0, 5.0]))
@settings(max_examples=20, deadline=None)
def test_the_steps_sum_to_the_alarms_counted_at_each_threshold_alone(seed, one_alarm_s):
    matched = match(random_log(seed, recordings=3, detections=40))
    detections = matched.log.detections.assign(outcome=matched.outcome)
    steps = false_alarm_steps(matched, one_alarm_s)
    for threshold in np.unique(detections["score"])[::4]:
        counted = 0
        reached = detections[detections["score"] >= threshold]
        for _, mine in reached.groupby("recording", observed=True):
            gaps = mine["onset_s"].diff().fillna(np.inf)
            alarm = (gaps > one_alarm_s).cumsum() if one_alarm_s > 0 else pandas.Series(range(len(mine)), mine.index)
            counted += int((mine["outcome"].eq(TRUE).groupby(alarm).sum() == 0).sum())
        assert steps[(detections["score"] >= threshold).to_numpy()].sum() == counted


def small_log(truth, said, length_s=10.0):
    heard = pandas.DataFrame({"recording": ["a"], "duration_s": [length_s]})
    return make_log(heard, pandas.DataFrame(truth), pandas.DataFrame(said))


def test_a_sound_somewhere_in_a_stretch_is_found_by_its_highest_detection_and_the_stretch_counts_no_false_alarm():
    truth = {"recording": ["a"], "onset_s": [2.0], "offset_s": [5.0], "label": ["gunshot"], "weak": [True]}
    said = {"recording": ["a"] * 4, "onset_s": [1.0, 3.0, 4.0, 6.0], "score": [0.2, 0.5, 0.7, 0.9]}
    matched = match(small_log(truth, said))
    assert matched.outcome.tolist() == [FALSE, NEITHER, TRUE, FALSE]
    assert matched.found_at.tolist() == [0.7]
    assert matched.seconds.tolist() == [7.0]


def test_an_unsure_stretch_counts_neither_way():
    truth = {"recording": ["a"] * 2, "onset_s": [2.0, 2.5], "offset_s": [3.0, 4.0], "label": [UNSURE] * 2}
    said = {"recording": ["a"] * 2, "onset_s": [2.1, 6.0], "score": [0.5, 0.6]}
    matched = match(small_log(truth, said))
    assert matched.outcome.tolist() == [NEITHER, FALSE]
    assert matched.seconds.tolist() == [8.0]


def test_a_collar_below_nothing_is_refused_in_a_sentence():
    with pytest.raises(TocsinError, match="the onset collar is -1 s, expected 0 or more"):
        match(random_log(0), -1)


def test_a_window_that_holds_the_onset_is_that_sound_though_its_middle_is_far():
    truth = {"recording": ["a"], "onset_s": [2.0], "label": ["gunshot"]}
    said = {"recording": ["a"] * 2, "onset_s": [2.45, 3.0], "score": [0.5, 0.9]}
    log = small_log(truth, said)
    assert match(log).outcome.tolist() == [FALSE, FALSE]
    windows = log.with_detections(log.detections.assign(reach_s=0.4), "windows of 0.8 s")
    assert match(windows).outcome.tolist() == [TRUE, FALSE]
