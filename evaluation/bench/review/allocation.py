"""How many clips of each stratum to hear, so that a stated figure becomes as sure as so many clips can make it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError

# Two answers are the fewest that show whether a stratum is of one kind.
LEAST = 2
# A guess may be wrong: no stratum is taken for surer than this before anybody listened.
_SUREST = 0.05
_KINDS = ("precision", "alarms-per-day", "recall")


class Figure(NamedTuple):
    """What a sample is to tell: its kind and the threshold that it is of."""

    kind: str
    threshold: float

    def __str__(self) -> str:
        return f"{self.kind}@{self.threshold:g}"


def parse_figure(text: str) -> Figure:
    """A figure from ``precision@0.9``. Raises ``TocsinError`` for anything else."""
    kind, _, threshold = text.partition("@")
    try:
        figure = Figure(kind, float(threshold))
    except ValueError:
        figure = Figure("", np.nan)
    if figure.kind not in _KINDS or not np.isfinite(figure.threshold):
        raise TocsinError(
            f"--for is {text}, expected a figure and a threshold: {', '.join(f'{k}@0.9' for k in _KINDS)}"
        )
    return figure


def importance(
    figure: Figure, edges: NDArray[np.float64], sizes: NDArray[np.intp], guess: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What clips of each stratum are shared out by: Neyman's ``N_h S_h`` (1934; Cochran 1977, equation 5.26).

    ``S_h`` is the standard deviation of what the figure sums up (for recall, a ratio, of its linearised values; Cochran
    1977, chapter 6) under ``guess``, the shares of true alarms. Precision and false alarms a day sum up the same.
    All of shape ``(strata,)``; 0 in strata that do not matter.
    """
    sure = np.clip(guess, _SUREST, 1 - _SUREST)
    spread = sizes * np.sqrt(sure * (1 - sure))
    called = edges >= figure.threshold
    if figure.kind != "recall":
        return np.where(called, spread, 0.0)
    true = sizes * sure
    recall = true[called].sum() / true.sum()
    return spread * np.where(called, 1 - recall, recall)


def allocate(sizes: NDArray[np.intp], weights: NDArray[np.float64], number: int) -> NDArray[np.intp]:
    """Share ``number`` clips out in proportion to ``weights``: ``LEAST`` to all in each stratum, ``sizes`` at most.

    Raises:
        TocsinError: so few cannot be shared out.
    """
    least = np.minimum(sizes, LEAST)
    if number < least.sum():
        raise TocsinError(f"{number} clips are too few for {len(sizes)} strata: draw {least.sum()} or more")
    if number >= sizes.sum():
        return sizes.copy()
    wanted = np.maximum(weights, 1e-9 * max(weights.max(), 1e-300))
    low, high = 0.0, float((sizes / wanted).max())
    for _ in range(200):  # the factor under which the bounded shares make up the number
        middle = (low + high) / 2
        enough = np.clip(middle * wanted, least, sizes).sum() >= number
        low, high = (low, middle) if enough else (middle, high)
    shares = np.clip(high * wanted, least, sizes)
    drawn = np.floor(shares + 1e-9).astype(np.intp)
    rest = np.where(drawn < sizes, shares - drawn, -1.0)
    drawn[np.argsort(-rest, kind="stable")[: number - drawn.sum()]] += 1
    return drawn
