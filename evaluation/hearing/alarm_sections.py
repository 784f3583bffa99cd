"""The sections of the standard report on continuous audio: false alarms an hour, and what raises them."""

from collections.abc import Sequence

from tocsin.data.public.pittsburgh import SOURCE
from tocsin.evaluation.hearing.listening import (
    LIVE_FIRE_BACKGROUND,
    ONE_ALARM_S,
    Heard,
    Stretch,
    alarms,
    recall,
    threshold_of_recall,
)
from tocsin.evaluation.hearing.report import Cell, Section

LEAST_RECALL = 0.9
THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
# What a sensor on a city's roof hears day and night.
CITY = ("urban_ambience", "urban_background", "traffic")


def strata(heard: Heard) -> dict[str, list[Stretch]]:
    """The stretches by what a rate an hour is stated for; those without any are left out."""
    of = {
        "city": [stretch for stretch in heard.stretches if stretch.label in CITY],
        "live_fire_background": [stretch for stretch in heard.stretches if stretch.label == LIVE_FIRE_BACKGROUND],
        "background": [stretch for stretch in heard.stretches if stretch.class_name == "background"],
        "everything": list(heard.stretches),
    }
    return {name: stretches for name, stretches in of.items() if stretches}


def false_alarms(heard: Heard, card_thresholds: Sequence[float]) -> Section:
    """Alarms an hour of continuous audio at each threshold, beside the recall of the same detector."""
    live_fire = [shot for shot in heard.shots if shot.source == SOURCE]
    clips = [shot for shot in heard.shots if shot.source != SOURCE]
    wanted = [(value, "") for value in THRESHOLDS] + [(value, "card") for value in sorted(set(card_thresholds))]
    for shots, name in ((heard.shots, ""), (clips, " of clips"), (live_fire, " of live fire")):
        value = threshold_of_recall(shots, LEAST_RECALL)
        if value is not None:
            wanted.append((value, f"90 % recall{name}"))
    rows: list[dict[str, Cell]] = []
    for value, basis in sorted(wanted):
        row: dict[str, Cell] = {
            "threshold": round(value, 6),
            "chosen_for": basis,
            "recall": recall(heard.shots, value),
            "of_clips": recall(clips, value),
            "of_live_fire": recall(live_fire, value),
        }
        for name, stretches in strata(heard).items():
            heard_alarms = alarms(stretches, value)
            row[f"{name}_alarms"] = heard_alarms.number if heard_alarms else None
            row[f"{name}_per_hour"] = heard_alarms.per_hour if heard_alarms else None
        rows.append(row)
    hours = ", ".join(
        f"{name.replace('_', ' ')} {sum(stretch.duration_s for stretch in stretches) / 3600:.3f} h"
        for name, stretches in strata(heard).items()
    )
    missed = sum(shot.probability == 0 for shot in heard.shots)
    note = (
        f"As `tocsin detect` works: an onset called a gunshot is an alarm, those within {ONE_ALARM_S:g} s of the one "
        f"before the same. Hours listened to, exact zeros left out: "
        f"{hours} (city: {', '.join(CITY)}; everything: bangs and fireworks too, far denser than in a street). "
        f"Exact Poisson intervals. Recall: {len(clips)} clips and {len(live_fire)} arrivals of live fire, a session or "
        f"firing position counting once, half a second of quiet before each clip; {missed} of them gave no onset and "
        "are missed at any threshold."
    )
    places = [place for place, row in enumerate(rows) if row["chosen_for"] == "90 % recall"]
    if not places:
        note += " No threshold reaches a recall of 90 % of all."
    return Section("false_alarms", "False alarms a sensor-hour", note, rows, places)


def alarms_by_label(heard: Heard) -> Section:
    """Which sounds raised the alarms at the threshold of 90 % recall."""
    threshold = threshold_of_recall(heard.shots, LEAST_RECALL)
    shown = 0.5 if threshold is None else threshold
    rows: list[dict[str, Cell]] = []
    for label in sorted({stretch.label for stretch in heard.stretches}):
        found = alarms([stretch for stretch in heard.stretches if stretch.label == label], shown)
        if found:
            cells: dict[str, Cell] = {"sound": label, "seconds": round(found.hours * 3600), "alarms": found.number}
            rows.append({**cells, "per_hour": found.per_hour})
    rows.sort(key=lambda row: -row["alarms"] if isinstance(row["alarms"], int) else 0)
    basis = "0.5, for 90 % recall is not reached" if threshold is None else f"{shown:.4f}, that of 90 % recall"
    return Section("alarms_by_sound", "What raises the false alarms", f"At the threshold {basis}.", rows)
