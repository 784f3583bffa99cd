"""What alerts came to: confirmed, unconfirmed and unfounded kept apart, and precision under three definitions."""

from tocsin.evaluation.audit.metrics.links import column, outcome_is
from tocsin.evaluation.audit.metrics.metric import Metric, share_metric
from tocsin.evaluation.audit.records import CONFIRMED, OUTCOMES, UNCONFIRMED, UNFOUNDED, Records

_MEANS = {
    CONFIRMED: "evidence of gunfire was found (victim, casing, damage, weapon, video, credible witness)",
    UNCONFIRMED: "no evidence of gunfire was found, which does not show that there was none",
    UNFOUNDED: "it was shown not to have been gunfire",
}


def outcome_metrics(records: Records) -> list[Metric]:
    """Each outcome as a share of all alerts and of those with a disposition, and alerts without one."""
    total = len(records.alerts)
    counts = {outcome: int(outcome_is(records.alerts, outcome).sum()) for outcome in OUTCOMES}
    disposed = sum(counts.values())
    if not disposed:
        return []
    warned = list(filter(None, [one_sided(records)]))
    metrics = []
    for outcome, count in counts.items():
        words = f"{outcome} alerts"
        metrics += share_metric(
            f"{outcome}_of_all", f"{outcome}, of all alerts", count, total, words, "alerts",
            f"Share of all alerts for which {_MEANS[outcome]}.",
            " ".join(["Alerts without a disposition count below the line."] * (disposed < total) + warned),
        )  # fmt: skip
        metrics += share_metric(
            f"{outcome}_of_disposed", f"{outcome}, of alerts with a disposition", count, disposed, words,
            "alerts with a disposition", f"Share of the alerts with a disposition for which {_MEANS[outcome]}.",
            " ".join(warned),
        )  # fmt: skip
    metrics += share_metric(
        "no_disposition", "no disposition", total - disposed, total, "alerts without a disposition", "alerts",
        "Share of all alerts for which no outcome was entered.",
    )  # fmt: skip
    return metrics


def one_sided(records: Records) -> str:
    """A warning where every outcome that was entered is *confirmed*, as in lists of nothing else."""
    others = outcome_is(records.alerts, UNCONFIRMED) | outcome_is(records.alerts, UNFOUNDED)
    if others.any():
        return ""
    return "No alert was entered as anything but confirmed: this may be a list of confirmed alerts alone."


def precision_metrics(records: Records) -> list[Metric]:
    """Precision by evidence, by what was not unfounded, by the vendor's rule, and the bounds of the truth."""
    alerts, total = records.alerts, len(records.alerts)
    found, none, not_gunfire = (int(outcome_is(alerts, outcome).sum()) for outcome in OUTCOMES)
    disposed = found + none + not_gunfire
    metrics = []
    if disposed:
        of = "alerts with a disposition"
        metrics += share_metric(
            "precision_evidence", "precision: evidence found", found, disposed, "confirmed alerts", of,
            "An alert is right if evidence of gunfire was found.",
            one_sided(records) or "Gunfire often leaves no evidence: this is too low by as much.",
        )  # fmt: skip
        metrics += share_metric(
            "precision_not_unfounded", "precision: not unfounded", found + none, disposed, "alerts not unfounded", of,
            "An alert is right unless it was shown not to have been gunfire.",
            "What left no evidence counts as gunfire: this is too high by as much.",
        )  # fmt: skip
    complaint = column(alerts, "complaint")
    if complaint is not None:
        complaints = int(complaint.astype("boolean").fillna(False).sum())
        metrics += share_metric(
            "precision_vendor", "precision: the vendor's complaint rule", total - complaints, total,
            "alerts without a complaint", "alerts",
            "An alert is right unless the police told the vendor that it was wrong.",
            "Nobody is bound to complain: silence counts as right.",
        )  # fmt: skip
    if disposed:
        unknown = "What is unconfirmed or without a disposition is not known: the truth lies between the two bounds."
        metrics += share_metric(
            "precision_lower", "precision: lower bound", found, total, "confirmed alerts", "alerts",
            "Share of gunfire among all alerts if none of those that are not confirmed was gunfire.", unknown,
        )  # fmt: skip
        metrics += share_metric(
            "precision_upper", "precision: upper bound", total - not_gunfire, total, "alerts not unfounded", "alerts",
            "Share of gunfire among all alerts if all of those that are not unfounded were gunfire.", unknown,
        )  # fmt: skip
    return metrics
