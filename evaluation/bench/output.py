"""What ``tocsin evaluate`` gives: figures as text, a page, a folder of tables and labels, a weight card."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tocsin import TocsinError, __version__
from tocsin.evaluation.bench.card import write_card
from tocsin.evaluation.bench.comparison import Comparison
from tocsin.evaluation.bench.errors import worst_errors
from tocsin.evaluation.bench.evaluation import Evaluation
from tocsin.evaluation.bench.needed import needed
from tocsin.evaluation.bench.operating_point import Budget
from tocsin.evaluation.bench.page import page_of
from tocsin.evaluation.bench.reading.labels_out import LabelFormat, write_labels
from tocsin.evaluation.bench.sections import comparison_sections, sections_of
from tocsin.evaluation.report.data_files import write_data
from tocsin.evaluation.report.page import Page
from tocsin.evaluation.report.section import Section

ENDINGS = {"raven": "errors.selections.txt", "audacity": "errors.labels.txt", "dcase": "errors.tsv"}


def as_markdown(evaluation: Evaluation, comparison: Comparison | None) -> str:
    """The figures for people, those that are asked first at the top."""
    sections = [section.markdown() for section in _sections(evaluation, comparison)]
    more = list(needed(evaluation.counts, evaluation.threshold, _budgets(evaluation)))
    if more:
        sections.append("## What would make these figures surer?\n\n" + "\n".join(f"- {one}" for one in more) + "\n")
    return "\n".join([f"# How often is {evaluation.log.detector} wrong?\n", *sections])


def as_json(evaluation: Evaluation, comparison: Comparison | None, inputs: Sequence[tuple[str, str]]) -> str:
    """The figures for programs: a key a section, whose ``rows`` are the table."""
    report = {
        "schema_version": 1,
        "tocsin": __version__,
        "detector": evaluation.log.detector,
        "against": comparison.second.log.detector if comparison else None,
        "target": evaluation.log.target,
        "threshold": evaluation.threshold,
        "threshold_said": evaluation.threshold_said,
        "inputs": dict(inputs),
        "needed": list(needed(evaluation.counts, evaluation.threshold, _budgets(evaluation))),
        "sections": {section.key: section.plain() for section in _sections(evaluation, comparison)},
    }
    return json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def require_page_name(path: Path) -> None:
    """Raises ``TocsinError`` where a file for the report is not named as a page."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise TocsinError(f"{path}: the report is a page: name a file that ends in .html")


def page_with_versions(
    evaluation: Evaluation, comparison: Comparison | None, inputs: Sequence[tuple[str, str]], players: bool
) -> Page:
    """The page with the versions and hashes that its figures depend on; as :func:`page_of`."""
    versions = [("Tocsin", __version__), ("Python", sys.version.split()[0])]
    return page_of(evaluation, comparison, [*versions, *inputs], players)


def write_folder(folder: Path, page: Page, evaluation: Evaluation, labels: LabelFormat) -> list[Path]:
    """Every table and curve as CSV and JSON, and the errors as labels of a format; returns what was written.

    Raises ``TocsinError`` where it cannot be written.
    """
    written = write_data(page, folder)
    errors = worst_errors(evaluation)
    sounds = errors["sound"].where(errors["sound"] == "", ": " + errors["sound"])
    frame = errors.assign(label=errors["error"] + sounds)
    return written + write_labels(frame, labels, folder / ENDINGS[labels], evaluation.log.recordings)


def write_weights(path: Path, weights: Path | None, evaluation: Evaluation) -> None:
    """The weights with the first operating point in their card.

    Raises:
        TocsinError: not one file of weights listened, no operating point was asked for, or it cannot be written.
    """
    if weights is None:
        raise TocsinError("--write-card needs one file of weights that listens: give --model, and no detections")
    if not evaluation.points:
        raise TocsinError('--write-card needs an operating point: add for example --budget "1 per sensor-day"')
    basis, point = evaluation.points[0]
    if point is None:
        raise TocsinError(f"no threshold gives {basis.said} on these recordings: nothing is written")
    write_card(weights, path, evaluation, point)


def _sections(evaluation: Evaluation, comparison: Comparison | None) -> list[Section]:
    return [*(comparison_sections(comparison) if comparison else []), *sections_of(evaluation)]


def _budgets(evaluation: Evaluation) -> tuple[Budget, ...]:
    return tuple(basis for basis, _ in evaluation.points if isinstance(basis, Budget))
