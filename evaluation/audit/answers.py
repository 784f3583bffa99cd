"""The questions of whoever decides about a system, each with its figure, its interval, its definition and a picture."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from tocsin.evaluation.audit.auditing import UNANSWERED, Audit
from tocsin.evaluation.audit.drawings import KINDS, NO_OUTCOME, map_of, stacked
from tocsin.evaluation.audit.metrics.links import outcome_is
from tocsin.evaluation.audit.metrics.metric import SMALL, Metric
from tocsin.evaluation.audit.metrics.quantiles import quantile
from tocsin.evaluation.audit.records import OUTCOMES
from tocsin.evaluation.audit.words import ends_of, interval, percent, value
from tocsin.evaluation.measures.intervals import Interval
from tocsin.evaluation.report.page import Answer, Figure
from tocsin.evaluation.report.plots import bars_with_intervals
from tocsin.evaluation.report.section import Cell, Section

_BY_SOURCE = ("confirmed_alerts", "confirmed_alert_only", "confirmed_both", "confirmed_call_only", "confirmed_calls")
_COSTS = ("cost_square_mile_year", "cost_alert", "cost_additional_confirmed", "cost_additional_arrest")


def right(found: Audit, public: bool = False) -> Answer | None:
    """How often evidence of gunfire was found; outcomes by who told of them."""
    confirmed = found.metrics.get("confirmed_of_all")
    if confirmed is None:
        return None
    others = [found.metrics[f"{name}_of_all"] for name in OUTCOMES[1:]]
    said = ", ".join(f"{value(one)} {one.title.split(',')[0]}" for one in others)
    counts = _outcomes_by_source(found, SMALL if public else 1)
    rows: list[dict[str, Cell]] = [
        {"told of by": name, **{kind: of.get(kind, 0) for kind in KINDS}} for name, of in counts.items()
    ]
    title = "What alerts and calls came to"
    words = "; ".join(
        f"{name}: {of.get(OUTCOMES[0], 0):,} of {sum(of.values()):,} confirmed" for name, of in counts.items()
    )
    svg = stacked(title, words, counts)
    figure = Figure(svg, f"{title}, judged alike.", Section("figure_outcomes", title, "", rows))
    return Answer(
        "How often was an alert shown to be right?",
        value(confirmed),
        interval(confirmed),
        f"{confirmed.definition} Of the others: {said}. Unconfirmed is not unfounded: nothing was found, and nothing "
        "shows that there was no gunfire.",
        figure,
        caveat=confirmed.caveat,
    )


def definitions(found: Audit) -> Answer | None:
    """The same alerts under every definition that somebody uses."""
    chosen = _of(found, "precision_evidence", "precision_not_unfounded", "precision_vendor")
    low, high = found.metrics.get("precision_lower"), found.metrics.get("precision_upper")
    if not chosen or low is None or high is None:
        return None
    unfounded = found.metrics.get("unfounded_of_all")
    never = ["No alert is entered as unfounded: perhaps nobody enters it, and the upper end says nothing."]
    never = never if unfounded is not None and not unfounded.numerator else []
    return Answer(
        "Why do others quote another figure?",
        f"{value(low)} to {value(high)}",
        "the bounds between which the truth lies; each has an interval of its own below",
        "Whoever counts only evidence as right gets the first, whoever counts all that was not disproved the last. "
        + " ".join(f"{one.title.split(': ')[1].capitalize()}: {value(one)}." for one in chosen),
        _bars("figure_definitions", "One system, several definitions", [low, *chosen, high]),
        caveat=" ".join([*dict.fromkeys(one.caveat for one in chosen if one.caveat), *never]),
    )


def baseline(found: Audit) -> Answer | None:
    """Alerts and calls to 911 under the same rule."""
    chosen = _of(found, *_BY_SOURCE)
    call, alert = found.metrics.get("confirmed_call_only"), found.metrics.get("confirmed_alert_only")
    if call is None or alert is None:
        return None
    return Answer(
        "Are calls to 911 any better?",
        f"{value(call)} of calls alone, {value(alert)} of alerts alone",
        f"calls {ends_of(call.value)}, alerts {ends_of(alert.value)} (95 %)",
        f"{call.definition} Counted: {call.counted}; {alert.counted}.",
        _bars("figure_baseline", "Confirmed, by who told of it", chosen),
        caveat=call.caveat,
    )


def missed(found: Audit) -> Answer | None:
    """Confirmed shootings that no alert came for, beside those that nobody called about."""
    lost = found.metrics.get("missed")
    if lost is None:
        return None
    chosen = [one for key, one in found.metrics.items() if key.startswith(("recall_", "called_"))]
    chosen = [one for one in chosen if one.key != "recall_chapman"]
    eligible = found.metrics.get("missed_eligible")
    more = f" Of those that the contract counts: {value(eligible)} ({interval(eligible)})." if eligible else ""
    return Answer(
        "How many shootings did it miss?",
        value(lost),
        interval(lost),
        lost.definition + more,
        _bars("figure_missed", "Confirmed shootings with an alert, and with a call", chosen),
        caveat=lost.caveat,
    )


def alone(found: Audit) -> Answer | None:
    """What nobody called about, and how much there may have been in all."""
    added = found.metrics.get("told_alert_only")
    if added is None:
        return None
    total = found.metrics.get("gunfire_chapman")
    more = f" In all there were about {total.value.value:,.0f} ({ends_of(total.value, 'shootings')})." if total else ""
    return Answer(
        "What did it tell of that nobody called about?",
        f"{added.numerator:,.0f} confirmed events, {value(added)} of them all",
        interval(added),
        added.definition + more,
        caveat=" ".join(filter(None, [added.caveat, total.caveat if total else ""])),
    )


def fast(found: Audit, public: bool = False) -> Answer | None:
    """Median time from the notice to the first officer's arrival, after alerts and after calls."""
    figures: dict[str, Interval] = {}
    for name in ("alerts", "calls"):
        table = getattr(found.records, name)
        if "arrived_time_utc" in table:
            seconds = (table["arrived_time_utc"] - table["time_utc"]).dt.total_seconds().to_numpy()
            known = seconds[~np.isnan(seconds) & (seconds >= 0)]
            if len(known) >= (SMALL if public else 1):
                figures[f"{name} ({len(known):,})"] = Interval(*(end / 60 for end in quantile(known, 0.5)))
    if not figures:
        return None
    said = [f"{figure.value:.1f} min after {name.split(' ')[0]}" for name, figure in figures.items()]
    matched = found.metrics.get("matched_arrived")
    more = ""
    if matched is not None:
        minutes = Interval(*(end / 60 for end in matched.value))
        more = (
            f" Where an alert and a call told of the same event, officers came {abs(minutes.value):.1f} min "
            f"{'sooner' if minutes.value < 0 else 'later'} for the alert (median of {matched.denominator:,.0f} pairs)."
        )
    rows: list[dict[str, Cell]] = [{"after": name, "median_min": figure} for name, figure in figures.items()]
    title = "Minutes until the first officer arrived, median"
    svg = bars_with_intervals(title, ", ".join(said), [*figures], [*figures.values()], "minutes")
    return Answer(
        "How fast did officers come?",
        ", ".join(said),
        "; ".join(f"{name}: {figure.low:.1f} to {figure.high:.1f} min" for name, figure in figures.items()) + " (95 %)",
        "Median time from the alert, or the call, to the first arrival; half took longer." + more,
        Figure(svg, f"{title}, with 95 % intervals.", Section("figure_arrival", title, "", rows)),
        caveat="The alerts and the calls are not of the same events: compare pairs, not medians.",
    )


