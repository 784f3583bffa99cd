"""Which recording an event is of: by path, by the end of a path, by file name, by name without ending, or by time."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from tocsin import TocsinError
from tocsin.data.dataframes import pandas_module

if TYPE_CHECKING:
    import pandas

Say = Callable[[str], None]


def reconcile(
    recordings: "pandas.DataFrame", events: "pandas.DataFrame", where: str, complain: Say = lambda sentence: None
) -> "pandas.DataFrame":
    """Events with the names of ``recordings``, their times from the start of it; those of no stretch are left out.

    A name fits a recording's name or path exactly, else the most parts at the end of one, else its file name, else that
    without its ending. Where several recordings are stretches of one file (``start_s``), its times choose.

    Args:
        recordings: ``recording``, and where known ``path``, ``start_s`` (of the stretch in its file) ``duration_s``.
        events: ``recording`` (as they name it) and ``onset_s``; ``offset_s`` where known.
        where: begins the sentences.
        complain: called with a sentence for what was matched by file name alone, and for what was left out.

    Raises:
        TocsinError: a name fits none or several; it says the first and how many.
    """
    pandas = pandas_module()
    events = events.reset_index(drop=True)
    codes, names = pandas.factorize(events["recording"])
    paths = recordings["path"] if "path" in recordings else recordings["recording"]
    file_of = paths.where(paths.astype(str) != "", recordings["recording"]).astype(str)
    index = _Index(recordings["recording"].astype(str).tolist(), file_of.tolist())
    matches = [index.find(str(name)) for name in names]
    for found, sentence in ((0, "is none of"), (2, "may be several of")):
        bad = [str(name) for name, match in zip(names, matches, strict=True) if min(len(match[0]), 2) == found]
        if bad:
            others = f"; so are {len(bad) - 1} more of {len(names)} names" if len(bad) > 1 else ""
            raise TocsinError(
                f"{where}: {bad[0]} {sentence} the {len(recordings)} recordings, the first of which is "
                f"{recordings['recording'].iloc[0]}{others}"
            )
    for level in ("file name", "name without ending"):
        loose = [(str(name), match[0][0]) for name, match in zip(names, matches, strict=True) if match[1] == level]
        _refuse_two_of_one(loose, where)
        if loose:
            complain(
                f"{where}: {len(loose)} of {len(names)} names fit by {level} alone, {loose[0][0]} as {loose[0][1]}"
            )
    whole = set(recordings["recording"].astype(str))
    # The name of a stretch says which it is, and times are from its start; the name of its file leaves that open.
    named = np.array([str(name) in whole for name in names] or [False])[codes]
    keys = np.array([match[0][0] for match in matches] or [""], dtype=object)[codes]
    of_files = events[~named].assign(recording=keys[~named])
    parts = [events[named], _in_stretches(recordings.assign(file=file_of), of_files, where, complain)]
    return pandas.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def place_in_time(
    recordings: "pandas.DataFrame", events: "pandas.DataFrame", where: str, complain: Say = lambda sentence: None
) -> "pandas.DataFrame":
    """Events of sensors (``sensor_id``, ``onset_time_utc``) as events of that sensor's recording which holds the time.

    Raises:
        TocsinError: the recordings do not say whose they are and when they began, or none holds any of the events.
    """
    pandas = pandas_module()
    timed = recordings.get("start_time_utc")
    if "sensor_id" not in recordings or timed is None or timed.isna().all():
        raise TocsinError(
            f"{where} says sensors and times, and the recordings do not: expected sensor_id and start_time_utc of each"
        )
    begun = recordings[timed.notna()].assign(start_time_utc=pandas.to_datetime(timed[timed.notna()], utc=True))
    begun = begun.assign(start_time_utc=begun["start_time_utc"].astype("datetime64[us, UTC]"))
    columns = ["recording", "sensor_id", "start_time_utc", "duration_s"]
    begun = begun[columns].sort_values("start_time_utc", kind="stable")
    begun["sensor_id"] = begun["sensor_id"].astype(str)
    heard = events.drop(columns="recording", errors="ignore").assign(sensor_id=events["sensor_id"].astype(str))
    heard["onset_time_utc"] = heard["onset_time_utc"].astype("datetime64[us, UTC]")
    heard = heard.drop(columns=["start_time_utc", "duration_s"], errors="ignore").sort_values("onset_time_utc")
    placed = pandas.merge_asof(
        heard, begun, left_on="onset_time_utc", right_on="start_time_utc", by="sensor_id", direction="backward"
    )
    placed["onset_s"] = (placed["onset_time_utc"] - placed["start_time_utc"]).dt.total_seconds()
    inside = (placed["onset_s"] <= placed["duration_s"]).to_numpy()
    if len(placed) and not inside.any():
        first = placed.iloc[0]
        raise TocsinError(
            f"{where}: none of its {len(placed)} events lies in a recording of its sensor, the first is of "
            f"{first['sensor_id']} at {first['onset_time_utc'].isoformat()}"
        )
    if not inside.all():
        complain(
            f"{where}: {int((~inside).sum())} of {len(placed)} events lie in no recording of their sensor: left out"
        )
    return placed[inside].drop(columns=["start_time_utc", "duration_s"]).reset_index(drop=True)


class _Index:
    """Recordings' files by every end of their names and paths."""

    def __init__(self, names: Sequence[str], files: Sequence[str]) -> None:
        self._exact: dict[str, str] = {}
        self._ends: dict[tuple[str, ...], set[str]] = defaultdict(set)
        self._stems: dict[str, set[str]] = defaultdict(set)
        for name, file in zip(names, files, strict=True):
            for text in (name, file):
                self._exact[text] = file
                parts = _parts(text)
                self._stems[PurePosixPath(parts[-1]).stem].add(file)
                for first in range(len(parts)):
                    self._ends[parts[first:]].add(file)

    def find(self, name: str) -> tuple[list[str], str]:
        """The files that a name may be, and by what."""
        if name in self._exact:
            return [self._exact[name]], "path"
        parts = _parts(name)
        for first in range(len(parts)):
            if found := self._ends.get(parts[first:]):
                whole = first < len(parts) - 1 or len(parts) == 1
                return sorted(found), "end of path" if whole else "file name"
        for stem in (parts[-1], PurePosixPath(parts[-1]).stem):
            if found := self._stems.get(stem):
                return sorted(found), "name without ending"
        return [], ""


