"""Rifle rounds whose shock wave is picked instead of the blast, or besides it: located, with known truth.

    python benchmarks/location/shock_wave.py [--shots 200] [--seed 0] [--recordings ../shared] [--map FILE.png]

Twelve sensors stand on a jittered grid over a square kilometre; the muzzle is anywhere in its middle, the azimuth any.
Rifles fire at Mach 2 to 2.8, lose 0.8 to 1.2 per mille of their speed a metre, and hit after 100 to 600 m; handguns are
subsonic. The shock wave of a sensor comes from the least over all points of the flight; levels are those of
``tocsin.acoustics.gunfire``, with 5 dB of scatter a path; picks are 5 ms wrong. Sensors in the cone pick

- ``shock``: the shock wave alone,
- ``both``: both, or
- ``mixed``: either, evenly; all picks have an echo each on average, and every sensor a spurious pick each two seconds.

*Without* leaves the model of the shock wave out. A shot is within 25 m where the most probable one is, unambiguous
before ambiguous; *further* counts the rest of the shots. *Wrong* trajectories are off by more than 10° in azimuth, or
those of subsonic rounds; *possible* is the share of shots whose shock wave three sensors picked, *reported* that with a
trajectory, *off* the median error of its azimuth. With ``--recordings`` the trajectories in the live fire's pulses are
counted as well: handguns into a bullet trap, so all are false.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
from live_fire import answer_of

from tocsin.acoustics.gunfire import FIREARMS, muzzle_blast, shock_wave, stretch
from tocsin.data.public.pittsburgh import read_live_fire, write_detections
from tocsin.inference.detection import Detection, read_detections
from tocsin.localization.fitting import acceptance
from tocsin.localization.incidents.shot import Shot
from tocsin.localization.locate import locate
from tocsin.localization.observation.travel import Air

Array = npt.NDArray[np.float64]

START = datetime(2026, 1, 1, tzinfo=UTC)
AIR = Air(temperature_c=15.0)
SIDE_M, COLUMNS, ROWS = 1000.0, 4, 3
PICK_SIGMA_S = 0.005
NOISE_PA, LEAST_SNR_DB = 0.5, 6.0  # peak that equals the noise; what is picked
SCATTER_DB, LOSS_DB_PER_M = 5.0, 0.015
ECHOES, ECHO_S, SPURIOUS_PER_S = 1.0, 0.15, 0.5
CASES = (("rifle", "shock"), ("rifle", "both"), ("rifle", "mixed"), ("handgun", "both"), ("handgun", "mixed"))
WRONG_DEG = 10.0


@dataclass(frozen=True)
class Pick:
    """What a sensor picked: ``blast``, ``shock``, ``echo`` or ``spurious``, after the discharge."""

    sensor: int
    time_s: float
    snr_db: float
    kind: str


@dataclass(frozen=True)
class Scene:
    """A shot with known truth, and the picks of its sensors, ``(12, 2)``."""

    sensors_m: Array
    muzzle_m: Array
    azimuth_deg: float
    picks: tuple[Pick, ...]

    def detections(self) -> list[Detection]:
        """As a table of detections would give them."""
        return [
            Detection(
                detection_id=f"{pick.kind}{number}",
                sensor_id=f"s{pick.sensor:02}",
                onset_time_utc=START + timedelta(seconds=pick.time_s),
                x_m=float(self.sensors_m[pick.sensor, 0]),
                y_m=float(self.sensors_m[pick.sensor, 1]),
                snr_db=pick.snr_db,
                onset_sigma_s=0.001,
            )
            for number, pick in enumerate(self.picks)
        ]

    def error_m(self, shot: Shot | None) -> float:
        """Distance from the muzzle, infinite where there is no shot."""
        if shot is None:
            return np.inf
        return float(np.hypot((shot.place.x_m or 0.0) - self.muzzle_m[0], (shot.place.y_m or 0.0) - self.muzzle_m[1]))

    def off_deg(self, azimuth_deg: float) -> float:
        """How far an azimuth is from the truth."""
        return abs((azimuth_deg - self.azimuth_deg + 180.0) % 360.0 - 180.0)


def shock_picks_s(paths_m: Array, direction: Array, mach: float, drag_per_m: float, flight_m: float) -> Array:
    """The least over all points of the flight, ``(n,)``; NaN where that is an end of it: there no cone passes."""
    at_m = np.arange(0.0, flight_m, 0.25)
    at_m = at_m[mach * np.exp(-drag_per_m * at_m) > 1.0]
    flown_s = np.expm1(drag_per_m * at_m) / (drag_per_m * mach * AIR.speed_mps)
    rays_m = paths_m - (at_m[:, None] * direction)[:, None]
    total_s = flown_s[:, None] + np.hypot(rays_m[..., 0], rays_m[..., 1]) / AIR.speed_mps
    best = total_s.argmin(axis=0)
    return np.where((best > 0) & (best < at_m.size - 1), total_s.min(axis=0), np.nan)


def simulate(rng: np.random.Generator, firearm: str, mode: str) -> Scene:
    """One shot."""
    cells = np.stack(np.meshgrid(np.arange(COLUMNS), np.arange(ROWS)), -1).reshape(-1, 2)
    sensors_m = (cells + rng.uniform(0.1, 0.9, cells.shape)) / (COLUMNS, ROWS) * SIDE_M
    muzzle_m, azimuth = rng.uniform(0.15 * SIDE_M, 0.85 * SIDE_M, 2), rng.uniform(0.0, 2.0 * np.pi)
    mach, drag_per_m, flight_m = rng.uniform(2.0, 2.8), rng.uniform(0.8e-3, 1.2e-3), rng.uniform(100.0, 600.0)
    arm = FIREARMS[firearm]
    weber_m, front_db = rng.uniform(*arm.weber_radius_m), rng.uniform(10.0, 20.0)
    calibre_m, length_m = rng.uniform(*arm.calibre_m), rng.uniform(*arm.length_m)
    direction = np.array([np.sin(azimuth), np.cos(azimuth)])
    paths_m = sensors_m - muzzle_m
    shock_s = shock_picks_s(paths_m, direction, mach, drag_per_m, flight_m)
    picks: list[Pick] = []

    def pick(time_s: float, peak_pa: float, path_m: float, kind: str) -> None:
        snr_db = 20.0 * np.log10(peak_pa / NOISE_PA) - LOSS_DB_PER_M * path_m + rng.normal(0.0, SCATTER_DB)
        if snr_db > LEAST_SNR_DB:
            picks.append(Pick(sensor, float(time_s + rng.normal(0.0, PICK_SIGMA_S)), float(snr_db), kind))

    for sensor, path_m in enumerate(paths_m):
        first, distance_m = len(picks), float(np.hypot(*path_m))
        if firearm == "rifle" and np.isfinite(shock_s[sensor]):
            miss_m = max(abs(float(path_m @ [direction[1], -direction[0]])), 1.0)
            pick(shock_s[sensor], shock_wave(mach, miss_m, calibre_m, length_m)[0], miss_m, "shock")
        if len(picks) == first or mode == "both" or (mode == "mixed" and rng.random() < 0.5):
            angle = float(np.arccos(np.clip(path_m @ direction / distance_m, -1.0, 1.0)))
            peak_pa, positive_s = muzzle_blast(weber_m, angle, front_db)
            peak_pa /= stretch(peak_pa, positive_s, distance_m) * distance_m
            pick(distance_m / AIR.speed_mps, peak_pa, distance_m, "blast")
        if mode == "mixed":
            for heard in picks[first:]:
                for _ in range(rng.poisson(ECHOES)):
                    level_db = heard.snr_db - rng.uniform(3.0, 12.0)
                    if level_db > LEAST_SNR_DB:
                        picks.append(Pick(sensor, heard.time_s + 0.03 + rng.exponential(ECHO_S), level_db, "echo"))
            for _ in range(rng.poisson(SPURIOUS_PER_S * 5.0)):
                picks.append(Pick(sensor, rng.uniform(-1.0, 4.0), LEAST_SNR_DB + rng.exponential(6.0), "spurious"))
    return Scene(sensors_m, muzzle_m, float(np.degrees(azimuth)), tuple(picks))


@contextmanager
def without_the_model() -> Iterator[None]:
    """Locate as if nothing were supersonic."""
    model = acceptance.with_shock_wave
    acceptance.with_shock_wave = lambda arrivals, air, located, others: located
    try:
        yield
    finally:
        acceptance.with_shock_wave = model


def row(firearm: str, mode: str, shots: int, seed: int) -> str:
    """One line of the table."""
    near, further, possible, reported, wrong, off_deg = [0, 0], [0, 0], 0, 0, 0, []
    for number in range(shots):
        scene = simulate(np.random.default_rng((seed, number)), firearm, mode)
        detections = scene.detections()
        with without_the_model():
            before = locate(detections, AIR)
        found = locate(detections, AIR)
        for index, result in enumerate((before, found)):
            near[index] += scene.error_m(answer_of(result)) <= 25.0
            further[index] += max(len(result) - 1, 0)
        possible += len({pick.sensor for pick in scene.picks if pick.kind == "shock"}) >= 3
        answer = answer_of(found)
        reported += answer is not None and answer.trajectory is not None
        for shot in found:
            if shot.trajectory is not None:
                error_deg = scene.off_deg(shot.trajectory.azimuth_deg)
                off_deg.append(error_deg)
                wrong += firearm != "rifle" or error_deg > WRONG_DEG
    median = f"{np.median(off_deg):.2f}" if off_deg else "–"
    return (
        f"| {firearm} | {mode} | {near[0] / shots:.1%} | {near[1] / shots:.1%} | {further[0]} | {further[1]} "
        f"| {possible / shots:.1%} | {reported / shots:.1%} | {median} | {wrong} |"
    )


def live_fire_row(recordings: Path) -> str:
    """Trajectories in the published pulses of the live fire."""
    tests = read_live_fire(recordings / "live-fire" / "pittsburgh-2018")
    false, named, rounds = 0, 0, 0
    for test in tests:
        with TemporaryDirectory() as folder:
            detections = read_detections(write_detections(test, Path(folder) / "detections.csv"))
        for shot in locate(detections, Air(temperature_c=test.weather.temperature_c)):
            rounds += 1
            false += shot.trajectory is not None
            named += any(item.reason == "shock wave" for item in shot.rejected)
    return f"live fire, {len(tests)} tests, {rounds} shots: {false} false trajectories, {named} with a false shock wave"


def draw(scene: Scene, shot: Shot | None, path: Path) -> None:
    """Draw sensors, picks, muzzle and flight, and what was found of them."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 8))
    kinds = [" ".join(pick.kind[0] for pick in scene.picks if pick.sensor == sensor) for sensor in range(12)]
    for (x_m, y_m), label in zip(scene.sensors_m, kinds, strict=True):
        axes.plot(x_m, y_m, "r^" if "s" in label else "k^")
        axes.annotate(label, (x_m, y_m), xytext=(5, 5), textcoords="offset points")
    angle = np.radians(scene.azimuth_deg)
    axes.plot(*scene.muzzle_m, "g+", markersize=16, label="truth")
    axes.plot(*(scene.muzzle_m[:, None] + np.outer([np.sin(angle), np.cos(angle)], [0.0, 500.0])), "g-")
    if shot is not None:
        place = np.array([shot.place.x_m, shot.place.y_m], dtype=np.float64)
        axes.plot(*place, "b.", label="located")
        if shot.trajectory is not None:
            angle = np.radians(shot.trajectory.azimuth_deg)
            axes.plot(*(place[:, None] + np.outer([np.sin(angle), np.cos(angle)], [0.0, 500.0])), "b--")
    axes.set_aspect("equal")
    axes.legend()
    figure.savefig(path, dpi=80)
    pyplot.close(figure)


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shots", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--recordings", type=Path, help="count false trajectories on the live fire there as well")
    parser.add_argument("--map", type=Path, help="draw the first round of ``rifle, shock`` here and end")
    options = parser.parse_args()
    if options.map:
        scene = simulate(np.random.default_rng((options.seed, 0)), "rifle", "shock")
        draw(scene, answer_of(locate(scene.detections(), AIR)), options.map)
        return
    print(
        "| firearm | picked | ≤ 25 m without | with | further: without | with | possible | reported | off ° | wrong |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for firearm, mode in CASES:
        print(row(firearm, mode, options.shots, options.seed), flush=True)
    if options.recordings:
        print(f"\n{live_fire_row(options.recordings)}")


if __name__ == "__main__":
    main()
