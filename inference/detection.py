"""The Detection: what one sensor says of one bang, as a message (JSON) and as a row of a table (CSV).

A detection carries all that the next stage needs, its position and clock quality among it. Positions come in the local
frame (``x_m, y_m``, optionally ``z_m``: metres, z up) or in WGS 84 (``latitude, longitude``, optionally
``elevation_m``); where both are given the local frame is used. Unknown columns and fields are kept.
"""

import csv
import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TextIO

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tocsin import TocsinError
from tocsin.data.dataframes import Table
from tocsin.data.labels import CLASSES
from tocsin.data.tables import columns_of, filled_rows, open_table, refuse_near_misses
from tocsin.inference.field_types import (
    EXAMPLE_TIME,
    Finite,
    Probability,
    Sigma,
    Text,
    UtcTime,
    format_time,
    without_absent,
)

SCHEMA_VERSION = 1
REQUIRED_COLUMNS = ("sensor_id", "onset_time_utc")
LOCAL_COLUMNS = ("x_m", "y_m", "z_m")
GEOGRAPHIC_COLUMNS = ("latitude", "longitude", "elevation_m")
EMPTY_COLUMNS = (*REQUIRED_COLUMNS, *LOCAL_COLUMNS)  # of a table of no detections
SAID_IN_FULL = 5  # bad lines of a file that are said one by one

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Detection(BaseModel):
    """One bang at one sensor.

    Attributes:
        schema_version: of this message, 1.
        detection_id: a ULID; where none is given it is made from time and content, so that the same row gets the same.
        sensor_id: name of the sensor.
        x_m: local frame, metres; ``y_m`` and ``z_m`` (up) alike.
        latitude: WGS 84, degrees; ``longitude`` and ``elevation_m`` (metres) alike.
        onset_time_utc: arrival at the sensor, aware, to the microsecond.
        onset_sigma_s: standard deviation of the pick, seconds; 0.002 where not given.
        clock_sigma_s: standard deviation of the sensor's clock, seconds; 0.001 where not given.
        clock_source: what sets that clock: ``pps``, ``gps``, ``chrony``, ``timesyncd``, ``none``, or another word.
        position_sigma_m: standard deviation of the sensor's position along each axis, metres; 1 where not given.
        probabilities: a probability a class (0 … 1); empty where no classifier heard it.
        level_dbfs: peak level, dB re full scale; ``level_dbspl`` the same in dB re 20 µPa where calibrated.
        snr_db: rise over the background, dB.
        model_id: the model that gave the probabilities.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    schema_version: Annotated[int, Field(ge=1, le=SCHEMA_VERSION)] = SCHEMA_VERSION
    detection_id: Annotated[Text, Field(max_length=64)] = ""
    sensor_id: Annotated[Text, Field(min_length=1)]
    x_m: Finite | None = None
    y_m: Finite | None = None
    z_m: Finite | None = None
    latitude: Annotated[float, Field(ge=-90.0, le=90.0)] | None = None
    longitude: Annotated[float, Field(ge=-180.0, le=180.0)] | None = None
    elevation_m: Finite | None = None
    onset_time_utc: UtcTime
    onset_sigma_s: Sigma = 0.002
    clock_sigma_s: Sigma = 0.001
    clock_source: Annotated[Text, Field(max_length=64)] | None = None
    position_sigma_m: Sigma = 1.0
    probabilities: dict[Literal["gunshot", "fireworks", "backfire", "impulse", "background"], Probability] = {}
    level_dbfs: Finite | None = None
    level_dbspl: Finite | None = None
    snr_db: Finite | None = None
    model_id: Text | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        local, geographic = (self.x_m, self.y_m), (self.latitude, self.longitude)
        if None in local and None in geographic:
            raise ValueError("a position is needed: both of x_m,y_m or both of latitude,longitude")
        if not self.detection_id:
            content = self.model_dump_json(exclude={"detection_id"}, exclude_none=True)
            object.__setattr__(self, "detection_id", make_ulid(self.onset_time_utc, content))
        return self

    @property
    def is_local(self) -> bool:
        """Whether the position is in the local frame (else in WGS 84)."""
        return self.x_m is not None and self.y_m is not None

    @property
    def sigma_s(self) -> float:
        """Standard deviation of the arrival time, pick and clock together, seconds."""
        return float((self.onset_sigma_s**2 + self.clock_sigma_s**2) ** 0.5)

    def to_json(self) -> str:
        """One line of JSON, without the fields that are not set."""
        return self.model_dump_json(exclude_none=True)

    def to_row(self) -> dict[str, Any]:
        """The row of a table of detections, without the columns that are not set."""
        fields = self.model_dump(mode="json", exclude_none=True)
        probabilities = fields.pop("probabilities")
        return {**fields, **probabilities}

    def __str__(self) -> str:
        if self.is_local:
            place = f"x {self.x_m:.1f} m, y {self.y_m:.1f} m"
        else:
            place = f"latitude {self.latitude:.6f}, longitude {self.longitude:.6f}"
        heard = max(self.probabilities.items(), key=lambda item: item[1], default=None)
        said = f", {heard[0]} {heard[1]:.3f}" if heard else ""
        time = format_time(self.onset_time_utc, "milliseconds")
        return f"sensor {self.sensor_id} at {place}: {time} ± {self.sigma_s * 1000:.1f} ms{said}"

    def __repr__(self) -> str:
        return f"<Detection {self}>"


# A clock that nothing sets is of the source `none`, which is no word for an empty cell here.
OPTIONAL_FIELDS = frozenset({*Detection.model_fields, *CLASSES} - {*REQUIRED_COLUMNS, "clock_source"})
UNREAD_FIELDS = ("detection_id", "model_id", "clock_source")
# Names of which a near miss would cost something; of ids and of what no reader uses it does not.
KNOWN_FIELDS = (*(name for name in Detection.model_fields if name not in UNREAD_FIELDS), *CLASSES)
LIST_TO_LINES = "one on each line: `jq -c '.[]' LIST.json > LINES.jsonl` makes such lines of a list"


def make_ulid(time: datetime, content: str) -> str:
    """Return a ULID: 48 bits of time (milliseconds) and 80 bits that a hash of the content fixes.

    The same content at the same time gives the same id, so that runs can be compared and duplicates are seen.
    """
    digest = hashlib.sha256(content.encode()).digest()
    number = (max(int(time.timestamp() * 1000), 0) << 80) | int.from_bytes(digest[:10], "big")
    return "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


def read_detections(path: str | Path, complain: Callable[[str], None] | None = None) -> Table[Detection]:
    """Read a table (``.csv``) or messages (``.jsonl``, a detection a line), in the order of the file.

    Args:
        path: the file.
        complain: called with a sentence for each line of a ``.jsonl`` that is no detection; the others go on, for each
            is a message of its own, and the last may be torn.

    Raises:
        TocsinError: the file cannot be read; or, naming row and column, a value that is not as the contract says, in a
            table or where nobody takes the complaint; or no line of a ``.jsonl`` is a detection.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending == ".json":
        raise TocsinError(f"{path}: detections are read from a .csv table or a .jsonl file, {LIST_TO_LINES}")
    if ending not in (".csv", ".jsonl"):
        raise TocsinError(f"{path}: detections are read from a .csv table or a .jsonl file")
    with open_table(path) as file:
        if ending == ".csv":
            return table_of(_read_csv(path, csv.DictReader(file)))
        # As bytes, for a line may be torn within a letter.
        return table_of(_read_lines(path, file.buffer, complain))


