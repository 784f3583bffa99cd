"""A folder of short labelled clips with the table ``manifest.csv`` of the project's recordings.

Its columns are ``path,label,source_dataset,recording_id,sample_rate,duration_s,licence,notes,sha256,session_id,
event_id,quality,use``: a clip is one file, used whole.
"""

import csv
from pathlib import Path

from tocsin import TocsinError
from tocsin.data.dataframes import Table
from tocsin.data.manifests import COLUMNS, ManifestRow, row_from_cells
from tocsin.data.tables import open_table

_COLUMNS = ("path", "label", "source_dataset", "recording_id", "duration_s", "session_id")

# Uploads that hold the same sound (`tocsin data check`) are one session.
SAME_SOUND = {"fs_37236": "fs_102305"}


def read_clips(folder: str | Path) -> Table[ManifestRow]:
    """Read ``manifest.csv`` of a clips folder; the columns without a place in ``ManifestRow`` are kept in ``extra``.

    Raises ``TocsinError`` naming the row for a missing column, an unknown label or a file that is not there.
    """
    folder = Path(folder)
    path = folder / "manifest.csv"
    if not path.is_file():
        raise TocsinError(f"{path} does not exist: expected the table of a clips folder")
    with open_table(path) as file:
        table = csv.DictReader(file)
        missing = [name for name in _COLUMNS if name not in (table.fieldnames or ())]
        if missing:
            raise TocsinError(f"{path}: the column {missing[0]!r} is missing")
        rows = []
        for number, cells in enumerate(table, start=2):
            where = f"{path}, row {number}"
            cells["session_id"] = SAME_SOUND.get(cells["session_id"], cells["session_id"])
            cells |= {"start_s": "0", "end_s": cells["duration_s"], "source": cells.pop("source_dataset")}
            row = row_from_cells(cells, folder, where)
            if not row.path.is_file():
                raise TocsinError(f"{where}: there is no file {row.path}")
            rows.append(row)
    return Table(rows, COLUMNS)
