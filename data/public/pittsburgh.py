"""The published live fire of Pittsburgh, 2018: audio of many sensors, surveyed truth, weather, the publisher's pulses.

Calhoun et al., "Precision and accuracy of acoustic gunshot location in an urban environment", ShotSpotter Technical
Note 098, arXiv 2108.07377; data CC BY 4.0, ShotSpotter, Inc. A folder a firing position (``FP1`` …), in it a folder a
test (``test_001`` …). Positions are metres, z up, with an origin of its own for every firing position.

``read_live_fire`` reads it; ``labelled_clips`` turns it into manifest rows for training, ``write_array_recording`` and
``write_detections`` into what ``tocsin locate`` takes.
"""

import csv
import json
import math
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tocsin.acoustics.atmosphere import speed_of_sound_mps
from tocsin.data.audio import Audio
from tocsin.data.manifests import ManifestRow
from tocsin.data.public.live_fire_layout import LiveFireTest, Position, Pulse, Recording, Weather, read_live_fire

__all__ = [
    "LiveFireTest",
    "Position",
    "Pulse",
    "Recording",
    "Weather",
    "expected_arrivals_s",
    "labelled_clips",
    "read_live_fire",
    "sounding_stretches_s",
    "write_array_recording",
    "write_detections",
]

SOURCE = "pittsburgh-2018"
LICENCE = "CC BY 4.0 (ShotSpotter, Inc.)"

# The publisher zeroed the audio away from the shots in runs of a second and more; a few zeros are ordinary samples.
_SHORTEST_ZEROED_S = 0.01
# Reverberation is within 1 dB of the level before the shot (median over the sensors) 1.5 s after its last pulse, but
# faint echoes that the publisher did not pick are heard up to 3.5 s after a shot: neither gunshot nor background.
_QUIET_BEFORE_S, _QUIET_AFTER_SHOT_S, _QUIET_AFTER_PULSE_S = 0.1, 4.0, 1.0


def labelled_clips(
    tests: Iterable[LiveFireTest], before_s: float = 0.3, after_s: float = 0.7, shortest_background_s: float = 0.5
) -> Iterator[ManifestRow]:
    """Yield stretches of the recordings as manifest rows, ``gunshot`` and ``background``.

    A gunshot row spans ``before_s`` before to ``after_s`` after a pulse that the publisher gave to a shot, cut at
    zeroed audio; ``onset_s`` is that pulse. Background is what is neither zeroed nor from 0.1 s before to 1 s after any
    pulse of that sensor (4 s where a shot arrives, also one that the sensor's picks do not hold but the other sensors'
    imply), in stretches of ``shortest_background_s`` or more. Echoes and other sounds stay unlabelled. All times are
    seconds.

    ``recording_id`` is firing position and test, ``session_id`` the firing position: the same sensors hear all its
    tests, with the same echoes, so it must not cross a split.
    """
    for test in tests:
        for recording in test.recordings:
            sounding = sounding_stretches_s(recording.read())
            for onset_s, pulse in test.onsets_s(recording):
                inside = [(start, end) for start, end in sounding if start <= onset_s < end]
                if pulse.shot_index is not None and inside:
                    start, end = max(inside[0][0], onset_s - before_s), min(inside[0][1], onset_s + after_s)
                    yield _row(test, recording, "gunshot", start, end, onset_s)
            # A round that no tuple tells of could be anywhere.
            if len(test.tuples) == test.rounds:
                for start, end in _quiet_stretches_s(test, recording, sounding):
                    if end - start >= shortest_background_s:
                        yield _row(test, recording, "background", start, end, None)


def sounding_stretches_s(audio: Audio) -> list[tuple[float, float]]:
    """Start and end in seconds of the stretches that the publisher did not zero."""
    zero = np.concatenate([[False], audio.samples == 0, [False]]).astype(np.int8)
    edges = np.flatnonzero(np.diff(zero)).reshape(-1, 2) / audio.sample_rate
    zeroed = [(float(start), float(end)) for start, end in edges if end - start >= _SHORTEST_ZEROED_S]
    return _without([(0.0, audio.duration_s)], zeroed)