def table_of(detections: Iterable[Detection]) -> Table[Detection]:
    """Detections as a table, which has its first columns also where there are none."""
    found = list(detections)
    return Table(found, () if found else EMPTY_COLUMNS)


def write_detections(path: str | Path, detections: Iterable[Detection]) -> None:
    """Write a table (``.csv``) or messages (``.jsonl``); :func:`read_detections` gives the same detections back."""
    path = Path(path)
    if path.suffix.lower() == ".jsonl":
        path.write_text("".join(detection.to_json() + "\n" for detection in detections), encoding="utf-8")
        return
    with path.open("w", newline="", encoding="utf-8") as file:
        write_table(file, detections)


def write_table(file: TextIO, detections: Iterable[Detection], lineterminator: str = "\r\n") -> None:
    """Write the table to an open file; columns that no detection fills are left out."""
    rows = [detection.to_row() for detection in detections]
    columns = list(dict.fromkeys(column for row in rows for column in row)) or EMPTY_COLUMNS
    writer = csv.DictWriter(file, columns, lineterminator=lineterminator)
    writer.writeheader()
    writer.writerows(rows)


def parse_detection(where: str, fields: Mapping[str, Any]) -> Detection:
    """Make a detection of named fields. Raises ``TocsinError`` that starts with ``where`` and names the field."""
    try:
        return Detection.model_validate(dict(fields))
    except ValidationError as error:
        first = error.errors()[0]
        column = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        if not column:
            raise TocsinError(f"{where}: {reason}") from None
        if first["type"] == "missing":
            raise TocsinError(f"{where}: {column} is missing") from None
        if first["type"] == "timezone_aware":
            reason = f"expected a time with its zone, such as {EXAMPLE_TIME}"
        raise TocsinError(f"{where}, column {column}: {first['input']!r} does not fit: {reason}") from None


