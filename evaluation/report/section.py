"""The standard report: how well Tocsin hears, as tables that Markdown and JSON both show."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tocsin.evaluation.measures.intervals import Interval, Rate

Cell = Interval | float | int | str | None


@dataclass(frozen=True)
class Section:
    """One table: ``rows`` have the same keys in the same order; ``standing_out`` are the places of rows shown bold."""

    key: str
    title: str
    note: str
    rows: Sequence[Mapping[str, Cell]]
    standing_out: Sequence[int] = ()

    def markdown(self) -> str:
        """Title, note and table."""
        lines = [f"## {self.title}", "", self.note]
        if self.rows:
            names = list(self.rows[0])
            lines += ["", "| " + " | ".join(name.replace("_", " ") for name in names) + " |", "|---" * len(names) + "|"]
        for place, row in enumerate(self.rows):
            cells = [text(cell) for cell in row.values()]
            if place in self.standing_out:
                cells = [f"**{cell}**" for cell in cells]
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines) + "\n"

    def plain(self) -> dict[str, Any]:
        """The same for JSON: an interval is an object with ``value``, ``low`` and ``high``."""
        rows = [
            {name: _plain(cell) if isinstance(cell, Interval) else cell for name, cell in row.items()}
            for row in self.rows
        ]
        return {"title": self.title, "note": self.note, "rows": rows}


def _plain(interval: Interval) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in interval._asdict().items()}


def text(cell: Cell) -> str:
    """A cell as Markdown shows it: ``0.968 (0.922–0.997)``; a rate of nothing as what it is below, ``< 3.7``."""
    if cell is None:
        return "–"
    if isinstance(cell, Interval):
        top = cell.value if math.isnan(cell.high) else cell.high
        digits = 3 if top <= 1 else 2 if top < 10 else 1 if top < 100 else 0
        if math.isnan(cell.low):  # one session says nothing of others
            return f"{cell.value:.{digits}f}"
        if isinstance(cell, Rate) and not cell.value:
            return f"< {cell.high:.{digits}f}"
        to = " to " if cell.low < 0 else "–"  # a dash beside a minus is hard to read
        return f"{cell.value:.{digits}f} ({cell.low:.{digits}f}{to}{cell.high:.{digits}f})".replace("-", "−")
    return f"{cell:.3f}" if isinstance(cell, float) else str(cell)
