"""Synthetic controls against a mixture that is known, and placebos against chance."""

import importlib

import numpy as np
import pytest

from tocsin import TocsinError
from tocsin.evaluation.audit.comparison.panel import Panel
from tocsin.evaluation.audit.comparison.synthetic import synthetic_control


def panel_of_counts(counts, start):
    areas, periods = np.shape(counts)
    names = tuple(f"area {place}" for place in range(areas)), tuple(f"{place:02}" for place in range(periods))
    return Panel(*names, np.asarray(counts, dtype=float), np.ones((areas, periods)), np.asarray(start))


@pytest.fixture
def mixture(rng):
    """Nine areas; the first is 0.6 of the second and 0.4 of the third before the start, and half of that after."""
    others = rng.uniform(50, 150, (8, 24))
    others /= others[:, :16].mean(axis=1, keepdims=True) / 100
    treated = 0.6 * others[0] + 0.4 * others[1]
    treated[16:] /= 2
    return panel_of_counts(np.vstack([treated, others]), [16] + [-1] * 8)


def test_a_known_mixture_and_the_halving_after_it_are_found(mixture):
    found = synthetic_control(mixture)
    weights = dict(found.weights)
    assert weights["area 1"] == pytest.approx(0.6, abs=0.01)
    assert weights["area 2"] == pytest.approx(0.4, abs=0.01)
    assert found.ratio == pytest.approx(0.5, abs=0.005)
    assert found.fit_before < 0.01
    assert found.earlier_ratio == pytest.approx(1, abs=0.02)
    # The treated area stands out most of nine.
    assert found.p_value == pytest.approx(1 / 9)
    assert found.placebo_gaps.shape == (8, 24)


def test_the_level_of_an_area_does_not_matter(mixture):
    scaled = panel_of_counts(mixture.counts * np.arange(1, 10)[:, None], mixture.start)
    found, same = synthetic_control(scaled), synthetic_control(mixture)
    assert found.ratio == pytest.approx(same.ratio, rel=1e-4)
    np.testing.assert_allclose(found.placebo_ratios, same.placebo_ratios, rtol=1e-4)


def test_without_an_effect_a_low_p_value_is_rare(rng):
    found = []
    for _ in range(30):
        counts = rng.poisson(20, (10, 12))
        found.append(synthetic_control(panel_of_counts(counts, [6] + [-1] * 9)).p_value)
    # Ranks of ten are alike: one in five lies at 0.2 or below; three standard errors of a share of 30.
    assert np.mean(np.array(found) <= 0.2) <= 0.2 + 3 * 0.073


def test_too_little_to_match_on_gives_a_sentence(mixture):
    with pytest.raises(TocsinError, match="4 periods before the start"):
        synthetic_control(mixture.restarted(np.array([3] + [-1] * 8)))


def test_without_pysyncon_a_sentence_says_what_to_type(mixture, monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(TocsinError, match="pip install"):
        synthetic_control(mixture)
