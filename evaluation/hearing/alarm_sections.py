"""The sections of the standard report on continuous audio: false alarms an hour, and what raises them."""

from collections.abc import Mapping, Sequence

from tocsin.data.public.pittsburgh import SOURCE
from tocsin.evaluation.hearing.counting import (
    Heard,
    Stretch,
    alarms,
    recall,
    threshold_of_recall,
)
from tocsin.evaluation.hearing.listening import LIVE_FIRE_BACKGROUND
from tocsin.evaluation.hearing.two_sensors import MARGIN_S, paired_alarms, rounds_found
from tocsin.evaluation.measures.intervals import ONE_ALARM_S
from tocsin.evaluation.report.section import Cell, Section

RECALLS = LEAST_RECALL, LESS_RECALL = 0.9, 0.8
THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
# What a sensor on a city's roof hears day and night.
CITY = ("urban_ambience", "urban_background", "traffic")
# Kinds of place and weather that a sensor may hear for hours, by the labels of the clips.
PLACES = {
    "city": CITY,
    **{
        name: (name,)
        for name in (
            "urban_ambience",
            "crowd",
            "traffic",
            "suburban_ambience",
            "rural_ambience",
            "indoor_ambience",
            "thunder",
            "rain",
            "wind",
        )
    },
}


def strata(heard: Heard) -> dict[str, list[Stretch]]:
    """The stretches by what a rate an hour is stated for; those without any are left out."""
    places = by_place(heard)
    of = {
        "city": places.get("city", []),
        "live_fire_background": places.get("live_fire_background", []),
        "background": [stretch for stretch in heard.stretches if stretch.class_name == "background"],
        "everything": places.get("everything", []),
    }
    return {name: stretches for name, stretches in of.items() if stretches}


def false_alarms(heard: Heard, card_thresholds: Sequence[float]) -> Section:
    """Alarms an hour of continuous audio at each threshold, beside the recall of the same detector."""
    live_fire = [shot for shot in heard.shots if shot.source == SOURCE]
    clips = [shot for shot in heard.shots if shot.source != SOURCE]
    wanted = [(value, "") for value in THRESHOLDS] + [(value, "card") for value in sorted(set(card_thresholds))]
    for shots, least, name in (
        (heard.shots, LEAST_RECALL, ""),
        (heard.shots, LESS_RECALL, ""),
        (clips, LEAST_RECALL, " of clips"),
        (live_fire, LEAST_RECALL, " of live fire"),
    ):
        value = threshold_of_recall(shots, least)
        if value is not None:
            wanted.append((value, f"{least * 100:g} % recall{name}"))
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


def operating_points(heard: Heard, card_threshold: float) -> dict[str, float]:
    """The thresholds that alarms are stated for, by name; a recall that none reaches is left out."""
    found = {f"at_{least * 100:g}_%_recall": threshold_of_recall(heard.shots, least) for least in RECALLS}
    return {**{name: value for name, value in found.items() if value is not None}, "at_the_card's": card_threshold}


def alarms_by_place(columns: Mapping[str, tuple[Heard, float]]) -> Section:
    """Alarms an hour by kind of place: of each column what was heard, and the threshold; all heard the same.

    Of a place, the hours are those of the first column.
    """
    of_column = {name: by_place(heard) for name, (heard, _) in columns.items()}
    rows: list[dict[str, Cell]] = []
    for place, stretches in next(iter(of_column.values())).items():
        row: dict[str, Cell] = {
            "place": place,
            "hours": sum(stretch.duration_s for stretch in stretches) / 3600,
            "sessions": len({stretch.session for stretch in stretches}),
        }
        for name, (_, threshold) in columns.items():
            found = alarms(of_column[name].get(place, []), threshold)
            row[name] = found.per_hour if found else None
        rows.append(row)
    points = ", ".join(
        f"{name.replace('_', ' ')} {threshold:.4f} (recall {_recall_text(heard, threshold)})"
        for name, (heard, threshold) in columns.items()
    )
    note = (
        f"Thresholds: {points}. Exact 95 % Poisson intervals; where no alarm came, the rate is below their upper end, "
        "3.7 over the hours. They take alarms for independent, and those of one session are not: few sessions "
        f"say less than the interval. City: {', '.join(CITY)}. Other beds: all background of clips that has no row. "
        "Everything: bangs and fireworks too, far denser than in a street."
    )
    return Section("alarms_by_place", "False alarms an hour by kind of place", note, rows)


def by_place(heard: Heard) -> dict[str, list[Stretch]]:
    """The stretches by kind of place, a stretch in as many as it belongs to; kinds without any are left out."""
    named = {label for labels in PLACES.values() for label in labels} | {LIVE_FIRE_BACKGROUND}
    of = {name: [stretch for stretch in heard.stretches if stretch.label in PLACES[name]] for name in PLACES}
    of["other_beds"] = [s for s in heard.stretches if s.class_name == "background" and s.label not in named]
    of["live_fire_background"] = [stretch for stretch in heard.stretches if stretch.label == LIVE_FIRE_BACKGROUND]
    of["everything"] = list(heard.stretches)
    return {name: stretches for name, stretches in of.items() if stretches}


def two_sensors(heard: Heard, points: Mapping[str, float]) -> Section | None:
    """What asking for a second sensor saves in alarms and costs in shots; None where no two listened at once."""
    rows: list[dict[str, Cell]] = []
    for name, threshold in points.items():
        paired = paired_alarms(heard.stretches, threshold)
        if paired is None:
            return None
        rows.append(
            {
                "threshold": name.replace("_", " "),
                "one_sensor_alarms": paired.single.number,
                "one_sensor_per_hour": paired.single.per_hour,
                "two_sensors_alarms": paired.confirmed.number,
                "two_sensors_per_hour": paired.confirmed.per_hour,
                "rounds_found_by_one": rounds_found(heard.shots, threshold, 1),
                "rounds_found_by_two": rounds_found(heard.shots, threshold, 2),
            }
        )
        hours = paired.single.hours
    note = (
        f"The background of the live fire while two sensors or more of a test listened to it, {hours:.3f} "
        "sensor-hours. An alarm of a sensor counts in the second pair of columns where another one of its test has one "
        f"within their distance over the speed of sound and {MARGIN_S:g} s; each counts its own, so what two report "
        "counts twice. Most of what sounds there are echoes of the shots, which several sensors hear: a street "
        "without gunfire has fewer such pairs. Of the rounds, the share that one and that two sensors found, a firing "
        "position counting once. Ambience of one channel has no second sensor, and neighbours hear the same street: no "
        "rate of pairs can be had from it."
    )
    return Section("two_sensors", "Alarms that a second sensor confirms", note, rows)


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


def _recall_text(heard: Heard, threshold: float) -> str:
    found = recall(heard.shots, threshold)
    return "–" if found is None else f"{found:.3f}"
