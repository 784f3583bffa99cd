"""What ``tocsin audit`` gives: figures as text, a page, a folder of tables, and two documents for the public."""

import json
import re
from pathlib import Path
from typing import Any

from tocsin import __version__
from tocsin.evaluation.audit.auditing import Audit
from tocsin.evaluation.audit.page import lead, page_of
from tocsin.evaluation.audit.public import publish
from tocsin.evaluation.audit.words import ends_of, interval, value
from tocsin.evaluation.report.data_files import json_text
from tocsin.evaluation.report.page import Page
from tocsin.evaluation.report.templating import environment, write_text

DATA_SHEET, IMPACT_REPORT = "data_sheet.md", "impact_report.md"


def as_markdown(page: Page) -> str:
    """The answers in short, then every table."""
    lines = [f"# {page.title}", "", page.lead, ""]
    lines += [f"- {name}: {fact}" for name, fact in page.facts]
    lines += ["", "## In short", ""]
    for answer in page.answers:
        ends = f" ({answer.interval})" if answer.interval else ""
        lines.append(f"- **{answer.question}** {answer.answer}{ends}")
    own = ("area", "figure_costs")  # that no table of the page repeats
    sections = [section.markdown() for answer in page.answers for section in answer.sections if section.key in own]
    return "\n".join([*lines, "", *sections, *(section.markdown() for section in page.sections)])


def as_json(page: Page) -> str:
    """The same for programs: a key a table, whose ``rows`` are its rows."""
    sections = {section.key: json.loads(json_text(section)) for section in page.tables()}
    content = {
        "schema_version": 1,
        "tocsin": __version__,
        "title": page.title,
        "lead": page.lead,
        "facts": dict(page.facts),
        "answers": [
            {name: getattr(answer, name) for name in ("question", "answer", "interval", "definition", "caveat")}
            for answer in page.answers
        ],
        "provenance": dict(page.provenance),
        "sections": sections,
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_document(name: str, path: Path, found: Audit) -> None:
    """A document of the public figures in Markdown, of a template: ``DATA_SHEET`` or ``IMPACT_REPORT``.

    Raises ``TocsinError`` where it cannot be written, or jinja2 is not installed.
    """
    shown = publish(found)
    page = page_of(found, public=True)
    text = (
        _templates()
        .get_template(name)
        .render(
            audit=shown, records=shown.records, page=page, lead=lead(shown), version=__version__, metrics=shown.metrics
        )
    )
    text = re.sub(r"\|\n- ", "|\n\n- ", text)  # a list below a table
    # What a figure that is not there leaves behind: empty lines between items, and several of them.
    text = re.sub(r"\n{3,}", "\n\n", re.sub(r"^(- .*)\n+(?=- )", r"\1\n", text, flags=re.MULTILINE)).rstrip() + "\n"
    write_text(path, text)


def _templates() -> Any:
    templates = environment("documents need", "tocsin.evaluation.audit", autoescape=False)  # Markdown
    templates.filters |= {
        "value": value,
        "interval": interval,
        "ends": lambda metric: ends_of(metric.value, metric.unit) or "–",
        "cell": lambda text: " ".join(str(text).split()).replace("|", "\\|"),
    }
    return templates
