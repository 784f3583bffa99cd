"""How well a sample clock tells when a sample was taken, against a simulated device whose truth is known: a table.

    python benchmarks/sensor/clock.py --seed 1

Each row is 16 devices of a scenario, at 48 kHz, for 15 minutes. Delays are never negative: of each block within 40 ms
(±20 ms), evenly or as the row says. Bursts: every 8 to 25 s the blocks of 0.5 to 2 s are held back, and come at once.
A device is asked every 7 s, in the stated time, for a sample of the second before: the errors are against the system's
clock at that moment, and the share of them within 1.96 stated standard deviations is the coverage. Prints Markdown.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from rich.console import Console
from rich.progress import track

from tocsin.inference.sensor.sample_clock import SampleClock

RATE = 48_000
DEVICES = 16
LASTS_S = 900.0
CHANGES_S = 600.0
EVERY_S = 7.0
FIRST_ASKED_S = 5.0
BLOCKS_S = (0.01, 0.1, 0.25, 1.0)
SPANS_S = [(5.0, 30.0), (30.0, 60.0), (60.0, 120.0), (120.0, 300.0), (300.0, 600.0), (600.0, 900.0)]

Delays = Callable[[np.random.Generator, int], np.ndarray]
DELAYS: dict[str, Delays] = {
    "even": lambda generator, count: generator.uniform(0, 0.04, count),
    "exponential, mean 20 ms": lambda generator, count: generator.exponential(0.02, count),
    "half normal, 20 ms": lambda generator, count: np.abs(generator.normal(0, 0.02, count)),
    "gamma of shape 2, mean 20 ms": lambda generator, count: generator.gamma(2, 0.01, count),
    "normal, 6 ms about 20 ms": lambda generator, count: np.clip(generator.normal(0.02, 0.006, count), 0, 0.04),
    "under 1 ms": lambda generator, count: generator.uniform(0, 0.001, count),
}


@dataclass(frozen=True)
class Scenario:
    """A device and what befalls it."""

    block_s: float = 0.1
    drift_ppm: float = 100.0
    delays: str = "even"
    bursts: bool = False
    step_s: float = 0.0  # of the system's clock, at 600 s
    slew_ppm: float = 0.0  # of the system's clock, from 600 s to 660 s
    steered: bool = False  # whether the slew is one of the other clock as well
    warming_ppm: float = 0.0  # the quartz rises by as much in an hour


@dataclass(frozen=True)
class Device:
    """Blocks of a simulated device: ``(n,)`` each, but the truth, which is a function."""

    samples: np.ndarray  # in all, with the block
    arrived_s: np.ndarray
    monotonic_s: np.ndarray
    taken_s: Callable[[float], float]  # when a sample was taken by the system's clock, as it was set at first
    step_s: float


def simulate(scenario: Scenario, seed: int) -> Device:
    """A device that runs for 15 minutes, of a rate error within ± the stated drift: one of both ends, or between."""
    generator = np.random.default_rng(seed)
    drift = 1e-6 * scenario.drift_ppm * generator.choice([-1.0, 1.0, generator.uniform(-1, 1)])
    warming = 1e-6 * scenario.warming_ppm / 3600
    began_s = generator.uniform(1000, 100_000)
    length = round(scenario.block_s * RATE)
    samples = length * np.arange(1, int(LASTS_S / scenario.block_s) + 1)

    def true(sample: np.ndarray) -> np.ndarray:  # seconds since the device began, by a perfect clock
        counted = sample / RATE
        return counted * (1 - drift) - warming * counted**2 / 2

    captured = true(samples)
    arrived = captured + DELAYS[scenario.delays](generator, len(samples))
    if scenario.bursts:
        at = generator.uniform(2, 10)
        while at < LASTS_S:
            until = at + generator.uniform(0.5, 2)
            held = (captured >= at) & (captured < until)
            arrived[held] = np.maximum(arrived[held], until)
            at = until + generator.uniform(8, 25)
    arrived = np.maximum.accumulate(arrived)
    set_to = 1.7e9 + generator.uniform(0, 1)

    def slewed(moment: np.ndarray) -> np.ndarray:
        return 1e-6 * scenario.slew_ppm * np.clip(moment - CHANGES_S, 0, 60)

    stepped = np.where(arrived >= CHANGES_S, scenario.step_s, 0.0)
    return Device(
        samples=samples,
        arrived_s=set_to + arrived + slewed(arrived) + stepped,
        monotonic_s=began_s + arrived + (slewed(arrived) if scenario.steered else 0.0),
        taken_s=lambda sample: set_to + float(true(sample) + slewed(true(sample))),
        step_s=scenario.step_s,
    )


def errors_of(device: Device, seed: int) -> Iterator[tuple[float, float, float]]:
    """Seconds since the device began, errors and stated standard deviations of a clock that watches it, seconds."""
    generator = np.random.default_rng([seed, 1])
    clock = SampleClock(RATE)
    asked_s = FIRST_ASKED_S
    blocks = zip(device.samples.tolist(), device.arrived_s.tolist(), device.monotonic_s.tolist(), strict=True)
    for samples, arrived_s, monotonic_s in blocks:
        clock.observe(samples, arrived_s, monotonic_s)
        if samples / RATE >= asked_s:
            asked_s += EVERY_S
            sample = samples - generator.uniform(0, 1) * RATE
            told = clock.time_of(sample)
            # Once the clock is set, what was taken before is told by the new setting too.
            truth = device.taken_s(sample) + (device.step_s if clock.steps else 0.0)
            yield samples / RATE, told.time_s - truth, told.sigma_s


def rows_of(said: str, scenario: Scenario, seed: int, spans_s: Iterable[tuple[float, float]]) -> Iterator[str]:
    """The rows of a scenario: one for each span of time."""
    found = [
        triple
        for device in range(DEVICES)
        for triple in errors_of(simulate(scenario, 1000 * seed + device), 1000 * seed + device)
    ]
    times, errors, sigmas = np.array(found).T
    for first_s, last_s in spans_s:
        within = (times >= first_s) & (times < last_s)
        error, sigma = np.abs(errors[within]) * 1000, sigmas[within] * 1000
        yield (
            f"| {said} | {scenario.block_s * 1000:g} | {first_s:g}–{last_s:g} | {np.median(error):.2f} | "
            f"{np.quantile(error, 0.99):.2f} | {100 * np.mean(error < 1):.1f} | {np.median(sigma):.2f} | "
            f"{100 * np.mean(error <= 1.96 * sigma):.1f} |"
        )


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, help="0 is what the clock was made with (default: 1)")
    options = parser.parse_args()
    rows: list[tuple[str, Scenario, list[tuple[float, float]]]] = []
    for block_s in BLOCKS_S:
        plain = Scenario(block_s, bursts=True)
        settled = [(60.0 if block_s <= 0.1 else 120.0 if block_s <= 0.25 else 300.0, LASTS_S)]
        rows += [
            ("±100 ppm, ±20 ms", replace(plain, bursts=False), settled),
            ("and bursts", plain, settled),
            ("and a step of 5 s", replace(plain, step_s=5.0), settled),
            ("and a step of −a day", replace(plain, step_s=-86_400.0), settled),
            ("and a slew of 500 ppm", replace(plain, slew_ppm=500.0), settled),
        ]
    plain = Scenario(bursts=True)
    settled = [(60.0, LASTS_S)]
    rows += [(f"bursts, delays {name}", replace(plain, delays=name), settled) for name in list(DELAYS)[1:]]
    rows += [
        ("bursts, and a quartz that rises by 20 ppm an hour", replace(plain, warming_ppm=20.0), settled),
        ("bursts, and both clocks slewed by 500 ppm", replace(plain, slew_ppm=500.0, steered=True), settled),
        ("bursts, and both clocks slewed by −500 ppm", replace(plain, slew_ppm=-500.0, steered=True), settled),
    ]
    rows += [("bursts, from the first block on", Scenario(block_s, bursts=True), SPANS_S) for block_s in BLOCKS_S]
    print(
        "| scenario | block, ms | time, s | median error, ms | 99 %, ms | < 1 ms, % | stated sigma, ms | coverage, % |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for said, scenario, spans_s in track(rows, console=Console(stderr=True), description="simulating"):
        for row in rows_of(said, scenario, options.seed, spans_s):
            print(row, flush=True)
    for block_s in (0.01, 1.0):
        print(f"\nA block of {block_s * 1000:g} ms costs {cost_us(block_s):.1f} µs.")


def cost_us(block_s: float) -> float:
    """Mean cost of a block, microseconds of one core."""
    device = simulate(Scenario(block_s), 0)
    blocks = list(zip(device.samples.tolist(), device.arrived_s.tolist(), device.monotonic_s.tolist(), strict=True))
    clock = SampleClock(RATE)
    began = time.process_time()
    for block in blocks:
        clock.observe(*block)
    return (time.process_time() - began) / len(blocks) * 1e6


if __name__ == "__main__":
    main()
