"""An array recording: the audio of several sensors with their positions and start times, and its detections.

A folder with ``recordings.csv`` (``path,sensor_id,start_time_utc`` and a position: ``x_m,y_m[,z_m]`` or
``latitude,longitude[,elevation_m]``; optionally ``clock_sigma_s``, ``position_sigma_m``, and ``channel``, from 1, of a
file that holds several sensors; paths are relative to the folder or absolute) and optionally ``weather.json``
(``temperature_c``, ``wind_speed_mps``, ``wind_from_deg``).
"""

import csv
import difflib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tocsin import TocsinError
from tocsin.data.audio import read_blocks
from tocsin.data.dataframes import Table
from tocsin.data.tables import columns_of, filled_rows, open_table
from tocsin.inference.detection import Detection, parse_detection, table_of
from tocsin.inference.field_types import without_absent
from tocsin.inference.model import Model
from tocsin.inference.onsets.picker import Onset, OnsetPicker
from tocsin.inference.pick import Event
from tocsin.inference.stream import EventStream

TABLE = "recordings.csv"
REQUIRED_COLUMNS = ("path", "sensor_id", "start_time_utc")
POSITION_COLUMNS = ("x_m", "y_m", "z_m", "latitude", "longitude", "elevation_m")
QUALITY_COLUMNS = ("clock_sigma_s", "position_sigma_m")

BLOCK_S = 10.0  # what is held of a recording at a time: hours of it need no more memory than a minute


class Weather(BaseModel):
    """What ``weather.json`` says of the air; ``wind_from_deg`` is clockwise from north."""

    model_config = ConfigDict(frozen=True)

    temperature_c: float = Field(15.0, ge=-60.0, le=60.0)
    wind_speed_mps: float = Field(0.0, ge=0.0, le=60.0)
    wind_from_deg: float = Field(0.0, allow_inf_nan=False)


@dataclass(frozen=True)
class SensorRecording:
    """The audio of one sensor.

    ``place`` holds the position and quality columns that a detection of this sensor carries, by name; ``channel``, from
    1, is the sensor's own in a file of several, None where the file is the sensor's alone.
    """

    path: Path
    sensor_id: str
    start_time_utc: datetime
    place: dict[str, Any]
    channel: int | None = None


@dataclass(frozen=True)
class ArrayRecording:
    """Recordings of one stretch of time by several sensors, and the weather (None where not stated)."""

    folder: Path
    recordings: tuple[SensorRecording, ...]
    weather: Weather | None

    def __str__(self) -> str:
        sensors = ", ".join(recording.sensor_id for recording in self.recordings)
        return f"{self.folder}: sensors {sensors}; weather: {self.weather or 'not stated'}"

    def __repr__(self) -> str:
        return f"<ArrayRecording {self}>"


def is_array_recording(folder: Path) -> bool:
    """Whether a path is a folder with ``recordings.csv``."""
    try:
        return (folder / TABLE).is_file()
    except OSError:  # a name too long for the file system
        return False


def read_array_recording(folder: str | Path) -> ArrayRecording:
    """Read ``recordings.csv`` and ``weather.json``; the audio itself is opened by :func:`detect_array`.

    Raises:
        TocsinError: a file is missing or, naming row and column, not as the contract says.
    """
    folder = Path(folder)
    table = folder / TABLE
    if not is_array_recording(folder):
        raise TocsinError(
            f"{folder} is no array recording: expected {table.name} in it ({','.join(REQUIRED_COLUMNS)},…)"
        )
    with open_table(table) as file:
        reader = csv.DictReader(file)
        columns = columns_of(table, reader, (*REQUIRED_COLUMNS, *POSITION_COLUMNS, *QUALITY_COLUMNS, "channel"))
        missing = [column for column in REQUIRED_COLUMNS if column not in columns]
        if missing:
            raise TocsinError(f"{table} lacks the column {missing[0]}: expected {','.join(REQUIRED_COLUMNS)},x_m,y_m")
        rows = {where: _recording(folder, where, filled) for where, filled in filled_rows(table, reader)}
    if not rows:
        raise TocsinError(f"{table} names no recording: expected a row a sensor")
    _check_that_each_is_heard_once(rows)
    return ArrayRecording(folder, tuple(rows.values()), _weather(folder / "weather.json"))


def detect_array(
    array: ArrayRecording,
    model: Model | None = None,
    threshold: float | None = None,
    classify: bool = True,
    complain: Callable[[str], None] | None = None,
) -> Table[Detection]:
    """Detections of every bang, of whatever class, at every sensor, in order of arrival.

    Args:
        array: the recordings.
        model: the exported model; the shipped weights when ``None``.
        threshold: gunshot probability from which an event is called a gunshot; the card's own when ``None``.
        classify: False picks onsets alone, without class probabilities.
        complain: called with a sentence for each recording that cannot be read; the others go on.

    Raises:
        TocsinError: a recording cannot be read and nobody takes the complaint; or no recording could be read.
    """
    heard = (model or Model()) if classify else None
    detections: list[Detection] = []
    failed = 0
    for recording in array.recordings:
        try:
            detections += _detect_one(recording, heard, threshold)
        except TocsinError as error:
            if complain is None:
                raise
            complain(str(error))
            failed += 1
    if failed == len(array.recordings):
        raise TocsinError(f"{array.folder}: none of its recordings could be read")
    return table_of(sorted(detections, key=lambda item: (item.onset_time_utc, item.sensor_id)))


