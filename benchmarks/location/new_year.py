"""New Year's Eve in a simulated town: whether the engine of ``tocsin fuse`` keeps up, how late it is, whether it grows.

    python benchmarks/location/new_year.py [--sensors 1000] [--rate 5000] [--seconds 10] [--seed 0]

Sensors stand on a jittered grid, 6 a square kilometre. Bangs are Poisson in time and uniform over the town; a sensor
hears one by the chance that the association expects (0.95 exp(−(distance / 700 m)²)), stamped 8 ms wrong (a path), and
every sensor sends a spurious detection a minute. ``--rate`` is of all detections, a second. They are fed in order of
time, 0.1 s of stream at a time, to one engine on one core. The clock is the stream's: a batch is fed when its last
detection was made or when the engine is done with the batch before, whichever is later, and takes the processor time
that it takes; the engine is told the stream's time, as a live input tells it. So an engine that does not keep up is
later and later.

Of each round within 25 m and 0.1 s of an incident's shot the latency is from the discharge to its first publication;
beyond sound's travel is what is left when the travel over the hearing range (1.5 km) is taken off.
"""

import argparse
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from tocsin.inference.detection import Detection
from tocsin.localization.observation.travel import Air, travel_times_s
from tocsin.localization.stream.fusion import Fusion
from tocsin.localization.stream.neighbourhoods import HEARING_M

START = datetime(2026, 12, 31, 23, 0, tzinfo=UTC)
PER_KM2 = 6.0
PATH_SIGMA_S = 0.008
BATCH_S = 0.1
SPURIOUS_PER_S = 1.0 / 60.0
AIR = Air(temperature_c=0.0)


def main() -> None:
    """Simulate, feed, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sensors", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=5000.0, help="detections a second")
    parser.add_argument("--seconds", type=float, default=10.0, help="of stream")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    detections, bangs = simulate(options.sensors, options.rate, options.seconds, np.random.default_rng(options.seed))
    print(
        f"{options.sensors} sensors, {options.seconds:g} s of stream, {len(bangs)} bangs, {len(detections)} "
        f"detections ({len(detections) / options.seconds:.1f} a second), seed {options.seed}",
        flush=True,
    )
    run(detections, bangs)


def simulate(
    sensors: int, rate: float, seconds: float, generator: np.random.Generator
) -> tuple[list[tuple[float, Detection]], np.ndarray]:
    """Detections in order of time with their seconds, and bangs ``(n, 3)``: east, north (m), discharge (s)."""
    side_m = 1000.0 * np.sqrt(sensors / PER_KM2)
    columns = int(np.ceil(np.sqrt(sensors)))
    grid = np.stack(np.divmod(np.arange(sensors), columns), axis=-1) + 0.5
    places = (grid + generator.uniform(-0.3, 0.3, grid.shape)) * side_m / columns
    heard_each = 0.95 * np.pi * 0.7**2 * PER_KM2
    per_s = max(rate - SPURIOUS_PER_S * sensors, 0.0) / heard_each
    count = generator.poisson(per_s * seconds)
    bangs = np.column_stack((generator.uniform(0, side_m, (count, 2)), np.sort(generator.uniform(0, seconds, count))))
    rows: list[tuple[float, int, float]] = []
    for x_m, y_m, at_s in bangs:
        away_m = np.hypot(*(places - [x_m, y_m]).T)
        hears = np.flatnonzero(generator.random(sensors) < 0.95 * np.exp(-((away_m / 700.0) ** 2)))
        travel_s = travel_times_s(np.array([x_m, y_m]), places[hears], AIR)
        onsets_s = at_s + travel_s + generator.normal(0, PATH_SIGMA_S, hears.size)
        rises_db = np.maximum(35.0 - 25.0 * np.log10(np.maximum(away_m[hears], 50.0) / 100.0), 6.0)
        rows += zip(onsets_s.tolist(), hears.tolist(), rises_db.tolist(), strict=True)
    for _ in range(generator.poisson(SPURIOUS_PER_S * sensors * seconds)):
        rows.append((generator.uniform(0, seconds), int(generator.integers(sensors)), generator.uniform(5, 15)))
    rows.sort()
    return [
        (
            onset_s,
            Detection(
                sensor_id=f"s{sensor}",
                detection_id=str(index),
                onset_time_utc=START + timedelta(seconds=onset_s),
                x_m=places[sensor, 0],
                y_m=places[sensor, 1],
                snr_db=rise_db,
                probabilities={"gunshot": 0.1, "fireworks": 0.85, "background": 0.05},
            ),
        )
        for index, (onset_s, sensor, rise_db) in enumerate(rows)
    ], bangs


def run(detections: list[tuple[float, Detection]], bangs: np.ndarray) -> None:
    """Feed, and print the load each tenth of the stream, then speed, latency and what was found."""
    engine = Fusion(AIR)
    published: dict[int, float] = {}
    false: set[str] = set()
    now_s, busy_s, place, end_s = 0.0, 0.0, 0, detections[-1][0]
    next_line_s = 0.0
    print("| stream, s | engine's clock, s | detections held | resident memory, MB |\n|---|---|---|---|")
    for batch_end_s in np.arange(BATCH_S, end_s + 2 * BATCH_S, BATCH_S):
        batch = []
        while place < len(detections) and detections[place][0] <= batch_end_s:
            batch.append(detections[place][1])
            place += 1
        begin_s = time.process_time()
        engine.push(batch)
        last = batch_end_s > end_s
        incidents = engine.finish() if last else engine.advance(START.timestamp() + float(batch_end_s))
        used_s = time.process_time() - begin_s
        busy_s += used_s
        now_s = max(now_s, batch_end_s) + used_s
        for shot in (shot for incident in incidents for shot in incident.shots):
            at_s = (shot.discharge_time_utc - START).total_seconds()
            near = (np.hypot(bangs[:, 0] - shot.place.x_m, bangs[:, 1] - shot.place.y_m) < 25.0) & (
                np.abs(bangs[:, 2] - at_s) < 0.1
            )
            for bang in np.flatnonzero(near).tolist():
                if not last:  # at the end of the file nothing is waited for
                    published.setdefault(bang, now_s)
                else:
                    published.setdefault(bang, np.nan)
            if not near.any() and not shot.ambiguous:
                false.add(shot.shot_id)
        if batch_end_s >= next_line_s or last:
            print(f"| {batch_end_s:.0f} | {now_s:.1f} | {engine.held} | {resident_mb():.0f} |", flush=True)
            next_line_s += end_s / 10
    late_s = np.array([at - bangs[bang, 2] for bang, at in published.items()]) - HEARING_M / AIR.speed_mps
    late_s = late_s[np.isfinite(late_s)]
    print(f"\n{busy_s / end_s:.3f} s of processing a second of stream ({busy_s / len(detections) * 1000:.2f} ms each)")
    if late_s.size:
        middle, most = np.quantile(late_s, [0.5, 0.95])
        print(f"latency beyond sound's travel: median {middle:.2f} s, 95 % {most:.2f} s, of {late_s.size} rounds")
    print(f"{len(published)} of {len(bangs)} bangs within 25 m, {len(false)} unambiguous rounds elsewhere")
    print(engine.counts)


def resident_mb() -> float:
    """Resident memory of this process, MB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


if __name__ == "__main__":
    main()
