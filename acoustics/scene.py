"""Scenes whose truth is known: sensors, bangs and air of a neighbourhood, and what every sensor records of them.

A sound reaches a sensor after the straight way at the speed of sound, later by what buildings in between cost it, and
is stamped by a clock that is a little wrong. Nothing else moves its onset: the air rounds a shock off behind its front.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.acoustics.atmosphere import Atmosphere, speed_of_sound_mps
from tocsin.acoustics.ground import HARDEST, TOWN, Ground
from tocsin.acoustics.microphone import record, urban_noise
from tocsin.acoustics.propagation import receive
from tocsin.acoustics.sources import Source, gunshot, render
from tocsin.acoustics.surroundings import Echoes, random_echoes

SAMPLE_RATE = 16000
AREA_M = 1000.0  # side of the neighbourhood
ROWS, COLUMNS = 3, 4  # 12 sensors a square kilometre; published deployments have 2 to 12
CLOCK_SIGMA_S = 0.001
POSITION_SIGMA_M = 0.5
# What a town does to the direct sound: live fire at 45 to 900 m came with residuals of 9 to 15 ms, picks and clocks
# included, and far weaker than over open ground (Calhoun et al. 2021, arXiv 2108.07377, and its recordings).
MEAN_DETOUR_S = 0.006
GREATEST_OBSTRUCTION_DB = 20.0
QUIET_S = 2.5  # before the first sound
LEAST_APART_S, MOST_APART_S = 3.0, 6.5  # discharges: sound needs up to 4 s across the area, so sounds do overlap
LEAST_APART_M = 120.0
AHEAD = 256  # samples
FADE_S = 5.0  # after the last discharge: travel, crackle and echoes

# What happens, in random order. Rounds of gunfire are given, for they are truth; the rest is the source's own affair.
EVENTS: tuple[tuple[str, int], ...] = (
    ("gunshot", 1),
    ("gunshot", 1),
    ("gunshot", 3),
    ("gunshot", 5),
    ("fireworks", 0),
    ("fireworks", 0),
    ("backfire", 0),
    ("backfire", 0),
)


@dataclass(frozen=True)
class Sensor:
    """A microphone with a clock.

    Attributes:
        sensor_id: its name.
        x_m: true place, metres east; ``y_m`` north, ``z_m`` up.
        surveyed_m: east, north, up as its owner believes, wrong by ``POSITION_SIGMA_M`` along each axis.
        clock_error_s: how much its clock is fast; ``clock_sigma_s`` is what its owner knows of that.
        full_scale_dbspl: peak level that fills the converter.
        noise_dbspl: level of the town round it.
    """

    sensor_id: str
    x_m: float
    y_m: float
    z_m: float
    surveyed_m: tuple[float, float, float]
    clock_error_s: float = 0.0
    clock_sigma_s: float = CLOCK_SIGMA_S
    full_scale_dbspl: float = 115.0
    noise_dbspl: float = 50.0


@dataclass(frozen=True)
class Event:
    """A bang.

    Attributes:
        label: ``gunshot``, ``fireworks`` or ``backfire``.
        x_m: place, metres east; ``y_m`` north, ``z_m`` up.
        discharge_s: when its sound begins, seconds after the start of the scene.
        rounds: fired, of gunfire; 0 of anything else.
        source: its sound at one metre.
    """

    label: str
    x_m: float
    y_m: float
    z_m: float
    discharge_s: float
    rounds: int
    source: Source


@dataclass(frozen=True)
class Obstruction:
    """What lies between an event and a sensor.

    Attributes:
        detour_s: by which the way round is longer.
        loss_db: that it costs.
        echoes: of the path.
        flow_resistivity: of the ground, Pa·s/m²; ``None`` is no ground.
        roughness_m: of the ground.
    """

    detour_s: float
    loss_db: float
    echoes: Echoes
    flow_resistivity: float | None = None
    roughness_m: float = 0.0


@dataclass(frozen=True)
class Scene:
    """A neighbourhood for some seconds.

    Attributes:
        sensors: ``m`` of them.
        events: ``n``, in order of discharge.
        paths: one of each event to each sensor, ``n`` rows of ``m``.
        atmosphere: alike everywhere, without wind.
        duration_s: of the recordings.
        seed: of the noise and of the diffuse tails.
        sample_rate: Hz.
    """

    sensors: tuple[Sensor, ...]
    events: tuple[Event, ...]
    paths: tuple[tuple[Obstruction, ...], ...]
    atmosphere: Atmosphere
    duration_s: float
    seed: int
    sample_rate: int = SAMPLE_RATE


def simulate_neighbourhood(seed: int, events: tuple[tuple[str, int], ...] = EVENTS) -> Scene:
    """A square kilometre with 12 sensors on a jittered grid, and bangs of three kinds at places inside it.

    Args:
        seed: of all that is random; the same seed gives the same scene.
        events: label and rounds of each event; their order, places and times are random.

    Raises:
        TocsinError: no source is known for a label, or so many events do not fit into the area.
    """
    generator = np.random.default_rng(seed)
    sensors = _place_sensors(generator)
    happening: list[Event] = []
    time_s = QUIET_S
    for index in generator.permutation(len(events)):
        label, rounds = events[index]
        x_m, y_m = _place_event(generator, happening)
        source = gunshot(generator, SAMPLE_RATE, rounds) if rounds else render(label, generator, SAMPLE_RATE)
        happening.append(Event(label, x_m, y_m, source.height_m, time_s, rounds, source))
        time_s += float(generator.uniform(LEAST_APART_S, MOST_APART_S))
    last = happening[-1]
    return Scene(
        sensors=sensors,
        events=tuple(happening),
        paths=tuple(tuple(_obstruct(generator) for _ in sensors) for _ in happening),
        atmosphere=Atmosphere(float(generator.uniform(-5, 32)), float(generator.uniform(30, 90))),
        duration_s=last.discharge_s + len(last.source.pressure_pa) / SAMPLE_RATE + FADE_S,
        seed=seed,
    )


def arrival_s(scene: Scene, event: int, sensor: int) -> float:
    """When the direct sound of an event stands in a sensor's recording, seconds from its start: the closed form.

    Distance over the speed of sound, plus the detour, plus the error of the clock: a fast clock stamps late.
    """
    travel_s = _distance_m(scene, event, sensor) / speed_of_sound_mps(scene.atmosphere.temperature_c)
    detour_s = scene.paths[event][sensor].detour_s
    return scene.events[event].discharge_s + travel_s + detour_s + scene.sensors[sensor].clock_error_s


def sound_pressure(scene: Scene, sensor: int) -> NDArray[np.float64]:
    """Pressure of all events at a sensor, without noise, pascals against the sensor's own time, shape ``(n,)``."""
    count = round(scene.duration_s * scene.sample_rate)
    total = np.zeros(count)
    for number, event in enumerate(scene.events):
        path = scene.paths[number][sensor]
        whole, fraction = divmod(arrival_s(scene, number, sensor) * scene.sample_rate, 1.0)
        # A shock moved by a fraction of a sample rings on both sides: it needs room ahead of the onset.
        start = int(whole) - AHEAD
        heard = receive(
            event.source,
            _distance_m(scene, number, sensor),
            scene.atmosphere,
            path.echoes,
            np.random.default_rng([scene.seed, sensor, number]),
            delay_s=(AHEAD + fraction) / scene.sample_rate,
            ground=_ground(path, event, scene.sensors[sensor]),
        )[max(-start, 0) : max(count - start, 0)]
        start = max(start, 0)
        total[start : start + len(heard)] += heard * 10 ** (-path.loss_db / 20)
    return total


