"""Does making windows slow training down? The same steps on windows from recordings and on one random batch.

    python benchmarks/training/input_pipeline.py data.workers=0

Any words of `tocsin train` may follow. Prints windows a second of both, in turns, and their ratio; then the same by the
time of the processor that the training process took, which other work on the machine moves less. With
`data.workers=0` that is all of it, and the turns are short, so that other work meets both alike.
"""

import statistics
import sys
import time
from collections.abc import Iterator
from itertools import repeat

import torch
from hydra import compose, initialize_config_module
from hydra.utils import instantiate

from tocsin.data.labels import CLASSES
from tocsin.training.batch_augmentation import Windows
from tocsin.training.datamodule import TocsinData
from tocsin.training.module import TocsinModule
from tocsin.training.teacher import TAUGHT

STEPS, STEPS_ALONE, TURNS = 40, 5, 12


def main() -> None:
    """Run both in turns and print their rates."""
    with initialize_config_module("tocsin.configs", version_base="1.3"):
        config = compose("train", overrides=["experiment=full", *sys.argv[1:]])
    data: TocsinData = instantiate(config.data, _convert_="all")
    module: TocsinModule = instantiate(config.module, card=dict(config.card), _convert_="all")
    module.log = lambda *_, **__: None  # type: ignore[method-assign]  # there is no trainer to log to
    data.setup()
    size = config.data.batch_size
    batch = Windows(
        torch.randn(size, config.card.window_samples),
        torch.randint(len(CLASSES), (size,)),
        torch.zeros(size, 4, 2),
        torch.rand(size, len(TAUGHT)),
    )
    optimizer = torch.optim.AdamW(module.parameters())
    made, random = endless(data), repeat(batch)
    rate(module, optimizer, random, STEPS_ALONE)
    rate(module, optimizer, made, STEPS_ALONE)
    rates: dict[str, list[tuple[float, float]]] = {"recordings": [], "random": []}
    # A worker would make the batches of a short turn during the other's.
    steps = STEPS if data.workers else STEPS_ALONE
    for _ in range(TURNS):
        rates["random"].append(rate(module, optimizer, random, steps))
        rates["recordings"].append(rate(module, optimizer, made, steps))
    medians = {
        name: [statistics.median(clock) * size for clock in zip(*found, strict=True)] for name, found in rates.items()
    }
    print("| batches | windows a second | windows a second of processor time |\n|---|---|---|")
    for name, (of_clock, of_processor) in medians.items():
        print(f"| {name} | {of_clock:.0f} | {of_processor:.0f} |")
    by_clock, by_processor = (made / random for made, random in zip(*medians.values(), strict=True))
    print(f"\nRatio {by_clock:.2f}, by processor time {by_processor:.2f}; {torch.get_num_threads()} threads of torch")


def endless(data: TocsinData) -> Iterator[Windows]:
    """Batches of one epoch after another, augmented."""
    while True:
        for batch in data.train_dataloader():
            yield data.on_after_batch_transfer(batch, 0)


def rate(
    module: TocsinModule, optimizer: torch.optim.Optimizer, batches: Iterator[Windows], steps: int
) -> tuple[float, float]:
    """Training steps a second, and a second of this process's processor time."""
    clock, processor = time.perf_counter(), time.process_time()
    for index in range(steps):
        optimizer.zero_grad()
        module.training_step(next(batches), index).backward()
        optimizer.step()
    return steps / (time.perf_counter() - clock), steps / (time.process_time() - processor)


if __name__ == "__main__":
    main()
