"""What was recorded: of a folder of audio, a table, an array recording, a manifest, or a folder a class."""

from pathlib import Path
from typing import TYPE_CHECKING

from tocsin import TocsinError
from tocsin.data.audio import file_duration_s, find_audio
from tocsin.data.clips import read_clips
from tocsin.data.dataframes import pandas_module
from tocsin.data.folder import read_folder
from tocsin.data.labels import FINE_LABELS
from tocsin.data.manifests import REQUIRED_COLUMNS, read_manifest
from tocsin.data.sound import AUDIO_ENDINGS
from tocsin.evaluation.bench.reading.manifest_rows import tables_of_manifest
from tocsin.evaluation.bench.reading.names import Say
from tocsin.evaluation.bench.reading.tables import columns_of, load, to_numbers, to_text
from tocsin.inference.archive.dataset import RECORDINGS, UNKNOWN_DATE, partitioning
from tocsin.inference.archive.journal import JOURNAL
from tocsin.inference.array_recording import TABLE
from tocsin.inference.file_times import time_in_name

if TYPE_CHECKING:
    import pandas

MANIFEST = "manifest.csv"


def read_recordings(
    path: Path, target: str, complain: Say = lambda sentence: None
) -> tuple["pandas.DataFrame", "pandas.DataFrame | None"]:
    """Recordings, and the truth where what was given says it (a manifest, a folder a class), else None.

    Args:
        path: a folder that ``tocsin detect --out`` wrote, one with ``manifest.csv`` or ``recordings.csv``, a folder a
            class, another folder of audio, an audio file, a manifest, or a table ``recording`` or ``path`` with
            ``duration_s`` (seconds; of the file where it is missing), ``sensor_id``, ``start_time_utc``, ``session``,
            ``label`` and whatever else.
        target: what the truth of a manifest is.
        complain: called with a sentence for what is left out.

    Raises:
        TocsinError: nothing of the kind is there, or it is not as it should be.
    """
    pandas_module()
    if not path.exists():
        raise TocsinError(f"{path} does not exist: expected a folder of audio, a manifest or a table of recordings")
    if path.is_dir():
        if is_archive(path):
            return _of_archive(path), None
        if (path / MANIFEST).is_file():
            return read_recordings(path / MANIFEST, target, complain)
        if (path / TABLE).is_file():
            return _of_table(path / TABLE), None
        if _is_folder_a_class(path):
            return _timed(tables_of_manifest(read_folder(path, complain=complain), path, target))
        return _of_audio(find_audio(path, complain), path), None
    if path.suffix.lower() in AUDIO_ENDINGS:
        return _of_audio([path], path.parent), None
    names = {*columns_of(path)}
    if {*REQUIRED_COLUMNS} <= names:
        return _timed(tables_of_manifest(read_manifest(path), path.parent, target))
    if {"source_dataset", "recording_id", "session_id"} <= names and path.name == MANIFEST:
        return _timed(tables_of_manifest(read_clips(path.parent), path.parent, target))
    if not names & {"recording", "path"}:
        raise TocsinError(
            f"{path} is no table of recordings, its columns are {', '.join(columns_of(path))[:200]}: expected "
            f"recording or path, and duration_s; or a manifest ({','.join(REQUIRED_COLUMNS)})"
        )
    return _of_table(path), None


def is_archive(path: Path) -> bool:
    """Whether ``tocsin detect --out`` wrote a folder."""
    return (path / JOURNAL).is_file() and (path / RECORDINGS).is_dir()


def _of_archive(folder: Path) -> "pandas.DataFrame":
    """The recordings that were heard, with the names that their detections give them."""
    heard = pandas_module().read_parquet(folder / RECORDINGS, partitioning=partitioning())
    if heard.empty:
        raise TocsinError(f"{folder}: nothing was heard yet: run `tocsin detect … --out {folder}` to its end")
    several = heard["path"].duplicated(keep=False)
    if several.any():
        first = heard.loc[several, "path"].iloc[0]
        raise TocsinError(f"{folder}: {first} was heard by channels, which its detections do not tell apart")
    wanted = ["path", "sensor_id", "start_time_utc", "duration_s"]
    # Nights and sensors differ; an hour of one is like the next.
    session = heard["sensor_id"].astype(str) + " " + heard["date"].astype(str)
    session = session.where(heard["date"].astype(str) != UNKNOWN_DATE, heard["path"])
    return heard[wanted].assign(recording=heard["path"], session=session)


