"""The published live fire with sensors delayed, as by an obstacle or a bad clock, located.

    python benchmarks/location/delayed.py --recordings ../shared [--repeats 5 --seed 0] [--positions FP8,FP9]

A case is one shot: of the pulses that the publisher gave to it, those of N random sensors, one a sensor, of which some
random ones are delayed by 50 to 500 ms, evenly. The answer is the shot of highest probability that ``locate`` gives,
unambiguous before ambiguous; truth takes no part in the choice, and a case without an answer counts as missed.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from live_fire import answer_of, error_m

from tocsin.data.public.pittsburgh import LiveFireTest, Pulse, read_live_fire
from tocsin.inference.detection import Detection
from tocsin.localization.locate import locate
from tocsin.localization.observation.travel import Air

LEAST_DELAY_S, MOST_DELAY_S = 0.05, 0.5
SETTINGS = ((6, 0), (6, 1), (8, 2))  # sensors, of which delayed


@dataclass(frozen=True)
class Case:
    """One shot at some sensors: the pulses as published, and the delay added to each."""

    test: LiveFireTest
    pulses: tuple[Pulse, ...]
    delays_s: tuple[float, ...]

    def detections(self) -> list[Detection]:
        """As a table of detections would give them."""
        return [
            Detection(
                detection_id=pulse.pulse_id,
                sensor_id=pulse.sensor_id,
                onset_time_utc=pulse.arrival_time_utc + timedelta(seconds=delay_s),
                x_m=pulse.position.x_m,
                y_m=pulse.position.y_m,
                z_m=pulse.position.z_m,
                position_sigma_m=pulse.position_sigma_m,
                snr_db=pulse.snr_db,
                level_dbspl=pulse.level_dbspl,
            )
            for pulse, delay_s in zip(self.pulses, self.delays_s, strict=True)
        ]


def cases_of(tests: Sequence[LiveFireTest], sensors: int, delayed: int, repeats: int, seed: int) -> Iterator[Case]:
    """Every shot that enough sensors heard, ``repeats`` times, each with other sensors and delays."""
    generator = np.random.default_rng((seed, sensors, delayed))
    for _ in range(repeats):
        for test in tests:
            by_id = {pulse.pulse_id: pulse for pulse in test.pulses}
            for shot in test.tuples:
                heard: dict[str, Pulse] = {}
                for pulse in sorted((by_id[name] for name in shot), key=lambda pulse: pulse.arrival_time_utc):
                    heard.setdefault(pulse.sensor_id, pulse)
                if len(heard) < sensors:
                    continue
                chosen = generator.choice(sorted(heard), sensors, replace=False).tolist()
                delays_s = np.zeros(sensors)
                delays_s[:delayed] = generator.uniform(LEAST_DELAY_S, MOST_DELAY_S, delayed)
                yield Case(test, tuple(heard[name] for name in chosen), tuple(delays_s.tolist()))


def answered(case: Case) -> tuple[float, bool]:
    """Distance of the answer from the survey, infinite where there is none, and whether it is ambiguous."""
    answer = answer_of(locate(case.detections(), Air(temperature_c=case.test.weather.temperature_c)))
    return (np.inf, False) if answer is None else (error_m(case.test, answer), answer.ambiguous)


def row(errors_m: Sequence[float], ambiguous: Sequence[bool]) -> str:
    """One line of the table."""
    errors, open_ = np.array(errors_m), np.array(ambiguous)
    sure = errors[~open_]
    return (
        f"{errors.size:>6}{np.mean(errors <= 15.0):>9.1%}{np.mean(errors <= 25.0):>9.1%}{np.median(errors):>9.1f}"
        f"{np.mean(open_):>9.1%}{np.mean(sure <= 25.0) if sure.size else np.nan:>10.1%}"
    )


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recordings", type=Path, default=Path("../shared"))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--positions", help="firing positions, such as FP8,FP9; default: all")
    options = parser.parse_args()
    tests = read_live_fire(options.recordings / "live-fire" / "pittsburgh-2018")
    if options.positions:
        tests = [test for test in tests if test.firing_position in options.positions.split(",")]
    print(f"repeats {options.repeats}, seed {options.seed}")
    print(
        f"{'sensors':<9}{'delayed':<9}{'cases':>6}{'<=15 m':>9}{'<=25 m':>9}{'median':>9}{'ambig.':>9}{'sure<=25':>10}"
    )
    for sensors, delayed in SETTINGS:
        errors: list[float] = []
        ambiguous: list[bool] = []
        for case in cases_of(tests, sensors, delayed, options.repeats, options.seed):
            error, open_ = answered(case)
            errors.append(error)
            ambiguous.append(open_)
        print(f"{sensors:<9}{delayed:<9}{row(errors, ambiguous)}", flush=True)


if __name__ == "__main__":
    main()
