"""What was wrong with rows of an analyst's tables: named, counted, and said whether the row still counts."""

from collections.abc import Iterable
from dataclasses import dataclass

_SHOWN = 3  # examples of each kind in a line


@dataclass(frozen=True)
class Problem:
    """Something wrong with one row.

    Attributes:
        table: the file it stands in.
        row: as a spreadsheet numbers it, the header being row 1.
        what: a clause that is the same for all rows with this fault, such as ``the time is no time``.
        found: what the cell holds.
        kept: whether the row still counts; its cell is then empty, or read as ``what`` says.
    """

    table: str
    row: int
    what: str
    found: str
    kept: bool

    def __str__(self) -> str:
        fate = "kept" if self.kept else "left out"
        return f"{self.table}, row {self.row}: {self.what}" + f" ({self.found!r})" * bool(self.found) + f", {fate}"


def problem_lines(problems: Iterable[Problem]) -> list[str]:
    """A sentence for each fault of each table, the most frequent first: how many rows, and the first of them."""
    kinds: dict[tuple[str, str, bool], list[Problem]] = {}
    for problem in problems:
        kinds.setdefault((problem.table, problem.what, problem.kept), []).append(problem)
    lines = []
    for (table, what, kept), found in sorted(kinds.items(), key=lambda kind: -len(kind[1])):
        shown = [f"row {one.row}" + f" {one.found!r}" * bool(one.found) for one in found[:_SHOWN]]
        more = ["…"] * (len(found) > _SHOWN)
        rows = f"{len(found)} row" + "s" * (len(found) > 1)
        lines.append(f"{table}: {rows} {'kept' if kept else 'left out'}: {what} ({', '.join(shown + more)})")
    return lines
