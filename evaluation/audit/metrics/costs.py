"""What the system costs by the square mile, the alert, the additional shooting and arrest, and in officers' hours."""

import math

import numpy as np

from tocsin.evaluation.audit.metrics.links import Links, column, confirmed_by_source, outcome_is
from tocsin.evaluation.audit.metrics.metric import NONE, Metric, share_metric, small_words, unstated
from tocsin.evaluation.audit.records import OUTCOMES, UNCONFIRMED, UNFOUNDED, Records
from tocsin.evaluation.measures.intervals import Interval, poisson_rate

DAYS_A_YEAR = 365.0


def cost_metrics(records: Records, links: Links) -> list[Metric]:
    """Yearly costs over the period, divided by area, alerts, additional confirmed events and additional arrests."""
    if not len(records.costs):
        return []
    per = records.costs["per"]
    amount = records.costs["amount"].astype(float)
    yearly, once = float(amount[per == "year"].sum()), float(amount[per == "once"].sum())
    years = records.days / DAYS_A_YEAR
    spent = yearly * years
    money, unit = f"{records.currency} of yearly costs in {records.days:.0f} days", records.currency
    caveat = f"Costs paid once ({once:,.0f} {unit}) are left out; the costs of officers are not known." if once else ""
    metrics = []

    def divided(key: str, title: str, below: float, words: str, definition: str, drawn: bool, warned: str = "") -> None:
        if below <= 0:
            return
        value, method = unstated(spent / below), NONE
        if drawn:
            rate = poisson_rate(int(below), 1.0)
            value, method = Interval(spent / below, spent / rate.high, spent / rate.low), "exact Poisson of the count"
        said = " ".join(filter(None, [warned, caveat]))
        metrics.append(Metric(key, title, value, spent, money, below, words, definition, method, said, unit))

    miles = square_miles(records)
    if miles is not None:
        divided(
            "cost_square_mile_year", "cost of a square mile and year", miles * years, "square-mile years",
            "Yearly costs divided by the square miles that the system listened to.", False,
        )  # fmt: skip
    divided(
        "cost_alert", "cost of an alert", len(records.alerts), "alerts",
        "Costs of the period divided by all alerts, right or wrong.", False,
    )  # fmt: skip
    sources = confirmed_by_source(records, links)
    if sources is not None:
        divided(
            "cost_additional_confirmed", "cost of an additional confirmed shooting", sources.alert_only,
            f"confirmed events with an alert and no call (from {sources.basis})",
            "Costs of the period divided by the confirmed shootings that no call told of.", True,
            small_words(sources.alert_only, math.inf),
        )  # fmt: skip
    arrests = column(records.alerts, "arrests")
    if arrests is not None and links.alert_called is not None:
        more = float(arrests.fillna(0).to_numpy(dtype=np.float64)[links.alert_called == 0].sum())
        divided(
            "cost_additional_arrest", "cost of an additional arrest", more, "arrests after an alert without a call",
            "Costs of the period divided by the arrests after alerts that no call came with.", True,
            "Arrests of one event are not independent.",
        )  # fmt: skip
    return metrics


def square_miles(records: Records) -> float | None:
    """Square miles of the areas that the system listened to, or None where they are not known."""
    areas = records.areas
    if column(areas, "square_miles") is None:
        return None
    treated = np.ones(len(areas), dtype=bool)
    if column(areas, "treated") is not None:
        treated = areas["treated"].astype("boolean").fillna(True).to_numpy(dtype=bool)
    total = float(areas["square_miles"].to_numpy(dtype=np.float64)[treated].sum())
    return total if total > 0 else None


def deployment_metrics(records: Records) -> list[Metric]:
    """Deployments to which there was no evidence, a day and as a share, and the hours of officers they took."""
    alerts = records.alerts
    empty = outcome_is(alerts, UNCONFIRMED) | outcome_is(alerts, UNFOUNDED)
    disposed = int(np.any([outcome_is(alerts, outcome) for outcome in OUTCOMES], axis=0).sum())
    if not disposed:
        return []
    number, words = int(empty.sum()), "unconfirmed and unfounded alerts"
    metrics = share_metric(
        "without_evidence", "deployments without evidence", number, disposed, words, "alerts with a disposition",
        "Share of the alerts with a disposition after which officers found no evidence of gunfire.",
        "Officers are taken to have gone to every alert with a disposition.",
    )  # fmt: skip
    minutes = column(alerts, "minutes_on_scene")
    if minutes is None:
        return metrics
    spent = minutes.to_numpy(dtype=np.float64, na_value=np.nan)
    officers = column(alerts, "officers")
    sent = np.full(len(alerts), np.nan) if officers is None else officers.to_numpy(dtype=np.float64, na_value=np.nan)
    known = empty & ~np.isnan(spent)
    guessed = int((known & np.isnan(sent)).sum())
    hours = float((spent * np.where(np.isnan(sent), 1.0, sent))[known].sum()) / 60.0
    caveat = f"{guessed} alerts do not say how many officers came and count as one." if guessed else ""
    if known.sum() < number:
        caveat = (
            f"{number - int(known.sum())} of {number} such alerts have no minutes and add nothing. {caveat}".strip()
        )
    return [
        *metrics,
        Metric(
            "officer_hours_without_evidence", "officer-hours at deployments without evidence", unstated(hours), None,
            "", int(known.sum()), f"{words} with minutes", "Minutes on the scene times officers, summed.", NONE,
            caveat, "h",
        ),
    ]  # fmt: skip