def _detect_one(recording: SensorRecording, model: Model | None, threshold: float | None) -> list[Detection]:
    detections = []
    for event in _events(recording, model, threshold):
        fields = {
            **recording.place,
            "sensor_id": recording.sensor_id,
            "onset_time_utc": recording.start_time_utc + timedelta(seconds=event.onset_s),
            "onset_sigma_s": event.onset_sigma_s,
            "snr_db": event.snr_db,
            "level_dbfs": event.level_dbfs,
        }
        if model is not None:
            fields["model_id"] = model.card.model_id
            fields["probabilities"] = getattr(event, "probabilities", {})
        detections.append(parse_detection(str(recording.path), fields))
    return detections


def _events(
    recording: SensorRecording, model: Model | None, threshold: float | None
) -> Iterator[Event] | Iterator[Onset]:
    """The bangs of a recording, heard block by block; onsets alone without a model."""
    stream: EventStream | OnsetPicker | None = None
    for block in read_blocks(recording.path, BLOCK_S, channel=recording.channel):
        if stream is None:
            rate = block.sample_rate
            stream = OnsetPicker(rate) if model is None else EventStream(model, rate, threshold)
        yield from stream.push(block.samples)
    if stream is not None:
        yield from stream.flush()


def _check_that_each_is_heard_once(rows: dict[str, SensorRecording]) -> None:
    """Refuse a sound that is given to two sensors, which would place each bang midway. Rows go by where they stand."""
    rows_of: dict[Path, dict[str, SensorRecording]] = {}
    for where, row in rows.items():
        others = rows_of.setdefault(_real(row.path), {})
        for other_where, other in others.items():
            if row.channel is None or other.channel in (None, row.channel):
                sound = row.path.name if row.channel is None else f"channel {row.channel} of {row.path.name}"
                raise TocsinError(
                    f"{where}: {sound} is already heard as {other.sensor_id} ({other_where.rpartition(', ')[2]}): give "
                    "each sensor a file of its own or, of a file for several, its channel (from 1) in a column channel"
                )
        others[where] = row


def _real(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # no such file can be: whoever opens it says so
        return path


def _recording(folder: Path, where: str, filled: dict[str, Any]) -> SensorRecording:
    filled = without_absent(filled, (*POSITION_COLUMNS, *QUALITY_COLUMNS, "channel"))
    if "path" not in filled:
        raise TocsinError(f"{where}: path is missing")
    if "start_time_utc" not in filled:
        raise TocsinError(f"{where}: start_time_utc is missing")
    # A detection at the first sample: what checks a detection checks a recording.
    place = {column: filled[column] for column in POSITION_COLUMNS + QUALITY_COLUMNS if column in filled}
    named = {"sensor_id": filled["sensor_id"]} if "sensor_id" in filled else {}
    try:
        checked = parse_detection(where, {**named, **place, "onset_time_utc": filled["start_time_utc"]})
    except TocsinError as error:
        raise TocsinError(str(error).replace("onset_time_utc", "start_time_utc")) from None
    channel = filled.get("channel")
    if channel is not None and not (channel.isdecimal() and int(channel) > 0):
        raise TocsinError(f"{where}, column channel: {channel!r} does not fit: expected a whole number from 1 on")
    return SensorRecording(
        path=folder / filled["path"],
        sensor_id=checked.sensor_id,
        start_time_utc=checked.onset_time_utc,
        place={column: getattr(checked, column) for column in place},
        channel=None if channel is None else int(channel),
    )


def _weather(path: Path) -> Weather | None:
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        if isinstance(content, dict) and content and not set(content) & set(Weather.model_fields):
            raise TocsinError(f"{path}: none of {', '.join(Weather.model_fields)} is in it, but {', '.join(content)}")
        if isinstance(content, dict):
            # Notes of other things are let be; what looks like a field and is none would be silently still air.
            for name in sorted(set(content) - set(Weather.model_fields)):
                if meant := difflib.get_close_matches(name, set(Weather.model_fields) - set(content), 1):
                    raise TocsinError(f"{path}: {name} is no field of it: expected {meant[0]}")
        return Weather.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "its content"
        raise TocsinError(f"{path}: {field} does not fit: {first['msg']}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise TocsinError(
            f"{path} is no JSON: expected temperature_c, wind_speed_mps, wind_from_deg ({error})"
        ) from None
