"""The same rate ratios by statsmodels: for exposures that change, and with the errors that other software gives."""

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as t_distribution

from tocsin import TocsinError
from tocsin.evaluation.audit.comparison.ratios import LogRatios, satterthwaite
from tocsin.evaluation.measures.intervals import Interval

# Areas and periods together, each with an effect of its own: beyond it the dense design no longer fits in memory.
MOST_EFFECTS = 400


def sandwich_interval(
    counts: NDArray[np.float64], exposure: NDArray[np.float64], active: NDArray[np.bool_], confidence: float = 0.95
) -> Interval:
    """Rate ratio while ``active``, with the errors clustered by area that statsmodels and Stata give, and t(areas - 1).

    All are of the shape (areas, periods). With few treated areas this interval is too narrow; it is there to compare.
    NaN where there are more areas and periods than ``MOST_EFFECTS``: so many areas need no comparison.
    """
    if sum(counts.shape) > MOST_EFFECTS:
        return Interval(float("nan"), float("nan"), float("nan"))
    fit = _fit(counts, exposure, active[..., None].astype(float), clustered=True)
    middle, error = float(fit.params[-1]), float(fit.bse[-1])
    reach = float(t_distribution.ppf(0.5 + confidence / 2, len(counts) - 1)) * error
    return Interval(*(float(np.exp(end)) for end in (middle, middle - reach, middle + reach)))


def fitted_log_ratios(
    counts: NDArray[np.float64], exposure: NDArray[np.float64], treated: NDArray[np.bool_], bins: NDArray[np.int64]
) -> LogRatios:
    """What :func:`log_ratios` gives, with bin 0 as the reference, where the exposure of areas changes over time.

    Args:
        counts: events, shape (areas, periods).
        exposure: of the same shape.
        treated: shape (areas,).
        bins: number of each period's bin, 0 and up, shape (periods,).

    Each area is left out in turn and the model fitted anew.

    Raises:
        TocsinError: there are more areas and periods than ``MOST_EFFECTS``.
    """
    if sum(counts.shape) > MOST_EFFECTS:
        raise TocsinError(
            f"{len(counts)} areas and {counts.shape[1]} periods are too many for populations that change over time, at "
            f"most {MOST_EFFECTS} together: give each area one population, or add areas or periods up"
        )
    number = int(bins.max())
    effects = (treated[:, None, None] & (bins[:, None] == np.arange(1, number + 1))).astype(float)
    value = np.asarray(_fit(counts, exposure, effects).params[-number:])
    covariance, poisson = np.zeros((number, number)), []
    for side in (treated, ~treated):
        apart = []
        for place in np.flatnonzero(side):
            kept = np.arange(len(counts)) != place
            if side.sum() > 1:
                left = _fit(counts[kept], exposure[kept], effects[kept])
                apart.append(np.asarray(left.params[-number:]) - value)
        many = np.array(apart).reshape(-1, number)
        covariance += (len(many) - 1) / len(many) * many.T @ many if len(many) else np.nan
        totals = np.array([counts[side][:, bins == place].sum() for place in range(number + 1)])
        with np.errstate(divide="ignore"):
            poisson.append(1 / totals[1:] + 1 / totals[0])
    return LogRatios(value, covariance, satterthwaite(poisson, [int(treated.sum()), int((~treated).sum())]))


def statsmodels() -> Any:
    """``statsmodels.api``. Raises ``TocsinError`` where it is not installed."""
    try:
        return importlib.import_module("statsmodels.api")
    except ImportError as error:
        raise TocsinError('this needs statsmodels: type pip install "tocsin[analysis]"') from error


def _fit(
    counts: NDArray[np.float64], exposure: NDArray[np.float64], effects: NDArray[np.float64], clustered: bool = False
) -> Any:
    """Poisson regression with an effect of each area and period, and then those of ``effects`` (areas, periods, k)."""
    api = statsmodels()
    # An area or a period without any event says nothing, and its effect would run off to minus infinity.
    areas, periods = counts.sum(axis=1) > 0, counts.sum(axis=0) > 0
    kept = np.ix_(areas, periods)
    events, people, wanted = counts[kept], exposure[kept], effects[kept]
    n_areas, n_periods = events.shape
    area, period = np.repeat(np.arange(n_areas), n_periods), np.tile(np.arange(n_periods), n_areas)
    design = np.column_stack([np.eye(n_areas)[area], np.eye(n_periods)[period][:, 1:], wanted.reshape(len(area), -1)])
    model = api.GLM(events.ravel(), design, family=api.families.Poisson(), offset=np.log(people.ravel()))
    begin = np.zeros(design.shape[1])
    begin[:n_areas] = np.log(events.sum(axis=1) / people.sum(axis=1))
    how: dict[str, Any] = {"cov_type": "cluster", "cov_kwds": {"groups": area}} if clustered else {}
    return model.fit(method="newton", start_params=begin, disp=0, **how)
