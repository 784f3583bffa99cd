"""What watching the sound costs: microseconds of a core a block of half a second at 48 kHz, beside bare passes over it.

    python benchmarks/sensor/health_cost.py

A tenth of the blocks is also looked at for a tone, which is what the mean holds beyond the median.
"""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tocsin.inference.sensor.health import SoundHealth

RATE, BLOCK_S, MINUTES = 48000, 0.5, 20


def costs_us(work: Callable[[NDArray[np.float32], float], object], seed: int = 0) -> NDArray[np.float64]:
    """Microseconds of each block of noise."""
    rng = np.random.default_rng(seed)
    blocks = [(0.01 * rng.standard_normal(round(RATE * BLOCK_S))).astype(np.float32) for _ in range(40)]
    taken = []
    for number in range(round(MINUTES * 60 / BLOCK_S)):
        began = time.thread_time()
        work(blocks[number % len(blocks)], number * BLOCK_S)
        taken.append(time.thread_time() - began)
    return 1e6 * np.array(taken)


def main() -> None:
    """Print a table in markdown."""
    health = SoundHealth(RATE)
    rows = {
        "least, greatest, energy: three passes": costs_us(lambda block, _: (block.min(), block.max(), block @ block)),
        "all that health does with a block": costs_us(health.hear),
        "figures, once a heartbeat": np.array([costs_once_us(lambda: health.figures(0.0)) for _ in range(200)]),
    }
    print("| what | median, µs | mean, µs | 99 %, µs |\n|---|---:|---:|---:|")
    for what, taken in rows.items():
        print(f"| {what} | {np.median(taken):.1f} | {taken.mean():.1f} | {np.percentile(taken, 99):.1f} |")


def costs_once_us(work: Callable[[], object]) -> float:
    """Microseconds of one call."""
    began = time.thread_time()
    work()
    return 1e6 * (time.thread_time() - began)


if __name__ == "__main__":
    main()
