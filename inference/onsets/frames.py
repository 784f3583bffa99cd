"""Arithmetic over frames and samples in a row: sums, ratios, runs, and where a variance changes."""

import numpy as np
import numpy.typing as npt

POWER_FLOOR = 1e-11  # below the quantisation noise of 16 bit (7.8e-11): a ratio to digital silence stays finite


def mean_ratio_db(power: npt.NDArray[np.float64], background: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Mean over the bands, the first axis, of a ratio of powers in dB."""
    ratios = (power + POWER_FLOOR) / (background + POWER_FLOOR)
    decibels: npt.NDArray[np.float64] = 10.0 / len(ratios) * np.log10(ratios.prod(axis=0))
    return decibels


def falling_means(sums: npt.NDArray[np.float64], first: int, stop: int, length: int) -> npt.NDArray[np.float64]:
    """Means of the ``length`` values from each place on, from ``first`` to ``stop``, weighted by a falling triangle.

    ``sums`` are those of :func:`sums_before`.
    """
    boxes = sums_before(sums)  # the triangle is the sum of the boxes of all lengths up to its own
    after = (
        boxes[:, first + length + 1 : stop + length + 1] - boxes[:, first + 1 : stop + 1] - length * sums[:, first:stop]
    )
    after /= length * (length + 1) / 2
    return after


def sums_before(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sums of the values before each place along the last axis, and of all."""
    sums = np.zeros((*values.shape[:-1], values.shape[-1] + 1))
    np.cumsum(values, axis=-1, out=sums[..., 1:])
    return sums


def long_runs(flags: npt.NDArray[np.bool_], least: int) -> npt.NDArray[np.bool_]:
    """Keep only the runs of true flags that are at least so long."""
    if not flags.any():
        return flags
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    kept = np.zeros_like(flags)
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        kept[begin:end] = end - begin >= least
    return kept


def variance_change(wave: npt.NDArray[np.float64]) -> int:
    """Index of the first sample after a change of variance: the minimum of Maeda's AIC (1985)."""
    energy = np.cumsum(wave * wave)
    size = wave.size
    count = np.arange(1, size)
    before = energy[:-1] / count + POWER_FLOOR
    after = (energy[-1] - energy[:-1]) / (size - count) + POWER_FLOOR
    criterion = count * np.log(before) + (size - count) * np.log(np.maximum(after, POWER_FLOOR))
    return 1 + int(criterion.argmin())
