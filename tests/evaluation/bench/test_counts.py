"""Counts against pandas one threshold at a time; strata against the whole; a night of 25 hours."""

import numpy as np
import pandas
import pytest
from bench_logs import random_log

from tocsin.evaluation.bench.alarms import false_alarms
from tocsin.evaluation.bench.counts import count
from tocsin.evaluation.bench.log import make_log
from tocsin.evaluation.bench.matching import FALSE, match
from tocsin.evaluation.bench.strata import strata
from tocsin.evaluation.measures.intervals import poisson_rate


def test_every_figure_at_a_threshold_is_that_counted_with_pandas():
    matched = match(random_log(1, detections=40))
    counts = count(matched)
    said = matched.log.detections.assign(outcome=matched.outcome)
    thresholds = counts.every_threshold()
    found_by_session, alarms_by_session = counts.matrices(thresholds)
    for place, threshold in enumerate(thresholds):
        alarms = false_alarms(matched, threshold)
        assert (
            counts.alarms(threshold) == counts.alarms_at(threshold) == len(alarms) == alarms_by_session[:, place].sum()
        )
        reached = said[said["score"] >= threshold]
        assert counts.false_detections_at(threshold) == (reached["outcome"] == FALSE).sum()
        found = (matched.found_at >= threshold).mean()
        assert counts.recall(threshold).value == pytest.approx(found) == counts.recalls(threshold)
        assert found_by_session[:, place].sum() == (matched.found_at >= threshold).sum()
        right = (reached["outcome"] != FALSE).mean()
        assert counts.precision(threshold).value == pytest.approx(right)
    assert counts.poisson(0.5) == poisson_rate(counts.alarms(0.5), 6 * 30 / 3600)


def test_parts_of_the_recordings_add_up_to_the_whole():
    matched = match(random_log(2))
    first = np.arange(6) < 2
    for threshold in (0.2, 0.5, 0.9):
        parts = [count(matched, keep=keep) for keep in (first, ~first)]
        assert sum(part.alarms(threshold) for part in parts) == count(matched).alarms(threshold)
        assert sum(len(part.found_at) for part in parts) == len(matched.found_at)
    assert sum(part.hours.sum() for part in parts) == pytest.approx(matched.log.hours)


def test_a_thinned_curve_keeps_its_ends():
    counts = count(match(random_log(3, recordings=20, detections=200)))
    every, some = counts.every_threshold(), counts.curve_thresholds(50)
    assert len(some) <= 50
    assert (some[0], some[-1]) == (every[0], every[-1])
    assert np.isin(some, every).all()
    assert (np.diff(some) < 0).all()


def deployment(start_time_utc, hours):
    """Two sensors that listen through, with a false alarm at each full hour."""
    names = ["a", "b"]
    heard = pandas.DataFrame(
        {"recording": names, "sensor_id": names, "duration_s": hours * 3600.0, "start_time_utc": start_time_utc}
    )
    every_hour = np.arange(hours) * 3600.0 + 1
    said = pandas.DataFrame({"recording": np.repeat(names, hours), "onset_s": np.tile(every_hour, 2), "score": 0.9})
    return match(make_log(heard, None, said.assign(level_dbfs=-20.0)))


def test_the_tables_by_sensor_hour_weekday_and_level_add_up_to_all_hours_and_alarms():
    matched = deployment("2026-01-05T00:30:00Z", 48)
    tables = {section.key: section for section in strata(matched, 0.5)}
    for key in ("by_sensor", "by_hour", "by_weekday"):
        assert sum(row["false_alarms"] for row in tables[key].rows) == 96
        assert sum(row["hours"] for row in tables[key].rows) == pytest.approx(96)
    assert [row["false_alarms"] for row in tables["by_hour"].rows] == [4] * 24
    assert [row["weekday"] for row in tables["by_weekday"].rows] == ["Monday", "Tuesday", "Wednesday"]
    assert tables["false_alarms_by_level_dbfs"].rows == [{"level": "-20 to -10 dBFS", "false_alarms": 96, "share": 1.0}]


def test_the_hour_that_a_clock_repeats_in_autumn_is_counted_twice():
    # 2026-11-01: at 2:00 in New York the clocks go back to 1:00.
    matched = deployment("2026-11-01T04:00:00Z", 25)
    tables = {section.key: section for section in strata(matched, 0.5, time_zone="America/New_York")}
    hours = {row["hour"]: row["hours"] for row in tables["by_hour"].rows}
    assert hours["1"] == pytest.approx(4)
    assert hours["0"] == hours["2"] == pytest.approx(2)
