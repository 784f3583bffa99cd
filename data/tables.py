"""Text tables from many hands: UTF-8 with or without the mark that spreadsheets put first, errors in one sentence."""

import csv
import re
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from tocsin import TocsinError

_PREFIX = re.compile(r"^(p|prob|probability)_")
_UNIT = re.compile(r"_(s|sec|ms|us|ns|m|mm|cm|km|ft|feet|deg|db|dbfs|dbspl|p|prob|probability|score|confidence)$")
# Units in which the same quantity may be written; classes have none, but may be said to be probabilities.
_DIMENSIONS = (
    {"s", "sec", "ms", "us", "ns"},
    {"m", "mm", "cm", "km", "ft", "feet"},
    {"deg"},
    {"db", "dbfs", "dbspl"},
    {"p", "prob", "probability", "score", "confidence"},
)
_LEAST_LETTERS = 7  # of a name in which a wrong letter is looked for: short ones are a letter from many words


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
    """The one of the absent names that differs by capitals, marks, a unit of the same kind or one wrong letter."""
    bare = _bare(name)
    alike = [other for other in absent if _bare(other) == bare]
    alike += _of_another_unit(name, absent)
    words = _words(name).count("_")
    long = [other for other in absent if len(_bare(other)) >= _LEAST_LETTERS and _words(other).count("_") == words]
    alike += [other for other in long if _one_letter(bare, _bare(other))]
    return alike[0] if alike else None


def _bare(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower())


def _words(name: str) -> str:
    return _PREFIX.sub("", re.sub(r"[\W_]+", "_", name.lower()).strip("_"))


def _stem(name: str) -> str:
    """A name without its unit, in words of small letters: ``clock_sigma`` of ``Clock Sigma (ms)``."""
    return _UNIT.sub("", _words(name))


def _unit(name: str) -> str:
    found = _UNIT.search(_words(name))
    return found[1] if found else ""


def _of_another_unit(name: str, absent: Collection[str]) -> list[str]:
    """Those that may mean the same quantity: in another unit of it, or in one that the name does not say."""
    stem, unit = _stem(name), _unit(name)
    same = [other for other in absent if _stem(other) == stem]
    if unit:
        return [other for other in same if any({unit, _unit(other) or "p"} <= units for units in _DIMENSIONS)]
    # A short name may mean anything, and so may one of which there are two.
    return same if len(stem) >= 3 and len(same) == 1 else []


def _one_letter(name: str, other: str) -> bool:
    """Whether one letter is too many, too few, another, or changed places with the next."""
    if abs(len(name) - len(other)) > 1 or name == other:
        return False
    first = next((at for at, pair in enumerate(zip(name, other, strict=False)) if pair[0] != pair[1]), len(other))
    mine, theirs = name[first:], other[first:]
    return (
        mine[1:] == theirs[1:]
        or mine[1:] == theirs
        or mine == theirs[1:]
        or (mine[:2] == theirs[1::-1] and mine[2:] == theirs[2:])
    )
