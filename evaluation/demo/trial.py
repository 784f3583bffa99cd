"""A trial: a scene whose truth is known, heard by its sensors, located, and scored against that truth.

Every step is the one that a deployment takes: the exported model hears each sensor's samples, its events become
detections with the sensor's surveyed place and clock quality, and they are located with the temperature that a weather
report would give. The truth is looked at only to score.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from tocsin.acoustics.atmosphere import Atmosphere
from tocsin.acoustics.scene import POSITION_SIGMA_M, Scene, Sensor, render_scene
from tocsin.evaluation.demo.scoring import Gunfire, Score, score
from tocsin.inference.detect import detect
from tocsin.inference.detection import Detection, parse_detection
from tocsin.inference.model import Model
from tocsin.inference.pick import Event
from tocsin.localization.incidents.grouping import Incident, incidents_of
from tocsin.localization.locate import locate
from tocsin.localization.observation.frames import LocalFrame

EVEN = 0.5  # an incident is gunfire where that is likelier than not
# In the middle of the North Atlantic, so that no street that exists is said to have been shot in.
FRAME = LocalFrame(latitude=45.0, longitude=-30.0)
START_UTC = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Located:
    """An incident in the frame of the scene: metres east and north, its rounds in seconds after the start."""

    incident: Incident
    x_m: float
    y_m: float
    rounds_s: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Trial:
    """What became of a scene.

    Attributes:
        scene: sensors, events, air.
        traces: what each sensor recorded, float32 ``(n,)``.
        heard: events of each sensor, in order of time.
        incidents: what was reported as gunfire.
        others: what was located and not reported as gunfire.
        gunfire: indices of the gunfire among the events of the scene.
        score: of ``incidents`` against ``gunfire``; its indices count within these two.
        model_id: the weights that heard.
    """

    scene: Scene
    traces: tuple[NDArray[np.float32], ...]
    heard: tuple[tuple[Event, ...], ...]
    incidents: tuple[Located, ...]
    others: tuple[Located, ...]
    gunfire: tuple[int, ...]
    score: Score
    model_id: str


def run_trial(scene: Scene, model: Model, advance: Callable[[], None] = lambda: None) -> Trial:
    """Render a scene, hear it, locate and score.

    Args:
        scene: the truth.
        model: the exported model.
        advance: called after each sensor.
    """
    traces, heard = [], []
    for samples in render_scene(scene):
        traces.append(samples)
        heard.append(detect(samples, scene.sample_rate, model))
        advance()
    return conclude(scene, traces, heard, model.card.model_id)


def conclude(
    scene: Scene,
    traces: Sequence[NDArray[np.float32]],
    heard: Sequence[Sequence[Event]],
    model_id: str,
) -> Trial:
    """Locate what the sensors heard, and score it.

    Args:
        scene: the truth.
        traces: what each sensor recorded.
        heard: events of each sensor, in the order of the scene's sensors.
        model_id: the weights that heard.
    """
    detections = [
        detection_of(sensor, event, model_id)
        for sensor, events in zip(scene.sensors, heard, strict=True)
        for event in events
    ]
    # A weather report gives whole degrees.
    air = Atmosphere(temperature_c=float(round(scene.atmosphere.temperature_c)))
    located = [_in_scene(incident) for incident in incidents_of(locate(detections, air, "simulation"))]
    incidents = tuple(item for item in located if item.incident.probability >= EVEN)
    gunfire = tuple(index for index, event in enumerate(scene.events) if event.label == "gunshot")
    truth = [
        Gunfire(event.x_m, event.y_m, (event.discharge_s,)) for event in (scene.events[index] for index in gunfire)
    ]
    reports = [Gunfire(item.x_m, item.y_m, item.rounds_s) for item in incidents]
    return Trial(
        scene=scene,
        traces=tuple(traces),
        heard=tuple(tuple(events) for events in heard),
        incidents=incidents,
        others=tuple(item for item in located if item.incident.probability < EVEN),
        gunfire=gunfire,
        score=score(truth, reports),
        model_id=model_id,
    )


def detection_of(sensor: Sensor, event: Event, model_id: str) -> Detection:
    """What a sensor would send of an event: its surveyed place, its clock as it is, and how good both are."""
    latitude, longitude, elevation_m = (float(value) for value in FRAME.to_geographic(sensor.surveyed_m))
    fields = {
        "sensor_id": sensor.sensor_id,
        "latitude": latitude,
        "longitude": longitude,
        "elevation_m": elevation_m,
        "onset_time_utc": START_UTC + timedelta(seconds=event.onset_s),
        "onset_sigma_s": event.onset_sigma_s,
        "clock_sigma_s": sensor.clock_sigma_s,
        "position_sigma_m": POSITION_SIGMA_M,
        "probabilities": event.probabilities,
        "level_dbfs": event.level_dbfs,
        "level_dbspl": event.level_dbfs + sensor.full_scale_dbspl,
        "snr_db": event.snr_db,
        "model_id": model_id,
    }
    return parse_detection(f"sensor {sensor.sensor_id} of the simulation", fields)


def _in_scene(incident: Incident) -> Located:
    x_m, y_m, _ = FRAME.to_local(incident.place.latitude or 0.0, incident.place.longitude or 0.0)
    rounds_s = tuple((shot.discharge_time_utc - START_UTC).total_seconds() for shot in incident.shots)
    return Located(incident, float(x_m), float(y_m), rounds_s)