def _is_folder_a_class(path: Path) -> bool:
    folders = [entry.name for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    return bool(folders) and all(name in FINE_LABELS for name in folders)


def _of_audio(files: list[Path], folder: Path) -> "pandas.DataFrame":
    pandas = pandas_module()
    names = [(file.relative_to(folder) if file.is_relative_to(folder) else file).as_posix() for file in files]
    durations = [file_duration_s(file) for file in files]
    return _with_times(
        pandas.DataFrame({"recording": names, "path": [str(file) for file in files], "duration_s": durations})
    )


def _of_table(table: Path) -> "pandas.DataFrame":
    pandas = pandas_module()
    frame = load(table, ("channel",))
    if frame.empty:
        raise TocsinError(f"{table} names no recording: expected a row a recording")
    for name in set(frame.columns) & {
        "recording",
        "path",
        "sensor_id",
        "session",
        "label",
        "start_time_utc",
        "channel",
    }:
        frame[name] = to_text(frame[name])
    if "recording" not in frame:
        channel = frame["channel"] if "channel" in frame else pandas.Series("", index=frame.index)
        frame["recording"] = frame["path"].where(channel == "", frame["path"] + "#" + channel)
    if "path" in frame:
        said = frame["path"] != ""
        frame["path"] = [
            str(table.parent / path) if there else "" for path, there in zip(frame["path"], said, strict=True)
        ]
    lasting = (
        to_numbers(frame, "duration_s", table) if "duration_s" in frame else pandas.Series(float("nan"), frame.index)
    )
    unknown = lasting.isna()
    if unknown.any():
        first = frame[unknown].iloc[0]
        if "path" not in frame or (frame.loc[unknown, "path"] == "").any():
            raise TocsinError(
                f"{table}: {first['recording']} has no duration_s, and no path of a file that could tell it"
            )
        lasting = lasting.where(
            ~unknown, [file_duration_s(p) if u else 0.0 for p, u in zip(frame["path"], unknown, strict=True)]
        )
    frame["duration_s"] = lasting
    if "start_time_utc" in frame:
        said = frame["start_time_utc"] != ""
        try:
            frame["start_time_utc"] = pandas.to_datetime(
                frame["start_time_utc"].where(said), utc=True, format="ISO8601"
            )
        except ValueError as error:
            raise TocsinError(
                f"{table}: start_time_utc holds no time such as 2018-12-19T00:49:20.5Z: {error}"
            ) from None
    return _with_times(frame)


def _timed(
    tables: tuple["pandas.DataFrame", "pandas.DataFrame"],
) -> tuple["pandas.DataFrame", "pandas.DataFrame"]:
    recordings, truth = tables
    whole = _with_times(recordings)
    pandas = pandas_module()
    whole["start_time_utc"] = whole["start_time_utc"] + pandas.to_timedelta(whole["start_s"], unit="s")
    return whole, truth


def _with_times(recordings: "pandas.DataFrame") -> "pandas.DataFrame":
    """The recordings with ``start_time_utc`` by the names of their files where nothing else says it."""
    pandas = pandas_module()
    named = recordings["path"] if "path" in recordings else recordings["recording"]
    times = [time_in_name(name.replace("\\", "/").rpartition("/")[2]) for name in named.astype(str)]
    began = pandas.to_datetime([None if time is None else time.began_s for time in times], unit="s", utc=True)
    told = pandas.Series(began, index=recordings.index).astype("datetime64[us, UTC]")
    if "start_time_utc" in recordings:
        stated = recordings["start_time_utc"].astype("datetime64[us, UTC]")
        told = stated.where(stated.notna(), told)
    return recordings.assign(start_time_utc=told)
