"""The score of located incidents, against cases worked by hand and against trying every assignment."""

from itertools import permutations

import numpy as np
import pytest

from tocsin import TocsinError
from tocsin.evaluation.demo.scoring import Gunfire, score


def test_a_case_worked_by_hand():
    truth = [Gunfire(0, 0, (10.0,)), Gunfire(100, 0, (20.0,)), Gunfire(0, 300, (30.0,))]
    incidents = [Gunfire(103, 4, (20.1,)), Gunfire(0, -12, (9.9,)), Gunfire(500, 500, (25.0,))]
    result = score(truth, incidents)
    assert [(match.truth, match.incident) for match in result.matches] == [(0, 1), (1, 0)]
    assert [match.error_m for match in result.matches] == pytest.approx([12.0, 5.0])
    assert [match.time_error_s for match in result.matches] == pytest.approx([-0.1, 0.1])
    assert (result.missed, result.false) == ((2,), (2,))
    assert result.median_error_m == pytest.approx(8.5)


def test_limits_are_inclusive_and_both_must_hold():
    truth = [Gunfire(0, 0, (0.0,))]
    assert score(truth, [Gunfire(30, 40, (1.0,))]).matches
    assert score(truth, [Gunfire(30, 40.01, (0.0,))]).false == (0,)
    assert score(truth, [Gunfire(0, 0, (1.01,))]).missed == (0,)
    assert score(truth, [Gunfire(0, 0, (1.01,))], within_s=2.0).matches
    assert score(truth, [Gunfire(30, 40, (0.0,))], within_m=49.0).missed == (0,)


def test_one_burst_reported_twice_is_one_match_and_one_false():
    result = score([Gunfire(0, 0, (5.0,))], [Gunfire(9, 0, (5.0,)), Gunfire(2, 0, (5.3,))])
    assert [match.incident for match in result.matches] == [1]
    assert result.false == (0,)


def test_two_shootings_reported_as_one_are_one_match_and_one_missed():
    result = score([Gunfire(0, 0, (5.0,)), Gunfire(40, 0, (5.5,))], [Gunfire(30, 0, (5.0,))])
    assert [match.truth for match in result.matches] == [1]
    assert result.missed == (0,)


def test_more_matches_go_before_nearer_ones():
    # The first incident is nearest to the second truth, yet only it can report the first.
    result = score([Gunfire(0, 0, (0.0,)), Gunfire(50, 0, (0.0,))], [Gunfire(49, 0, (0.0,)), Gunfire(99, 0, (0.0,))])
    assert [(match.truth, match.incident) for match in result.matches] == [(0, 0), (1, 1)]


def test_bursts_match_by_their_nearest_rounds():
    truth = [Gunfire(0, 0, (10.0, 13.0))]
    assert score(truth, [Gunfire(0, 0, (12.5, 16.0))]).matches[0].time_error_s == pytest.approx(-0.5)
    # A report whose rounds lie on both sides of the truth, each far from it, reports something else.
    assert score(truth, [Gunfire(0, 0, (8.0, 11.5, 15.0))]).missed == (0,)


def test_no_incident_no_truth_neither():
    assert score([Gunfire(0, 0, (0.0,))], []).missed == (0,)
    assert score([], [Gunfire(0, 0, (0.0,))]).false == (0,)
    empty = score([], [])
    assert (empty.matches, empty.missed, empty.false) == ((), (), ())
    # Nothing matched: an error of zero metres would be a lie.
    assert empty.median_error_m is None
    assert score([Gunfire(0, 0, (0.0,))], [Gunfire(900, 0, (0.0,))]).median_error_m is None


@pytest.mark.parametrize("limits", [{"within_m": -1.0}, {"within_s": float("nan")}])
def test_a_limit_that_is_none_is_refused(limits):
    with pytest.raises(TocsinError, match="must be a number from 0 up"):
        score([], [], **limits)


def test_equals_trying_every_assignment(rng):
    for _ in range(30):
        truth = [Gunfire(*rng.uniform(0, 120, 2), (rng.uniform(0, 3),)) for _ in range(4)]
        incidents = [Gunfire(*rng.uniform(0, 120, 2), (rng.uniform(0, 3),)) for _ in range(int(rng.integers(4, 6)))]
        best = (0, 0.0)
        for order in permutations(range(len(incidents)), len(truth)):
            errors = [
                float(np.hypot(t.x_m - incidents[i].x_m, t.y_m - incidents[i].y_m))
                for t, i in zip(truth, order, strict=True)
                if np.hypot(t.x_m - incidents[i].x_m, t.y_m - incidents[i].y_m) <= 50
                and abs(t.rounds_s[0] - incidents[i].rounds_s[0]) <= 1
            ]
            best = max(best, (len(errors), -sum(errors)))
        result = score(truth, incidents)
        total_m = sum(match.error_m for match in result.matches)
        assert (len(result.matches), -total_m) == pytest.approx(best)