def expected_arrivals_s(test: LiveFireTest, recording: Recording) -> NDArray[np.float64]:
    """When each shot should reach a sensor, seconds from the start of its recording, shape (shots,).

    The discharge time is the median over the shot's pulses of arrival minus straight path over the speed of sound; the
    published pulses lie within 0.045 s of it.
    """
    speed_mps = speed_of_sound_mps(test.weather.temperature_c)
    start = recording.start_time_utc
    pulses = {pulse.pulse_id: pulse for pulse in test.pulses}
    arrivals = []
    for shot in test.tuples:
        heard = [pulses[pulse_id] for pulse_id in shot]
        discharges_s = [
            (pulse.arrival_time_utc - start).total_seconds() - math.dist(pulse.position, test.survey) / speed_mps
            for pulse in heard
        ]
        if heard:
            path_m = math.dist(test.averaged_position(recording)[0], test.survey)
            arrivals.append(float(np.median(discharges_s)) + path_m / speed_mps)
    return np.array(arrivals)


def write_array_recording(test: LiveFireTest, folder: str | Path, averaged_positions: bool = False) -> Path:
    """Write a test as an array recording, ``recordings.csv`` and ``weather.json``; return the folder.

    The audio stays where it is and is named by its absolute path. Positions, in local metres with ``position_sigma_m``,
    are the GPS fixes published with the audio, or with ``averaged_positions`` those published with the pulses, which
    a sensor that has stood for months would state. The compass bearing of the published x and y is not known, so the
    wind direction is as reported and may not be that of the frame (it was still but for ten tests of 1.8 m/s).
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "recordings.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "sensor_id", "start_time_utc", "x_m", "y_m", "z_m", "position_sigma_m"])
        for recording in test.recordings:
            moment = _rfc3339(recording.start_time_utc)
            position, sigma_m = recording.position, recording.position_sigma_m
            if averaged_positions:
                position, sigma_m = test.averaged_position(recording)
            writer.writerow([recording.path.resolve(), recording.sensor_id, moment, *position, sigma_m])
    weather = {
        "temperature_c": test.weather.temperature_c,
        "wind_speed_mps": test.weather.wind_speed_mps,
        "wind_from_deg": test.weather.wind_from_deg,
    }
    (folder / "weather.json").write_text(json.dumps(weather, indent=2) + "\n", encoding="utf-8")
    return folder


def write_detections(
    test: LiveFireTest, path: str | Path, sensors: Collection[str] | None = None, shots_only: bool = False
) -> Path:
    """Write the published pulses as a detections table (CSV), in order of arrival; return its path.

    ``sensors`` keeps those sensors alone; ``shots_only`` leaves out the pulses that the publisher gave to no shot,
    echoes among them. The publisher classified nothing, so the table has no class columns.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        columns = "detection_id,sensor_id,onset_time_utc,x_m,y_m,z_m,position_sigma_m,snr_db,level_dbspl"
        writer.writerow(columns.split(","))
        for pulse in sorted(test.pulses, key=lambda pulse: pulse.arrival_time_utc):
            if (sensors is None or pulse.sensor_id in sensors) and not (shots_only and pulse.shot_index is None):
                identity = [pulse.pulse_id, pulse.sensor_id, _rfc3339(pulse.arrival_time_utc)]
                writer.writerow([*identity, *pulse.position, pulse.position_sigma_m, pulse.snr_db, pulse.level_dbspl])
    return path


def _quiet_stretches_s(
    test: LiveFireTest, recording: Recording, sounding: list[tuple[float, float]]
) -> list[tuple[float, float]]:
    after_s = {True: _QUIET_AFTER_PULSE_S, False: _QUIET_AFTER_SHOT_S}
    loud = [(onset_s, after_s[pulse.shot_index is None]) for onset_s, pulse in test.onsets_s(recording)]
    loud += [(arrival_s, _QUIET_AFTER_SHOT_S) for arrival_s in expected_arrivals_s(test, recording).tolist()]
    return _without(sounding, [(at_s - _QUIET_BEFORE_S, at_s + quiet_s) for at_s, quiet_s in loud])


def _without(stretches: list[tuple[float, float]], removed: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    for start, end in removed:
        cut = [piece for low, high in stretches for piece in ((low, min(high, start)), (max(low, end), high))]
        stretches = [(low, high) for low, high in cut if low < high]
    return stretches


def _row(
    test: LiveFireTest, recording: Recording, label: str, start_s: float, end_s: float, onset_s: float | None
) -> ManifestRow:
    return ManifestRow(
        path=recording.path,
        label=label,
        start_s=start_s,
        end_s=end_s,
        recording_id=f"{SOURCE}/{test.name}",
        source=SOURCE,
        device=recording.sensor_id,
        licence=LICENCE,
        session_id=f"{SOURCE}/{test.firing_position}",
        onset_s=onset_s,
    )


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
