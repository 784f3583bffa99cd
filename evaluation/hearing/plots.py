"""The report's figures as PNG: ROC, reliability, false alarms an hour against recall, recall by distance."""

from pathlib import Path
from typing import Any

import numpy as np

from tocsin.data.splits import session_weights
from tocsin.evaluation.hearing.alarm_sections import strata
from tocsin.evaluation.hearing.counting import alarms, recall
from tocsin.evaluation.hearing.evidence import Evidence
from tocsin.evaluation.hearing.sections import by_distance
from tocsin.evaluation.measures.calibration import reliability
from tocsin.evaluation.measures.classification import roc_points
from tocsin.evaluation.measures.intervals import Interval
from tocsin.evaluation.report.svg import require_matplotlib

_STRATA = {"city": "city", "live_fire_background": "live-fire background", "background": "all background"}


def write_plots(evidence: Evidence, folder: Path) -> list[Path]:
    """Write every figure for which there are recordings as PNG into a folder; returns their paths."""
    drawn = {
        "roc": _roc(evidence),
        "reliability": _reliability(evidence),
        "false_alarms": _false_alarms(evidence),
        "recall_by_distance": _recall_by_distance(evidence),
    }
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, figure in drawn.items():
        if figure is not None:
            paths.append(folder / f"{name}.png")
            figure.savefig(paths[-1], dpi=130)
    return paths


def _axes(title: str, across: str, up: str) -> tuple[Any, Any]:
    figure = require_matplotlib().Figure(figsize=(6.4, 4.8), layout="constrained")
    axes = figure.add_subplot(title=title, xlabel=across, ylabel=up)
    axes.grid(alpha=0.3)
    return figure, axes


def _roc(evidence: Evidence) -> Any:
    clips, windows = evidence.clips, evidence.windows
    figure, axes = _axes("Gunshots told from other sounds", "false-positive rate", "recall")
    curves = {
        "clips: every other sound": (clips, clips.classes != "" if clips.examples else []),
        "clips: fireworks": (clips, np.isin(clips.classes, ["gunshot", "fireworks"])),
        "live fire: background of the same sensors": (windows, windows.classes != "" if windows.examples else []),
    }
    lines = 0
    for name, (answers, keep) in curves.items():
        kept = answers.take(keep)
        if kept.examples and kept.positive.any() and not kept.positive.all():
            weights = None if name.startswith("live") else session_weights(kept.sessions)
            axes.step(*roc_points(kept.gunshot, kept.positive, weights), where="post", label=name)
            lines += 1
    if not lines:
        return None
    axes.set(xscale="symlog", xlim=(0, 1), ylim=(0, 1.01))
    axes.set_xscale("symlog", linthresh=0.01)
    axes.set_xticks([0, 0.01, 0.1, 1], ["0", "1 %", "10 %", "100 %"])
    axes.legend(loc="lower right")
    return figure


def _reliability(evidence: Evidence) -> Any:
    figure, axes = _axes("Reliability of the gunshot probability", "stated probability", "share that were gunshots")
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
    for name, answers in (("clips", evidence.clips), ("live-fire windows", evidence.windows)):
        if answers.examples:
            weights = session_weights(answers.sessions) if name == "clips" else None
            bins = reliability(answers.gunshot, answers.positive, weights)
            line = axes.plot([bin.stated for bin in bins], [bin.observed for bin in bins], marker="", label=name)[0]
            areas = [20 + 400 * bin.share for bin in bins]
            axes.scatter(
                [bin.stated for bin in bins], [bin.observed for bin in bins], areas, color=line.get_color(), alpha=0.5
            )
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.legend(loc="upper left", title="area: share of the answers")
    return figure


def _false_alarms(evidence: Evidence) -> Any:
    heard = evidence.heard
    if not heard.shots or not heard.stretches:
        return None
    figure, axes = _axes("False alarms an hour", "recall, a session counting once", "false alarms a sensor-hour")
    thresholds = np.unique([0.0, *(shot.probability for shot in heard.shots)])[1:]
    for name, stretches in strata(heard).items():
        if name in _STRATA:
            found = [alarms(stretches, threshold) for threshold in thresholds]
            recalls = [recall(heard.shots, threshold) for threshold in thresholds]
            rates = [item.per_hour for item in found if item is not None]
            hours = sum(stretch.duration_s for stretch in stretches) / 3600
            line = axes.step(recalls, [rate.value for rate in rates], label=f"{_STRATA[name]}, {hours:.2f} h")[0]
            lows, highs = [rate.low for rate in rates], [rate.high for rate in rates]
            axes.fill_between(recalls, lows, highs, step="pre", color=line.get_color(), alpha=0.12)
    axes.set_yscale("symlog", linthresh=1)
    axes.set(xlim=(0, 1.01), ylim=(0, None))
    axes.legend(loc="upper left")
    return figure


def _recall_by_distance(evidence: Evidence) -> Any:
    if not evidence.windows.positive.any():
        return None
    figure, axes = _axes("Live fire: recall by distance", "distance from the muzzle", "recall")
    rows = by_distance(evidence.windows).rows
    for name, shift in (("recall_at_1_%_false_positives", -0.08), ("recall_at_the_card's_threshold", 0.08)):
        cells = [row[name] for row in rows]
        intervals = [cell for cell in cells if isinstance(cell, Interval)]
        places = np.arange(len(intervals)) + shift
        values = np.array([cell.value for cell in intervals])
        below = values - [cell.low for cell in intervals]
        above = np.array([cell.high for cell in intervals]) - values
        errors = np.maximum([below, above], 0)
        axes.errorbar(places, values, yerr=errors, fmt="o", capsize=3, label=name.replace("_", " "))
    axes.set_xticks(range(len(rows)), [f"{row['distance']}\n{row['gunshot_windows']} windows" for row in rows])
    axes.set_ylim(0, 1.03)
    axes.legend(loc="lower left")
    return figure
