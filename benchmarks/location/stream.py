"""All published pulses of one firing position as one stream, with spurious pulses in between: false shots and recall.

    python benchmarks/location/stream.py --recordings ../shared [--repeats 5] [--spurious 10] [--gap 20] [--seed 0]

The tests of a position are laid one after another, shots, echoes and all, with pauses of ``--gap`` seconds on average
(5 s at least, the rest exponential). Every sensor of the position gets ``--spurious`` pulses a minute more, a Poisson
process over the whole stream; their rise is drawn from the pulses that the publisher gave to no shot. What the
publisher zeroed between the tests is in no pulse, so the pauses hold the spurious pulses alone. The air is the median
of the tests' weather.

A shot is *found* where an unambiguous shot lies within 25 m of the survey in the seconds of its test, one for one;
*false* is every other unambiguous shot. Ambiguous ones are counted apart.
"""

import argparse
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from live_fire import error_m

from tocsin.data.public.pittsburgh import LiveFireTest, read_live_fire
from tocsin.inference.detection import Detection
from tocsin.localization.incidents.shot import Shot
from tocsin.localization.locate import locate
from tocsin.localization.observation.travel import Air

START = datetime(2018, 12, 19, tzinfo=UTC)
NEAR_M = 25.0
LEAST_GAP_S = 5.0
TRAVEL_S = 6.0  # a test's discharges lie at most this long before its first pulse


@dataclass(frozen=True)
class Stream:
    """Detections, and for each test when its shots fell: seconds after ``START``."""

    detections: list[Detection]
    spans_s: list[tuple[float, float]]
    length_s: float
    spurious: int


def make_stream(
    tests: list[LiveFireTest], generator: np.random.Generator, gap_s: float, spurious_per_minute: float
) -> Stream:
    """Lay the tests of one position end to end and add spurious pulses."""
    detections, spans = [], []
    positions = {pulse.sensor_id: pulse.position for test in tests for pulse in test.pulses}
    now_s = LEAST_GAP_S
    for test in tests:
        first = min(pulse.arrival_time_utc for pulse in test.pulses)
        begin_s = now_s
        for pulse in test.pulses:
            at_s = begin_s + (pulse.arrival_time_utc - first).total_seconds()
            detections.append(
                _detection(pulse.sensor_id, pulse.position, at_s, pulse.snr_db, f"{test.name}-{pulse.pulse_id}")
            )
            now_s = max(now_s, at_s)
        spans.append((begin_s - TRAVEL_S, now_s))
        now_s += LEAST_GAP_S + generator.exponential(max(gap_s - LEAST_GAP_S, 1e-9))
    rises_db = [pulse.snr_db for test in tests for pulse in test.pulses if pulse.shot_index is None]
    count = 0
    for sensor_id in sorted(positions):
        for at_s in np.sort(generator.uniform(0.0, now_s, generator.poisson(spurious_per_minute * now_s / 60.0))):
            rise_db = rises_db[int(generator.integers(len(rises_db)))]
            detections.append(_detection(sensor_id, positions[sensor_id], float(at_s), rise_db, f"spurious-{count}"))
            count += 1
    return Stream(detections, spans, now_s, count)


def _detection(sensor_id: str, position: tuple[float, ...], at_s: float, snr_db: float | None, name: str) -> Detection:
    return Detection(
        detection_id=name,
        sensor_id=sensor_id,
        onset_time_utc=START + timedelta(seconds=at_s),
        x_m=position[0],
        y_m=position[1],
        snr_db=snr_db,
    )


def score(tests: list[LiveFireTest], stream: Stream, shots: list[Shot]) -> tuple[int, int, int]:
    """Found, false and ambiguous shots."""
    sure = [shot for shot in shots if not shot.ambiguous]
    found = 0
    for test, (begin_s, end_s) in zip(tests, stream.spans_s, strict=True):
        near = sum(
            begin_s <= (shot.discharge_time_utc - START).total_seconds() <= end_s and error_m(test, shot) <= NEAR_M
            for shot in sure
        )
        found += min(int(near), test.rounds)
    return found, len(sure) - found, len(shots) - len(sure)


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recordings", type=Path, default=Path("../shared"))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--spurious", type=float, default=10.0, help="spurious pulses per sensor-minute")
    parser.add_argument("--gap", type=float, default=20.0, help="mean pause between tests, seconds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--positions", help="firing positions, such as FP1,FP2; default: all")
    options = parser.parse_args()
    tests = read_live_fire(options.recordings / "live-fire" / "pittsburgh-2018")
    positions = sorted({test.firing_position for test in tests})
    if options.positions:
        positions = options.positions.split(",")
    generator = np.random.default_rng(options.seed)
    print(
        f"{options.spurious:g} spurious pulses per sensor-minute, gap {options.gap:g} s, seed {options.seed}, ", end=""
    )
    print(f"{options.repeats} repeats")
    print(
        f"{'':<6}{'pulses':>8}{'spurious':>10}{'minutes':>9}{'found/shots':>14}{'recall':>8}{'false':>7}{'per 100':>9}"
        f"{'ambiguous':>11}{'us/pulse':>10}"
    )
    total = np.zeros(8)
    for position in positions:
        own = [test for test in tests if test.firing_position == position]
        air = Air(temperature_c=float(np.median([test.weather.temperature_c for test in own])))
        counts = np.zeros(8)
        for _ in range(options.repeats):
            stream = make_stream(own, generator, options.gap, options.spurious)
            began = time.process_time()
            shots = locate(stream.detections, air, position)
            seconds = time.process_time() - began
            found, false, ambiguous = score(own, stream, shots)
            rounds = sum(test.rounds for test in own)
            minutes = stream.length_s / 60.0
            counts += [len(stream.detections), stream.spurious, minutes, found, rounds, false, ambiguous, seconds]
        total += counts
        print(_row(position, counts), flush=True)
    print(_row("all", total))


def _row(name: str, counts: np.ndarray) -> str:
    pulses, spurious, minutes, found, rounds, false, ambiguous, seconds = counts
    return (
        f"{name:<6}{pulses:>8.0f}{spurious:>10.0f}{minutes:>9.1f}{found:>8.0f}/{rounds:<5.0f}{found / rounds:>8.1%}"
        f"{false:>7.0f}{100.0 * false / rounds:>9.2f}{ambiguous:>11.0f}{1e6 * seconds / pulses:>10.0f}"
    )


if __name__ == "__main__":
    main()
