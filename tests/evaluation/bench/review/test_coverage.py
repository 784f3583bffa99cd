"""Intervals of 95 % hold the truth about as often, by simulation: a few draws of what the benchmark draws many of."""

import sys
from pathlib import Path

import numpy as np
import pytest

DRAWS = 200


@pytest.fixture
def simulation(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[4] / "benchmarks"))
    import review_coverage

    yield review_coverage
    sys.modules.pop("review_coverage")


def test_intervals_hold_the_truth_as_often_as_they_say(simulation):
    rng, held = np.random.default_rng(11), []
    for design, figure in (("random", "precision@0.5"), ("balanced", "precision@0.5"), ("optimal", "recall@0.5")):
        found = simulation.coverage(design, figure, 100, 0.8, (0.4, 0.4), DRAWS, rng)
        held.append([found[name] for name in ("edge", "between", "recall")])
    # Of one cell within four standard errors; of all together near what is stated.
    assert np.min(held) > 0.93 - 4 * np.sqrt(0.95 * 0.05 / DRAWS)
    assert 0.935 < np.mean(held) < 0.98


def test_kappas_interval_holds_the_truth(simulation):
    found = simulation.kappa_coverage(100, 0.6, DRAWS, np.random.default_rng(12))
    assert 0.93 - 3 * np.sqrt(0.95 * 0.05 / DRAWS) < found < 0.99
