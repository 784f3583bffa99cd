"""Synthetic control by pysyncon: a weighted mean of comparison areas that went as the treated ones did before.

The outcome of every period before the start is matched, all alike (other predictors then make no difference: Kaul et
al. 2022, "Standard synthetic control methods: the case of using all preintervention outcomes together with
covariates"). Several treated areas that begin together are taken as one. Chance is judged by placebos: what comes out
where each comparison area is taken for the treated one (Abadie, Diamond and Hainmueller 2010), and where
the start is taken to be earlier than it was.
"""

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.audit.comparison.differences import only_start
from tocsin.evaluation.audit.comparison.panel import Panel

FEWEST_BEFORE = 4  # periods to match on
FEWEST_DONORS, MOST_DONORS = 3, 60  # with more, the placebos take too long, and too many mixtures fit by chance


@dataclass(frozen=True)
class SyntheticControl:
    """What a synthetic control says, in events a period (each area scaled to its mean before the start is 1).

    Attributes:
        observed, synthetic: of the treated areas together, shape (periods,), in their own events a period.
        weights: of each comparison area that has any, largest first.
        ratio: observed over synthetic, after the start.
        fit_before: root of the mean squared gap before the start, over the mean before it.
        rmspe_ratio: root mean squared gap after over before.
        placebo_ratios: the same of each comparison area taken for the treated one, shape (donors,).
        placebo_gaps: their gaps as shares of their own mean before, shape (donors, periods), for a plot.
        p_value: share of all, the treated among them, whose ``rmspe_ratio`` is as large or larger.
        earlier_ratio: ``ratio`` in the later half of the time before, had the start been in its middle (placebo in
            time); NaN where that time is too short.
    """

    observed: NDArray[np.float64]
    synthetic: NDArray[np.float64]
    weights: tuple[tuple[str, float], ...]
    ratio: float
    fit_before: float
    rmspe_ratio: float
    placebo_ratios: NDArray[np.float64]
    placebo_gaps: NDArray[np.float64]
    p_value: float
    earlier_ratio: float


def synthetic_control(panel: Panel) -> SyntheticControl:
    """Fit the treated areas, then every comparison area by the others.

    Raises:
        TocsinError: pysyncon is not installed, there is no single start, too few periods before it, or too few areas.
    """
    start = only_start(panel)
    rates = panel.counts / panel.exposure * panel.exposure.mean(axis=1, keepdims=True)
    treated = rates[panel.treated].sum(axis=0)
    # An area without any event before cannot be scaled, and is like none that has some.
    useful = ~panel.treated & (rates[:, :start].sum(axis=1) > 0)
    names = [area for area, kept in zip(panel.areas, useful, strict=True) if kept]
    donors = rates[useful]
    if start < FEWEST_BEFORE or len(donors) < FEWEST_DONORS or treated[:start].sum() == 0:
        raise TocsinError(
            f"a synthetic control needs {FEWEST_BEFORE} periods before the start, {FEWEST_DONORS} comparison areas "
            f"with events and events in the treated areas: here are {start}, {len(donors)} and "
            f"{treated[:start].sum():.0f}"
        )
    if len(donors) > MOST_DONORS:
        raise TocsinError(
            f"a synthetic control of {len(donors)} comparison areas would fit by chance: add them up to {MOST_DONORS} "
            "larger ones or fewer"
        )
    scale = treated[:start].mean()
    own = treated / scale
    others = donors / donors[:, :start].mean(axis=1, keepdims=True)
    weights = _weights(own, others, start)
    made = weights @ others
    gaps = []
    for place in range(len(others)):
        rest = np.delete(others, place, axis=0)
        gaps.append(others[place] - _weights(others[place], rest, start) @ rest)
    placebo_gaps = np.array(gaps)
    ratios = np.array([_rmspe_ratio(gap, start) for gap in placebo_gaps])
    found = _rmspe_ratio(own - made, start)
    middle = start // 2
    earlier = float("nan")
    if middle >= FEWEST_BEFORE:
        shifted = _weights(own, others, middle) @ others
        earlier = float(own[middle:start].sum() / shifted[middle:start].sum())
    order = np.argsort(-weights)
    return SyntheticControl(
        observed=treated,
        synthetic=made * scale,
        weights=tuple((names[place], float(weights[place])) for place in order if weights[place] >= 0.005),
        ratio=float(own[start:].sum() / made[start:].sum()),
        fit_before=float(np.sqrt(((own - made)[:start] ** 2).mean())),
        rmspe_ratio=found,
        placebo_ratios=ratios,
        placebo_gaps=placebo_gaps,
        p_value=float((1 + (ratios >= found).sum()) / (1 + len(ratios))),
        earlier_ratio=earlier,
    )


def _rmspe_ratio(gap: NDArray[np.float64], start: int) -> float:
    """Root mean squared gap after the start over that before it; infinite where the fit is exact."""
    before, after = (np.sqrt((part**2).mean()) for part in (gap[:start], gap[start:]))
    return float(after / before) if before > 0 else float("inf")


def _weights(own: NDArray[np.float64], others: NDArray[np.float64], start: int) -> NDArray[np.float64]:
    """Weights of the others, shape (donors,), 0 or more and 1 in sum, that come nearest before the start."""
    pandas = pandas_module("a synthetic control")
    fit = _pysyncon().Synth()
    columns = [f"donor {place}" for place in range(len(others))]
    before = pandas.DataFrame(others[:, :start].T, columns=columns)
    target = pandas.Series(own[:start], name="treated")
    # pysyncon divides each row by its spread: undone by the weight, so that all periods count alike.
    spread = np.column_stack([others[:, :start].T, own[:start]]).std(axis=1, ddof=1)
    rows = spread > 0
    if not rows.any():
        return np.full(len(others), 1 / len(others))
    before, target = before[rows], target[rows]
    importance = spread[rows] ** 2
    fit.fit(X0=before, X1=target, Z0=before, Z1=target, custom_V=importance)
    found = np.clip(np.asarray(fit.W, dtype=np.float64), 0, None)
    return np.asarray(found / found.sum())


def _pysyncon() -> Any:
    try:
        return importlib.import_module("pysyncon")
    except ImportError as error:
        raise TocsinError('a synthetic control needs pysyncon: type pip install "tocsin[analysis]"') from error
