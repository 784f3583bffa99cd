"""An audit: records, what belongs together in them, every figure and table, made once for all outputs."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tocsin.evaluation.audit.matching import Matches, match_records, sensitivity
from tocsin.evaluation.audit.metrics.links import Links, links_of
from tocsin.evaluation.audit.metrics.metric import Metric
from tocsin.evaluation.audit.metrics.overview import metrics_and_sections
from tocsin.evaluation.audit.problems import problem_lines
from tocsin.evaluation.audit.records import Records
from tocsin.evaluation.report.section import Cell, Section

if TYPE_CHECKING:
    import pandas

UNANSWERED = "unanswered"
_KINDS = ("alerts", "calls", "shootings")


@dataclass(frozen=True)
class Audit:
    """All that an audit found.

    Attributes:
        records: as they were read.
        matches: which alert, call and shooting are the same event.
        links: the same as flags of each row of the records.
        metrics: every figure, by its key.
        sections: the tables of the figures; the last one says what the records cannot answer.
        moves: how the counts move with the tolerances of the matching; empty where nothing was to be matched.
    """

    records: Records
    matches: Matches
    links: Links
    metrics: dict[str, Metric]
    sections: list[Section]
    moves: "pandas.DataFrame | None"

    @cached_property
    def period(self) -> str:
        """First and last day, local, in words."""
        zone = self.records.time_zone
        first, last = self.records.start_utc.tz_convert(zone), self.records.end_utc.tz_convert(zone)
        # The period ends with the end of its last day.
        return f"{first:%-d %B %Y} to {last - (last - first) / 10**9:%-d %B %Y}"

    @cached_property
    def unanswered(self) -> list[tuple[str, str]]:
        """Questions that the records cannot answer, and what they would need."""
        rows = next(section for section in self.sections if section.key == UNANSWERED).rows
        return [(str(row["question"]), str(row["needs"])) for row in rows]


def audit(records: Records) -> Audit:
    """Match the records, and compute every figure and table of them."""
    matches = match_records(records)
    kinds = sum(bool(len(getattr(records, kind))) for kind in _KINDS)
    links = links_of(records, matches.incidents)
    metrics, sections = metrics_and_sections(records, links)
    return Audit(
        records,
        matches,
        links,
        {metric.key: metric for metric in metrics},
        sections,
        sensitivity(records, known=matches) if kinds > 1 else None,
    )


def read_section(found: Audit) -> Section:
    """How many rows of each table count, and from which days."""
    rows: list[dict[str, Cell]] = []
    for kind in (*_KINDS, "areas", "costs"):
        table = getattr(found.records, kind)
        rows.append({"table": kind, "rows_that_count": len(table), "with_a_place": _placed(kind, table)})
    return Section("read", "What was read", f"{found.period}, {found.records.time_zone} time.", rows)


def problem_section(found: Audit) -> Section:
    """Faults of rows, a line for each kind of fault."""
    rows: list[dict[str, Cell]] = [{"fault": line} for line in problem_lines(found.records.problems)]
    note = "Rows with these faults were left out, or kept with the cell empty." if rows else "No row has a fault."
    return Section("problems", "Rows with faults", note, rows)


def sensitivity_section(found: Audit) -> Section | None:
    """How the counts of the matching move with its tolerances; None where nothing was to be matched."""
    if found.moves is None:
        return None
    note = (
        f"Held here: {found.matches.tolerances}. Half and twice as much give the other rows. Repeats are alerts or "
        "calls near one that was matched with another: most likely the same gunfire once more."
    )
    rows: list[dict[str, Cell]] = [
        {str(name): value if isinstance(value, str) else int(value) for name, value in row.items()}
        for row in found.moves.to_dict("records")
    ]
    return Section("sensitivity", "How the counts move with the tolerances of the matching", note, rows, (1,))


def _placed(kind: str, table: "pandas.DataFrame") -> int | None:
    return int(table["latitude"].notna().sum()) if kind in _KINDS else None