def costs(found: Audit) -> Answer | None:
    """What was paid for what it brought."""
    chosen = _of(found, *_COSTS)
    if not chosen:
        return None
    rows = [
        {"what": one.title, "cost": value(one), "interval": ends_of(one.value, one.unit) or "–", "counted": one.counted}
        for one in chosen
    ]
    return Answer(
        "What does it cost?",
        "; ".join(f"{value(one)} {one.title.removeprefix('cost of ')}" for one in chosen[1:3] or chosen),
        "",
        "Yearly costs of the period, divided by what they bought. Additional is what no call told of.",
        sections=[Section("figure_costs", "Cost of each", "", rows)],
        caveat=" ".join(dict.fromkeys(one.caveat for one in chosen if one.caveat)),
    )


def for_nothing(found: Audit) -> Answer | None:
    """How often officers came and found nothing, and the hours that took."""
    rate, share = found.metrics.get("without_evidence_a_day"), found.metrics.get("without_evidence")
    if rate is None or share is None:
        return None
    hours = found.metrics.get("officer_hours_without_evidence")
    more = f" That took {value(hours)} of officers. {hours.caveat}" if hours else ""
    return Answer(
        "How often did officers come for nothing?",
        value(rate),
        interval(rate),
        f"Alerts after which no evidence of gunfire was found: {value(share)} of those with a disposition.{more}",
        caveat=share.caveat,
    )


