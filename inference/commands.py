"""``tocsin classify`` and ``tocsin detect``: audio files to rows on stdout; one bad file does not stop the rest."""

import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.progress import track

from tocsin import TocsinError
from tocsin.data.audio import find_audio
from tocsin.data.complaints import complain
from tocsin.inference.archive.recordings import find_recordings
from tocsin.inference.archive.run import detect_archive
from tocsin.inference.array_recording import (
    TABLE,
    ArrayRecording,
    SensorRecording,
    detect_array,
    is_array_recording,
    read_array_recording,
)
from tocsin.inference.audio_model import AudioModel
from tocsin.inference.detection import Detection, parse_detection
from tocsin.inference.field_types import EXAMPLE_TIME, UtcTime
from tocsin.inference.pick import label_of
from tocsin.inference.writers import EventFormat, event_writer, row_writer, write_detections_to

Paths = Annotated[list[Path], typer.Argument(metavar="PATH…", help="audio files, or folders of them")]
Weights = Annotated[
    str | None,
    typer.Option("--model", help="an .onnx of `tocsin export`, or tocsin-l (the default), -m or -s (smaller)"),
]
OutputFormat = Literal["csv", "jsonl", "raven", "audacity", "detections", "detections-jsonl"]


def _said(help: str, least: float | None = None, most: float | None = None) -> Any:
    """An option that says what one file alone cannot; of several files recordings.csv says it."""
    return typer.Option(help=help, min=least, max=most, rich_help_panel="Of one file, for --format detections")


def _of_archives(help: str, least: float | None = None) -> Any:
    return typer.Option(help=help, min=least, rich_help_panel="Of archives")


def classify(
    paths: Paths,
    model: Weights = None,
    format: Annotated[Literal["csv", "jsonl"], typer.Option(help="of the rows on stdout")] = "csv",
) -> None:
    """A row a file: the probability of each class, in the window in which a gunshot is likeliest."""
    heard = AudioModel(model)
    write = row_writer(format, ["path", *heard.card.classes], sys.stdout)
    _each(find_audio(paths, complain), lambda path: write(heard.classify(path).to_row()))


def detect(
    paths: Paths,
    model: Weights = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="gunshot probability; default: the weight card's")
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(help="classes to print, may be repeated; default: all but background, and all of detections"),
    ] = None,
    format: Annotated[
        OutputFormat,
        typer.Option(help="of the rows on stdout; detections: what `tocsin locate` and (-jsonl) `tocsin fuse` take"),
    ] = "csv",
    sensor_id: Annotated[str | None, _said("name of the sensor")] = None,
    start_time_utc: Annotated[str | None, _said("of the first sample, such as 2018-12-19T00:49:20.5Z")] = None,
    x_m: Annotated[float | None, _said("of the sensor, east, in a local frame")] = None,
    y_m: Annotated[float | None, _said("north")] = None,
    z_m: Annotated[float | None, _said("up")] = None,
    latitude: Annotated[float | None, _said("of the sensor, degrees, WGS 84", -90, 90)] = None,
    longitude: Annotated[float | None, _said("degrees", -180, 180)] = None,
    elevation_m: Annotated[float | None, _said("metres")] = None,
    out: Annotated[
        Path | None,
        _of_archives("folder for Parquet by sensor and day instead of rows on stdout; typed again, it goes on"),
    ] = None,
    workers: Annotated[int | None, _of_archives("processes that hear; default: as many as there are cores", 1)] = None,
    ray: Annotated[
        str | None, _of_archives("have Ray hear: local, auto (the one that runs here), or the address of its head")
    ] = None,
) -> None:
    """A row an event: onset in seconds with its sigma, class, confidence, level, SNR, and a column a class.

    With --format detections the onset is a time, and each row says which sensor heard it and where that stands. This
    needs a folder with recordings.csv, or one file with the options that say so.

    With --out weeks of audio are heard by all cores; typed again after a kill, it goes on. Which sensor recorded a file
    and when is told by recordings.csv, else by --sensor-id or its folder's name, and by its own (20240131_235959.wav).
    """
    place = {"x_m": x_m, "y_m": y_m, "z_m": z_m}
    place |= {"latitude": latitude, "longitude": longitude, "elevation_m": elevation_m}
    options = {"sensor_id": sensor_id, "start_time_utc": start_time_utc, **place}
    said = {name: value for name, value in options.items() if value is not None}
    heard = AudioModel(model)
    wanted = set(label or heard.card.classes)
    if wanted - set(heard.card.classes):
        raise typer.BadParameter(f"{heard.card.model_id} has the classes {', '.join(heard.card.classes)}")
    kept = wanted - (set() if label else {"background"})
    if out is not None:
        if format != "csv":
            raise typer.BadParameter("--out writes Parquet: leave out --format")
        _write_archive(paths, out, said, heard, threshold, kept, workers, ray)
    elif workers is not None or ray is not None:
        raise typer.BadParameter(f"{'--ray' if workers is None else '--workers'} is for --out FOLDER: add that")
    elif format in get_args(EventFormat):
        if said:
            raise typer.BadParameter(f"{_option(next(iter(said)))} is for --format detections: type that, too")
        _write_events(find_audio(paths, complain), heard, threshold, kept, format)
    else:
        _write_detections(_arrays(paths, said), heard, threshold, wanted, format)


