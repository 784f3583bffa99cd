"""A chosen threshold put into a weight card, with the evidence for it."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tocsin import TocsinError, __version__
from tocsin.evaluation.bench.evaluation import Evaluation
from tocsin.evaluation.bench.operating_point import OperatingPoint
from tocsin.evaluation.measures.intervals import Interval
from tocsin.inference.model import Model
from tocsin.models.card import WeightCard


def write_card(weights: Path, out: Path, evaluation: Evaluation, point: OperatingPoint) -> WeightCard:
    """Copy exported weights to ``out``, with the threshold of an operating point and its evidence in the card.

    The card's ``threshold_basis`` says in a sentence what the threshold was chosen for and on what; its ``results``
    get ``operating_point`` with all figures. Returns the new card, which also lies beside the file as ``.json``.

    Raises:
        TocsinError: ``out`` is the file itself, cannot be written, or the package onnx is not installed.
    """
    if out.suffix != ".onnx":
        raise TocsinError(f"{out}: a weight card travels in its weights: name a file that ends in .onnx")
    if out.exists() and out.samefile(weights):
        raise TocsinError(f"{out}: these are the weights that were evaluated: give another file to write to")
    try:
        from tocsin.models.model_file import recalibrate
    except ModuleNotFoundError as error:
        raise TocsinError('--write-card needs onnx: type pip install "tocsin[analysis]"') from error
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(weights, out)
        results = {**Model(weights).card.results, "operating_point": _evidence(evaluation, point)}
        return recalibrate(out, threshold=point.threshold.value, basis=_basis(evaluation, point), results=results)
    except OSError as error:
        raise TocsinError(f"{out} cannot be written ({error.strerror}): choose another file") from error


def _basis(evaluation: Evaluation, point: OperatingPoint) -> str:
    log, counts = evaluation.log, evaluation.counts
    return (
        f"{point.said}: chosen on {len(log.recordings)} recordings of {len(counts.sessions)} sessions, "
        f"{float(counts.hours.sum()):.4g} hours without gunfire, {len(counts.found_at)} sounds"
    )


def _evidence(evaluation: Evaluation, point: OperatingPoint) -> dict[str, Any]:
    log, counts = evaluation.log, evaluation.counts
    return {
        "asked_for": point.said,
        "threshold": _plain(point.threshold),
        "recall": _plain(point.recall),
        "recall_unseen": _plain(point.unseen_recall),
        "false_alarms": point.alarms,
        "hours": float(counts.hours.sum()),
        "false_alarms_per_hour": _plain(point.poisson),
        "false_alarms_per_hour_unseen": _plain(point.unseen_rate),
        "sounds": len(counts.found_at),
        "recordings": len(log.recordings),
        "sessions": len(counts.sessions),
        "onset_collar_s": evaluation.collar_s,
        "one_alarm_s": evaluation.one_alarm_s,
        "tocsin": __version__,
        "date": datetime.now(UTC).date().isoformat(),
    }


def _plain(interval: Interval | None) -> dict[str, float] | None:
    return None if interval is None else {name: float(value) for name, value in interval._asdict().items()}
