"""The tables of a comparison and of a pilot's power, as Markdown, JSON and the page show them."""

import math
from collections.abc import Sequence

from tocsin.evaluation.audit.comparison.background import Background
from tocsin.evaluation.audit.comparison.comparing import Comparison
from tocsin.evaluation.audit.comparison.limits import smallest_seen
from tocsin.evaluation.audit.comparison.power import PilotPower
from tocsin.evaluation.report.section import Cell, Section

# What any count has that the system itself changes.
LISTENING = (
    "A system that listens also finds shootings that nobody would have reported: compare counts that do not depend on "
    "it, such as people shot, before counts that do."
)


def sections_of(comparison: Comparison) -> list[Section]:
    """All sections that there is something for, the answer first."""
    sections = [answer(comparison)]
    if comparison.trend is not None:
        sections.append(trend(comparison))
    if comparison.study is not None:
        sections.append(event_study(comparison))
    if comparison.synthetic is not None:
        sections.append(synthetic(comparison))
    if comparison.staggered is not None:
        sections.append(staggered(comparison))
    return [*sections, limits(comparison)]


def answer(comparison: Comparison) -> Section:
    """The effect, and what it rests on."""
    panel, rows = comparison.panel, list[dict[str, Cell]]()

    def add(figure: str, value: Cell, of: str) -> None:
        rows.append({"figure": figure, "value": value, "of": of})

    if comparison.effect is not None:
        effect = comparison.effect
        before, after, others_before, others_after = effect.totals
        add("rate ratio, 1 for no change", effect.ratio, f"{before} → {after} with, {others_before} → {others_after}")
        if not math.isnan(effect.sandwich.value):
            of = f"t({len(panel.areas) - 1}); too narrow where few areas had the system"
            add("the same, errors of the sandwich", effect.sandwich, of)
        add("p-value", _known(effect.p_value), f"Student's t with {effect.freedom:.1f} degrees of freedom")
    if comparison.beside is not None:
        first, last, *_ = comparison.beside.totals
        add("areas that touch those with the system", comparison.beside.ratio, f"{first} → {last}, against the others")
    if comparison.staggered is not None:
        of = "observed over what is expected without; group-time effects"
        add("rate ratio, 1 for no change", comparison.staggered.ratio, of)
        add("effect in events an area and period", _signed(comparison.staggered.overall), "mean of all with the system")
    how = (
        "95 % intervals over areas (jackknife), for Poisson counts with effects of areas and periods."
        if comparison.effect is not None
        else "95 % intervals over areas."
    )
    note = (
        f"**{comparison.answer}** {panel.treated.sum()} areas with the system, {(~panel.treated).sum()} without, "
        f"{len(panel.periods)} periods from {panel.periods[0]}; {how} {LISTENING}"
    )
    return Section("comparison", "With and without the system", " ".join([note, *panel.notes]), rows)


def trend(comparison: Comparison) -> Section:
    """Whether both sides went the same way before."""
    found = comparison.trend
    assert found is not None
    rows: list[dict[str, Cell]] = [
        {"part_of_the_time_before": f"{place + 1} of {found.bins}", "rate_ratio_to_the_last_part": ratio}
        for place, ratio in enumerate(found.ratios)
    ]
    if math.isnan(found.p_value):
        said = "The time before is too short, or the areas are too few, to test whether both went the same way."
    elif found.p_value < 0.05:
        said = (
            f"Before the start both did not go the same way (p = {found.p_value:.3f}): what followed cannot be laid "
            "to the system."
        )
    else:
        said = (
            f"Before the start no difference of trends is seen (p = {found.p_value:.2f}); a small one may be there "
            "and not be seen."
        )
    return Section("trend_before", "The same way before?", said, rows)


def event_study(comparison: Comparison) -> Section:
    """Rate ratios by time since the start."""
    found = comparison.study
    assert found is not None
    rows: list[dict[str, Cell]] = [
        {
            "periods_since_the_start": f"{first} … {last}" if first != last else str(first),
            "rate_ratio": "1 (reference)" if math.isnan(p) and ratio.value == 1 else ratio,
            "p_value": _known(float(p)),
        }
        for first, last, ratio, p in zip(found.first, found.last, found.ratios, found.p_values, strict=True)
    ]
    note = "Against the last bin before the start. Each interval is by itself: of twenty, one misses by chance."
    return Section("event_study", "By time since the start", note, rows)


