"""A table of an analyst as it stands: CSV or Parquet, every cell as text, no cell guessed at."""

import csv
import difflib
import hashlib
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tocsin import TocsinError
from tocsin.data.dataframes import pandas_module
from tocsin.data.tables import open_table

if TYPE_CHECKING:
    import pandas

FIRST_ROW = 2  # as a spreadsheet numbers it, below the header
_PARQUET = (".parquet", ".pq")


def read_source(path: Path, rows: int | None = None) -> "pandas.DataFrame":
    """All cells as text, less the spaces about them, empty ones as ``""``; index is the row in a spreadsheet.

    Args:
        path: a CSV in UTF-8, or Parquet by its ending.
        rows: to read no more than this many.

    Raises:
        TocsinError: the file is not there, is no such table, a column has no name or stands twice.
    """
    pandas = pandas_module("`tocsin audit`")
    if not path.is_file():
        near = difflib.get_close_matches(path.name, [file.name for file in path.parent.glob("*.*")], n=1)
        raise TocsinError(f"there is no file {path}" + (f": did you mean {near[0]}?" if near else ""))
    frame = _parquet(pandas, path, rows) if path.suffix.lower() in _PARQUET else _csv(pandas, path, rows)
    frame.columns = [str(name).strip() for name in frame.columns]
    frame.index = pandas.RangeIndex(FIRST_ROW, FIRST_ROW + len(frame))
    # Spreadsheets write empty rows below a table.
    return frame[(frame != "").any(axis=1)] if len(frame.columns) else frame


def _csv(pandas: Any, path: Path, rows: int | None) -> "pandas.DataFrame":
    with open_table(path) as file:
        names = [name.strip() for name in next(csv.reader(file), [])]
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise TocsinError(f"{path}: the column {twice or 'without a name'} stands more than once: leave one of them")
    with open_table(path) as file, warnings.catch_warnings():
        warnings.simplefilter("error", pandas.errors.ParserWarning)
        try:
            frame = pandas.read_csv(
                file, dtype=str, keep_default_na=False, nrows=rows, index_col=False, skip_blank_lines=False
            )
        except pandas.errors.EmptyDataError:
            raise TocsinError(f"{path} is empty: expected a row of names of columns and rows below it") from None
        except pandas.errors.ParserWarning:
            raise TocsinError(f"{path}: its rows have more cells than its first line names columns") from None
        except pandas.errors.ParserError as error:
            found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
            said = (
                f"{path}, line {found[2]}: {found[3]} cells, but the first line names {found[1]} columns: put cells "
                "that hold commas in quotation marks"
                if found
                else f"{path} cannot be read as CSV: {error}"
            )
            raise TocsinError(said) from None
    if len(frame.columns) == 1 and re.search(r"[;\t|]", str(frame.columns[0])):
        raise TocsinError(f"{path}: its columns are not divided by commas: save it with commas")
    return frame.fillna("").apply(lambda column: column.str.strip())


def _parquet(pandas: Any, path: Path, rows: int | None) -> "pandas.DataFrame":
    try:
        frame = pandas.read_parquet(path)
    except ImportError as error:
        raise TocsinError('Parquet needs pyarrow: type `pip install "tocsin[analysis]"`') from error
    except (OSError, ValueError) as error:
        raise TocsinError(f"{path} cannot be read as Parquet: {error}") from None
    if rows is not None:
        frame = frame.head(rows)
    return frame.apply(_as_text)


def _as_text(column: "pandas.Series") -> "pandas.Series":
    """Text of each value; whole numbers without a point, as identifiers with gaps are floats in Parquet."""
    if column.dtype.kind == "f" and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    return column.astype("string").fillna("").astype(str).str.strip()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
