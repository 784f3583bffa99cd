"""Manifests: tables in which a row is a labelled stretch of a recording, as CSV or Parquet."""

import csv
import importlib
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tocsin import TocsinError
from tocsin.data.dataframes import Table
from tocsin.data.labels import class_of
from tocsin.data.tables import open_table

REQUIRED_COLUMNS = ("path", "label", "start_s", "end_s", "recording_id")
OPTIONAL_COLUMNS = ("source", "device", "licence", "session_id", "quality", "use", "sha256", "onset_s")
COLUMNS = REQUIRED_COLUMNS + OPTIONAL_COLUMNS


@dataclass(frozen=True)
class ManifestRow:
    """A labelled stretch of one audio file.

    ``start_s`` and ``end_s`` are seconds from the start of the file, as is ``onset_s``, the onset of the sound where it
    is known. ``label`` is a class or a fine label. ``recording_id`` names one continuous recording and ``session_id``
    what was recorded together (a place and day, a firing position); neither crosses a split. ``quality`` and ``use``
    are words of the data set (``use`` is ``train`` or ``evaluate``). Unknown columns are kept in ``extra``.
    """

    path: Path
    label: str
    start_s: float
    end_s: float
    recording_id: str
    source: str = ""
    device: str = ""
    licence: str = ""
    session_id: str = ""
    quality: str = "ok"
    use: str = "train"
    sha256: str = ""
    onset_s: float | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def class_name(self) -> str:
        """One of the five classes."""
        return class_of(self.label)

    @property
    def group(self) -> str:
        """What stays on one side of a split: the session, or the recording where no session is stated."""
        return self.session_id or self.recording_id

    @property
    def may_train(self) -> bool:
        """Whether the licence permits weights trained on it."""
        return self.use == "train"

    @property
    def doubtful(self) -> bool:
        """Whether the label is in doubt (a studio sound, an effect): such a row neither trains nor judges."""
        return self.quality == "doubtful"

    @property
    def duration_s(self) -> float:
        """Length of the stretch in seconds."""
        return self.end_s - self.start_s

    def to_row(self) -> dict[str, Any]:
        """The row of a manifest, with the path as it is read."""
        return {**self.extra, **{name: getattr(self, name) for name in COLUMNS}, "path": self.path.as_posix()}

    def __str__(self) -> str:
        return f"{self.label} in {self.path}, {self.start_s:g} s to {self.end_s:g} s, session {self.group}"

    def __repr__(self) -> str:
        return f"<ManifestRow {self}>"


def read_manifest(path: str | Path, check_files: bool = True) -> Table[ManifestRow]:
    """Read a manifest that ends in ``.csv`` or ``.parquet``; paths in it are relative to its folder.

    Raises ``TocsinError`` naming the row (a CSV's header is row 1) for a missing column or value, a stretch that ends
    before it starts, an unknown label and, with ``check_files``, an audio file that is not there.
    """
    path = Path(path)
    if not path.is_file():
        raise TocsinError(f"{path} does not exist: expected a manifest that ends in .csv or .parquet")
    ending = _ending(path)
    rows = []
    for number, cells in _csv_rows(path) if ending == ".csv" else _parquet_rows(path):
        row = row_from_cells(cells, path.parent, where=f"{path}, row {number}")
        if check_files and not row.path.is_file():
            raise TocsinError(f"{path}, row {number}: there is no file {row.path}")
        rows.append(row)
    if not rows:
        raise TocsinError(f"{path} has no rows: expected one for each labelled stretch")
    return Table(rows, COLUMNS)


def write_manifest(rows: Iterable[ManifestRow], path: str | Path) -> None:
    """Write a manifest as ``.csv`` or ``.parquet``; files below its folder are named relative to it."""
    path = Path(path)
    ending = _ending(path)
    tables = [_cells_from_row(row, path.parent.resolve()) for row in rows]
    if not tables:
        raise TocsinError(f"{path}: there are no rows to write")
    columns = list(dict.fromkeys([*COLUMNS, *(name for cells in tables for name in cells)]))
    path.parent.mkdir(parents=True, exist_ok=True)
    if ending == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(tables)
    else:
        arrow = _parquet_module("pyarrow")
        numbers = ("start_s", "end_s", "onset_s")
        schema = arrow.schema([(name, arrow.float64() if name in numbers else arrow.string()) for name in columns])
        table = arrow.Table.from_pylist([{name: cells.get(name) for name in columns} for cells in tables], schema)
        _parquet_module("pyarrow.parquet").write_table(table, path)


def row_from_cells(cells: Mapping[str, Any], folder: Path, where: str) -> ManifestRow:
    """Make a row of a mapping from column to cell; ``where`` begins the message of the ``TocsinError`` it may raise."""
    for name in REQUIRED_COLUMNS:
        if name not in cells:
            raise TocsinError(f"{where}: the column {name!r} is missing, a manifest has {','.join(REQUIRED_COLUMNS)}")
        if cells[name] is None or cells[name] == "":
            raise TocsinError(f"{where}: the column {name!r} is empty")
    start_s, end_s = _seconds(cells, "start_s", where), _seconds(cells, "end_s", where)
    if not 0 <= start_s < end_s:
        raise TocsinError(f"{where}: a stretch from {start_s:g} s to {end_s:g} s, expected 0 <= start_s < end_s")
    try:
        class_of(str(cells["label"]))
    except TocsinError as error:
        raise TocsinError(f"{where}: {error}") from None
    known = {name: str(cells[name]) for name in OPTIONAL_COLUMNS if name != "onset_s" and cells.get(name)}
    return ManifestRow(
        path=folder / str(cells["path"]),
        label=str(cells["label"]),
        start_s=start_s,
        end_s=end_s,
        recording_id=str(cells["recording_id"]),
        onset_s=None if cells.get("onset_s") in (None, "") else _seconds(cells, "onset_s", where),
        extra={name: "" if cell is None else str(cell) for name, cell in cells.items() if name not in COLUMNS},
        **known,
    )


def _seconds(cells: Mapping[str, Any], name: str, where: str) -> float:
    try:
        value = float(cells[name])
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise TocsinError(f"{where}: {name} is {cells[name]!r}, expected a number of seconds")
    return value


def _cells_from_row(row: ManifestRow, folder: Path) -> dict[str, Any]:
    absolute = row.path.resolve()
    path = (absolute.relative_to(folder) if absolute.is_relative_to(folder) else absolute).as_posix()
    return {**row.to_row(), "path": path}


def _ending(path: Path) -> str:
    ending = path.suffix.lower()
    if ending not in (".csv", ".parquet"):
        raise TocsinError(f"{path}: a manifest ends in .csv or .parquet, not in {path.suffix!r}")
    return ending


def _csv_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with open_table(path) as file:
        # Row 1 is the header, as a spreadsheet counts.
        for number, cells in enumerate(csv.DictReader(file), start=2):
            if None in cells:
                raise TocsinError(f"{path}, row {number}: more cells than the header has columns")
            yield number, cells


def _parquet_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    arrow = _parquet_module("pyarrow")
    try:
        table = _parquet_module("pyarrow.parquet").read_table(path)
    except (arrow.ArrowException, OSError) as error:
        raise TocsinError(f"{path} cannot be read as Parquet: {error}") from error
    yield from enumerate(table.to_pylist(), start=1)


def _parquet_module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise TocsinError('Parquet needs pyarrow: type `pip install "tocsin[train]"`, or use .csv') from error
