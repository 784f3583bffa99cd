"""The simulation of intervals: its worlds have the truth they are said to have, and exact intervals hold it."""

import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def simulation(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import interval_coverage

    yield interval_coverage
    sys.modules.pop("interval_coverage", None)


def test_worlds_have_the_truth_that_they_are_said_to_have(simulation):
    rng = np.random.default_rng(1)
    assert simulation.recall(rng, 20_000, 0.95, 0.3).value == pytest.approx(0.95, abs=0.005)
    assert simulation.rate(rng, 20_000, 3.0, 0.5).value == pytest.approx(3.0, abs=0.12)
    assert simulation.area(rng, 400, 1.0, 0.3).value == pytest.approx(simulation.true_area(1.0, 0.3), abs=0.02)
    error = simulation.calibration_error(rng, 600, 1.5).value
    assert error == pytest.approx(simulation.true_calibration_error(1.5), abs=0.01)
    given = {"apart_a": 2.0, "apart_b": 1.5, "least": 0.8, "alike": 0.5}
    difference = simulation.equal_recall(rng, 600, **given).value
    assert difference == pytest.approx(simulation.true_equal_recall(**given), abs=0.7)


def test_intervals_that_count_sessions_hold_the_truth_and_the_poisson_one_does_not(simulation):
    assert simulation.coverage(partial(simulation.recall, share=0.7, alike=0.3), 0.7, 20, 400, 0) > 92
    assert simulation.coverage(partial(simulation.rate, true=3.0, shape=2.0), 3.0, 20, 400, 0) > 92
    assert simulation.coverage(partial(simulation.exact, true=3.0, shape=np.inf), 3.0, 20, 400, 0) > 92
    assert simulation.coverage(partial(simulation.exact, true=3.0, shape=2.0), 3.0, 20, 400, 0) < 85


def test_mcnemar_of_sessions_calls_equals_different_as_seldom_as_it_says(simulation):
    called = simulation.called_different(0.3, 20, 400, 0)
    assert called["p_sessions"] < 8 < 20 < called["p_exact"]