def parse_line(where: str, line: str | bytes) -> Detection:
    """A detection of a line of JSON. Raises ``TocsinError`` that starts with ``where`` and says what does not fit."""
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        raise TocsinError(f"{where}: not a line of JSON ({error.msg} at column {error.colno})") from None
    except UnicodeDecodeError:
        raise TocsinError(f"{where}: not a line of JSON (not in UTF-8)") from None
    except RecursionError:
        raise TocsinError(f"{where}: JSON nested too deeply for a detection") from None
    except ValueError:
        raise TocsinError(f"{where}: JSON with a number of more digits than any number needs") from None
    if isinstance(fields, list):
        raise TocsinError(f"{where}: expected a JSON object with the fields of one detection, {LIST_TO_LINES}")
    if not isinstance(fields, dict):
        raise TocsinError(f"{where}: expected a JSON object with the fields of a detection")
    refuse_near_misses(where, fields, _known_beside(fields))
    probabilities = fields.get("probabilities")
    if isinstance(probabilities, dict):
        fields["probabilities"] = without_absent(probabilities, CLASSES)
    return parse_detection(where, _with_classes_together(without_absent(fields, OPTIONAL_FIELDS)))


def _known_beside(names: Collection[str]) -> list[str]:
    """Known names less those of a frame that nobody needs, for a position in the other is there."""
    spare: set[str] = set()
    for mine, other in ((LOCAL_COLUMNS, GEOGRAPHIC_COLUMNS), (GEOGRAPHIC_COLUMNS, LOCAL_COLUMNS)):
        if set(mine[:2]) <= set(names):
            spare |= set(other)
    return [name for name in KNOWN_FIELDS if name in names or name not in spare]


def _read_lines(path: Path, lines: Iterable[bytes], complain: Callable[[str], None] | None) -> list[Detection]:
    detections, bad = [], []
    for row, line in enumerate(lines, 1):
        if line.strip():
            try:
                detections.append(parse_line(f"{path}, row {row}", line))
            except TocsinError as error:
                if complain is None:
                    raise
                bad.append(str(error))
    if bad and not detections:
        raise TocsinError(bad[0])
    if complain is not None:
        for sentence in bad[:SAID_IN_FULL]:
            complain(f"{sentence}; this line is left out")
        if len(bad) > SAID_IN_FULL:
            complain(f"{path}: {len(bad)} lines are left out, of which the first {SAID_IN_FULL} are named above")
    return detections


def _read_csv(path: Path, table: "csv.DictReader[str]") -> list[Detection]:
    if (table.fieldnames or [""])[0].lstrip().startswith(("{", "[")):
        raise TocsinError(f"{path} is no table, it holds JSON: name it .jsonl where each line is a detection")
    columns = columns_of(path, table, _known_beside(table.fieldnames or ()))
    missing = [column for column in REQUIRED_COLUMNS if column not in columns]
    if not set(LOCAL_COLUMNS[:2]) <= set(columns) and not set(GEOGRAPHIC_COLUMNS[:2]) <= set(columns):
        missing.append("x_m,y_m (or latitude,longitude)")
    if missing:
        raise TocsinError(
            f"{path} is no table of detections: its first line lacks {' and '.join(missing)}; it has "
            f"{','.join(columns)[:200] or 'nothing'}"
        )
    return [
        parse_detection(where, _with_classes_together(without_absent(filled, OPTIONAL_FIELDS)))
        for where, filled in filled_rows(path, table)
    ]


def _with_classes_together(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with the probabilities that stand among them, as in a table, gathered in ``probabilities``."""
    apart = {name: fields.pop(name) for name in CLASSES if name in fields}
    together = fields.get("probabilities", {})
    return {**fields, "probabilities": {**apart, **together}} if apart and isinstance(together, dict) else fields
