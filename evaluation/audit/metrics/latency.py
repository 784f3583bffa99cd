"""How long each step takes from the sound to an officer's arrival, and how that compares with calls to 911."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tocsin.evaluation.audit.metrics.links import Links, column
from tocsin.evaluation.audit.metrics.metric import SMALL, Metric
from tocsin.evaluation.audit.metrics.quantiles import ORDER_STATISTICS, quantile
from tocsin.evaluation.audit.records import STAGES, Records
from tocsin.evaluation.report.section import Cell, Section

if TYPE_CHECKING:
    import pandas

QUANTILES = (
    ("p25", "lower quartile", 0.25),
    ("median", "median", 0.5),
    ("p75", "upper quartile", 0.75),
    ("p90", "90 % quantile", 0.9),
)
# When the police knew: an alert was published, or heard where that is not known; a call came.
NOTICE = "notice"
PAIRS = (
    *((first, last) for place, first in enumerate(STAGES) for last in STAGES[place + 1 :]),
    *((NOTICE, last) for last in ("dispatched", "arrived")),
)


def latency_section(records: Records) -> Section | None:
    """Every pair of stages that the alerts, or the calls, have times of; None where there is none."""
    rows: list[dict[str, Cell]] = []
    for name, table in (("alerts", records.alerts), ("calls", records.calls)):
        for first, last in PAIRS:
            seconds, backwards = _seconds(table, first, last)
            if len(seconds) or backwards:
                quantiles = {key: quantile(seconds, at) if len(seconds) else None for key, _, at in QUANTILES}
                rows.append({"of": name, "from": first, "to": last, "number": len(seconds), **quantiles})
                rows[-1]["backwards"] = backwards
    if not rows:
        return None
    note = (
        "Seconds. Notice is when an alert was published (heard, where that is not known) or a call came. Quantiles, "
        f"not means, which a few forgotten entries would rule; {ORDER_STATISTICS}. Backwards: the later stage has "
        "the earlier time; these are left out, and say how far clocks and entries can be trusted."
    )
    return Section("latency", "How long each step takes", note, rows)


def latency_metrics(records: Records, links: Links) -> list[Metric]:
    """Quantiles of each pair of stages of the alerts, and of matched pairs the median difference from the call."""
    metrics = []
    for first, last in PAIRS:
        seconds, backwards = _seconds(records.alerts, first, last)
        caveat = f"{backwards} alerts are left out: {last} has an earlier time than {first}." if backwards else ""
        for key, title, at in QUANTILES if len(seconds) else ():
            metrics.append(
                Metric(
                    f"latency_{first}_{last}_{key}",
                    f"{first} to {last}, {title}",
                    quantile(seconds, at),
                    None,
                    "",
                    len(seconds),
                    "alerts with both times",
                    f"Time from {first} to {last} that {at:.0%} of the alerts do not exceed.",
                    ORDER_STATISTICS,
                    _few(len(seconds), caveat),
                    "s",
                )
            )
    return metrics + _matched(records, links)


def _matched(records: Records, links: Links) -> list[Metric]:
    """Alert minus call, of the same event: median difference with the interval of the sign test."""
    if not len(links.alert_call):
        return []
    alert, call = (table.iloc[rows] for table, rows in zip((records.alerts, records.calls), links.alert_call.T))  # noqa: B905
    differences = {
        "notice": (
            "when the alert was published, or heard where that is not known, minus when the call came",
            _times(alert, NOTICE) - _times(call, NOTICE),
        )
    }
    for stage in ("dispatched", "arrived"):
        both = _times(alert, stage), _times(call, stage)
        differences[stage] = f"{stage}, for the alert minus for the call", both[0] - both[1]
    for first, last in (("dispatched", "arrived"), (NOTICE, "arrived")):
        both = _times(alert, last) - _times(alert, first), _times(call, last) - _times(call, first)
        differences[f"{first}_{last}"] = (
            f"time from {first} to {last}, for the alert minus for the call",
            (both[0] - both[1]),
        )
    metrics = []
    for key, (said, seconds) in differences.items():
        known = seconds[~np.isnan(seconds)]
        if len(known):
            metrics.append(
                Metric(
                    f"matched_{key}",
                    f"alert against call: {key.replace('_', ' to ')}, median difference",
                    quantile(known, 0.5),
                    None,
                    "",
                    len(known),
                    "alerts matched with a call",
                    f"Median over matched pairs of {said}; below 0 the alert was sooner.",
                    "sign test of the median difference, 95 %",
                    _few(len(known), "Only events with both an alert and a call are compared."),
                    "s",
                )
            )
    return metrics


def _seconds(table: "pandas.DataFrame", first: str, last: str) -> tuple[NDArray[np.float64], int]:
    """Times from one stage to another that are known and not negative, and how many were negative."""
    seconds = _times(table, last) - _times(table, first)
    known = seconds[~np.isnan(seconds)]
    # Sorted once here, as each quantile sorts.
    return np.sort(known[known >= 0]), int((known < 0).sum())


def _times(table: "pandas.DataFrame", stage: str) -> NDArray[np.float64]:
    """Seconds of a stage, shape (rows,); NaN where not known."""
    seconds = np.full(len(table), np.nan)
    for name in ("published_time_utc", "time_utc") if stage == NOTICE else (f"{stage}_time_utc",):
        if column(table, name) is not None:
            times = table[name].to_numpy(dtype="datetime64[ns]")
            there = np.isnan(seconds) & ~np.isnat(times)
            seconds[there] = times[there].astype(np.int64) / 1e9
    return seconds


def _few(number: int, caveat: str) -> str:
    small = f"Small numbers: {number} cases." if number < 2 * SMALL else ""
    return " ".join(filter(None, [small, caveat]))