def when(found: Audit) -> Answer | None:
    """Alerts by hour of the day; holidays apart."""
    rate = found.metrics.get("alerts_a_day")
    sections = {section.key: section for section in found.sections}
    if rate is None or "hours" not in sections:
        return None
    rows = sections["hours"].rows
    hours, figures = [str(row["when"])[:2] for row in rows], [row["alerts_a_day"] for row in rows]
    title = "Alerts by hour of the day"
    most = int(np.argmax([one.value for one in figures if isinstance(one, Interval)]))
    words = f"The most at {rows[most]['when']}."
    svg = bars_with_intervals(
        title, words, hours, [one for one in figures if isinstance(one, Interval)], "alerts a day"
    )
    apart = sections.get("holidays")
    return Answer(
        "When do alerts come?",
        value(rate),
        interval(rate),
        f"{rate.definition} New Year, 4 July and other holidays are shown apart, and counted in.",
        Figure(svg, f"{title}, {found.records.time_zone} time: the rate if the whole day were like that hour."),
        sections=[apart] if apart else (),
        caveat=rate.caveat,
    )


def where(found: Audit, public: bool) -> Answer | None:
    """The map, and the figures of areas."""
    drawn = map_of(found.records, public)
    equity = [section for section in found.sections if section.key == "equity"]
    if drawn is None and not equity:
        return None
    placed = int(found.records.alerts["latitude"].notna().sum())
    return Answer(
        "Where do alerts come from, and who lives there?",
        f"{placed:,} alerts with a place" if drawn else "by area, below",
        "",
        "A map of alerts shows where sensors are, not where gunfire is: where nobody listened there are none.",
        Figure(drawn.svg, drawn.caption, drawn.data) if drawn else None,
        sections=equity,
    )


def in_area(section: Section) -> Answer:
    """One area's figures beside the whole."""
    row = next(row for row in section.rows if row["figure"] == "came for nothing, a month")
    here = next(cell for key, cell in row.items() if key != "figure")
    said = f"{here.value:.1f} times a month" if isinstance(here, Interval) else "not known"
    ends = f"{here.low:.1f} to {here.high:.1f} (95 %)" if isinstance(here, Interval) else ""
    return Answer(f"{section.title}?", said, ends, "Counted beside all areas together.", sections=[section])


def not_shown(found: Audit) -> Answer:
    """What the records cannot answer, and what no such records can."""
    section = next(section for section in found.sections if section.key == UNANSWERED)
    number = len(section.rows)
    return Answer(
        "What does this not show?",
        f"{number} question{'s' * (number != 1)} that these records cannot answer" if number else "whether it helps",
        "",
        "Gunfire that nobody told of and that left no trace is in no record. Whether there is less gunfire, or more "
        "arrests, for the system's sake needs a comparison with areas that had none (tocsin audit compare).",
        sections=[section] if number else (),
    )


def _outcomes_by_source(found: Audit, least: int) -> Mapping[str, Mapping[str, int]]:
    """Counts of outcomes of all alerts, of those without and with a call, and of calls alone; of so many at least."""
    records, links = found.records, found.links
    chosen = {"all alerts": (records.alerts, np.ones(len(records.alerts), bool))}
    if links.alert_called is not None:
        chosen["alerts without a call"] = records.alerts, links.alert_called == 0
        chosen["alerts with a call"] = records.alerts, links.alert_called == 1
    judged = any(outcome_is(records.calls, outcome).any() for outcome in OUTCOMES)
    if judged and links.call_alerted is not None:
        chosen["calls without an alert"] = records.calls, links.call_alerted == 0
    counts = {}
    for name, (table, which) in chosen.items():
        of = {outcome: int((outcome_is(table, outcome) & which).sum()) for outcome in OUTCOMES}
        counts[name] = {**of, NO_OUTCOME: int(which.sum()) - sum(of.values())}
    return {name: of for name, of in counts.items() if sum(of.values()) >= least}


def _bars(key: str, title: str, metrics: Sequence[Metric]) -> Figure:
    """A bar for each share, in per cent."""
    shares = [Interval(*(100 * end for end in one.value)) for one in metrics]
    names = [one.title.removeprefix("precision: ") for one in metrics]
    words = "; ".join(f"{name} {percent(one.value.value)}" for name, one in zip(names, metrics, strict=True))
    rows: list[dict[str, Cell]] = [
        {"what": one.title, "share": one.value, "counted": one.counted, "definition": one.definition} for one in metrics
    ]
    svg = bars_with_intervals(title, words, names, shares, "%")
    return Figure(svg, f"{title}, with 95 % intervals.", Section(key, title, "", rows))


def _of(found: Audit, *keys: str) -> list[Metric]:
    return [found.metrics[key] for key in keys if key in found.metrics]


def shown(answers: Iterable[Answer | None]) -> list[Answer]:
    """Those that the records can answer."""
    return [answer for answer in answers if answer is not None]
