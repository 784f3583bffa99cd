"""Calls to 911 under the rule that alerts are judged by: without this an audit of alerts is one-sided."""

import numpy as np

from tocsin.evaluation.audit.metrics.links import Links, confirmed_by_source, covered, outcome_is
from tocsin.evaluation.audit.metrics.metric import Metric, share_metric
from tocsin.evaluation.audit.records import CONFIRMED, OUTCOMES, Records

_NAMES = ("alert_only", "both", "call_only")
_TITLES = ("by an alert alone", "by both an alert and a call", "by a call alone")


def baseline_metrics(records: Records, links: Links) -> list[Metric]:
    """Confirmed rate of notices by source, and who told of the confirmed events."""
    return _confirmed_rates(records, links) + _shares_of_confirmed(records, links)


def _confirmed_rates(records: Records, links: Links) -> list[Metric]:
    alerts, calls = records.alerts, records.calls
    true_alert, true_call = outcome_is(alerts, CONFIRMED), outcome_is(calls, CONFIRMED)
    judged_alert, judged_call = (
        np.any([outcome_is(table, outcome) for outcome in OUTCOMES], axis=0) for table in (alerts, calls)
    )
    inside = covered(records, calls)
    metrics, definition = [], "Share of the notices of this kind for which evidence of gunfire was found."
    if links.alert_called is not None:
        for key, title, value in (("alert_only", "alerts without a call", 0), ("both", "alerts with a call", 1)):
            chosen = links.alert_called == value
            metrics += share_metric(
                f"confirmed_{key}", f"confirmed, {title}", int((true_alert & chosen).sum()), int(chosen.sum()),
                "confirmed", title, definition,
            )  # fmt: skip
    if not judged_call.any():
        return metrics
    caveat = "Calls count as the records have them: several about one event count several times unless merged."
    if not judged_call[inside].all():
        caveat += " Calls without an outcome count as not confirmed."
    every = int((true_call & inside).sum()), int(inside.sum())
    if links.call_alerted is not None:
        chosen = (links.call_alerted == 0) & inside
        metrics += share_metric(
            "confirmed_call_only", "confirmed, calls without an alert", int((true_call & chosen).sum()),
            int(chosen.sum()), "confirmed", "calls without an alert", definition, caveat,
        )  # fmt: skip
    metrics += share_metric("confirmed_calls", "confirmed, all calls", *every, "confirmed", "calls", definition, caveat)
    if judged_alert.any():
        total = int(true_alert.sum()), len(alerts)
        metrics += share_metric("confirmed_alerts", "confirmed, all alerts", *total, "confirmed", "alerts", definition)
    return metrics


def _shares_of_confirmed(records: Records, links: Links) -> list[Metric]:
    sources = confirmed_by_source(records, links)
    if sources is None:
        return []
    counts = sources.alert_only, sources.both, sources.call_only
    total, words = sum(counts), "confirmed events told of by an alert or a call"
    metrics = []
    for name, title, count in zip(_NAMES, _TITLES, counts, strict=True):
        metrics += share_metric(
            f"told_{name}", f"confirmed events told of {title}", count, total, f"told of {title}", words,
            f"Share of the confirmed events that were told of {title} (from {sources.basis}).",
        )  # fmt: skip
    for name, title, count in (
        ("alert", "alerted, of confirmed events", sources.alert_only + sources.both),
        ("call", "called in, of confirmed events", sources.call_only + sources.both),
    ):
        metrics += share_metric(
            f"told_by_{name}", title, count, total, f"with {'an alert' if name == 'alert' else 'a call'}", words,
            f"Share of the confirmed events that there was {'an alert' if name == 'alert' else 'a call'} of "
            f"(from {sources.basis}).",
            "Events that nobody told of are not among them.",
        )  # fmt: skip
    return metrics
