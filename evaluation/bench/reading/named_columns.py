"""Any table whose columns somebody names, or that has the names of a log already."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tocsin import TocsinError
from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.bench.reading.tables import load, rest_of, to_numbers, to_text

if TYPE_CHECKING:
    import pandas

NAMES = ("recording", "onset_s", "offset_s", "label", "score")
RECORDING_NAMES = ("recording", "path", "filename", "file")


def named_pairs(text: str, option: str) -> dict[str, str]:
    """What an option like ``--columns "recording=file,onset_s=t0"`` says, by the name before each ``=``.

    Raises:
        TocsinError: a part has no ``=``, nothing on one side of it, or a name that stands twice.
    """
    pairs: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not (name and equals and value):
            raise TocsinError(f'{option}: {part!r} does not fit, expected NAME=VALUE: type {option} "a=b,c=d"')
        if name in pairs:
            raise TocsinError(f"{option}: {name} stands twice, expected it once")
        pairs[name] = value
    return pairs


def read_named(path: Path, columns: Mapping[str, str]) -> "pandas.DataFrame":
    """Events of a table; ``columns`` maps the names of a log to those of the file, and may be empty.

    Raises:
        TocsinError: a named column is not there, ``onset_s`` is not, or a cell is no number.
    """
    pandas = pandas_module()
    table = load(path, tuple(columns[name] for name in ("recording", "label") if name in columns))
    for name, theirs in columns.items():
        if theirs not in table:
            found = ", ".join(map(str, table.columns))
            raise TocsinError(f"{path}: there is no column {theirs} for {name}, found {found[:200]}")
    of = {name: columns.get(name, name) for name in NAMES}
    if "recording" not in columns:
        of["recording"] = next((name for name in RECORDING_NAMES if name in table), "recording")
    if of["onset_s"] not in table:
        found = ", ".join(map(str, table.columns))
        raise TocsinError(
            f"{path}: it does not say when a sound begins, found {found[:200]}: "
            'type --columns "recording=…,onset_s=…,score=…" with the names of its columns'
        )
    events = pandas.DataFrame(index=table.index)
    events["recording"] = to_text(table[of["recording"]]) if of["recording"] in table else ""
    for name in ("onset_s", "offset_s", "score"):
        if of[name] in table:
            events[name] = to_numbers(table, of[name], path)
    if of["label"] in table:
        events["label"] = to_text(table[of["label"]])
    extras = {name: theirs for name, theirs in columns.items() if name not in NAMES}
    rest = rest_of(table, set(of.values())).rename(columns={theirs: name for name, theirs in extras.items()})
    return pandas.concat([events, rest], axis=1)
