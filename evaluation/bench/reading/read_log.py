"""A log of whatever somebody has: recordings, labels and detections, each in a format of its own."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tocsin import TocsinError
from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.bench.log import TARGET, Log, make_log
from tocsin.evaluation.bench.reading.label_names import rename_labels
from tocsin.evaluation.bench.reading.names import Say, place_in_time, reconcile
from tocsin.evaluation.bench.reading.recognise import EventFile, read_events
from tocsin.evaluation.bench.reading.recordings import read_recordings

if TYPE_CHECKING:
    import pandas

_NAMED = 5  # labels that a sentence names


def read_log(
    recordings: Path | None,
    truth: EventFile | None = None,
    detections: EventFile | None = None,
    target: str = TARGET,
    labels: Mapping[str, str] | None = None,
    hours: float | None = None,
    detector: str | None = None,
    complain: Say = lambda sentence: None,
) -> Log:
    """A log of files; what is missing is empty, so that detections can be added later by :func:`read_detector`.

    Args:
        recordings: as :func:`read_recordings` takes it, or None with ``hours``.
        truth: labels; those of a manifest count where none are given.
        detections: of the detector.
        target: what the detector should tell.
        labels: new names of labels, of both files.
        hours: that the one recording of the files lasts, where no recordings are given.
        detector: its name; that of its file where not given.
        complain: called with a sentence for what was read, matched loosely, or left out.

    Raises:
        TocsinError: a file cannot be read, its names are of no recording, or nothing says how long was listened.
    """
    renamed, known = labels or {}, None
    if recordings is not None:
        if hours is not None:
            raise TocsinError(f"--hours is for labels alone: leave it out, {recordings} says how long was listened")
        heard, known = read_recordings(recordings, target, complain)
        complain(f"{recordings}: {len(heard)} recordings, {heard['duration_s'].sum() / 3600:.3g} hours")
        if known is not None and truth is not None:
            complain(f"{recordings}: its labels do not count, for those of {truth.path} are given")
    else:
        heard = _of_hours(hours, [file for file in (truth, detections) if file is not None], target)
    if truth is not None:
        known = _read_truth(truth, heard, target, renamed, complain)
    said = _no_detections() if detections is None else _read_detections(detections, heard, target, renamed, complain)
    name = detector or ("detector" if detections is None else detections.path.stem)
    return make_log(heard, known, said, target, name)


def read_detector(
    log: Log,
    detections: EventFile,
    labels: Mapping[str, str] | None = None,
    detector: str | None = None,
    complain: Say = lambda sentence: None,
) -> Log:
    """The same recordings and truth with the detections of another file. Raises ``TocsinError`` as :func:`read_log`."""
    frame = _read_detections(detections, log.recordings, log.target, labels or {}, complain)
    return log.with_detections(frame, detector or detections.path.stem)


def _read_truth(
    file: EventFile, recordings: "pandas.DataFrame", target: str, renamed: Mapping[str, str], complain: Say
) -> "pandas.DataFrame":
    events = _placed(file, recordings, target, complain)
    if "label" not in events:
        complain(f"{file.path}: no column of labels: each row counts as {target}")
        events["label"] = target
    events["label"] = rename_labels(events["label"], renamed, target)
    if len(events) and not (events["label"] == target).any():
        complain(f"{file.path}: no row is labelled {target}, but {_some(events['label'])}: {_map_hint(events, target)}")
    return events.drop(columns="score", errors="ignore")


def _read_detections(
    file: EventFile, recordings: "pandas.DataFrame", target: str, renamed: Mapping[str, str], complain: Say
) -> "pandas.DataFrame":
    events = _placed(file, recordings, target, complain)
    if "score" not in events:
        complain(f"{file.path}: no scores: each row counts as 1, so there is one operating point")
        events["score"] = 1.0
    if "label" in events:
        events["label"] = rename_labels(events["label"], renamed, target)
        # A column of the target's own probability scores every row; else a score is of the row's label.
        if target not in events:
            mine = events["label"] == target
            if len(events) and not mine.any():
                raise TocsinError(
                    f"{file.path}: none of its {len(events)} rows is labelled {target}, but "
                    f"{_some(events['label'])}: {_map_hint(events, target)}"
                )
            if not mine.all():
                others = _some(events.loc[~mine, "label"])
                complain(f"{file.path}: {int((~mine).sum())} of {len(events)} rows are left out, labelled {others}")
            events = events[mine].reset_index(drop=True)
    return events


def _placed(file: EventFile, recordings: "pandas.DataFrame", target: str, complain: Say) -> "pandas.DataFrame":
    """Events of a file with the names and times of the recordings."""
    where = str(file.path)
    events = read_events(file, target, str(recordings["recording"].iloc[0]) if len(recordings) == 1 else "")
    complain(f"{where}: {len(events)} rows")
    if "onset_time_utc" in events and "onset_s" not in events:
        events = place_in_time(recordings, events, where, complain)
    else:
        events = reconcile(recordings, events, where, complain)
    lasts = events["recording"].map(dict(zip(recordings["recording"], recordings["duration_s"], strict=True)))
    beyond = (events["onset_s"] > lasts.astype(float) + 0.001) | (events["onset_s"] < 0)
    if beyond.any():
        first = events[beyond].iloc[0]
        complain(
            f"{where}: {int(beyond.sum())} rows lie outside their recording, the first at {first['onset_s']:g} s of "
            f"{first['recording']}"
        )
    return events


def _of_hours(hours: float | None, files: list[EventFile], target: str) -> "pandas.DataFrame":
    """The one recording of labels whose length is said."""
    pandas = pandas_module()
    if hours is None:
        raise TocsinError("nothing says how long was listened: give the recordings, or --hours for one recording")
    if not hours > 0:
        raise TocsinError(f"--hours is {hours:g}, expected more than 0")
    found: dict[str, None] = {}
    for file in files:
        events = read_events(file, target, "recording")
        if "recording" not in events:
            raise TocsinError(f"{file.path} says sensors and times: give the recordings instead of --hours")
        found |= dict.fromkeys(events["recording"].unique().tolist())
    names = [name for name in found if name != "recording"] or ["recording"]
    if len(names) > 1:
        raise TocsinError(
            f"{files[0].path} names {len(names)} recordings and --hours is of one: give a table of recordings "
            "(recording,duration_s) instead"
        )
    return pandas.DataFrame({"recording": names, "duration_s": [3600 * hours]})


def _no_detections() -> "pandas.DataFrame":
    pandas = pandas_module()
    return pandas.DataFrame({"recording": pandas.Series(dtype=object), "onset_s": [], "score": []})


def _some(labels: "pandas.Series") -> str:
    names = [str(name) or "nothing" for name in labels.value_counts().index]
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def _map_hint(events: "pandas.DataFrame", target: str) -> str:
    return f'type --map "{events["label"].iloc[0] or "LABEL"}={target}" if that is what it is'
