"""What the steps of reading share: the settings, and where they put what they have to say."""

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tocsin import TocsinError
from tocsin.evaluation.audit.problems import Problem
from tocsin.evaluation.audit.reading.settings import Settings, TableSettings
from tocsin.evaluation.audit.reading.source import read_source, sha256_of

if TYPE_CHECKING:
    import pandas


@dataclass
class Context:
    """An audit that is being read.

    Attributes:
        settings: of ``audit.yaml``.
        folder: of its tables.
        problems, notes, sources: as :class:`tocsin.evaluation.audit.records.Records` has them, so far.
    """

    settings: Settings
    folder: Path
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)

    def open(self, table: TableSettings) -> "pandas.DataFrame":
        """The rows of a table that its ``where`` asks for; says how many others there are."""
        path = self.folder / table.file
        frame = read_source(path)
        self.sources[table.file] = sha256_of(path)
        for column, words in table.where.items():
            self.need(table, frame.columns, column, "where")
            wanted = {word.casefold() for word in ([words] if isinstance(words, str) else words)}
            chosen = frame[column].str.casefold().isin(wanted)
            if not chosen.all():
                said = f"{int((~chosen).sum())} of {len(frame)} rows are not asked for: {column} is not "
                self.notes.append(f"{table.file}: {said}{words if isinstance(words, str) else ' or '.join(words)}")
            frame = frame[chosen]
        return frame

    def need(self, table: TableSettings, columns: Collection[str], column: str, what: str) -> None:
        """Refuse a column that the file does not have, with the nearest that it has."""
        if column in columns:
            return
        near = difflib.get_close_matches(column, list(columns), n=1)
        folded = [name for name in columns if name.casefold() == column.casefold()]
        meant = f"did you mean {(folded or near)[0]}?" if folded or near else f"it has {', '.join(columns)}"
        raise TocsinError(f"{self.folder / table.file} has no column {column}, named for {what}: {meant}")

    def require(
        self, table: TableSettings, columns: Collection[str], chosen: Mapping[str, list[str]], key: str
    ) -> None:
        """Refuse a table of which it is not said which column is the one that it must have."""
        if key not in chosen:
            raise TocsinError(
                f"{self.folder / table.file}: no column is said to be the {key}: write `{key}: …` under columns, "
                f"with one of {', '.join(columns)}"
            )

    def chosen(self, table: TableSettings, frame: "pandas.DataFrame") -> Mapping[str, list[str]]:
        """Columns of the file for each thing known of it: those named, else one that has the audit's own name.

        A key whose value is empty in the YAML has no column, also where one has its name.
        """
        named = getattr(table, "columns")  # noqa: B009 - each kind of table has its own
        chosen: dict[str, list[str]] = {}
        for key in type(named).model_fields:
            value = getattr(named, key)
            if value is not None:
                chosen[key] = [value] if isinstance(value, str) else list(value)
                for column in chosen[key]:
                    self.need(table, frame.columns, column, key)
            elif key not in named.model_fields_set and key not in ("x", "y", "place"):
                own = (f"{key}_utc", key) if key.endswith("time") else (key,)
                found = [name for name in own if name in frame.columns]
                chosen |= {key: found[:1]} if found else {}
        return chosen

    def complain(
        self, table: TableSettings, bad: "pandas.Series", what: str, found: "pandas.Series | None", kept: bool
    ) -> None:
        """A problem for each row for which ``bad`` is true."""
        for row in bad.index[bad.to_numpy(dtype=bool)]:
            cell = "" if found is None else str(found[row])
            self.problems.append(Problem(table.file, int(row), what, cell, kept))
