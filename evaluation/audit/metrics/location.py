"""How far an alert was from the shooting that it belongs to, where both have a place."""

import numpy as np
from numpy.typing import NDArray

from tocsin.evaluation.audit.metrics.links import Links
from tocsin.evaluation.audit.metrics.metric import Metric, share_metric
from tocsin.evaluation.audit.metrics.quantiles import ORDER_STATISTICS, quantile
from tocsin.evaluation.audit.records import Records

# What contracts call accurate (82 feet).
ACCURATE_M = 25.0


def errors_m(records: Records, links: Links) -> NDArray[np.float64]:
    """Smallest distance in metres from each shooting to an alert of it, shape (shootings,); NaN where not known.

    Along the ellipsoid of WGS 84 (Karney 2013, as PROJ has it).
    """
    from pyproj import Geod

    nearest = np.full(len(records.shootings), np.inf)
    alert, shooting = links.alert_shooting.T
    names = ("longitude", "latitude")
    if len(alert) and all(name in table for name in names for table in (records.alerts, records.shootings)):
        places = [
            table[name].to_numpy(dtype=np.float64, na_value=np.nan)[rows]
            for table, rows in ((records.alerts, alert), (records.shootings, shooting))
            for name in names
        ]
        known = ~np.isnan(places).any(axis=0)
        _, _, distance = Geod(ellps="WGS84").inv(*(one[known] for one in places))
        np.minimum.at(nearest, shooting[known], distance)
    return np.where(np.isinf(nearest), np.nan, nearest)


def location_metrics(records: Records, links: Links) -> list[Metric]:
    """Median and 90 % quantile of the location error, and the share within 25 m."""
    distances = errors_m(records, links)
    known = distances[~np.isnan(distances)]
    if not len(known):
        return []
    words, caveat = "shootings with an alert, both with a place", "A place rounded to a block is off by as much itself."
    metrics = [
        Metric(
            f"location_error_{name}", f"location error, {title}", quantile(known, at), None, "", len(known), words,
            f"The distance from shooter to alert that {said} of the located shootings do not exceed.",
            ORDER_STATISTICS, caveat, "m",
        )
        for name, title, at, said in (("median", "median", 0.5, "half"), ("p90", "90 % quantile", 0.9, "nine tenths"))
    ]  # fmt: skip
    return metrics + share_metric(
        "located_within_25_m", "located within 25 m", int((known <= ACCURATE_M).sum()), len(known),
        "shootings with an alert within 25 m", words,
        "Share of the located shootings whose alert was at most 25 m (82 ft) away.", caveat,
    )  # fmt: skip
