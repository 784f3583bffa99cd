"""``tocsin audit``: a deployment against what was later confirmed; also ``init``, ``compare`` and ``power``."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from tocsin import TocsinError
from tocsin.data.complaints import complain
from tocsin.evaluation.audit.auditing import audit
from tocsin.evaluation.audit.comparison.commands import compare, power
from tocsin.evaluation.audit.of_area import area_section
from tocsin.evaluation.audit.output import DATA_SHEET, IMPACT_REPORT, as_json, as_markdown, write_document
from tocsin.evaluation.audit.page import page_of
from tocsin.evaluation.audit.problems import problem_lines
from tocsin.evaluation.audit.public import without_small_columns
from tocsin.evaluation.audit.reading.guessing import UNSURE, guess_mapping
from tocsin.evaluation.audit.reading.records_reader import read_records
from tocsin.evaluation.audit.reading.settings_file import FILE, TABLE_ENDINGS, mapping_names, read_settings
from tocsin.evaluation.audit.records import Records
from tocsin.evaluation.report.data_files import write_data
from tocsin.evaluation.report.rendering import write_page


def main(words: Sequence[str]) -> int:
    """Run ``tocsin audit`` with the words after the verb; returns the exit code.

    The first word may be ``run``, ``init``, ``compare`` or ``power``; anything else is the path to run the audit of.
    """
    verbs: dict[str, Callable[..., None]] = {"run": run, "init": init, "compare": compare, "power": power}
    verb, rest = (words[0], words[1:]) if words and words[0] in verbs else ("run", words)
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(help=verbs[verb].__doc__)(verbs[verb])
    app(args=list(rest), prog_name=f"tocsin audit {verb}" if rest is not words else "tocsin audit")
    return 0


def run(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="folder with audit.yaml and its tables, that file, or a table")
    ],
    mapping: Annotated[
        str | None, typer.Option(help=f"how to read a public export: {', '.join(mapping_names())}")
    ] = None,
    area: Annotated[str | None, typer.Option(help="an area, whose figures are set beside the whole")] = None,
    report: Annotated[Path | None, typer.Option(help="one page with answers, map and tables, as .html")] = None,
    public: Annotated[
        bool, typer.Option("--public", help="leave out all that leads to one person or one door, in every output")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="folder for every table as CSV and JSON, and drawings")] = None,
    data_sheet: Annotated[
        Path | None, typer.Option(help="what was asked, counted and left out, as Markdown; always public")
    ] = None,
    impact_report: Annotated[
        Path | None, typer.Option(help="surveillance-impact report with what the audit knows; always public")
    ] = None,
    format: Annotated[Literal["markdown", "json"], typer.Option(help="of the figures on stdout")] = "markdown",
) -> None:
    """Audit a deployment from tables: how often alerts were right, what they missed, what that costs.

    Also: `tocsin audit init TABLE…` guesses audit.yaml, `tocsin audit compare` sets areas with the system against those
    without, `tocsin audit power` says how large a pilot must be.
    """
    if report is not None and report.suffix.lower() not in (".html", ".htm"):
        raise TocsinError(f"{report}: the report is a page: name a file that ends in .html")
    records = _records(path, mapping)
    beside = None if area is None else area_section(records, area)
    if beside is not None and public:
        beside = without_small_columns(beside)
    found = audit(records)
    page = page_of(found, public, beside)
    sys.stdout.write(as_json(page) if format == "json" else as_markdown(page))
    for line in problem_lines(records.problems) if not public else ():
        complain(line)
    if report is not None:
        write_page(page, report)
    if out is not None:
        write_data(page, out)
    for name, document in ((DATA_SHEET, data_sheet), (IMPACT_REPORT, impact_report)):
        if document is not None:
            write_document(name, document, found)


def init(
    tables: Annotated[list[Path], typer.Argument(metavar="TABLE…", help="CSV, Parquet or GeoJSON, in one folder")],
    force: Annotated[bool, typer.Option("--force", help="overwrite an audit.yaml that is there")] = False,
) -> None:
    """Guess audit.yaml from the names and first rows of tables, write it beside them and say what is unsure."""
    folders = {table.parent for table in tables}
    if len({folder.resolve() for folder in folders}) > 1:
        said = ", ".join(sorted(str(folder) for folder in folders))
        raise TocsinError(f"the tables are in several folders ({said}): put them in one, audit.yaml goes there")
    text = guess_mapping(tables)
    target = tables[0].parent / FILE
    if target.exists() and not force:
        raise TocsinError(f"{target} is there already: nothing is written; type --force to overwrite it")
    try:
        target.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise TocsinError(f"{target} cannot be written: {error.strerror}") from error
    sys.stdout.write(text)
    unsure = [line.strip() for line in text.splitlines()[2:] if UNSURE in line]
    complain(f"{target} is written; {len(unsure)} lines are unsure" + (":" if unsure else ""))
    for line in unsure:
        complain(line)
    complain(f"check them, then type: tocsin audit {tables[0].parent}")


def _records(path: Path, mapping: str | None) -> Records:
    """The records of a folder, of its YAML, or of a table that a mapping knows."""
    if path.suffix.lower() not in TABLE_ENDINGS:
        return read_records(path, mapping)
    if mapping is None:
        raise TocsinError(f"{path} is a table: type `tocsin audit init {path}` first, or name a --mapping")
    settings, _ = read_settings(path, mapping)
    files = {table.file for kind in (settings.alerts, settings.calls, settings.shootings) for table in kind}
    if path.name not in files:
        raise TocsinError(f"the mapping {mapping} reads {', '.join(sorted(files))}, found {path.name}: rename it")
    return read_records(path, mapping)