def synthetic(comparison: Comparison) -> Section:
    """The synthetic control and its placebos."""
    found = comparison.synthetic
    assert found is not None
    rows: list[dict[str, Cell]] = [
        {"figure": "rate ratio, observed over synthetic", "value": found.ratio, "of": "after the start"},
        {"figure": "p-value among placebos", "value": found.p_value, "of": f"{len(found.placebo_ratios)} areas"},
        {"figure": "misfit before, share of the mean", "value": found.fit_before, "of": "root mean square"},
        {"figure": "misfit after over before", "value": found.rmspe_ratio, "of": "of the treated areas"},
        {"figure": "rate ratio of an earlier start", "value": _known(found.earlier_ratio), "of": "1 is expected"},
    ]
    rows += [{"figure": f"weight of {name}", "value": weight, "of": ""} for name, weight in found.weights]
    poor = found.fit_before > 0.25
    note = "A weighted mean of comparison areas that went as the treated ones did before (pysyncon), each scaled. " + (
        "It does not fit well before the start: give it little weight." if poor else ""
    )
    return Section("synthetic_control", "Against a synthetic control", note.strip(), rows)


def staggered(comparison: Comparison) -> Section:
    """Effects by time since each area's own start."""
    found, panel = comparison.staggered, comparison.staggered_panel
    assert found is not None
    assert panel is not None
    rows: list[dict[str, Cell]] = [
        {"periods_since_the_start": int(when), "effect": _signed(effect)}
        for when, effect in zip(found.since, found.effects, strict=True)
    ]
    note = (
        "Group-time effects of Callaway and Sant'Anna (2021; csdid), in events an area and period, against areas that "
        f"had not begun yet. Before the start: p = {found.before_p:.2f} (the smallest, for as many as there are). "
        + " ".join(panel.notes)
    )
    return Section("staggered", "Areas that began at different times", note, rows)


def limits(comparison: Comparison) -> Section:
    """What the data cannot show."""
    said = list(comparison.limits)
    if comparison.effect is not None:
        seen = smallest_seen(comparison.effect.log_error, comparison.effect.freedom)
        if not math.isnan(seen.fall):
            said.append(
                f"Only a fall by {100 * (1 - seen.fall):.0f} % or more, or a rise by {100 * (seen.rise - 1):.0f} % or "
                "more, would have shown in four of five cases: a weaker effect may be there and not be seen."
            )
    said += comparison.lacking
    rows: list[dict[str, Cell]] = [{"limit": sentence} for sentence in said]
    note = "The interval above says what chance alone may do; these say what is not in the data."
    return Section("limits", "What this cannot show", note, rows)


def power(found: Sequence[PilotPower], background: Background, what: str, area: str = "areas") -> Section:
    """A grid of pilots."""
    rows: list[dict[str, Cell]] = []
    for pilot in found:
        row: dict[str, Cell] = {
            f"{area}_with": pilot.pilot.treated,
            f"{area}_without": pilot.pilot.others,
            "periods": f"{pilot.pilot.before} + {pilot.pilot.after}",
            "events_expected": f"{pilot.events[0]:.0f} + {pilot.events[1]:.0f}",
        }
        for ratio, interval in pilot.power:
            row[f"power for {_change(ratio)}"] = interval
        row["smallest fall seen at 80 %"] = (
            "not even 90 %" if math.isnan(pilot.smallest) else f"{100 * (1 - pilot.smallest):.0f} %"
        )
        rows.append(row)
    note = (
        f"Counts of {what}: {background.levels.mean():.2f} a period and area on average, variance of the factors "
        f"besides Poisson's chance {background.passing:.3f} (each period anew) and {background.lasting:.3f} (lasting). "
        "Periods and events: before + after. Power: how often the 95 % interval shows the effect, with the interval "
        f"of the simulation. {LISTENING}"
    )
    return Section("power", "How large and how long must a pilot be?", note, rows)


def _change(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.0f} %".replace("-", "−")


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _signed(interval: tuple[float, float, float]) -> str:
    """Effects below 0: a dash between two ends would read as a minus."""
    value, low, high = interval
    if math.isnan(low):
        return f"{value:+.2f}".replace("-", "−")
    return f"{value:+.2f} ({low:+.2f} to {high:+.2f})".replace("-", "−")
