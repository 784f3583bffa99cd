"""The sections of the standard report on single answers: clips, live fire, calibration, open set."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tocsin.data.labels import CLASSES
from tocsin.data.splits import session_weights
from tocsin.evaluation.hearing.evidence import Answers
from tocsin.evaluation.hearing.hard_negatives import confused_labels
from tocsin.evaluation.measures.calibration import BINS, at_share, brier_score, expected_calibration_error
from tocsin.evaluation.measures.classification import (
    area_under_roc,
    confusion_matrix,
    recall_at_false_positive_rate,
    session_interval,
    share_interval,
)
from tocsin.evaluation.measures.intervals import Interval
from tocsin.evaluation.report.section import Cell, Section

FALSE_POSITIVE_RATE = 0.01
DISTANCES_M = (0, 100, 200, 300, 450, 600, 1000)
SNRS_DB = (-np.inf, 10, 20, 30, 40, np.inf)


def area(scores: NDArray[np.float64], positive: NDArray[np.bool_], sessions: Sequence[str]) -> Interval | None:
    """Area under the ROC curve, a session counting once, with its interval; None where a side is missing."""
    if positive.all() or not positive.any():
        return None
    return session_interval(area_under_roc, scores, positive, sessions)


def window_figures(
    scores: NDArray[np.float64], positive: NDArray[np.bool_], sensors: Sequence[str]
) -> tuple[Interval | None, Interval | None]:
    """Area, and recall at 1 % false positives, a window counting once, with intervals over sensors."""
    if positive.all() or not positive.any():
        return None, None
    ones = np.ones(len(scores))
    return (
        session_interval(area_under_roc, scores, positive, sensors, ones),
        session_interval(_recall, scores, positive, sensors, ones),
    )


def by_source(clips: Answers) -> Section:
    """Gunshots against the rest and against fireworks, pooled, and for every source on either side."""
    scores, positive, sessions = clips.gunshot, clips.positive, np.array(clips.sessions)
    fireworks = clips.classes == "fireworks"
    sources = np.array([example.source for example in clips.examples])

    def between(gunshots: NDArray[np.bool_], others: NDArray[np.bool_]) -> Interval | None:
        keep = gunshots | others
        return area(scores[keep], positive[keep], sessions[keep].tolist())

    rows: list[dict[str, Cell]] = []
    for source in ["all", *sorted(set(sources))]:
        mine = np.full(len(sources), True) if source == "all" else sources == source
        rows.append(
            {
                "source": source,
                "clips": int(mine.sum()),
                "sessions": len(set(sessions[mine])),
                "its_gunshots_v_all_other_clips": between(positive & mine, ~positive),
                "its_gunshots_v_all_fireworks": between(positive & mine, fireworks),
                "all_gunshots_v_its_other_clips": between(positive, ~positive & mine),
                "all_gunshots_v_its_fireworks": between(positive, fireworks & mine),
            }
        )
    counts = ", ".join(
        f"{name} {(clips.classes == name).sum()} of {len(set(sessions[clips.classes == name]))}"
        for name in CLASSES
        if (clips.classes == name).any()
    )
    note = (
        f"Area under the ROC curve; a session counts once; 95 % intervals over sessions. Clips of sessions: {counts}."
    )
    return Section("clips_by_source", "Gunshots among clips", note, rows)


def confusion(clips: Answers) -> Section:
    """What each true class was called."""
    weights = session_weights(clips.sessions)
    matrix = confusion_matrix(clips.classes.tolist(), clips.called.tolist(), CLASSES, weights)
    rows: list[dict[str, Cell]] = []
    for name, row in zip(CLASSES, matrix, strict=True):
        shares = row / row.sum() if row.sum() else [None] * len(CLASSES)
        cells = {
            f"called_{called}": None if share is None else float(share)
            for called, share in zip(CLASSES, shares, strict=True)
        }
        rows.append({"true_class": name, **cells})
    right = np.trace(matrix) / matrix.sum()
    note = f"Share of each true class, a session counting once; {right:.3f} of all right. – means no recordings."
    return Section("confusion", "The likeliest class", note, rows)


def hard_negatives(clips: Answers) -> Section:
    """Which sounds are taken for gunshots."""
    others = clips.take(~clips.positive)
    rows: list[dict[str, Cell]] = [
        {
            "sound": row.label,
            "class": row.class_name,
            "clips": row.clips,
            "sessions": row.sessions,
            "called_gunshot": row.called_gunshot,
            "above_threshold": row.above_threshold,
        }
        for row in confused_labels(others.examples, others.probabilities, others.thresholds)
    ]
    note = "Share of clips whose likeliest class is gunshot, and whose probability of one reaches the card's threshold."
    return Section("hard_negatives", "What is taken for a gunshot", note, rows)


def by_position(windows: Answers) -> Section:
    """The live fire by firing position, each heard by a model that never heard it."""
    groups = np.array([example.group for example in windows.examples])
    rows: list[dict[str, Cell]] = []
    for group in ["all", *sorted(set(groups))]:
        mine = windows.take(np.full(len(groups), True) if group == "all" else groups == group)
        roc_area, found = window_figures(mine.gunshot, mine.positive, mine.sessions)
        rows.append(
            {
                "position": group,
                "gunshot_windows": int(mine.positive.sum()),
                "background_windows": int((~mine.positive).sum()),
                "sensors": len(set(mine.sessions)),
                "area_under_roc": roc_area,
                "recall_at_1_%_false_positives": found,
            }
        )
    note = "Windows of gunshots against background of the same sensors, never zeroed audio; intervals over sensors."
    return Section("live_fire_by_position", "Live fire from positions never heard", note, rows)


def by_distance(windows: Answers) -> Section:
    """Recall on the live fire by the distance of the sensor."""
    distances = [example.distance_m for example in windows.examples]
    return _by_steps(windows, distances, DISTANCES_M, "distance", "m", "Recall by distance from the muzzle")


def by_snr(windows: Answers) -> Section:
    """Recall on the live fire by the peak of the shot over the noise before it."""
    ratios = [example.snr_db for example in windows.examples]
    return _by_steps(windows, ratios, SNRS_DB, "snr", "dB", "Recall by peak over the noise before it")


def _by_steps(
    windows: Answers, values: Sequence[float | None], edges: Sequence[float], name: str, unit: str, title: str
) -> Section:
    scores, positive = windows.gunshot, windows.positive
    both = positive.any() and not positive.all()
    strict = recall_at_false_positive_rate(scores, positive, FALSE_POSITIVE_RATE).threshold if both else np.inf
    thresholds, sessions = np.array(windows.thresholds), np.array(windows.sessions)
    known = np.array([np.nan if value is None else value for value in values], dtype=float)
    rows: list[dict[str, Cell]] = []
    for low, high in pairwise(edges):
        inside = positive & (known >= low) & (known < high)
        if inside.any():
            at_rate, at_card = (
                share_interval(scores[inside] >= threshold, sessions[inside].tolist())
                for threshold in (strict, thresholds[inside])
            )
            span = f"below {high:g} {unit}" if low == -np.inf else f"{low:g}–{high:g} {unit}"
            rows.append(
                {
                    name: f"{low:g} {unit} and more" if high == np.inf else span,
                    "gunshot_windows": int(inside.sum()),
                    "sensors": len(set(sessions[inside])),
                    "recall_at_1_%_false_positives": at_rate,
                    "recall_at_the_card's_threshold": at_card,
                }
            )
    note = (
        f"Live fire; 1 % of its background windows reach a gunshot probability of {strict:.4f}. Intervals over sensors."
    )
    return Section(f"live_fire_by_{name}", title, note, rows)


def calibration(clips: Answers, windows: Answers, judges: Sequence[str]) -> Section:
    """Whether the probabilities of the judging weights, named by ``judges``, mean what they say."""
    rows: list[dict[str, Cell]] = []
    for name, answers in (("clips", clips), ("live-fire windows", windows)):
        if not answers.examples:
            continue
        weights = session_weights(answers.sessions) if name == "clips" else np.ones(len(answers.examples))
        highest = np.array([max(answer.values()) for answer in answers.probabilities])
        judged = [
            ("likeliest class", highest, answers.called == answers.classes),
            ("gunshot", answers.gunshot, answers.positive),
        ]
        taught = [share for share in answers.gunshot_shares if share is not None]
        if len(taught) == len(answers.examples):
            shifted = at_share(answers.gunshot, taught, float(np.average(answers.positive, weights=weights)))
            judged.append(("gunshot, at the recordings' share", shifted, answers.positive))
        for what, stated, true in judged:
            both = true.any() and not true.all()
            error, brier = (
                session_interval(score, stated, true, answers.sessions, weights) if both else None
                for score in (expected_calibration_error, brier_score)
            )
            rows.append(
                {
                    "recordings": name,
                    "sessions": len(set(answers.sessions)),
                    "probability": what,
                    "expected_calibration_error": error,
                    "brier_score": brier,
                    "mean_stated": float(np.average(stated, weights=weights)),
                    "came_true": float(np.average(true, weights=weights)),
                }
            )
    note = (
        f"{BINS} bins of equal width. Of {', '.join(judges)}, each recording is judged by the first that never met its "
        "session, by the temperature of its own card. A clip's answer is that of its highest gunshot window, as "
        "`tocsin classify` says it. Of clips a session counts once, of windows each; 95 % intervals over sessions, "
        "which for the live fire are sensors of a position. Figures hold for this mixture of sounds. Probabilities are "
        "stated for the share of gunshots in training; in the rows at the recordings' share Bayes' rule shifts them to "
        "that."
    )
    return Section("calibration", "Calibration", note, rows)


def open_set(clips: Answers) -> Section:
    """Sounds of labels that no training class contained."""
    rows: list[dict[str, Cell]] = [
        {
            "sound": row.label,
            "clips": row.clips,
            "sessions": row.sessions,
            "mean_highest_probability": row.mean_highest,
            "called_gunshot": row.called_gunshot,
            "above_threshold": row.above_threshold,
        }
        for row in confused_labels(clips.examples, clips.probabilities, clips.thresholds)
    ]
    note = "Sounds whose label the judging weights were not trained on, or that were named with --open-set."
    return Section("open_set", "Sounds of no class that was taught", note, rows)


def _recall(scores: NDArray[np.float64], positive: NDArray[np.bool_], weights: NDArray[np.float64]) -> float:
    return recall_at_false_positive_rate(scores, positive, FALSE_POSITIVE_RATE, weights).recall
