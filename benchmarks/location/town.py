"""A simulated town of growing size at equal density: cost of association and location per detection.

    python benchmarks/location/town.py [--sensors 100,300,1000] [--rates 0.5,1.5,5] [--seconds 20] [--plot town.png]

Six sensors stand on each square kilometre, on a grid and up to 120 m off it. ``--rates`` are detections a second and
sensor; 5 is the New Year's Eve of the requirement. One sound in ten is a shot of a burst of three at half a second,
nine in ten are single fireworks anywhere. A sensor hears a sound with probability 0.95·exp(-(d/700 m)²), 10 ms (sigma)
off its straight path; each arrival has echoes (Poisson, 1.5 on average, 0.05 to 0.6 s later, 6 dB weaker and more);
spurious pulses come 10 a minute and sensor. The rest of the rate is sounds.

Printed: microseconds of processor time per detection of ``locate`` on the whole, and so the detections a second that
one core keeps up with; its ratio to the smallest town; sounds heard by five sensors or more that an unambiguous shot
lies within 25 m and 0.1 s of; and unambiguous shots with no sound within 50 m and 0.2 s, per 100 such sounds.
"""

import argparse
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from tocsin.inference.detection import Detection
from tocsin.localization.incidents.shot import Shot
from tocsin.localization.locate import locate
from tocsin.localization.observation.travel import Air

START = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
PER_KM2 = 6.0
SPURIOUS_PER_S = 10.0 / 60.0
ECHOES = 1.5
PATH_SIGMA_S = 0.010
AIR = Air(temperature_c=5.0)


def make_town(sensors: int, generator: np.random.Generator) -> np.ndarray:
    """Positions ``(sensors, 2)`` at six a square kilometre, metres."""
    side = int(np.ceil(np.sqrt(sensors)))
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)[:sensors]
    return grid * 1000.0 / np.sqrt(PER_KM2) + generator.uniform(-120.0, 120.0, (sensors, 2))


def sounds_per_s(positions_m: np.ndarray, rate: float) -> float:
    """Sounds a second over a town for a rate of detections a second and sensor."""
    low, high = positions_m.min(axis=0), positions_m.max(axis=0)
    # Sensors that hear a sound in the middle of a town: the integral of the hearing over the plane.
    hearers = 0.95 * np.pi * 0.7**2 * PER_KM2
    return float((rate - SPURIOUS_PER_S) * PER_KM2 / (hearers * (1.0 + ECHOES)) * np.prod((high - low) / 1000.0))


def make_night(
    positions_m: np.ndarray, rate: float, seconds: float, generator: np.random.Generator
) -> tuple[list[Detection], np.ndarray]:
    """Detections, and the sounds that five sensors or more heard: east, north, seconds, ``(sounds, 3)``."""
    low, high = positions_m.min(axis=0), positions_m.max(axis=0)
    per_s = sounds_per_s(positions_m, rate)
    sounds = []
    for _ in range(generator.poisson(per_s * seconds / 1.2)):
        place, at_s = generator.uniform(low, high), generator.uniform(0.0, seconds)
        sounds += [(*place, at_s + 0.5 * shot) for shot in range(3 if generator.random() < 0.1 else 1)]
    rows, heard_by = hear(positions_m, sounds, seconds, generator)
    detections = [
        Detection(
            detection_id=str(number),
            sensor_id=f"s{sensor:04d}",
            onset_time_utc=START + timedelta(seconds=at_s),
            x_m=positions_m[sensor, 0],
            y_m=positions_m[sensor, 1],
            snr_db=rise_db,
        )
        for number, (sensor, at_s, rise_db, _) in enumerate(rows)
    ]
    return detections, np.array(sounds).reshape(-1, 3)[np.array(heard_by) >= 5]


