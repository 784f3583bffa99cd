"""The fit against the Cramér–Rao bound: simulated line of sight, Gaussian errors of the arrivals.

    python benchmarks/location/bound.py [--sigma-ms 2] [--trials 1000] [--seed 0] [--plot bound.png]

Sensors are drawn over a square of 1 km, each as far as 200 m from the others; sources stand in its middle, at its edge
and 250 m outside. *Ratio* is the root-mean-square error of ``solve`` over the bound; *covered* the share of truths in
the 95 % ellipse. Trials know a ratio to about 0.7 / √trials. The start of the fit is 30 m off: which of several places
is the right one is no matter of the bound.
"""

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tocsin.inference.detection import Detection
from tocsin.localization.fitting.solve import CHI_SQUARE_95_2D, solve
from tocsin.localization.observation.arrivals import Arrivals, arrivals_of, site_of
from tocsin.localization.observation.travel import Air, travel_times_s

Array = npt.NDArray[np.float64]

AIR = Air(temperature_c=10.0, temperature_sigma_c=0.0, wind_sigma_mps=0.0)
SIDE_M, APART_M, START_OFF_M = 1000.0, 200.0, 30.0
SOURCES = {"middle": (540.0, 470.0), "edge": (500.0, 20.0), "outside": (1250.0, 600.0)}
START = datetime(2026, 1, 1, tzinfo=UTC)


def draw_sensors(count: int, generator: np.random.Generator) -> Array:
    """Sensors in the square, ``(count, 2)``, none within ``APART_M`` of another."""
    sensors: list[Array] = []
    while len(sensors) < count:
        place = generator.uniform(0.0, SIDE_M, 2)
        if all(np.hypot(*(place - other)) > APART_M for other in sensors):
            sensors.append(place)
    return np.array(sensors)


def bound_m2(source_m: Array, sensors_m: Array, sigma_s: float) -> Array:
    """Cramér–Rao bound of the place, ``(2, 2)``, the time of discharge being unknown."""
    paths = source_m - sensors_m
    slopes = np.column_stack((paths / np.hypot(*paths.T)[:, None], np.ones(len(sensors_m))))
    return np.asarray((sigma_s * AIR.speed_mps) ** 2 * np.linalg.inv(slopes.T @ slopes))[:2, :2]


def arrivals_at(sensors_m: Array, times_s: Array, sigma_s: float) -> Arrivals:
    """Arrivals of one shot, as a table of detections would give them."""
    detections = [
        Detection(
            sensor_id=f"s{index:02d}",
            x_m=x_m,
            y_m=y_m,
            onset_time_utc=START + timedelta(seconds=float(time_s)),
            onset_sigma_s=sigma_s,
            clock_sigma_s=0.0,
            position_sigma_m=0.0,
        )
        for index, ((x_m, y_m), time_s) in enumerate(zip(sensors_m, times_s, strict=True))
    ]
    return arrivals_of(detections, site_of(detections))


def main() -> None:
    """Run the simulation and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sigma-ms", type=float, default=2.0)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", type=Path, help="a .png of error and bound against the number of sensors")
    options = parser.parse_args()
    generator, sigma_s = np.random.default_rng(options.seed), options.sigma_ms / 1000.0
    rows: list[tuple[str, int, float, float, float]] = []
    print(f"{options.sigma_ms:g} ms, {options.trials} trials each, seed {options.seed}")
    print(f"{'source':<10}{'sensors':>8}{'bound m':>9}{'error m':>9}{'ratio':>8}{'covered':>9}")
    for count in (4, 5, 6, 8, 12):
        sensors_m = draw_sensors(count, generator)
        for name, place in SOURCES.items():
            source_m = np.array(place)
            travel_s = travel_times_s(source_m, sensors_m, AIR)
            squared, inside = [], 0
            for _ in range(options.trials):
                arrivals = arrivals_at(sensors_m, 1.0 + travel_s + generator.normal(0.0, sigma_s, count), sigma_s)
                centre_m = sensors_m.mean(axis=0)
                angle = generator.uniform(0.0, 2.0 * np.pi)
                start_m = source_m - centre_m + START_OFF_M * np.array([np.cos(angle), np.sin(angle)])
                solution = solve(arrivals, AIR, [np.arange(count)], start_m, 0.0)
                error_m = solution.position_m + centre_m - source_m
                squared.append(error_m @ error_m)
                normed = error_m @ np.linalg.solve(solution.covariance[:2, :2], error_m)
                inside += bool(normed <= CHI_SQUARE_95_2D)
            limit_m = float(np.sqrt(np.trace(bound_m2(source_m, sensors_m, sigma_s))))
            rms_m = float(np.sqrt(np.mean(squared)))
            rows.append((name, count, limit_m, rms_m, inside / options.trials))
            print(f"{name:<10}{count:>8}{limit_m:>9.2f}{rms_m:>9.2f}{rms_m / limit_m:>8.3f}{rows[-1][4]:>9.1%}")
    ratios = np.array([row[3] / row[2] for row in rows])
    print(f"ratio: mean {ratios.mean():.3f}, worst {ratios.max():.3f}; covered {np.mean([row[4] for row in rows]):.1%}")
    if options.plot:
        draw(rows, options.plot)


def draw(rows: list[tuple[str, int, float, float, float]], path: Path) -> None:
    """Error as points over the bound as lines."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4))
    for index, name in enumerate(SOURCES):
        counts, limits, errors = np.array([row[1:4] for row in rows if row[0] == name]).T
        axes.plot(counts, limits, color=f"C{index}", label=f"{name}: bound")
        axes.plot(counts, errors, "o", color=f"C{index}", label=f"{name}: error")
    axes.set_xlabel("sensors")
    axes.set_ylabel("root-mean-square error, m")
    axes.set_yscale("log")
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=100, bbox_inches="tight")
    pyplot.close(figure)


if __name__ == "__main__":
    main()
