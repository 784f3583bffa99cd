"""All metrics and tables of an audit, and what the records cannot answer."""

from typing import TYPE_CHECKING

from tocsin.evaluation.audit.metrics.baseline import baseline_metrics
from tocsin.evaluation.audit.metrics.costs import cost_metrics, deployment_metrics
from tocsin.evaluation.audit.metrics.equity import equity_section
from tocsin.evaluation.audit.metrics.latency import latency_metrics, latency_section
from tocsin.evaluation.audit.metrics.links import Links, links_of
from tocsin.evaluation.audit.metrics.location import location_metrics
from tocsin.evaluation.audit.metrics.metric import Metric, metrics_section
from tocsin.evaluation.audit.metrics.missed import contract_metrics, missed_metrics
from tocsin.evaluation.audit.metrics.outcomes import outcome_metrics, precision_metrics
from tocsin.evaluation.audit.metrics.recapture import recapture_metrics, recapture_section
from tocsin.evaluation.audit.metrics.when import Calendar, rate_metrics, when_sections
from tocsin.evaluation.audit.records import Records
from tocsin.evaluation.report.section import Cell, Section

if TYPE_CHECKING:
    import pandas

# Of each group of metrics: its title, what a reader should know, and what records must hold for it.
GROUPS = {
    "outcomes": (
        "What the alerts came to",
        "Three outcomes that are never merged: unconfirmed is not unfounded.",
        "outcomes of alerts",
    ),
    "precision": (
        "How often an alert is right",
        "One system, several definitions. Whoever quotes one of these must say which.",
        "outcomes of alerts, and complaints to the vendor",
    ),
    "missed": (
        "What was missed",
        "Of confirmed shootings where the system listened.",
        "confirmed shootings, and which of them had an alert",
    ),
    "contract": (
        "The rate that contracts promise",
        "Accurately located means within 25 m.",
        "places of alerts and of the confirmed shootings that they belong to",
    ),
    "baseline": (
        "Calls to 911 under the same rule",
        "Calls are often wrong too: alerts are to be compared with them, judged alike.",
        "calls, their outcomes, and which alerts belong to them",
    ),
    "recapture": (
        "How much gunfire there was in all",
        "An estimate from how often alert and call found the same event.",
        "confirmed events by who told of them",
    ),
    "rates": ("How many alerts there are", "Holidays are counted in.", "times of alerts"),
    "latency": (
        "How fast",
        "Seconds.",
        "times of the stages from sound to arrival",
    ),
    "costs": ("What it costs", "Yearly costs of the period, divided by what they bought.", "costs"),
    "deployments": (
        "Officers who came for nothing",
        "Unconfirmed and unfounded alerts.",
        "outcomes of alerts, and minutes on the scene",
    ),
    "location": (
        "How far off the place was",
        "Where the true place is known.",
        "places of alerts and of the confirmed shootings that they belong to",
    ),
}


def audit_metrics(records: Records, matches: "pandas.DataFrame | None" = None) -> list[Metric]:
    """Every metric that the records can answer.

    ``matches`` has the columns ``alert_id``, ``call_id`` and ``shooting_id``, a row an event, empty where there is
    none; without it only what the records themselves link counts.

    Raises:
        TocsinError: a package of the extra ``analysis`` is not installed.
    """
    return metrics_and_sections(records, links_of(records, matches))[0]


def audit_sections(records: Records, matches: "pandas.DataFrame | None" = None) -> list[Section]:
    """The same as tables, with those by hour, holiday, area and odds ratio, and what cannot be answered, last.

    Raises:
        TocsinError: a package of the extra ``analysis`` is not installed.
    """
    return metrics_and_sections(records, links_of(records, matches))[1]


def metrics_and_sections(records: Records, links: Links) -> tuple[list[Metric], list[Section]]:
    """Both at once, as large records take long; see :func:`audit_metrics` and :func:`audit_sections`."""
    calendar = Calendar(records) if len(records.alerts) else None
    groups = _groups(records, links, calendar)
    tables: dict[str, list[Section | None]] = {
        "recapture": [recapture_section(records, links)],
        "latency": [latency_section(records)],
        "rates": [*when_sections(calendar, records.time_zone)] if calendar else [],
    }
    sections = []
    for key, (title, note, _) in GROUPS.items():
        # The table of latencies has all of its quantiles, side by side.
        metrics = [one for one in groups[key] if not one.key.startswith("latency_")]
        if metrics:
            sections.append(metrics_section(f"{key}_figures", title, note, metrics))
        sections += [table for table in tables.get(key, []) if table is not None]
    equity = equity_section(records)
    sections += [equity] if equity is not None else []
    missing: list[dict[str, Cell]] = [
        {"question": title, "needs": needs} for key, (title, _, needs) in GROUPS.items() if not groups[key]
    ]
    if equity is None:
        missing.append({"question": "Who bears it, by area", "needs": "areas with residents, and the area of alerts"})
    note = "These tables hold nothing that answers it." if missing else "Every question has a figure."
    unanswered = Section("unanswered", "What these records cannot answer", note, missing)
    return [metric for group in groups.values() for metric in group], [*sections, unanswered]


def _groups(records: Records, links: Links, calendar: Calendar | None) -> dict[str, list[Metric]]:
    return {
        "outcomes": outcome_metrics(records),
        "precision": precision_metrics(records),
        "missed": missed_metrics(records, links),
        "contract": contract_metrics(records, links),
        "baseline": baseline_metrics(records, links),
        "recapture": recapture_metrics(records, links),
        "rates": rate_metrics(records, calendar) if calendar else [],
        "latency": latency_metrics(records, links),
        "costs": cost_metrics(records, links),
        "deployments": deployment_metrics(records),
        "location": location_metrics(records, links),
    }
