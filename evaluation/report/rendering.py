"""A page as HTML: one file that holds all it shows and plays, and asks no network for anything."""

import base64
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from tocsin import __version__
from tocsin.evaluation.measures.intervals import Interval
from tocsin.evaluation.report.data_files import csv_text, file_stem, json_text
from tocsin.evaluation.report.page import Page
from tocsin.evaluation.report.section import Cell, Section, text
from tocsin.evaluation.report.svg import with_token
from tocsin.evaluation.report.templating import environment, write_text


def render(page: Page) -> str:
    """The page as HTML. The same page gives the same text.

    Whatever it says is escaped, and its content security policy forbids every request and every script but its own.
    Raises ``TocsinError`` where jinja2 is not installed.
    """
    templates = environment("the page needs", "tocsin.evaluation.report", autoescape=True)
    source = templates.loader.get_source
    script = source(templates, "page.js")[0]
    templates.globals |= {
        "cell_text": text,
        "cell_order": _order,
        "numeric": _numerics(),
        "csv_link": lambda section: _link("text/csv", csv_text(section)),
        "json_link": lambda section: _link("application/json", json_text(section)),
        "file_stem": file_stem,
        "anchors": _anchors(),
        "drawing": _drawings(),
        "version": __version__,
        "style": source(templates, "page.css")[0],
        "script": script,
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    }
    return templates.get_template("page.html").render(page=page)


def write_page(page: Page, path: Path) -> None:
    """Write the page to a file. Raises ``TocsinError`` where that cannot be done, or jinja2 is not installed."""
    write_text(path, render(page))


def _anchors() -> Callable[[str], str]:
    """A function that makes an id of words, another one each time."""
    taken: set[str] = set()

    def anchor(words: str) -> str:
        stem = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:40].rstrip("-") or "part"
        name, number = stem, 1
        while name in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name)
        return name

    return anchor


def _drawings() -> Callable[[str], str]:
    """A function that gives each drawing ids of its own."""
    count = 0

    def drawing(svg: str) -> str:
        nonlocal count
        count += 1
        return with_token(svg, f"drawing-{count}")

    return drawing


def _link(kind: str, content: str) -> str:
    return f"data:{kind};charset=utf-8;base64,{base64.b64encode(content.encode()).decode()}"


def _numerics() -> Callable[[Section, str], bool]:
    """:func:`_numeric` that looks at each column once, not again for each of its rows."""
    known: dict[tuple[int, str], bool] = {}

    def numeric(section: Section, name: str) -> bool:
        # The page keeps its sections, so that no other gets the same number meanwhile.
        key = id(section), name
        if key not in known:
            known[key] = _numeric(section, name)
        return known[key]

    return numeric


def _numeric(section: Section, name: str) -> bool:
    """Whether a column holds numbers alone, so that it is set and sorted as numbers are."""
    cells = [row[name] for row in section.rows if row[name] is not None]
    return bool(cells) and not any(isinstance(cell, str) for cell in cells)


def _order(cell: Cell) -> float | str:
    """What a column is sorted by."""
    if cell is None:
        return ""
    return cell.value if isinstance(cell, Interval) else cell
