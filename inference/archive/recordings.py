"""What an archive holds: its recordings, which sensor made each, and when it began.

The sensor and the time of a file are those of ``recordings.csv`` in its folder or in a folder named on the command
line; else what an option says; else the name of its folder, and the time in its own name as recorders write it there
(AudioMoth ``20240131_235959.WAV``, Song Meter ``SITE_20240131_235959.wav``), in UTC where that names no zone.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from tocsin import TocsinError
from tocsin.data.audio import find_audio
from tocsin.inference.array_recording import TABLE, SensorRecording, is_array_recording, read_array_recording
from tocsin.inference.file_times import time_in_name


@dataclass(frozen=True, slots=True)
class Recording:
    """A file, or a channel of it.

    Attributes:
        path: as given.
        absolute: the same from the root, which names it wherever the command is typed.
        sensor_id: of the sensor.
        start_time_utc: of the first sample; ``None`` where not known.
        channel: from 1, of a file that holds several sensors; ``None`` for the whole file.
        size: bytes.
        modified_ns: time of the last change, nanoseconds since 1970. A file that is not there has 0 bytes of 1970.
    """

    path: str
    absolute: str
    sensor_id: str
    start_time_utc: datetime | None
    channel: int | None
    size: int
    modified_ns: int

    @property
    def key(self) -> str:
        """What this is among all recordings."""
        return self.absolute if self.channel is None else f"{self.absolute}#{self.channel}"

    @property
    def date(self) -> str | None:
        """The UTC day on which it began, ``2024-01-31``."""
        return None if self.start_time_utc is None else self.start_time_utc.date().isoformat()

    def to_json(self) -> dict[str, Any]:
        """The same in types that JSON has."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return {**fields, "start_time_utc": self.start_time_utc.isoformat() if self.start_time_utc else None}

    @classmethod
    def of_json(cls, fields: dict[str, Any]) -> Self:
        """What :meth:`to_json` was made of."""
        start = fields["start_time_utc"]
        return cls(**{**fields, "start_time_utc": datetime.fromisoformat(start) if start else None})


def find_recordings(
    paths: Sequence[Path],
    sensor_id: str | None = None,
    start_time_utc: datetime | None = None,
    complain: Callable[[str], None] = lambda sentence: None,
) -> list[Recording]:
    """The recordings that files and folders stand for, each once, by sensor and time.

    Args:
        paths: as for ``find_audio``.
        sensor_id: of those that no table names.
        start_time_utc: of the one file.
        complain: as for ``find_audio``.

    Raises:
        TocsinError: there is none, a ``recordings.csv`` is broken, or ``start_time_utc`` is given for several.
    """
    named = [path for path in paths if is_array_recording(path)]
    rows = [row for folder in named for row in read_array_recording(folder).recordings]
    try:
        files = find_audio(paths, complain)
    except TocsinError:
        if not rows:
            raise
        files = []  # all of it is where the tables say
    told = _by_file(rows)
    folders = {file.parent for file in files} - set(named)
    for folder in sorted(folder for folder in folders if is_array_recording(folder)):
        found = _by_file(read_array_recording(folder).recordings)
        told = {**found, **told}
    listed = {_absolute(file) for file in files}
    recordings = [_of_row(row) for row in rows if _absolute(row.path) not in listed]
    untold = [file for file in files if _absolute(file) not in told]
    if start_time_utc is not None and len(untold) != 1:
        raise TocsinError(
            f"--start-time-utc is of one file, got {len(untold)}: leave it out, and name files by their time "
            f"(20240131_235959.wav), or write {TABLE} in their folder (path,sensor_id,start_time_utc,x_m,y_m)"
        )
    for file in files:
        if known := told.get(_absolute(file)):
            recordings += [_of_row(row, str(file)) for row in known]
        else:
            recordings.append(_by_name(file, sensor_id, start_time_utc))
    once = {recording.key: recording for recording in recordings}
    early = datetime.min.replace(tzinfo=UTC)
    return sorted(once.values(), key=lambda item: (item.sensor_id, item.start_time_utc or early, item.key))


def _by_file(rows: Iterable[SensorRecording]) -> dict[str, list[SensorRecording]]:
    found: dict[str, list[SensorRecording]] = {}
    for row in rows:
        found.setdefault(_absolute(row.path), []).append(row)
    return found


def _of_row(row: SensorRecording, path: str | None = None) -> Recording:
    return _recording(path or str(row.path), row.sensor_id, row.start_time_utc, row.channel)


def _by_name(file: Path, sensor_id: str | None, start_time_utc: datetime | None) -> Recording:
    parent = Path(_absolute(file)).parent
    if start_time_utc is None and (began := time_in_name(file.name)):
        start_time_utc = datetime.fromtimestamp(began.began_s, UTC)
    return _recording(str(file), sensor_id or parent.name or str(parent), start_time_utc, None)


def _recording(path: str, sensor_id: str, start_time_utc: datetime | None, channel: int | None) -> Recording:
    absolute = _absolute(path)
    try:
        status = Path(absolute).stat()
        size, modified_ns = status.st_size, status.st_mtime_ns
    except (OSError, ValueError):  # whoever opens it says what is wrong
        size, modified_ns = 0, 0
    return Recording(_text(path), absolute, _text(sensor_id), start_time_utc, channel, size, modified_ns)


def _absolute(path: str | Path) -> str:
    """The same file in the same words, from whatever folder and by whatever link to its folder it is named."""
    return str(_real(Path(path).parent) / Path(path).name)


@lru_cache(maxsize=1024)
def _real(folder: Path) -> Path:
    try:
        return folder.resolve()
    except (OSError, RuntimeError, ValueError):  # no such folder can be: whoever opens the file says so
        return folder.absolute()


def _text(name: str) -> str:
    """A name that tables can hold, where a disk names files in another encoding."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
