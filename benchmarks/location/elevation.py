"""Sounds from above: whether they are recognised, where they are said to be, and how often gunfire is taken for them.

    python benchmarks/location/elevation.py [--trials 200] [--seed 0] [--recordings ../shared]

Twelve sensors over a square kilometre, 3 to 20 m above the ground, which is flat or rises and falls by 40 m (*hills*).
A sound is made 1.5 m or 30 to 200 m above it. Each sensor hears it with a probability that falls with distance, with
errors of the travel time of 5 to 10 ms, half of them with an echo after it; one or two sensors hear an echo alone. The
stated temperature is wrong by 2 °C. *In the plane* is the same sound with no heights of sensors given, so that the fit
stays in two dimensions. *Covered* is the share of the heights that are said whose 95 % interval holds the truth.
*Six heard it*: the share that six sensors or more heard directly, without which no height is said.

With --recordings the published live fire is located, from pulses and from audio: all of its shots are on the ground.
"""

import argparse
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tocsin.data.complaints import complain
from tocsin.data.public.pittsburgh import read_live_fire, write_array_recording, write_detections
from tocsin.inference.detection import Detection
from tocsin.localization.fitting.elevation import LEAST_SENSORS_IN_SPACE
from tocsin.localization.incidents.shot import Shot
from tocsin.localization.inputs import read_input
from tocsin.localization.locate import locate
from tocsin.localization.observation.nearby import hearing_at_distance
from tocsin.localization.observation.travel import Air, travel_times_s

Array = npt.NDArray[np.float64]

HEIGHTS_M = (1.5, 30.0, 60.0, 100.0, 150.0, 200.0)
HILLS_M = (0.0, 40.0)
ROWS, COLUMNS, SIDE_M = 3, 4, 1000.0
LEAST_HEARING = 0.15
TEMPERATURE_ERROR_C = 2.0
START = datetime(2026, 1, 1, tzinfo=UTC)


def ground_m(places_m: Array, hills_m: float) -> Array:
    """Height of the ground at places ``(…, 2)``."""
    east, north = places_m[..., 0], places_m[..., 1]
    return np.asarray(hills_m * np.sin(east / 223.0 + 0.7) * np.cos(north / 271.0 + 0.3))


def draw_scene(
    height_m: float, hills_m: float, generator: np.random.Generator
) -> tuple[list[Detection], Air, Array, int]:
    """Detections of one sound, the air as stated, where it was made, ``(3,)``, and how many sensors it reached."""
    cells = np.array([(column / COLUMNS, row / ROWS) for row in range(ROWS) for column in range(COLUMNS)])
    count = len(cells)
    flat_m = SIDE_M * (cells + generator.uniform(0.2, 0.8, (count, 2)) / [COLUMNS, ROWS])
    sensors_m = np.column_stack((flat_m, ground_m(flat_m, hills_m) + generator.uniform(3.0, 20.0, count)))
    place_m = generator.uniform(0.15 * SIDE_M, 0.85 * SIDE_M, 2)
    source_m = np.append(place_m, ground_m(place_m, hills_m) + height_m)
    stated_c = float(generator.uniform(-5.0, 30.0))
    error_c = TEMPERATURE_ERROR_C * float(generator.choice([-1, 1]))
    sigma_s = generator.uniform(0.005, 0.010)
    direct_s = 1.0 + travel_times_s(source_m, sensors_m, Air(stated_c + error_c))
    hearing = hearing_at_distance(np.linalg.norm(sensors_m - source_m, axis=1))
    echo_only = generator.choice(count, generator.integers(1, 3), replace=False)
    detections, direct = [], 0
    for sensor in np.flatnonzero(generator.random(count) < np.maximum(hearing, LEAST_HEARING)).tolist():
        heard = []
        if sensor not in echo_only:
            heard.append((direct_s[sensor] + generator.normal(0.0, sigma_s), generator.uniform(12.0, 25.0)))
            direct += 1
        if sensor in echo_only or generator.random() < 0.5:
            heard.append((direct_s[sensor] + generator.uniform(0.05, 0.4), generator.uniform(6.0, 14.0)))
        x_m, y_m, z_m = sensors_m[sensor].tolist()
        detections += [
            Detection(
                sensor_id=f"s{sensor:02d}",
                x_m=x_m,
                y_m=y_m,
                z_m=z_m,
                onset_time_utc=START + timedelta(seconds=float(time_s)),
                snr_db=rise_db,
            )
            for time_s, rise_db in heard
        ]
    return detections, Air(stated_c), source_m, direct


