"""Text tables from many hands: UTF-8 with or without the mark that spreadsheets put first, errors in one sentence."""

import csv
import difflib
import re
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from tocsin import TocsinError

ALIKE = 0.85  # share of letters that two names have in common, from which one is the other misspelt
_PREFIX = re.compile(r"^(p|prob|probability)_")
_UNIT = re.compile(r"_(s|sec|ms|us|ns|m|mm|cm|km|ft|feet|deg|db|dbfs|dbspl|p|prob|probability|score|confidence)$")


@contextmanager
def open_table(path: Path) -> Iterator[TextIO]:
    """Open a table for ``csv`` or line by line.

    Raises:
        TocsinError: the file cannot be read, also where that shows only within the ``with``.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            # Zeros are in no UTF-8 text; other encodings of Windows have one beside every letter.
            if b"\0" in file.buffer.peek(64)[:64]:  # type: ignore[attr-defined]
                raise TocsinError(f"{path} is no table of text in UTF-8, it seems to be UTF-16: save it as UTF-8")
            yield file
    except OSError as error:
        raise TocsinError(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise TocsinError(f"{path} is no table of text, it cannot be read as CSV in UTF-8: {error}") from error


def columns_of(path: Path, table: "csv.DictReader[str]", known: Collection[str]) -> list[str]:
    """Names of the columns, less the spaces about them, after which the rows of the table carry the same names.

    Raises:
        TocsinError: a name stands twice, is nearly one of the ``known`` ones, or is divided from the next by no comma.
    """
    columns = [name.strip() for name in table.fieldnames or []]
    table.fieldnames = columns
    for divider, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if len(columns) == 1 and set(columns[0].split(divider)[1:]) & set(known):
            raise TocsinError(
                f"{path}: its columns are divided by {word}: save it with commas, and with points in its numbers"
            )
    twice = [name for name, count in Counter(columns).items() if name and count > 1]
    if twice:
        raise TocsinError(f"{path}: the column {twice[0]} stands {columns.count(twice[0])} times: leave one of them")
    refuse_near_misses(str(path), columns, known)
    return columns


def filled_rows(path: Path, table: "csv.DictReader[str]") -> Iterator[tuple[str, dict[str, str]]]:
    """Where each row stands, in words, and its cells that hold anything, less the spaces about them.

    Rows without any are left out: spreadsheets write them below a table.

    Raises:
        TocsinError: a row has another number of cells than the first line has names.
    """
    for row in table:
        where = f"{path}, row {table.line_num}"
        beyond = row.pop(None, [])
        filled = {name: value.strip() for name, value in row.items() if value and value.strip()}
        if not filled and not any(value.strip() for value in beyond):
            continue
        if beyond or None in row.values():
            raise TocsinError(
                f"{where}: expected {len(table.fieldnames or [])} values, as the first line has, but found another "
                "number"
            )
        yield where, filled


def refuse_near_misses(where: str, names: Collection[str], known: Collection[str]) -> None:
    """Refuse a name that seems to be one of the known ones misspelt: unknown ones are kept, and would pass in silence.

    Raises:
        TocsinError: naming it and the one that was probably meant, which is not there itself.
    """
    absent = [name for name in known if name not in names]
    for name in names:
        if name not in known and (meant := _meant(name, absent)):
            raise TocsinError(
                f"{where}: the name {name} is not known: write {meant}, or another if it is something else"
            )


def _meant(name: str, absent: Collection[str]) -> str | None:
    """The one of the absent names that differs by capitals, marks, a unit or a letter or two."""
    bare = {_bare(other): other for other in absent}
    alike = difflib.get_close_matches(_bare(name), bare, 1, ALIKE)
    if alike:
        return bare[alike[0]]
    stem = _stem(name)
    # A short name without a unit may mean anything.
    if len(stem) < 3 and stem == name.lower():
        return None
    return next((other for other in absent if _stem(other) == stem), None)


def _bare(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower())


def _stem(name: str) -> str:
    """A name without its unit, in words of small letters: ``clock_sigma`` of ``Clock Sigma (ms)``."""
    words = re.sub(r"[\W_]+", "_", name.lower()).strip("_")
    return _UNIT.sub("", _PREFIX.sub("", words))
