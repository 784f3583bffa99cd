"""Tables of text, JSON lines and Parquet as frames, read by pyarrow at once; what is wrong in them in one sentence."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tocsin import TocsinError
from tocsin.data.dataframes import arrow_module, pandas_module
from tocsin.data.tables import open_table

if TYPE_CHECKING:
    import pandas

# Names and labels stay text, also those that look like numbers or times.
TEXT_COLUMNS = (
    *("path", "recording", "filename", "file", "label", "sensor_id", "session", "event_label", "date"),
    *("start_time_utc", "onset_time_utc", "Begin Path", "Begin File", "File", "Scientific name", "Common name"),
    *("Label", "Annotation", "Species", "Common Name", "Species Code"),
)


def is_parquet(path: Path) -> bool:
    """Whether a file holds Parquet, by its first bytes. Raises ``TocsinError`` where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PAR1"
    except OSError as error:
        raise TocsinError(f"{path} cannot be read: {error.strerror}") from error


def first_lines(path: Path, count: int = 5) -> list[str]:
    """The first lines of a text that hold anything, without their ends. Raises ``TocsinError`` as ``open_table``."""
    with open_table(path) as file:
        lines = (file.readline().rstrip("\r\n") for _ in range(10 * count))
        return [line for line in lines if line.strip()][:count]


def divider_of(line: str) -> str:
    """What divides the columns of a line: a tab, a semicolon or a comma, whichever is there most often."""
    return max("\t,;", key=line.count)


def columns_of(path: Path) -> list[str]:
    """Names of the columns of a table, empty for an empty file. Raises ``TocsinError`` where it cannot be read."""
    if is_parquet(path):
        return list(arrow_module("pyarrow.parquet").read_schema(path).names)
    lines = first_lines(path, 1)
    if not lines:
        return []
    if lines[0].startswith("{"):
        return list(load(path).columns)
    return [name.strip().strip('"') for name in lines[0].split(divider_of(lines[0]))]


def load(path: Path, text: tuple[str, ...] = ()) -> "pandas.DataFrame":
    """A frame of a table with a first line of names, of JSON lines or of Parquet, whatever its ending.

    Args:
        path: the file.
        text: columns that are text, besides ``TEXT_COLUMNS``.

    Raises:
        TocsinError: it cannot be read as what it begins like.
    """
    pandas_module()
    arrow = arrow_module("pyarrow")
    if is_parquet(path):
        try:
            return arrow_module("pyarrow.parquet").ParquetFile(path).read().to_pandas()
        except (arrow.ArrowException, OSError) as error:
            raise TocsinError(f"{path} cannot be read as Parquet: {error}") from error
    lines = first_lines(path, 1)
    if not lines:
        raise TocsinError(f"{path} is empty: expected a table with a first line of names")
    if lines[0].startswith("{"):
        return _json_lines(path, arrow)
    csv, divider = arrow_module("pyarrow.csv"), divider_of(lines[0])
    named = {name: arrow.string() for name in (*TEXT_COLUMNS, *text)}
    # Tables of tabs quote nothing: a quotation mark in a label is a letter there.
    parsing = csv.ParseOptions(delimiter=divider, quote_char=False if divider == "\t" else '"')
    try:
        table = csv.read_csv(path, parse_options=parsing, convert_options=csv.ConvertOptions(column_types=named))
    except (arrow.ArrowException, OSError) as error:
        raise TocsinError(f"{path} cannot be read as a table: {error}") from error
    if any(arrow.types.is_binary(kind) for kind in table.schema.types):
        raise TocsinError(f"{path} is no table of text in UTF-8: save it as UTF-8")
    names = [name.strip() for name in table.column_names]
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise TocsinError(f"{path}: the column {twice} stands {names.count(twice)} times: leave one of them")
    return table.rename_columns(names).to_pandas()


def _json_lines(path: Path, arrow: Any) -> "pandas.DataFrame":
    try:
        table = arrow_module("pyarrow.json").read_json(path)
    except (arrow.ArrowException, OSError) as error:
        raise TocsinError(f"{path} cannot be read as JSON lines, an object on each: {error}") from error
    while any(arrow.types.is_struct(kind) for kind in table.schema.types):
        table = table.flatten()
    names = [name.rpartition(".")[2] for name in table.column_names]
    return table.rename_columns(names).to_pandas()


def require(frame: "pandas.DataFrame", names: tuple[str, ...], path: Path) -> None:
    """Refuse a frame that lacks a column.

    Raises:
        TocsinError: naming the column and those that are there.
    """
    for name in names:
        if name not in frame:
            found = ", ".join(map(str, frame.columns)) or "nothing"
            raise TocsinError(f"{path}: the column {name} is missing, found {found[:200]}")


def to_numbers(frame: "pandas.DataFrame", name: str, path: Path, first_row: int = 2) -> "pandas.Series":
    """A column as float64, NaN where a cell is empty.

    Args:
        frame: of the file.
        name: of the column.
        path: of the file, for the sentence.
        first_row: number of the line that the first row stands on.

    Raises:
        TocsinError: naming the row of a cell that is no number.
    """
    pandas = pandas_module()
    cells = frame[name]
    if cells.dtype.kind == "f":
        return cells.astype(np.float64)
    numbers = pandas.to_numeric(cells, errors="coerce").astype(np.float64)
    bad = (numbers.isna() & cells.notna()).to_numpy(copy=True)
    if bad.any():
        blank = cells[bad].astype(str).str.strip().str.lower().isin(["", "nan", "na", "none"]).to_numpy()
        bad[bad] = ~blank
    if bad.any():
        row = int(np.argmax(bad))
        raise TocsinError(f"{path}, row {row + first_row}: {name} is {cells.iloc[row]!r}, expected a number")
    return numbers


def to_text(cells: "pandas.Series") -> "pandas.Series":
    """A column as text less the spaces about it, empty where a cell is."""
    pandas = pandas_module()
    # Names and labels are few among many rows: each is made text once.
    codes, found = pandas.factorize(cells)
    texts = np.array([*(str(cell).strip() for cell in found), ""], dtype=object)
    return pandas.Series(texts[codes], index=cells.index, dtype=object)


def rest_of(frame: "pandas.DataFrame", taken: set[str]) -> "pandas.DataFrame":
    """The columns of a file that have no name among ours: kept as they are."""
    ours = {"recording", "onset_s", "offset_s", "label", "score"}
    return frame[[name for name in frame.columns if name not in taken | ours]]
