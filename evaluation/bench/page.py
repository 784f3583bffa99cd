"""An evaluation as a page: the questions of whoever decides, then the worst errors to hear, then all tables."""

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import PurePath
from typing import Any

import numpy as np

from tocsin.evaluation.bench import answers
from tocsin.evaluation.bench.comparison import Comparison
from tocsin.evaluation.bench.errors import MISSED, describe, worst_errors
from tocsin.evaluation.bench.evaluation import Evaluation
from tocsin.evaluation.bench.needed import needed
from tocsin.evaluation.bench.operating_point import Budget
from tocsin.evaluation.bench.sections import detector_names, summary, thresholds
from tocsin.evaluation.bench.words import percent, rate_in_words
from tocsin.evaluation.report.page import Answer, ErrorClip, Page
from tocsin.evaluation.report.sounds import excerpt

WORST = 8  # errors of either kind that can be heard
Provenance = Sequence[tuple[str, str]]


def page_of(
    evaluation: Evaluation, comparison: Comparison | None = None, provenance: Provenance = (), players: bool = True
) -> Page:
    """The page of an evaluation, or of two detectors of which it is the first.

    Recordings whose files are not there have no players; without ``players`` no error is shown at all. Raises
    ``TocsinError`` where matplotlib or librosa is missing.
    """
    log, counts = evaluation.log, evaluation.counts
    possible = [
        answers.false_alarms(evaluation),
        answers.found(evaluation),
        answers.which_threshold(evaluation),
        answers.right(evaluation),
        answers.recordings(evaluation),
        answers.probabilities(evaluation),
        answers.when_and_where(evaluation),
    ]
    shown = [answer for answer in possible if answer is not None]
    if comparison is not None:
        shown.insert(0, answers.which_of_two(comparison))
    budgets = tuple(basis for basis, _ in evaluation.points if isinstance(basis, Budget))
    return Page(
        title=f"How often is {log.detector} wrong?" if comparison is None else _versus(comparison),
        lead=_lead(evaluation),
        facts=[
            ("Detector", log.detector),
            ("Target", log.target),
            ("Threshold", f"{evaluation.threshold:.4g}"),
            ("Chosen for", evaluation.threshold_said),
            ("Recordings", f"{len(log.recordings):,} of {len(counts.sessions):,} sessions"),
            ("Hours", f"{log.hours:,.4g}"),
            (f"Hours without {log.target}", f"{counts.hours.sum():,.4g}"),
            ("True sounds", f"{len(counts.found_at):,}"),
            ("Detections", f"{len(log.detections):,}"),
        ],
        answers=[*shown, *_more(needed(counts, evaluation.threshold, budgets))],
        errors=[] if not players else _errors(evaluation) if comparison is None else _only_one(comparison),
        sections=[summary(evaluation), thresholds(evaluation)],
        methods=_methods(evaluation),
        provenance=provenance,
    )


def _lead(evaluation: Evaluation) -> str:
    counts, threshold = evaluation.counts, evaluation.threshold
    recall, rate = counts.recall(threshold), counts.poisson(threshold)
    said = []
    if recall is not None:
        said.append(f"finds {percent(recall)} of the true sounds")
    if rate is not None:
        said.append(f"raises {rate_in_words(rate)}")
    at = f"at its threshold of {threshold:.4g}"
    return f"{evaluation.log.detector} {' and '.join(said) or 'said nothing that can be judged'} {at}."


def _more(sentences: Iterable[str]) -> list[Answer]:
    said = list(sentences)
    if not said:
        return []
    return [
        Answer(
            "What would make these figures surer?",
            said[0],
            "",
            " ".join(said[1:]),
        )
    ]


def _errors(evaluation: Evaluation) -> list[ErrorClip]:
    return [_clip(row, "") for row in worst_errors(evaluation, WORST).to_dict("records")]


def _only_one(comparison: Comparison) -> list[ErrorClip]:
    pair, clips = (comparison.first, comparison.second), []
    alarms, missed = comparison.alarms_of_one(), comparison.missed_by_one()
    for evaluation, name, raised, lost in zip(pair, detector_names(comparison), alarms, missed, strict=True):
        half = max(WORST // 2, 1)
        frames = (describe(evaluation, raised, half), describe(evaluation, lost.sort_values("found_at"), half))
        clips += [_clip(row, name) for row in chain(*(frame.to_dict("records") for frame in frames))]
    return clips


def _clip(row: dict[str, Any], detector: str) -> ErrorClip:
    score, onset_s = float(row["score"]), float(row["onset_s"])
    missed = row["error"] == MISSED
    of = f" by {detector} alone" if detector else ""
    what = f"Missed{of}" if missed else f"False alarm{of}"
    sound = str(row["sound"])
    if np.isnan(score):
        said = "detected at no threshold"
    else:
        said = f"found only below {score:.3g}" if missed else f"score {score:.3g}"
    path, name = str(row["path"]), PurePath(str(row["recording"])).name
    return ErrorClip(
        title=f"{name} at {onset_s:.2f} s",
        what=f"{what}: {sound}" if sound else what,
        score=said,
        excerpt=excerpt(path, float(row["in_file_s"]), f"{name} at {onset_s:.2f} s"),
        details=[("File", path)] if path else [],
    )


def _methods(evaluation: Evaluation) -> list[tuple[str, str]]:
    return [
        (
            "Matching",
            f"One to one by onset, {evaluation.collar_s:g} s to either side, as many as can be matched "
            "(Mesaros, Heittola and Virtanen 2016, section 4.2).",
        ),
        ("Alarms", f"Detections within {evaluation.one_alarm_s:g} s of the one before are the same alarm."),
        (
            "Rates",
            "Exact interval of a Poisson count (Garwood 1936); over sessions, that of a count over its dispersion "
            "between them (McCullagh and Nelder 1989, section 6.2.3).",
        ),
        (
            "Shares",
            "Exact binomial interval of as many cases as the sessions are worth (Korn and Graubard 1998). All or none "
            "found counts a session as one case.",
        ),
        (
            "Sessions",
            "What was recorded together. Everything else is drawn by whole sessions (Hesterberg 2015, expanded "
            "percentiles, or the jackknife where it is wider), never by windows.",
        ),
    ]


def _versus(comparison: Comparison) -> str:
    names = detector_names(comparison)
    return f"{names[0]} against {names[1]}"
