"""How much gunfire there was in all, from what two sources found alone and together (capture and recapture).

With ``m`` events found by both, ``a`` by the alert alone and ``b`` by a call alone, Chapman's estimate (1951) is
(n1 + 1)(n2 + 1) / (m + 1) - 1 = m + a + b + ab / (m + 1), with n1 = m + a and n2 = m + b; Lincoln and Petersen have
n1 n2 / m. The last term is what nobody told of, if the sources are independent. Where the odds of a call are θ times as
high for events with an alert as for those without, it is θ times as large (Wolter 1986, section 3.3).
"""

import math

from tocsin.evaluation.audit.metrics.links import Links, Sources, confirmed_by_source
from tocsin.evaluation.audit.metrics.metric import Metric, unstated
from tocsin.evaluation.audit.records import Records
from tocsin.evaluation.measures.intervals import Interval
from tocsin.evaluation.report.section import Cell, Section

ODDS_RATIOS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
CAVEAT = (
    "Holds only if a shooting with an alert is as likely to be called in as one without. Loud shootings in busy places "
    "are likelier to be both: then there were more than this says. It is of gunfire that leaves evidence when told of."
)


def chapman(alert_only: int, both: int, call_only: int, odds_ratio: float = 1.0) -> Interval:
    """Events in all with the log-normal 95 % interval of what nobody told of (Chao 1989; Rexstad and Burnham 1991).

    The variance is Chapman's as Seber (1982, equation 3.3) has it; ``odds_ratio`` is the θ of the dependence.
    """
    seen = alert_only + both + call_only
    unseen = alert_only * call_only / (both + 1)
    first, second = alert_only + both, call_only + both
    variance = (first + 1) * (second + 1) * alert_only * call_only / ((both + 1) ** 2 * (both + 2))
    if unseen == 0:
        return Interval(float(seen), math.nan, math.nan)
    reach = math.exp(1.959964 * math.sqrt(math.log1p(variance / unseen**2)))
    return Interval(*(seen + odds_ratio * one for one in (unseen, unseen / reach, unseen * reach)))


def recapture_metrics(records: Records, links: Links) -> list[Metric]:
    """Lincoln and Petersen's and Chapman's estimates of confirmable shootings, and the share that was alerted."""
    sources = confirmed_by_source(records, links)
    if sources is None or not _seen(sources):
        return []
    alert_only, both, call_only = sources.alert_only, sources.both, sources.call_only
    seen = _seen(sources)
    warned = CAVEAT if both >= 7 else f"Small numbers: only {both} events in both sources. {CAVEAT}"
    words = f"confirmed events that an alert or a call told of (from {sources.basis})"
    total = chapman(alert_only, both, call_only)
    method = "log-normal interval of what nobody told of, 95 % (Chao 1989)"
    if math.isnan(total.low):
        method = "no interval: one source found nothing that the other did not"
    alerted = alert_only + both
    # The share falls as the total rises, so the ends change places.
    share = Interval(alerted / total.value, alerted / total.high, alerted / total.low)
    metrics = [
        Metric(
            "gunfire_chapman", "confirmable shootings in all (Chapman)", total, None, "", seen, words,
            "How many shootings there were, told of or not, from how often the two sources found the same ones.",
            method, warned, "shootings",
        ),
        Metric(
            "recall_chapman", "alerted, of all confirmable shootings (Chapman)", share, alerted,
            "confirmed events with an alert", total.value, "shootings estimated",
            "Share of all shootings, told of or not, that an alert came for.", method, warned,
        ),
    ]  # fmt: skip
    if both:
        value = unstated((alerted) * (call_only + both) / both)
        metrics.append(
            Metric(
                "gunfire_lincoln_petersen",
                "confirmable shootings in all (Lincoln–Petersen)",
                value,
                None,
                "",
                seen,
                words,
                "Events with an alert times events with a call, divided by events with both.",
                "none: see Chapman's, which is less biased",
                warned,
                "shootings",
            )
        )
    return metrics


def recapture_section(records: Records, links: Links) -> Section | None:
    """The estimate under an odds ratio of 0.5 to 4 between the sources; None where the records do not say."""
    sources = confirmed_by_source(records, links)
    if sources is None or not _seen(sources):
        return None
    rows: list[dict[str, Cell]] = []
    for odds_ratio in ODDS_RATIOS:
        total = chapman(sources.alert_only, sources.both, sources.call_only, odds_ratio)
        alerted = sources.alert_only + sources.both
        rows.append(
            {
                "odds_ratio": f"{odds_ratio:g}",
                "shootings_in_all": total,
                "nobody_told_of": total.value - _seen(sources),
                "share_alerted": alerted / total.value,
                "share_called_in": (sources.call_only + sources.both) / total.value,
            }
        )
    note = (
        "The odds of a call for a shooting with an alert, over those for one without. 1 is independence, more is "
        "likelier; nothing in the records tells which row is true."
    )
    return Section("recapture", "How the estimate of all gunfire moves", note, rows, (ODDS_RATIOS.index(1.0),))


def _seen(sources: Sources) -> int:
    return sources.alert_only + sources.both + sources.call_only
