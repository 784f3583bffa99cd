"""Who lives with alerts and with officers sent for nothing, beside where people are shot at, by area."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from tocsin.evaluation.audit.metrics.links import column, outcome_is
from tocsin.evaluation.audit.metrics.metric import SMALL
from tocsin.evaluation.audit.records import OUTCOMES, UNCONFIRMED, UNFOUNDED, Records
from tocsin.evaluation.measures.intervals import Interval, Rate, poisson_rate
from tocsin.evaluation.report.section import Cell, Section

RESIDENTS = 1000


def ratio_of_rates(count: float, exposure: float, count_elsewhere: float, exposure_elsewhere: float) -> Interval:
    """Ratio of two Poisson rates with the 95 % interval of its logarithm (Rothman, "Modern Epidemiology", ch. 14).

    The ends are NaN where a count is 0; so is the value where nothing lies below the line.
    """
    if not (exposure > 0 and exposure_elsewhere > 0 and count_elsewhere > 0):
        return Interval(math.nan, math.nan, math.nan)
    value = count / exposure / (count_elsewhere / exposure_elsewhere)
    if not count:
        return Interval(0.0, math.nan, math.nan)
    reach = math.exp(norm.ppf(0.975) * math.sqrt(1 / count + 1 / count_elsewhere))
    return Interval(value, value / reach, value * reach)


def disparity(empty: int, shootings: int, empty_elsewhere: int, shootings_elsewhere: int) -> Interval:
    """Alerts without evidence to a confirmed shooting here, over the same elsewhere; the interval of the log ratio.

    The variance of the logarithm is the sum of one over each of the four counts (Woolf 1955). NaN where one is 0.
    """
    counts = empty, shootings, empty_elsewhere, shootings_elsewhere
    if not all(counts):
        return Interval(math.nan, math.nan, math.nan)
    value = empty * shootings_elsewhere / (shootings * empty_elsewhere)
    reach = math.exp(norm.ppf(0.975) * math.sqrt(sum(1 / one for one in counts)))
    return Interval(value, value / reach, value * reach)


def equity_section(records: Records) -> Section | None:
    """A row an area: rates a year and 1,000 residents, ratios to the other areas, and the disparity in words.

    None where fewer than two areas have alerts or shootings.
    """
    places = records.areas.drop_duplicates("area")
    names = places["area"].tolist()
    empty = outcome_is(records.alerts, UNCONFIRMED) | outcome_is(records.alerts, UNFOUNDED)
    every = np.ones(len(records.alerts), dtype=bool)
    counts = {
        "alerts": _by_area(records, "alerts", names, every),
        "shootings": _by_area(records, "shootings", names, np.ones(len(records.shootings), dtype=bool)),
    }
    if any(outcome_is(records.alerts, outcome).any() for outcome in OUTCOMES):
        counts["empty"] = _by_area(records, "alerts", names, empty)
    stops = column(records.alerts, "stops")
    if stops is not None:
        counts["stops"] = _by_area(records, "alerts", names, stops.fillna(0).to_numpy(dtype=np.float64))
    if sum((counts["alerts"] > 0) | (counts["shootings"] > 0)) < 2:
        return None
    residents = np.full(len(names), np.nan)
    if column(records.areas, "population") is not None:
        residents = places["population"].to_numpy(dtype=np.float64, na_value=np.nan)
    years = records.days / 365.0
    known = float(np.nansum(residents))
    rows: list[dict[str, Cell]] = []
    for place, name in enumerate(names):
        here = {key: int(one[place]) for key, one in counts.items()}
        away = {key: int(one.sum() - one[place]) for key, one in counts.items()}
        people_here, people_away = residents[place], known - residents[place]
        lived = people_here * years / RESIDENTS
        row: dict[str, Cell] = {"area": str(name), "residents": None if math.isnan(lived) else int(people_here)}
        for key, title in (("alerts", "alerts"), ("empty", "without_evidence"), ("stops", "stops")):
            if key in counts:
                row[title] = here[key]
                row[f"{title}_per_1000_residents_a_year"] = _rate(here[key], lived)
                ratio = ratio_of_rates(here[key], people_here, away[key], people_away)
                row[f"{title}_against_elsewhere"] = None if math.isnan(ratio.value) else ratio
        row["confirmed_shootings"] = here["shootings"]
        if "empty" in counts:
            index = disparity(here["empty"], here["shootings"], away["empty"], away["shootings"])
            row["disparity"] = None if math.isnan(index.value) else index
            row["in_words"] = _words(here, away)
        rows.append(row)
    elsewhere = int((~records.alerts["area"].isin(names)).sum()) if "area" in records.alerts else len(records.alerts)
    note = (
        "Without evidence: unconfirmed and unfounded. Against elsewhere: the rate by resident here over that of "
        "all other listed areas, listened to or not. Disparity: alerts "
        "without evidence to a confirmed shooting here, over the same elsewhere; "
        "1 is the same burden for the same need. Shootings that only alerts found are more where there are sensors, "
        "which makes the disparity look smaller than it is." + f" {elsewhere} alerts lie in no listed area."
    )
    return Section("equity", "Who bears it, by area", note, rows)


def _by_area(records: Records, table: str, names: list[str], weights: NDArray[np.generic]) -> NDArray[np.float64]:
    """Sum of ``weights`` over the rows of each area, shape (areas,)."""
    pandas_table = getattr(records, table)
    if not len(names) or not len(pandas_table) or "area" not in pandas_table:
        return np.zeros(len(names))
    place = pandas_table["area"].map(dict(zip(names, range(len(names)), strict=True))).to_numpy(dtype=np.float64)
    known = ~np.isnan(place)
    of_area = np.asarray(weights, dtype=np.float64)[known]
    return np.bincount(place[known].astype(int), of_area, len(names)).astype(np.float64)


def _rate(count: int, lived: float) -> Rate | None:
    return None if math.isnan(lived) or lived <= 0 else poisson_rate(count, lived)


def _words(here: dict[str, int], away: dict[str, int]) -> str:
    empty, shootings = here["empty"] + away["empty"], here["shootings"] + away["shootings"]
    if not empty or not shootings:
        return "no outcome or no confirmed shooting to compare"
    said = (
        f"of 100 alerts without evidence {100 * here['empty'] / empty:.0f} fall here, of 100 confirmed shootings "
        f"{100 * here['shootings'] / shootings:.0f}"
    )
    few = min(here["empty"], here["shootings"])
    return said + (f"; small numbers: only {few} in one of the counts" if few < SMALL else "")