def _parts(name: str) -> tuple[str, ...]:
    """The parts of a path of any system, the last at least."""
    return tuple(part for part in name.replace("\\", "/").split("/") if part not in ("", ".")) or ("",)


def _refuse_two_of_one(loose: list[tuple[str, str]], where: str) -> None:
    """Refuse names in different folders that would be the same recording."""
    seen: dict[str, str] = {}
    for name, file in loose:
        other = seen.setdefault(file, name)
        if _parts(other)[:-1] != _parts(name)[:-1]:
            raise TocsinError(
                f"{where}: {other} and {name} would both be {file}: name the recordings with their folders"
            )


def _in_stretches(
    recordings: "pandas.DataFrame", events: "pandas.DataFrame", where: str, complain: Say
) -> "pandas.DataFrame":
    """Events of files as events of the recordings in them."""
    pandas = pandas_module()
    # As float, for merge_asof wants the same type on both sides.
    starts = (
        recordings["start_s"].astype(np.float64) if "start_s" in recordings else pandas.Series(0.0, recordings.index)
    )
    if not recordings["file"].duplicated().any() and not starts.any():
        names = dict(zip(recordings["file"], recordings["recording"], strict=True))
        return events.assign(recording=events["recording"].map(names))
    same = recordings["file"][recordings.assign(_start=starts).duplicated(["file", "_start"], keep=False)]
    if (unclear := events["recording"].isin(same)).any():
        name = events["recording"][unclear].iloc[0]
        raise TocsinError(f"{where}: {int(unclear.sum())} rows name {name}, which is of several recordings: name those")
    stretches = pandas.DataFrame({"_file": recordings["file"], "_name": recordings["recording"], "_start": starts})
    stretches["_end"] = starts + recordings["duration_s"]
    heard = events.rename(columns={"recording": "_file"}).assign(_file=events["recording"].astype(object))
    stretches["_file"] = stretches["_file"].astype(object)
    placed = pandas.merge_asof(
        heard.sort_values("onset_s", kind="stable"),
        stretches.sort_values("_start", kind="stable"),
        left_on="onset_s", right_on="_start", by="_file", direction="backward",
    )  # fmt: skip
    inside = (placed["onset_s"] <= placed["_end"]).to_numpy()
    if not inside.all():
        complain(f"{where}: {int((~inside).sum())} of {len(placed)} events lie in no stretch of their file: left out")
    placed = placed[inside].reset_index(drop=True)
    for name in ("onset_s", "offset_s"):
        if name in placed:
            placed[name] = placed[name] - placed["_start"]
    return placed.rename(columns={"_name": "recording"}).drop(columns=["_file", "_start", "_end"])
