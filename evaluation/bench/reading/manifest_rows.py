"""Rows of a manifest as recordings and truth: each row a stretch, those that overlap in a file one recording."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tocsin.data.dataframes import pandas_module
from tocsin.data.manifests import ManifestRow
from tocsin.evaluation.bench.log import UNSURE

if TYPE_CHECKING:
    import pandas

MEASURES = ("distance_m", "snr_db")


def tables_of_manifest(
    rows: Iterable[ManifestRow], folder: Path, target: str
) -> tuple["pandas.DataFrame", "pandas.DataFrame"]:
    """Recordings and truth.

    A file of one row from its start is a recording of that name; any other stretch is ``path#start-end`` with
    ``start_s``, its place in the file. A row of the target with ``onset_s`` is a sharp truth, one without a weak truth
    over its stretch; rows of doubtful quality are unsure; the label of a recording is that of its first row.

    Args:
        rows: of the manifest.
        folder: that the names of files are relative to.
        target: a class or a fine label.
    """
    pandas = pandas_module()
    files: dict[Path, list[ManifestRow]] = defaultdict(list)
    for row in rows:
        files[row.path].append(row)
    recordings: list[dict[str, Any]] = []
    truth: list[dict[str, Any]] = []
    for path, inside in files.items():
        name = (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()
        stretches = list(_overlapping(sorted(inside, key=lambda row: row.start_s)))
        for stretch in stretches:
            start_s, end_s = stretch[0].start_s, max(row.end_s for row in stretch)
            alone = len(stretches) == 1 and start_s == 0
            recording = name if alone else f"{name}#{start_s:.6g}-{end_s:.6g}"
            first = stretch[0]
            said = {"session": first.group, "sensor_id": first.device, "path": path.as_posix(), "label": first.label}
            kept = {"source": first.source, "quality": first.quality, "use": first.use}
            recordings.append(
                {"recording": recording, "start_s": start_s, "duration_s": end_s - start_s, **said, **kept}
            )
            truth += [_truth(row, recording, start_s, target) for row in stretch if row.doubtful or _is(row, target)]
    columns = ["recording", "onset_s", "offset_s", "label", "weak", *MEASURES]
    return pandas.DataFrame(recordings), pandas.DataFrame(truth, columns=columns)


def _is(row: ManifestRow, target: str) -> bool:
    return target in (row.label, row.class_name)


def _truth(row: ManifestRow, recording: str, start_s: float, target: str) -> dict[str, Any]:
    measures = {name: float(row.extra[name]) for name in MEASURES if row.extra.get(name)}
    onset_s, end_s = row.onset_s, row.end_s - start_s
    if row.doubtful:
        unsure = {"onset_s": row.start_s - start_s, "offset_s": end_s, "label": UNSURE, "weak": False}
        return {"recording": recording, **unsure}
    weak = onset_s is None
    times = {"onset_s": (row.start_s if onset_s is None else onset_s) - start_s, "offset_s": end_s if weak else np.nan}
    return {"recording": recording, **times, "label": target, "weak": weak, **measures}


def _overlapping(rows: Sequence[ManifestRow]) -> Iterable[list[ManifestRow]]:
    """Rows in order of their starts, those together that overlap: time counts once."""
    together: list[ManifestRow] = []
    end_s = -np.inf
    for row in rows:
        if together and row.start_s >= end_s:
            yield together
            together = []
        together.append(row)
        end_s = max(end_s, row.end_s) if len(together) > 1 else row.end_s
    if together:
        yield together
