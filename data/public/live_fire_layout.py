"""The published layout of the Pittsburgh live fire, read into plain types; ``data.pittsburgh`` is the public face."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from tocsin import TocsinError
from tocsin.data.audio import Audio, read_audio

# A single GPS fix, on each horizontal axis: the 534 fixes of sensors whose averaged position is published lie 3.6 m
# (median) and 7.7 m (90 %) from it. The publisher gives no error for them, or 0.
GPS_FIX_SIGMA_M = 3.0


class Position(NamedTuple):
    """A place in the local frame of one firing position, metres, z up."""

    x_m: float
    y_m: float
    z_m: float


@dataclass(frozen=True)
class Pulse:
    """A pulse that the publisher's picker found at a sensor: a shot, an echo or another sound.

    ``arrival_time_utc`` is the start of the pulse, to 1 ms. ``position`` is an average of months of GPS fixes, good to
    ``position_sigma_m``, where that is below 1 m. ``shot_index`` is the place in ``LiveFireTest.tuples`` of the shot
    that the publisher gave the pulse to, or None.
    """

    pulse_id: str
    sensor_id: str
    arrival_time_utc: datetime
    position: Position
    position_sigma_m: float
    snr_db: float
    level_dbspl: float
    shot_index: int | None


@dataclass(frozen=True)
class Recording:
    """The audio of one sensor: a file, and the time (UTC) of its first sample.

    ``position`` is a GPS fix of the moment, another one in every test; see ``LiveFireTest.averaged_position``.
    """

    path: Path
    sensor_id: str
    start_time_utc: datetime
    position: Position
    position_sigma_m: float = GPS_FIX_SIGMA_M

    def read(self, sample_rate: int | None = None) -> Audio:
        """Read the audio, resampled where ``sample_rate`` (Hz) is given."""
        return read_audio(self.path, sample_rate)


@dataclass(frozen=True)
class Weather:
    """What the nearest weather station reported. The compass bearing of x and y, which wind needs, is not published."""

    temperature_c: float
    wind_speed_mps: float
    wind_from_deg: float


@dataclass(frozen=True)
class LiveFireTest:
    """One test: one or three rounds from one place, heard by the sensors around.

    ``survey`` is the shooter's place, known to about 2.5 m. ``pulses`` come from more sensors than have ``recordings``.
    ``tuples`` are the shots in order, each a tuple of pulse ids; ids without a pulse, which the publisher removed, are
    left out.
    """

    firing_position: str
    test_id: int
    firearm: str
    rounds: int
    survey: Position
    weather: Weather
    recordings: tuple[Recording, ...]
    pulses: tuple[Pulse, ...]
    tuples: tuple[tuple[str, ...], ...]

    @property
    def name(self) -> str:
        """Firing position and test, such as ``FP1/test_001``: the recording that no split may divide."""
        return f"{self.firing_position}/test_{self.test_id:03d}"

    def averaged_position(self, recording: Recording) -> tuple[Position, float]:
        """Position and sigma (m) of a sensor by months of GPS; its fix where no pulse of this test tells."""
        stated = [(p.position, p.position_sigma_m) for p in self.pulses if p.sensor_id == recording.sensor_id]
        return min([*stated, (recording.position, recording.position_sigma_m)], key=lambda pair: pair[1])

    def onsets_s(self, recording: Recording) -> list[tuple[float, Pulse]]:
        """Pulses of one sensor, in seconds from the first sample of its recording; some lie outside the audio."""
        start = recording.start_time_utc
        pulses = (pulse for pulse in self.pulses if pulse.sensor_id == recording.sensor_id)
        return sorted(
            (((pulse.arrival_time_utc - start).total_seconds(), pulse) for pulse in pulses), key=lambda pair: pair[0]
        )


def read_live_fire(root: str | Path) -> list[LiveFireTest]:
    """Read every test below a folder of the published layout (or a firing position, or a test), in order of its number.

    Audio may be ``.wav``, as published, or ``.flac``; it is opened only by ``Recording.read``. Raises ``TocsinError``
    where no test is found, and naming the file where one is missing or not as published.
    """
    root = Path(root)
    if not root.is_dir():
        raise TocsinError(f"{root} is no folder: expected the live fire as published, with FP1/test_001 and so on")
    surveys = sorted(root.rglob("test_*.survey.json"), key=lambda path: path.name)
    if not surveys:
        raise TocsinError(f"{root} holds no live fire: expected files such as FP1/test_001/test_001.survey.json")
    return [_read_test(path) for path in surveys]


def _read_test(survey_path: Path) -> LiveFireTest:
    folder, stem = survey_path.parent, survey_path.name.removesuffix(".survey.json")
    path = survey_path
    try:
        survey = _load(path)
        path = folder / f"{stem}.weather.json"
        reported = _load(path)
        weather = Weather(float(reported["temperature"]), float(reported["speed"]), float(reported["direction"]))
        path = folder / f"{stem}.nlos-tuples.json"
        tuples = sorted(_load(path), key=lambda shot: int(shot["shot_index"]))
        # Counted anew, for the published indices leave out shots that the publisher did not group.
        shot_of = {pulse_id: index for index, shot in enumerate(tuples) for pulse_id in shot["pulse_uuids"]}
        path = folder / f"{stem}.allpulses.json"
        pulses = tuple(_pulse(item, shot_of) for item in _load(path))
        known = {pulse.pulse_id for pulse in pulses}
        recordings = []
        for path in sorted(folder.glob(f"{stem}.audio.*.json")):
            recordings.append(_recording(path))
        path = survey_path
        return LiveFireTest(
            firing_position=survey["firing_position"],
            test_id=int(survey["test_id"]),
            firearm=survey["firearm"],
            rounds=int(survey["num_rounds"]),
            survey=_position(survey["survey_location"]),
            weather=weather,
            recordings=tuple(recordings),
            pulses=pulses,
            tuples=tuple(tuple(name for name in shot["pulse_uuids"] if name in known) for shot in tuples),
        )
    except KeyError as error:
        raise TocsinError(f"{path}: the field {error} of the published layout is missing") from error
    except (TypeError, ValueError) as error:
        raise TocsinError(f"{path} is not as published: {error}") from error


def _load(path: Path) -> Any:
    if not path.is_file():
        raise TocsinError(f"{path} does not exist: expected it beside the other files of the test")
    return json.loads(path.read_text(encoding="utf-8"))


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"the time {text} has no zone")
    return moment


def _position(location: dict[str, float]) -> Position:
    return Position(float(location["x"]), float(location["y"]), float(location["z"]))


def _pulse(item: dict[str, Any], shot_of: dict[str, int]) -> Pulse:
    return Pulse(
        pulse_id=item["pulse_uuid"],
        sensor_id=item["serial_number"],
        arrival_time_utc=_time(item["arrival_time_utc"]),
        position=_position(item["location"]),
        position_sigma_m=float(item["location_error"]) or GPS_FIX_SIGMA_M,
        snr_db=float(item["signal_to_noise_dB"]),
        level_dbspl=float(item["power_dB_SPL"]),
        shot_index=shot_of.get(item["pulse_uuid"]),
    )


def _recording(path: Path) -> Recording:
    item = _load(path)
    audio = _audio_beside(path)
    return Recording(audio, item["serial_number"], _time(item["timestamp"]), _position(item["location"]))


def _audio_beside(path: Path) -> Path:
    candidates = [path.with_name(path.name.removesuffix("json") + ending) for ending in ("flac", "wav")]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise TocsinError(f"{path}: its audio is missing, expected {candidates[0].name} or .wav beside it")
