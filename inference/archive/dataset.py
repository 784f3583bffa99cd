"""The folder that results go to: two tables in Parquet, in parts by sensor and day (hive style).

::

    FOLDER/detections/sensor_id=S1/date=2024-01-31/part-0f3a….parquet
    FOLDER/recordings/sensor_id=S1/date=2024-01-31/part-0f3a….parquet
    FOLDER/journal.jsonl, FOLDER/pending.jsonl

- ``detections``: a row a bang: the columns of ``tocsin detect`` (``path``, ``onset_s``, ``onset_sigma_s``, ``label``,
  ``confidence``, ``level_dbfs``, ``snr_db``, a column a class), then ``start_time_utc`` of its recording and
  ``onset_time_utc``, both null where not known.
- ``recordings``: a row a recording that was heard, also where nothing banged: ``path``, ``channel`` (from 1, null for
  the whole file), ``duration_s`` (seconds listened to), ``start_time_utc``, ``size_bytes``, ``modified_utc``,
  ``model_id``, ``threshold``, ``tocsin_version``.

``sensor_id`` and ``date``, the UTC day on which the recording began, stand in the names of the folders alone, the
sensor percent-encoded; ``date=unknown`` is for recordings whose start is not known. (The null of Hive would be neater,
but pandas cannot read it beside other days.) A part of one table has a part of the same name in the other, for the same
recordings, be it without rows. ``path`` and ``sensor_id`` join the two.

Readers guess the types of ``sensor_id`` and ``date``: pandas makes numbers of sensors that are all numbers, and
categories of the others; DuckDB makes dates where all are. What they should be is told as
``hive_types={'sensor_id': VARCHAR, 'date': VARCHAR}`` to DuckDB and as ``partitioning()`` to pandas.
"""

import hashlib
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tocsin import __version__
from tocsin.data.dataframes import arrow_module
from tocsin.inference.archive.hearing import Heard
from tocsin.inference.pick import event_columns

DETECTIONS, RECORDINGS = "detections", "recordings"
UNKNOWN_DATE = "unknown"
_PART, _TEMPORARY = "part-", ".part-"  # readers pass over names with a dot


def partitioning() -> Any:
    """What pandas and pyarrow take as ``partitioning``, so that sensors and days are text whatever they look like."""
    arrow = arrow_module("pyarrow", "--out")
    schema = arrow.schema([("sensor_id", arrow.string()), ("date", arrow.string())])
    return arrow_module("pyarrow.dataset", "--out").partitioning(schema, flavor="hive")


class Dataset:
    """Both tables of a folder.

    Args:
        folder: of the results.
        classes: of the model, a column each.
        model_id: of the model.
        threshold: at which it is asked.
    """

    def __init__(self, folder: Path, classes: Sequence[str], model_id: str, threshold: float) -> None:
        arrow = arrow_module("pyarrow", "--out")
        self._folder, self._model_id, self._threshold = folder, model_id, threshold
        text, number, time = arrow.string(), arrow.float64(), arrow.timestamp("us", "UTC")
        texts = {"path", "label"}
        columns = [(name, text if name in texts else number) for name in event_columns(classes)]
        self._schemas = {
            DETECTIONS: arrow.schema([*columns, ("start_time_utc", time), ("onset_time_utc", time)]),
            RECORDINGS: arrow.schema(
                [
                    *(("path", text), ("channel", arrow.int32()), ("duration_s", number), ("start_time_utc", time)),
                    *(("size_bytes", arrow.int64()), ("modified_utc", time)),
                    *(("model_id", text), ("threshold", number), ("tocsin_version", text)),
                ]
            ),
        }

    def write(self, heard: Sequence[Heard]) -> str:
        """Write a part of some recordings of one sensor and day to both tables; its name is the same in both.

        It is whole and on the disk when this returns. The same recordings give the same name.
        """
        heard = sorted(heard, key=lambda item: item.recording.key)
        name = f"{_PART}{_digest(heard)}.parquet"
        first = heard[0].recording
        part = f"sensor_id={quote(first.sensor_id, safe='')}/date={first.date or UNKNOWN_DATE}/{name}"
        self._write(DETECTIONS, part, [row for item in heard for row in _detection_rows(item)])
        self._write(RECORDINGS, part, [self._recording_row(item) for item in heard])
        return part

    def remove_all_but(self, parts: set[str]) -> None:
        """Remove parts that were written, or half written, and that no journal knows."""
        for table in self._schemas:
            root = self._folder / table
            for path in [*root.rglob(f"{_PART}*.parquet"), *root.rglob(f"{_TEMPORARY}*")]:
                if path.relative_to(root).as_posix() not in parts:
                    path.unlink()

    def _write(self, table: str, part: str, rows: list[dict[str, Any]]) -> None:
        schema, path = self._schemas[table], self._folder / table / part
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name("." + path.name)
        content = arrow_module("pyarrow", "--out").Table.from_pylist(rows, schema)
        with temporary.open("wb") as file:
            arrow_module("pyarrow.parquet", "--out").write_table(content, file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)

    def _recording_row(self, heard: Heard) -> dict[str, Any]:
        recording = heard.recording
        return {
            "path": recording.path,
            "channel": recording.channel,
            "duration_s": heard.duration_s,
            "start_time_utc": recording.start_time_utc,
            "size_bytes": recording.size,
            "modified_utc": datetime.fromtimestamp(recording.modified_ns // 1000 / 1e6, UTC),
            "model_id": self._model_id,
            "threshold": self._threshold,
            "tocsin_version": __version__,
        }


def _detection_rows(heard: Heard) -> list[dict[str, Any]]:
    start = heard.recording.start_time_utc
    return [
        {
            **row,
            "start_time_utc": start,
            "onset_time_utc": None if start is None else start + timedelta(seconds=row["onset_s"]),
        }
        for row in heard.rows
    ]


def _digest(heard: Sequence[Heard]) -> str:
    digest = hashlib.sha256()
    for item in heard:
        digest.update(f"{item.recording.key}\0{item.recording.size}\0{item.recording.modified_ns}\0".encode())
    return digest.hexdigest()[:16]
