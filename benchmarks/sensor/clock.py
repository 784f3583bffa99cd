"""How well a sample clock tells when a sample was taken, against a simulated device whose truth is known: a table.

    python benchmarks/sensor/clock.py --seed 1

Each row is 16 devices of a scenario, at 48 kHz. Delays are never negative: of each block within 40 ms (±20 ms), evenly
or as the row says. Bursts: every 8 to 25 s the blocks of 0.5 to 2 s are held back, and come at once. A device is asked
every 7 s, from the stated time on, for a sample of the second before: the errors are against the system's clock at that
moment, and the share of them within 1.96 stated standard deviations is the coverage. Prints Markdown.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from rich.console import Console
from rich.progress import track

from tocsin.inference.sensor.sample_clock import SampleClock

RATE = 48_000
DEVICES = 16
LASTS_S = 600.0
EVERY_S = 7.0

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
    step_s: float = 0.0  # of the system's clock, at 300 s
    slew_ppm: float = 0.0  # of the system's clock, from 300 s to 360 s
    steered: bool = False  # whether the slew is one of the other clock as well
    warming_ppm: float = 0.0  # the quartz rises by as much in an hour


@dataclass(frozen=True)
class Device:
    """Blocks of a simulated device: ``(n,)`` each, but the truth, which is a function."""

    samples: np.ndarray  # in all, with the block
    arrived_s: np.ndarray
    monotonic_s: np.ndarray
    taken_s: Callable[[float], float]  # when a sample was taken by the system's clock, as it is set at 600 s or before
    step_s: float


def simulate(scenario: Scenario, seed: int) -> Device:
    """A device that runs for 600 s, of a rate error within ± the stated drift: one of both ends, or between."""
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
        return 1e-6 * scenario.slew_ppm * np.clip(moment - 300, 0, 60)

    stepped = np.where(arrived >= 300, scenario.step_s, 0.0)
    return Device(
        samples=samples,
        arrived_s=set_to + arrived + slewed(arrived) + stepped,
        monotonic_s=began_s + arrived + (slewed(arrived) if scenario.steered else 0.0),
        taken_s=lambda sample: set_to + float(true(sample) + slewed(true(sample))),
        step_s=scenario.step_s,
    )


def errors_of(device: Device, seed: int, from_s: float = 60.0) -> Iterator[tuple[float, float]]:
    """Errors and stated standard deviations of a clock that watches the device, seconds."""
    generator = np.random.default_rng([seed, 1])
    clock = SampleClock(RATE)
    asked_s = from_s
    blocks = zip(device.samples.tolist(), device.arrived_s.tolist(), device.monotonic_s.tolist(), strict=True)
    for samples, arrived_s, monotonic_s in blocks:
        clock.observe(samples, arrived_s, monotonic_s)
        if samples / RATE >= asked_s:
            asked_s += EVERY_S
            sample = samples - generator.uniform(0, 1) * RATE
            told = clock.time_of(sample)
            # Once the clock is set, what was taken before is told by the new setting too.
            truth = device.taken_s(sample) + (device.step_s if clock.steps else 0.0)
            yield told.time_s - truth, told.sigma_s


def row_of(said: str, scenario: Scenario, seed: int, from_s: float) -> str:
    """The row of a scenario."""
    found = [
        pair
        for device in range(DEVICES)
        for pair in errors_of(simulate(scenario, 1000 * seed + device), 1000 * seed + device, from_s)
    ]
    errors, sigmas = np.array(found).T * 1000
    inside = np.mean(np.abs(errors) <= 1.96 * sigmas)
    return (
        f"| {said} | {scenario.block_s * 1000:g} | {from_s:g} | {np.median(np.abs(errors)):.2f} | "
        f"{np.quantile(np.abs(errors), 0.99):.2f} | {np.median(sigmas):.2f} | {100 * inside:.1f} |"
    )


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, help="0 is what the clock was made with (default: 1)")
    options = parser.parse_args()
    rows: list[tuple[str, Scenario, float]] = []
    for block_s in (0.01, 0.1, 1.0):
        plain = Scenario(block_s)
        from_s = 60.0 if block_s < 1 else 180.0
        rows += [
            ("±100 ppm, ±20 ms", plain, from_s),
            ("and bursts", replace(plain, bursts=True), from_s),
            ("and a step of 5 s", replace(plain, bursts=True, step_s=5.0), from_s),
            ("and a step of −a day", replace(plain, bursts=True, step_s=-86_400.0), from_s),
            ("and a slew of 500 ppm", replace(plain, bursts=True, slew_ppm=500.0), from_s),
        ]
    plain = Scenario(bursts=True)
    rows += [(f"bursts, delays {name}", replace(plain, delays=name), 60.0) for name in list(DELAYS)[1:]]
    rows += [
        ("bursts, and a quartz that rises by 20 ppm an hour", replace(plain, warming_ppm=20.0), 60.0),
        ("bursts, and both clocks slewed by 500 ppm", replace(plain, slew_ppm=500.0, steered=True), 60.0),
        ("bursts, and both clocks slewed by −500 ppm", replace(plain, slew_ppm=-500.0, steered=True), 60.0),
    ]
    print("| scenario | block, ms | from, s | median error, ms | 99 %, ms | stated sigma, ms | coverage, % |")
    print("|---|---|---|---|---|---|---|")
    for said, scenario, from_s in track(rows, console=Console(stderr=True), description="simulating"):
        print(row_of(said, scenario, options.seed, from_s), flush=True)
    for block_s in (0.01, 1.0):
        print(f"\nA block of {block_s * 1000:g} ms costs {cost_us(block_s):.1f} µs.")


def cost_us(block_s: float) -> float:
    """Mean cost of a block, microseconds."""
    device = simulate(Scenario(block_s), 0)
    blocks = list(zip(device.samples.tolist(), device.arrived_s.tolist(), device.monotonic_s.tolist(), strict=True))
    clock = SampleClock(RATE)
    began = time.perf_counter()
    for block in blocks:
        clock.observe(*block)
    return (time.perf_counter() - began) / len(blocks) * 1e6


if __name__ == "__main__":
    main()
