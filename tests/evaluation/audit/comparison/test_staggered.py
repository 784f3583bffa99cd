"""Group-time effects against the published worked example of Callaway and Sant'Anna, and draws with a known effect."""

import numpy as np
import pytest

from tocsin import TocsinError
from tocsin.evaluation.audit.comparison.panel import Panel
from tocsin.evaluation.audit.comparison.staggered import coarser, staggered_effects

# The README of Callaway and Sant'Anna's package did (2.5.0): teen employment (logarithm) in 500 counties from 2003 to
# 2007, by the year in which the minimum wage rose. Counties of each group, its published effects from that year on, and
# their means by years since. There groups also differed before, against counties where it never rose; here they do not,
# as areas that have not begun yet are compared with, too. SIMPLE is of the vignette "Getting Started".
COUNTIES = {2004: 20, 2006: 40, 2007: 131, None: 309}
EFFECTS = {
    2004: {2004: -0.0105, 2005: -0.0704, 2006: -0.1373, 2007: -0.1008},
    2006: {2006: -0.0046, 2007: -0.0412},
    2007: {2007: -0.0261},
}
SIMPLE, BY_EVENT_TIME = -0.0400, {0: -0.0199, 1: -0.0510, 2: -0.1373, 3: -0.1008}


def panel_of_counts(counts, start):
    areas, periods = np.shape(counts)
    names = tuple(f"{place:03}" for place in range(areas)), tuple(f"{place:02}" for place in range(periods))
    return Panel(*names, np.asarray(counts, dtype=float), np.ones((areas, periods)), np.asarray(start))


def test_the_published_effects_of_the_groups_add_up_to_the_published_means(rng):
    counts, start = [], []
    years = np.arange(2003, 2008)
    for group, number in COUNTIES.items():
        effect = np.array([EFFECTS.get(group, {}).get(int(year), 0.0) for year in years])
        # What counties differ by, and what all years share, must not matter.
        counts.append(8 + rng.normal(size=(number, 1)) + np.array([0, 0.2, -0.1, 0.3, 0.1]) + effect)
        start += [-1 if group is None else group - 2003] * number
    found = staggered_effects(panel_of_counts(np.concatenate(counts), start))
    for group, period, effect in found.groups:
        assert effect == pytest.approx(EFFECTS[group + 2003].get(period + 2003, 0.0), abs=1e-9)
    assert found.overall.value == pytest.approx(SIMPLE, abs=5.1e-5)
    by_time = dict(zip(found.since.tolist(), found.effects, strict=True))
    for since, published in BY_EVENT_TIME.items():
        assert by_time[since].value == pytest.approx(published, abs=1.5e-4)


def test_effects_that_differ_by_group_are_found_and_their_interval_covers_them(rng):
    start = np.repeat([6, 12, -1], 10)
    ratio = np.where(start == 6, 0.5, 0.8)[:, None]
    active = (start >= 0)[:, None] & (np.arange(18) >= start[:, None])
    truth, covered, found = 0.0, 0, []
    for _ in range(40):
        means = 10 * rng.lognormal(0, 0.3, (30, 1)) * np.ones(18)
        effects = staggered_effects(
            coarser(panel_of_counts(rng.poisson(np.where(active, ratio * means, means)), start))
        )
        truth = 3 * (np.where(active, ratio * means, means) - means)[active].mean()
        covered += effects.overall.low <= truth <= effects.overall.high
        found.append(effects.overall.value - truth)
    assert covered >= 35
    assert abs(np.mean(found)) <= 3 * np.std(found) / np.sqrt(40)


def test_periods_are_added_up_as_far_as_the_starts_lie_on_edges():
    panel = panel_of_counts(np.ones((4, 26)), [7, 13, 19, -1])
    longer = coarser(panel)
    assert (longer.counts.shape, longer.starts, longer.periods[0]) == ((4, 8), (2, 4, 6), "01")
    assert (longer.counts == 3).all()
    assert coarser(panel_of_counts(np.ones((3, 9)), [5, 7, -1])).counts.shape == (3, 4)
    assert coarser(panel_of_counts(np.ones((3, 9)), [3, 4, -1])).counts.shape == (3, 9)


def test_too_few_areas_give_a_sentence():
    with pytest.raises(TocsinError, match="two areas that begin after the first period"):
        staggered_effects(panel_of_counts(np.ones((4, 6)), [3, 0, -1, -1]))
