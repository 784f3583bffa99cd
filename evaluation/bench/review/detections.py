"""A log of detections as a table, and its alarms: what one would be called for."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tocsin import TocsinError
from tocsin.data.tables import open_table
from tocsin.evaluation.bench.pandas_needed import pandas_module

if TYPE_CHECKING:
    import pandas

# As the standard report counts: what comes less than this after the one before is the same alarm.
ONE_ALARM_S = 1.0
_SCORES = ("score", "gunshot")


def read_detections(path: Path, score_column: str | None = None) -> "pandas.DataFrame":
    """Read a CSV, or JSON lines where its name ends in ``.jsonl``: columns ``recording``, ``onset_s``, ``score``, more.

    ``path`` of ``tocsin detect`` is taken for ``recording``. The score is the column named, else ``score``, else
    ``gunshot``.

    Raises:
        TocsinError: the file cannot be read, has no rows, lacks a column, or a time or score is no finite number.
    """
    pandas = pandas_module()
    try:
        with open_table(path) as file:
            if path.suffix == ".jsonl":
                frame = pandas.read_json(file, lines=True, dtype=False)
            else:
                frame = pandas.read_csv(file, dtype={"recording": str, "path": str, "sensor_id": str})
    except ValueError as error:  # of pandas, for what is neither CSV nor JSON
        raise TocsinError(f"{path} cannot be read as a table: {str(error).strip()}") from error
    if not len(frame):
        raise TocsinError(f"{path} has no detections, expected a row each")
    wanted = [score_column] if score_column else list(_SCORES)
    score = next((name for name in wanted if name in frame), None)
    recording = next((name for name in ("recording", "path") if name in frame), None)
    for name, found in (("recording (or path)", recording), ("onset_s", "onset_s"), (" or ".join(wanted), score)):
        if found is None or found not in frame:
            held = ", ".join(map(str, frame.columns))
            raise TocsinError(f"{path}: the column {name} is missing, found {held}; --score NAME names the score's")
    if score != "score" and "score" in frame:
        frame = frame.drop(columns="score")
    frame = frame.rename(columns={recording: "recording", score: "score"})
    for name in ("onset_s", "score"):
        numbers = pandas.to_numeric(frame[name], errors="coerce").to_numpy(np.float64)
        bad = ~np.isfinite(numbers)
        if bad.any():
            row = int(np.argmax(bad))
            raise TocsinError(f"{path}, row {row + 2}: {name} is {frame[name].iloc[row]}, expected a finite number")
        frame[name] = numbers
    frame["recording"] = frame["recording"].astype(str)
    return frame


def alarms_of(detections: "pandas.DataFrame", floor: float = -np.inf) -> "pandas.DataFrame":
    """The alarms of a log: detections of ``floor`` or more, those within ``ONE_ALARM_S`` of the one before joined.

    An alarm has the row of its highest score. Further columns: ``first_s`` and ``last_s``, its onsets, and
    ``at_or_above``, the number of alarms whose score is as high or higher, so that a sample knows the size of what it
    was drawn from at each of its scores.

    Raises:
        TocsinError: no detection reaches the floor.
    """
    kept = detections[detections["score"] >= floor].sort_values(["recording", "onset_s"], kind="stable")
    if not len(kept):
        most = detections["score"].max()
        raise TocsinError(f"no detection has a score of {floor:g} or more, the highest has {most:g}: lower --floor")
    kept = kept.reset_index(drop=True)
    first = kept["recording"].ne(kept["recording"].shift()) | (kept["onset_s"].diff() > ONE_ALARM_S)
    groups = kept.groupby(first.cumsum(), sort=True)
    alarms = kept.loc[groups["score"].idxmax()].reset_index(drop=True)
    alarms["first_s"], alarms["last_s"] = groups["onset_s"].min().to_numpy(), groups["onset_s"].max().to_numpy()
    alarms["at_or_above"] = alarms["score"].rank(ascending=False, method="max").astype(int)
    return alarms
