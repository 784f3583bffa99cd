"""A log of detections as a table, and its alarms: what one would be called for."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tocsin import TocsinError
from tocsin.evaluation.bench.log import TARGET
from tocsin.evaluation.bench.reading.recognise import EventFile, read_events, recording_of
from tocsin.evaluation.measures.intervals import ONE_ALARM_S

if TYPE_CHECKING:
    import pandas


def read_detections(path: Path, score_column: str | None = None) -> "pandas.DataFrame":
    """Detections of a file in any format that the bench reads, as ``recording``, ``onset_s``, ``score`` and more.

    The score is that of gunshots, or the column named ``score_column``.

    Raises:
        TocsinError: the file cannot be read, has no rows or no scores, or a time or score is no finite number.
    """
    columns = {"score": score_column} if score_column else {}
    frame = read_events(EventFile(path, columns=columns), TARGET, recording_of(path))
    if not len(frame):
        raise TocsinError(f"{path} has no detections, expected a row each")
    if "onset_s" not in frame:
        raise TocsinError(f"{path} says sensors and times, not recordings: give rows of `tocsin detect --format csv`")
    if "score" not in frame and TARGET in frame:
        frame["score"] = frame[TARGET].astype(float)
    if "score" not in frame:
        found = ", ".join(map(str, frame.columns))
        raise TocsinError(f"{path}: no column is a score, found {found}; --score NAME names it")
    for name in ("onset_s", "score"):
        numbers = frame[name].to_numpy(np.float64)
        if not np.isfinite(numbers).all():
            row = int(np.argmin(np.isfinite(numbers)))
            raise TocsinError(f"{path}, row {row + 2}: {name} is {numbers[row]}, expected a finite number")
    return frame.assign(recording=frame["recording"].astype(str))


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