def _write_archive(
    paths: list[Path],
    out: Path,
    said: dict[str, Any],
    heard: AudioModel,
    threshold: float | None,
    kept: set[str],
    workers: int | None,
    ray: str | None,
) -> None:
    sensor_id, start = said.pop("sensor_id", None), said.pop("start_time_utc", None)
    if said:
        raise typer.BadParameter(f"{_option(next(iter(said)))} is for --format detections: leave it out")
    try:
        start_time_utc = None if start is None else TypeAdapter[datetime](UtcTime).validate_python(start)
    except ValidationError:
        raise typer.BadParameter(
            f"--start-time-utc: {start!r} is no time with its zone, as {EXAMPLE_TIME} is"
        ) from None
    recordings = find_recordings(paths, sensor_id, start_time_utc, complain)
    if not detect_archive(recordings, out, heard, threshold, kept, workers, ray, complain):
        raise typer.Exit(1)


def _write_events(files: list[Path], heard: AudioModel, threshold: float | None, wanted: set[str], format: Any) -> None:
    if format == "audacity" and len(files) > 1:
        raise typer.BadParameter(f"an Audacity label track belongs to one file, got {len(files)}: name one")
    write = event_writer(format, heard.card.classes, sys.stdout)
    # Written when all is heard: a file that breaks half-way gives its sentence and no rows, not some of them.
    _each(files, lambda path: write(path, [e for e in heard.detect(path, threshold) if e.label in wanted]))


def _write_detections(
    arrays: list[ArrayRecording], heard: AudioModel, threshold: float | None, wanted: set[str], format: str
) -> None:
    least = heard.card.threshold if threshold is None else threshold
    detections: list[Detection] = []
    complaints: list[str] = []

    def note(sentence: str) -> None:
        complaints.append(sentence)
        complain(sentence)

    for array in arrays:
        if weather := array.weather.model_dump(exclude_unset=True) if array.weather else {}:
            typed = " ".join(f"{_option(name)} {value:g}" for name, value in weather.items())
            complain(f"{array.folder}: its weather.json goes into no detection: add {typed} to `tocsin locate`")
        try:
            detections += detect_array(array, heard, threshold, complain=note if len(array.recordings) > 1 else None)
        except TocsinError as error:
            note(str(error))
    detections.sort(key=lambda detection: (detection.onset_time_utc, detection.sensor_id))
    chosen = [detection for detection in detections if label_of(detection.probabilities, least) in wanted]
    write_detections_to(sys.stdout, chosen, format)
    if complaints:
        raise typer.Exit(1)


def _arrays(paths: list[Path], said: dict[str, Any]) -> list[ArrayRecording]:
    """The array recordings that some paths are: folders with recordings.csv, or one file and what is said of it."""
    folders = [path for path in paths if is_array_recording(path)]
    if len(folders) < len(paths):
        files = find_audio((path for path in paths if path not in folders), complain)
        if folders or len(files) > 1:
            raise typer.BadParameter(
                f"{files[0]} and others do not say which sensor heard them, where and when: write {TABLE} in their "
                "folder, a row a file (path,sensor_id,start_time_utc,x_m,y_m or latitude,longitude), and give that"
            )
        return [_one_file(files[0], said)]
    if said:
        raise typer.BadParameter(f"{folders[0] / TABLE} says where and when: leave out {_option(next(iter(said)))}")
    return [read_array_recording(folder) for folder in folders]


def _one_file(path: Path, said: dict[str, Any]) -> ArrayRecording:
    needed = {"sensor_id": "NAME", "start_time_utc": "2018-12-19T00:49:20.5Z"}
    missing = [f"{_option(name)} {example}" for name, example in needed.items() if name not in said]
    if not ({"x_m", "y_m"} <= said.keys() or {"latitude", "longitude"} <= said.keys()):
        missing.append("--x-m 0 --y-m 0 (or --latitude 40.44 --longitude -79.99)")
    if missing:
        raise typer.BadParameter(f"{path} does not say which sensor heard it, where and when: add {', '.join(missing)}")
    place = {name: value for name, value in said.items() if name not in needed}
    try:
        checked = parse_detection(
            str(path), {**place, "sensor_id": said["sensor_id"], "onset_time_utc": said["start_time_utc"]}
        )
    except TocsinError as error:
        raise typer.BadParameter(str(error).replace("column onset_time_utc", "--start-time-utc")) from None
    row = SensorRecording(path, checked.sensor_id, checked.onset_time_utc, place)
    return ArrayRecording(path.parent, (row,), None)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _each(files: list[Path], work: Callable[[Path], None]) -> None:
    """Work off all files; say of each bad one what is wrong, and exit with 1 at the end if there was one."""
    failed = False
    console = Console(stderr=True)
    for path in track(files, "listening", console=console, transient=True, disable=not console.is_terminal):
        try:
            work(path)
        except TocsinError as error:
            failed = True
            complain(str(error))
    if failed:
        raise typer.Exit(1)