def render_scene(scene: Scene) -> Iterator[NDArray[np.float32]]:
    """What the sensors record, one after the other: float32 in −1 … 1, shape ``(n,)``, with noise, clipped, 16 bit."""
    for number, sensor in enumerate(scene.sensors):
        pressure_pa = sound_pressure(scene, number)
        generator = np.random.default_rng([scene.seed, number])
        pressure_pa += urban_noise(len(pressure_pa), scene.sample_rate, sensor.noise_dbspl, generator)
        yield record(pressure_pa, scene.sample_rate, sensor.full_scale_dbspl)


def _place_sensors(generator: np.random.Generator) -> tuple[Sensor, ...]:
    """On lamp posts and roofs: each somewhere in the middle of its cell of a grid."""
    sensors = []
    for number in range(ROWS * COLUMNS):
        row, column = divmod(number, COLUMNS)
        x_m = (column + generator.uniform(0.2, 0.8)) / COLUMNS * AREA_M
        y_m = (row + generator.uniform(0.2, 0.8)) / ROWS * AREA_M
        z_m = generator.uniform(4, 12)
        surveyed = np.array([x_m, y_m, z_m]) + generator.normal(0, POSITION_SIGMA_M, 3)
        sensors.append(
            Sensor(
                f"S{number + 1:02d}",
                float(x_m),
                float(y_m),
                float(z_m),
                (float(surveyed[0]), float(surveyed[1]), float(surveyed[2])),
                clock_error_s=float(generator.normal(0, CLOCK_SIGMA_S)),
                full_scale_dbspl=float(generator.uniform(105, 120)),
                noise_dbspl=float(generator.uniform(42, 60)),
            )
        )
    return tuple(sensors)


def _place_event(generator: np.random.Generator, others: list[Event]) -> tuple[float, float]:
    """Somewhere in the area, away from the other events, so that the truth of each is its own."""
    for _ in range(1000):
        x_m, y_m = (float(value) for value in generator.uniform(0.08 * AREA_M, 0.92 * AREA_M, 2))
        if all(np.hypot(x_m - other.x_m, y_m - other.y_m) >= LEAST_APART_M for other in others):
            return x_m, y_m
    raise TocsinError(
        f"{len(others) + 1} events do not fit {LEAST_APART_M:.0f} m apart into {AREA_M:.0f} m square: ask for fewer"
    )


def _obstruct(generator: np.random.Generator) -> Obstruction:
    return Obstruction(
        float(generator.exponential(MEAN_DETOUR_S)),
        float(generator.uniform(0, GREATEST_OBSTRUCTION_DB)),
        random_echoes(generator),
        float(np.exp(generator.uniform(np.log(TOWN), np.log(HARDEST)))),
        float(generator.uniform(0.02, 0.3)),
    )


def _ground(path: Obstruction, event: Event, sensor: Sensor) -> Ground | None:
    if path.flow_resistivity is None:
        return None
    return Ground(path.flow_resistivity, event.z_m, sensor.z_m, path.roughness_m)


def _distance_m(scene: Scene, event: int, sensor: int) -> float:
    source, microphone = scene.events[event], scene.sensors[sensor]
    offset_m = (source.x_m - microphone.x_m, source.y_m - microphone.y_m, source.z_m - microphone.z_m)
    return float(np.linalg.norm(offset_m))
