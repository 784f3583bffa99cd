"""Lists of results that print readably and become pandas DataFrames with the columns of the commands' CSV."""

import importlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, SupportsIndex, TypeVar, overload

from tocsin import TocsinError

if TYPE_CHECKING:
    import pandas

SHOWN = 10  # lines of a table that is printed


class Row(Protocol):
    """A result that is a row of some table."""

    def to_row(self) -> Mapping[str, Any]:
        """The values by column, as the CSV of the command has them."""


T = TypeVar("T", bound=Row)


class Table(list[T]):
    """A list of results of one kind.

    Args:
        items: the results.
        columns: of the table that they are rows of, in order; where not given, those that the results have.
    """

    def __init__(self, items: Iterable[T] = (), columns: Sequence[str] = ()) -> None:
        super().__init__(items)
        self.columns = tuple(columns)

    @overload
    def __getitem__(self, index: SupportsIndex) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> "Table[T]": ...

    def __getitem__(self, index: SupportsIndex | slice) -> "T | Table[T]":
        """One result, or some as a table."""
        if isinstance(index, slice):
            return Table(super().__getitem__(index), self.columns)
        return super().__getitem__(index)

    def to_dataframe(self) -> "pandas.DataFrame":
        """The same as a DataFrame: a row a result, the columns of the CSV, times as UTC timestamps.

        Raises:
            TocsinError: pandas is not installed.
        """
        return dataframe_of([item.to_row() for item in self], self.columns)

    def __repr__(self) -> str:
        kind = type(self[0]).__name__ if self else "result"
        lines = [f"Table of {len(self)} × {kind}", *(f"  {item}" for item in self[:SHOWN])]
        return "\n".join(lines + [f"  … and {len(self) - SHOWN} more"] * (len(self) > SHOWN))


def pandas_module(what: str = "this") -> Any:
    """The module ``pandas``. Raises ``TocsinError``, naming what needs it, where it is not installed."""
    try:
        return importlib.import_module("pandas")
    except ImportError as error:
        raise TocsinError(f'{what} needs pandas: type `pip install "tocsin[analysis]"`') from error


def arrow_module(name: str, what: str = "this") -> Any:
    """A module of ``pyarrow``. Raises ``TocsinError``, naming what needs it, where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise TocsinError(f'{what} needs pyarrow: type pip install "tocsin[analysis]"') from error


def dataframe_of(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> "pandas.DataFrame":
    """A DataFrame of rows; those columns that ``columns`` names come first, ``…_utc`` are times.

    Raises:
        TocsinError: pandas is not installed.
    """
    pandas = pandas_module("to_dataframe")
    found = (name for row in rows for name in row)
    frame = pandas.DataFrame(list(rows), columns=list(dict.fromkeys([*columns, *found])))
    for name in frame.columns:
        if name.endswith("_utc"):
            frame[name] = pandas.to_datetime(frame[name], utc=True, format="ISO8601")
    return frame
