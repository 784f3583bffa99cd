"""The numbers of a page as files: a CSV and a JSON of every table and figure, and each figure's drawing."""

import csv
import io
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tocsin import TocsinError
from tocsin.evaluation.measures.intervals import Interval
from tocsin.evaluation.report.page import Page
from tocsin.evaluation.report.section import Cell, Section


def csv_text(section: Section) -> str:
    """A table as CSV; an interval takes three columns: ``name``, ``name_low`` and ``name_high``."""
    with_interval = _with_interval(section)
    rows = [_flat(row, with_interval) for row in section.rows]
    written = io.StringIO()
    if rows:
        writer = csv.DictWriter(written, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return written.getvalue()


def json_text(section: Section) -> str:
    """A table as JSON: ``title``, ``note`` and ``rows``; what is no finite number is null."""
    return json.dumps(_finite(section.plain()), indent=1, ensure_ascii=False) + "\n"


def write_data(page: Page, folder: Path) -> list[Path]:
    """Write every table as ``KEY.csv`` and ``KEY.json`` into a folder, and every drawing as ``KEY.svg``.

    Returns the paths. Raises ``TocsinError`` for two different tables of one key, and for a folder that cannot be
    written.
    """
    texts: dict[str, str] = {}
    for section in page.tables():
        name = file_stem(section)
        files = {f"{name}.csv": csv_text(section), f"{name}.json": json_text(section)}
        if any(texts.get(file, content) != content for file, content in files.items()):
            raise TocsinError(f"two tables of the report have the key {section.key}: expected one for each")
        texts |= files
    for answer in page.answers:
        if answer.figure and answer.figure.data:
            texts[f"{file_stem(answer.figure.data)}.svg"] = answer.figure.svg + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise TocsinError(f"{folder} cannot be written: {error.strerror}") from error
    return [folder / name for name in texts]


def file_stem(section: Section) -> str:
    """The key of a table as the name of a file, whatever letters it has."""
    return re.sub(r"[^\w-]+", "_", section.key) or "_"


def _with_interval(section: Section) -> frozenset[str]:
    """The columns that hold an interval in any row."""
    return frozenset(name for row in section.rows for name, cell in row.items() if isinstance(cell, Interval))


def _flat(row: Mapping[str, Cell], with_interval: frozenset[str]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, cell in row.items():
        if name in with_interval:
            value, low, high = cell if isinstance(cell, Interval) else (cell, None, None)
            flat |= {name: value, f"{name}_low": low, f"{name}_high": high}
        else:
            flat[name] = cell
    return flat


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
