"""Does making windows slow training down? The same steps on windows from recordings and on one random batch.

    python benchmarks/training/input_pipeline.py data.workers=1

Any words of `tocsin train` may follow. Prints windows a second of both, in turns, and their ratio.
"""

import statistics
import sys
import time
from collections.abc import Iterator
from itertools import repeat
from typing import Any

import torch
from hydra import compose, initialize_config_module
from hydra.utils import instantiate

from tocsin.data.labels import CLASSES
from tocsin.training.datamodule import TocsinData
from tocsin.training.module import TocsinModule
from tocsin.training.teacher import TAUGHT

STEPS, TURNS = 40, 5


def main() -> None:
    """Run both in turns and print their rates."""
    with initialize_config_module("tocsin.configs", version_base="1.3"):
        config = compose("train", overrides=["experiment=full", *sys.argv[1:]])
    data: TocsinData = instantiate(config.data, _convert_="all")
    module: TocsinModule = instantiate(config.module, card=dict(config.card), _convert_="all")
    module.log = lambda *_, **__: None  # type: ignore[method-assign]  # there is no trainer to log to
    data.setup()
    size = config.data.batch_size
    batch = (
        torch.randn(size, config.card.window_samples),
        torch.randint(len(CLASSES), (size,)),
        torch.zeros(size, 4, 2),
        torch.rand(size, len(TAUGHT)),
    )
    optimizer = torch.optim.AdamW(module.parameters())
    made, random = endless(data), repeat(batch)
    rate(module, optimizer, random)
    rates = {"recordings": [], "random": []}
    for _ in range(TURNS):
        rates["random"].append(rate(module, optimizer, random))
        rates["recordings"].append(rate(module, optimizer, made))
    medians = {name: statistics.median(found) * size for name, found in rates.items()}
    print("| batches | windows a second |\n|---|---|")
    for name, median in medians.items():
        print(f"| {name} | {median:.0f} |")
    print(f"\nRatio {medians['recordings'] / medians['random']:.2f}, {torch.get_num_threads()} threads of torch")


def endless(data: TocsinData) -> Iterator[Any]:
    """Batches of one epoch after another."""
    while True:
        yield from data.train_dataloader()


def rate(module: TocsinModule, optimizer: torch.optim.Optimizer, batches: Iterator[Any]) -> float:
    """Training steps a second."""
    start = time.perf_counter()
    for index in range(STEPS):
        optimizer.zero_grad()
        module.training_step(next(batches), index).backward()
        optimizer.step()
    return STEPS / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
