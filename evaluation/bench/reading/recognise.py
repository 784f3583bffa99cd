"""Which format a file of events has, by what it holds, and its events."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from tocsin import TocsinError
from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.bench.reading.audacity import read_audacity
from tocsin.evaluation.bench.reading.birdnet import COLUMNS as BIRDNET_COLUMNS
from tocsin.evaluation.bench.reading.birdnet import read_birdnet
from tocsin.evaluation.bench.reading.dcase import read_dcase
from tocsin.evaluation.bench.reading.named_columns import RECORDING_NAMES, read_named
from tocsin.evaluation.bench.reading.raven import BEGIN, read_raven
from tocsin.evaluation.bench.reading.tables import columns_of, first_lines, is_parquet
from tocsin.evaluation.bench.reading.tocsin_rows import read_parquet_folder, read_sensor_detections, read_tocsin

if TYPE_CHECKING:
    import pandas

Format = Literal["tocsin", "detections", "raven", "audacity", "dcase", "birdnet", "table"]
_KNOWN = (
    "rows of `tocsin detect` (CSV, JSON lines, Parquet), Raven selection tables, Audacity label tracks, DCASE tables "
    "(filename, onset, offset, event_label), BirdNET-Analyzer CSV, and any table with its columns named"
)
_ENDINGS = (".csv", ".tsv", ".txt", ".jsonl", ".parquet")
_NUMBER = re.compile(r"^\s*[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?\s*$")
# What Raven and BirdNET-Analyzer put behind the name of a recording: rec.Table.1.selections.txt.
_BEHIND = re.compile(r"(?:\.Table\.\d+)?\.selections$|\.BirdNET\.(?:results|selection\.table)$", re.IGNORECASE)


@dataclass(frozen=True)
class EventFile:
    """A file of events, or a folder of them.

    ``format`` is recognised where it is None; ``columns`` maps the names of a log to those of the file's own.
    """

    path: Path
    format: Format | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


def recognise(path: Path) -> Format:
    """The format of a file by its first lines. Raises ``TocsinError`` where none fits, listing those that are known."""
    if is_parquet(path):
        lines = [""]
    elif not (lines := first_lines(path)):
        # Nothing heard: our own label track of a quiet file is empty.
        return "audacity"
    names = {*columns_of(path)}
    if {"sensor_id", "onset_time_utc"} <= names:
        return "detections"
    if {"path", "onset_s", "onset_sigma_s"} <= names:
        return "tocsin"
    if BEGIN in names:
        return "raven"
    if {*BIRDNET_COLUMNS} <= names:
        return "birdnet"
    cells = lines[0].split("\t")
    if {"filename", "onset", "offset"} <= names or _dcase_cells(cells):
        return "dcase"
    if len(cells) >= 2 and all(map(_NUMBER.match, cells[:2])):
        return "audacity"
    if "onset_s" in names and names & {*RECORDING_NAMES}:
        return "table"
    found = ", ".join(map(str, columns_of(path))) if lines == [""] else lines[0]
    raise TocsinError(
        f"{path} is in no format that is known; it begins with {found[:120]!r}. Known are {_KNOWN}: "
        'type --columns "recording=…,onset_s=…" with the names of its columns'
    )


def read_events(file: EventFile, target: str, recording: str = "") -> "pandas.DataFrame":
    """Events of a file, or of all files in a folder, as they stand in it.

    Args:
        file: what to read.
        target: class whose probability is the score, of rows of ``tocsin detect``.
        recording: name of the recording of a file that names none; its own name less its ending where empty.

    Returns:
        ``recording``, ``onset_s``, and where there ``offset_s``, ``label``, ``score`` and what else the file has; of
        sensors ``sensor_id`` and ``onset_time_utc`` instead of the first two.

    Raises:
        TocsinError: the file cannot be read, or is in no known format.
    """
    pandas, path = pandas_module(), file.path
    if not path.exists():
        raise TocsinError(f"{path} does not exist: expected a file of events or a folder of them")
    if file.format is not None and file.format not in get_args(Format):
        raise TocsinError(f"the format {file.format} is not known: use one of {', '.join(get_args(Format))}")
    if path.is_dir():
        inside = sorted(entry for entry in path.rglob("*") if entry.suffix.lower() in _ENDINGS and entry.is_file())
        # A journal may lie beside the Parquet.
        if not inside or any(entry.suffix == ".parquet" for entry in inside):
            return read_parquet_folder(path, target)
        # A track or a table a recording, in the same folders as those.
        parts = []
        for entry in inside:
            name = (entry.relative_to(path).parent / recording_of(entry)).as_posix()
            parts.append(read_events(EventFile(entry, file.format, file.columns), target, name))
        return pandas.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    events = _read(file, file.format or ("table" if file.columns else recognise(path)), target)
    if "recording" in events:
        said = events["recording"] != ""
        events["recording"] = events["recording"].where(said, recording or recording_of(path))
    return events


def recording_of(path: Path) -> str:
    """Name of the recording that a file of labels is beside: ``rec`` of ``rec.Table.1.selections.txt``."""
    return _BEHIND.sub("", path.stem)


def _read(file: EventFile, format: Format, target: str) -> "pandas.DataFrame":
    if format == "tocsin":
        return read_tocsin(file.path, target)
    if format == "detections":
        return read_sensor_detections(file.path, target)
    if format == "table":
        return read_named(file.path, file.columns)
    readers = {"raven": read_raven, "audacity": read_audacity, "dcase": read_dcase, "birdnet": read_birdnet}
    return readers[format](file.path)


def _dcase_cells(cells: list[str]) -> bool:
    return len(cells) >= 4 and not _NUMBER.match(cells[0]) and all(map(_NUMBER.match, cells[1:3]))
