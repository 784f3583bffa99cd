"""Adapters of rivals, run by ``rivals.py`` with the Python that has them: cases as JSON on stdin, places on stdout.

    PYTHON rival_adapters.py NAME

A case is ``{"sensors_m": [[x, y], …], "times_s": […], "temperature_c": …}``, an answer ``[x, y]`` in metres, or null.
Imports nothing of Tocsin. Exits with 3 where the rival cannot be imported.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

Solve = Callable[[Any, Any, float], Any]  # sensors (n, 2) m, times (n,) s, speed m/s -> place or None


def scipy_least_squares() -> Solve:
    """Residuals of time and place from the middle of the sensors, as anyone would write it."""
    from scipy.optimize import least_squares

    def solve(sensors_m: Any, times_s: Any, speed: float) -> Any:
        def residuals(guess: Any) -> Any:
            return np.hypot(*(sensors_m - guess[:2]).T) + guess[2] - speed * times_s

        start = np.append(sensors_m.mean(axis=0), speed * times_s.min() - 300.0)
        return least_squares(residuals, start).x[:2]

    return solve


def opensoundscape(algorithm: str) -> Callable[[], Solve]:
    """Its ``localize``: delays after the first arrival, and two dimensions."""

    def load() -> Solve:
        from opensoundscape.localization.localization_algorithms import localize

        def solve(sensors_m: Any, times_s: Any, speed: float) -> Any:
            return localize(sensors_m, times_s - times_s.min(), algorithm, speed)

        return solve

    return load


def pyocto() -> Solve:
    """Its associator with one phase, P at the speed of sound, in kilometres; at least four picks, tolerance 40 ms."""
    import pandas as pd
    import pyocto as octo

    def solve(sensors_m: Any, times_s: Any, speed: float) -> Any:
        middle = sensors_m.mean(axis=0)
        km = (sensors_m - middle) / 1000.0
        names = [f"S{index}" for index in range(len(km))]
        model = octo.VelocityModel0D(
            p_velocity=speed / 1000.0, s_velocity=speed / 1732.0, tolerance=0.04, association_cutoff_distance=3.0
        )
        reach = float(np.abs(km).max()) + 0.4
        associator = octo.OctoAssociator(
            xlim=(-reach, reach),
            ylim=(-reach, reach),
            zlim=(0.0, 0.001),
            velocity_model=model,
            time_before=10.0,
            min_node_size=0.02,
            min_node_size_location=0.002,
            pick_match_tolerance=0.04,
            min_interevent_time=0.1,
            n_picks=4,
            n_p_picks=4,
            n_s_picks=0,
            n_p_and_s_picks=0,
            min_pick_fraction=0.0,
            location_split_depth=6,
            location_split_return=4,
            n_threads=1,
        )
        stations = pd.DataFrame({"id": names, "x": km[:, 0], "y": km[:, 1], "z": 0.0})
        picks = pd.DataFrame({"station": names, "phase": "P", "time": 1000.0 + times_s - times_s.min()})
        events, _ = associator.associate(picks, stations)
        if not len(events):
            return None
        best = events.sort_values("picks", ascending=False).iloc[0]
        return 1000.0 * np.array([best["x"], best["y"]]) + middle

    return solve


RIVALS: dict[str, Callable[[], Solve]] = {
    "scipy least squares": scipy_least_squares,
    "OpenSoundscape least_squares": opensoundscape("least_squares"),
    "OpenSoundscape soundfinder": opensoundscape("soundfinder"),
    "OpenSoundscape gillette": opensoundscape("gillette"),
    "PyOcto": pyocto,
}


def answers(name: str, cases: list[dict[str, Any]]) -> list[list[float] | None]:
    """Places that a rival finds; one that it fails at is none."""
    solve = RIVALS[name]()
    places: list[list[float] | None] = []
    for case in cases:
        speed = 20.03 * float(np.sqrt(case["temperature_c"] + 273.15))
        try:
            found = solve(np.array(case["sensors_m"]), np.array(case["times_s"]), speed)
        except (ValueError, np.linalg.LinAlgError):
            found = None
        places.append(None if found is None or not np.isfinite(found).all() else [float(x) for x in found[:2]])
    return places


if __name__ == "__main__":
    try:
        RIVALS[sys.argv[1]]()
    except ImportError as error:
        print(error, file=sys.stderr)
        sys.exit(3)
    json.dump(answers(sys.argv[1], json.load(sys.stdin)), sys.stdout)
