"""Precision against threshold, with the band of its intervals, as PNG."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from tocsin import TocsinError
from tocsin.evaluation.bench.review.estimate import Curve


def write_plot(curve: Curve, path: Path) -> None:
    """Write precision, and recall where it is known. Raises ``TocsinError`` where matplotlib is not installed."""
    try:
        module: Any = importlib.import_module("matplotlib.figure")
    except ImportError as error:
        raise TocsinError('--plot needs matplotlib: type pip install "tocsin[analysis]"') from error
    figure = module.Figure(figsize=(7, 4.4), layout="constrained")
    axes = figure.add_subplot()
    drawn = [("precision", curve.precision, "#0072b2", "-")]
    if curve.recall is not None:
        drawn.append(("recall", curve.recall, "#b34700", "--"))
    for name, (against, in_favour), colour, line in drawn:
        stated = ~np.isnan(against.value)  # recall is open where nothing was heard of what is left of a stratum
        at = curve.thresholds[stated]
        against, in_favour = (type(ends)(*(part[stated] for part in ends)) for ends in (against, in_favour))
        axes.fill_between(at, against.low, in_favour.high, step="pre", color=colour, alpha=0.18, lw=0)
        axes.step(at, against.value, line, where="pre", color=colour, label=name)
        if curve.unsure:
            axes.step(at, in_favour.value, ":", where="pre", color=colour, label=f"{name}, unsure as true")
    axes.set(xlabel="threshold of the score", ylabel="share, with 95 % interval", ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    axes.legend(loc="best")
    figure.savefig(path, dpi=130, format="png")
