"""Recordings heard side by side, with a bar that says how far it is."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from rich.console import Console
from rich.progress import track

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int, said: str = "listening"
) -> list[Result]:
    """``function`` of each item in the order of the items, so many at once, with a progress bar that says what.

    After an error the rest is not begun.
    """
    console = Console(stderr=True)
    pool = ThreadPoolExecutor(workers)
    try:
        results = pool.map(function, items)
        bar = track(results, said, total=len(items), console=console, transient=True, disable=not console.is_terminal)
        return list(bar)
    finally:
        pool.shutdown(cancel_futures=True)