def hear(
    positions_m: np.ndarray,
    sounds: Sequence[tuple[float, float, float]],
    seconds: float,
    generator: np.random.Generator,
) -> tuple[list[tuple[int, float, float, int]], list[int]]:
    """What sensors hear of sounds (east, north, seconds), with echoes and spurious pulses, and by how many each is.

    A row is a sensor, the seconds of arrival, the rise in dB, and the index of the sound: -1 where it was none.
    """
    rows: list[tuple[int, float, float, int]] = []
    heard_by = []
    for number, (east, north, at_s) in enumerate(sounds):
        away = np.hypot(*(positions_m - (east, north)).T)
        hearing = np.flatnonzero(generator.random(len(away)) < 0.95 * np.exp(-((away / 700.0) ** 2)))
        heard_by.append(hearing.size)
        for sensor in hearing.tolist():
            arrival = at_s + away[sensor] / AIR.speed_mps + generator.normal(0.0, PATH_SIGMA_S)
            rise_db = float(np.clip(38.0 - 20.0 * np.log10(max(away[sensor], 50.0) / 100.0), 8.0, 35.0))
            rows.append((sensor, arrival, rise_db + generator.normal(0.0, 2.0), number))
            for late in generator.uniform(0.05, 0.6, generator.poisson(ECHOES)).tolist():
                rows.append((sensor, arrival + late, rise_db - 6.0 - generator.exponential(4.0), number))
    for sensor in range(len(positions_m)):
        for at_s in generator.uniform(0.0, seconds, generator.poisson(SPURIOUS_PER_S * seconds)).tolist():
            rows.append((sensor, at_s, float(generator.uniform(5.0, 25.0)), -1))
    return rows, heard_by


def score(sounds: np.ndarray, shots: list[Shot]) -> tuple[float, float]:
    """Share of the sounds found, and false shots per 100 of them."""
    sure = [shot for shot in shots if not shot.ambiguous]
    if not len(sounds) or not sure:
        return 0.0, 0.0
    found = [(shot.place.x_m, shot.place.y_m, (shot.discharge_time_utc - START).total_seconds()) for shot in sure]
    told = np.array(found, dtype=np.float64)
    near, _ = cKDTree(told / (25.0, 25.0, 0.1)).query(sounds / (25.0, 25.0, 0.1))
    back, _ = cKDTree(sounds / (50.0, 50.0, 0.2)).query(told / (50.0, 50.0, 0.2))
    return float(np.mean(near <= 1.0)), 100.0 * float(np.sum(back > 1.0)) / len(sounds)


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sensors", default="100,300,1000")
    parser.add_argument("--rates", default="0.5,1.5,5", help="detections a second and sensor")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", type=Path, help="PNG of cost against sensors and rate")
    options = parser.parse_args()
    print(f"{options.seconds:g} s, seed {options.seed}")
    print(
        f"{'rate':>6}{'sensors':>9}{'detections':>12}{'us/det':>9}{'ratio':>7}{'det/s a core':>14}{'offered/s':>11}"
        f"{'sounds':>8}{'found':>8}{'false/100':>11}"
    )
    curves: dict[float, list[tuple[int, float]]] = {}
    for rate in map(float, options.rates.split(",")):
        for count in map(int, options.sensors.split(",")):
            generator = np.random.default_rng([options.seed, count])
            detections, sounds = make_night(make_town(count, generator), rate, options.seconds, generator)
            began = time.process_time()
            shots = locate(detections, AIR)
            cost_us = 1e6 * (time.process_time() - began) / len(detections)
            curve = curves.setdefault(rate, [])
            curve.append((count, cost_us))
            found, false = score(sounds, shots)
            print(
                f"{rate:>6g}{count:>9}{len(detections):>12}{cost_us:>9.0f}{cost_us / curve[0][1]:>7.2f}"
                f"{1e6 / cost_us:>14.0f}{len(detections) / options.seconds:>11.0f}{len(sounds):>8}"
                f"{found:>8.1%}{false:>11.1f}",
                flush=True,
            )
    if options.plot:
        draw(curves, options.plot)


def draw(curves: dict[float, list[tuple[int, float]]], path: Path) -> None:
    """Microseconds a detection against the number of sensors, a line a rate."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4))
    for rate, curve in curves.items():
        axes.plot(*zip(*curve, strict=True), "o-", label=f"{rate:g} detections a second and sensor")
    axes.axhline(200.0, color="grey", linestyle=":", label="5,000 detections a second on one core")
    axes.set(xscale="log", yscale="log", xlabel="sensors, six a square kilometre", ylabel="µs per detection")
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


if __name__ == "__main__":
    main()