def answer_of(shots: list[Shot]) -> Shot | None:
    """The shot that the most sensors hold, unambiguous before ambiguous; its probability would favour the ground."""
    return max(shots, key=lambda shot: (not shot.ambiguous, shot.n_sensors), default=None)


def error_m(shot: Shot | None, source_m: Array) -> float:
    """Distance in the plane, metres; NaN where nothing was located."""
    if shot is None or shot.place.x_m is None or shot.place.y_m is None:
        return float("nan")
    return float(np.hypot(shot.place.x_m - source_m[0], shot.place.y_m - source_m[1]))


def row_of(height_m: float, hills_m: float, trials: int, seed: int) -> str:
    """One line of the table."""
    located, heights, errors, inside, airborne, enough = 0, [], [], [], 0, 0
    for trial in range(trials):
        generator = np.random.default_rng([seed, trial, int(height_m), int(hills_m)])
        detections, air, source_m, direct = draw_scene(height_m, hills_m, generator)
        shot = plane = answer_of(locate(detections, air))
        if shot is not None and shot.elevation_m is not None:
            plane = answer_of(locate([item.model_copy(update={"z_m": None}) for item in detections], air))
        located += shot is not None
        enough += direct >= LEAST_SENSORS_IN_SPACE
        errors.append((error_m(plane, source_m), error_m(shot, source_m)))
        if shot is not None and shot.elevation_m is not None and shot.elevation_sigma_m is not None:
            off_m = abs(shot.elevation_m - source_m[2])
            heights.append(off_m)
            inside.append(off_m <= 1.96 * shot.elevation_sigma_m)
            airborne += shot.airborne
    middle, most = np.nanquantile(errors, 0.5, axis=0), np.nanquantile(errors, 0.9, axis=0)
    told = f"{np.median(heights):.0f} m | {np.mean(inside):.0%}" if heights else "– | –"
    return (
        f"| {'hills' if hills_m else 'flat'} | {height_m:g} m | {located / trials:.1%} | {enough / trials:.1%} | "
        f"{airborne / trials:.1%} | "
        f"{middle[0]:.1f} / {most[0]:.1f} m | {middle[1]:.1f} / {most[1]:.1f} m | {len(heights) / trials:.1%} | "
        f"{told} |"
    )


def live_fire_row(recordings: Path, source: str) -> str:
    """Counts over the live fire, its weather as stated."""
    shots: list[Shot] = []
    for test in read_live_fire(recordings / "live-fire" / "pittsburgh-2018"):
        with tempfile.TemporaryDirectory() as folder:
            if source == "audio":
                name = str(write_array_recording(test, Path(folder)))
            else:
                name = str(write_detections(test, Path(folder) / "detections.csv"))
            detections, weather = read_input(name, lambda: None, complain)
            air = Air(**(weather.model_dump() if weather else {"temperature_c": test.weather.temperature_c}))
            shots += locate(detections, air, test.name)
    told = sum(shot.elevation_m is not None for shot in shots)
    return f"| {source} | {len(shots)} | {told} | {sum(shot.airborne for shot in shots)} |"


def main() -> None:
    """Run the simulation, and the live fire where it is given, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--recordings", type=Path, help="folder of the shared recordings")
    options = parser.parse_args()
    print(f"{options.trials} trials each, seed {options.seed}; errors: median / 90 %\n")
    said = "in the plane | as located | height said | off | covered"
    print(f"| ground | source above it | located | six heard it | airborne | {said} |")
    print("|" + "---|" * 10)
    for hills_m in HILLS_M:
        for height_m in HEIGHTS_M:
            print(row_of(height_m, hills_m, options.trials, options.seed), flush=True)
    if options.recordings:
        print("\n| live fire from | shots said | heights said | called airborne |\n|---|---|---|---|")
        for source in ("pulses", "audio"):
            print(live_fire_row(options.recordings, source), flush=True)


if __name__ == "__main__":
    main()
