"""Plots of a report, from arrays and labels, as SVG: curves, reliability, figures by group, two things compared.

Colour never tells alone: lines differ in their dashes and points in their markers too. The same data give the same
bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tocsin.evaluation.measures.intervals import Interval, Rate
from tocsin.evaluation.report.svg import COLOURS, INK, figure_in_style, svg_of

_DASHES = ("-", (0, (5, 2)), (0, (1.2, 1.4)), (0, (6, 1.6, 1.2, 1.6)), (0, (2.4, 1.2)), (0, (9, 2)))
_MARKERS = ("o", "s", "^", "D", "v", "P")
_WIDTH_IN = 5.4


@dataclass(frozen=True)
class Axis:
    """What an axis shows, and how.

    ``scale`` is ``linear``, ``log``, ``symlog`` (linear up to ``linear_below``) or ``logit``. ``limits`` that are
    ``None`` follow from the data, ``ticks`` too where there are none.
    """

    label: str
    scale: str = "linear"
    limits: tuple[float | None, float | None] = (None, None)
    ticks: Sequence[float] = ()
    linear_below: float = 1.0


@dataclass(frozen=True)
class Curve:
    """A named line through points, ``x`` and ``y`` of shape (n,), with a band from ``low`` to ``high`` if given.

    ``steps`` holds each ``y`` until the next point, as an empirical curve does.
    """

    name: str
    x: ArrayLike
    y: ArrayLike
    low: ArrayLike | None = None
    high: ArrayLike | None = None
    steps: bool = True


@dataclass(frozen=True)
class Mark:
    """A named point, such as the operating point of a curve."""

    name: str
    x: float
    y: float


@dataclass(frozen=True)
class Bins:
    """A named series of a reliability plot, arrays of shape (n,).

    For each bin: the mean probability stated, the share that was true, the share of all answers that fell into it, and
    the ends of the interval of what was true, if known.
    """

    name: str
    stated: ArrayLike
    observed: ArrayLike
    share: ArrayLike
    low: ArrayLike | None = None
    high: ArrayLike | None = None


def curve_plot(
    title: str, description: str, across: Axis, up: Axis, curves: Sequence[Curve], marks: Sequence[Mark] = ()
) -> str:
    """Several curves over one another, and points marked on them. Raises ``TocsinError`` without matplotlib."""
    with figure_in_style(_WIDTH_IN, 3.6) as figure:
        points = [*((curve.x, curve.y) for curve in curves), *(([mark.x], [mark.y]) for mark in marks)]
        axes = _axes(figure, _with_limits(across, [x for x, _ in points]), _with_limits(up, [y for _, y in points]))
        for place, curve in enumerate(curves):
            colour, dashes = COLOURS[place % len(COLOURS)], _DASHES[place % len(_DASHES)]
            columns = [
                np.asarray(column, float) for column in (curve.x, curve.y, curve.low, curve.high) if column is not None
            ]
            kept = _thinned(axes, columns)
            style = "steps-post" if curve.steps else "default"
            axes.plot(kept[0], kept[1], color=colour, linestyle=dashes, drawstyle=style, label=curve.name)
            if len(kept) == 4:
                step = "post" if curve.steps else None
                axes.fill_between(kept[0], kept[2], kept[3], step=step, color=colour, alpha=0.15, linewidth=0)
        for place, mark in enumerate(marks):
            axes.plot(
                [mark.x], [mark.y], linestyle="none", marker=_MARKERS[place % len(_MARKERS)], markersize=8, color=INK,
                label=mark.name, clip_on=False, zorder=5,
            )  # fmt: skip
        _legend(figure, len(curves) + len(marks))
        return svg_of(figure, title, description)


def reliability_plot(title: str, description: str, series: Sequence[Bins]) -> str:
    """Probabilities stated against shares that were true; on the diagonal, "80 % sure" is right in 80 %.

    The bars below say how many of the answers fell into each bin. Raises ``TocsinError`` without matplotlib.
    """
    with figure_in_style(_WIDTH_IN, 4.6) as figure:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        upper.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=(0, (3, 3)), label="as sure as right")
        for place, bins in enumerate(series):
            colour, stated = COLOURS[place % len(COLOURS)], np.asarray(bins.stated, float)
            observed = np.asarray(bins.observed, float)
            below = observed - (observed if bins.low is None else np.asarray(bins.low, float))
            above = (observed if bins.high is None else np.asarray(bins.high, float)) - observed
            style = {"marker": _MARKERS[place % len(_MARKERS)], "linestyle": _DASHES[place % len(_DASHES)]}
            widths = {"linewidth": 1, "elinewidth": 1.2, "capsize": 2.5}
            errors = np.maximum([below, above], 0)
            upper.errorbar(stated, observed, yerr=errors, color=colour, label=bins.name, **style, **widths)
            shift = 0.012 * (place - (len(series) - 1) / 2)
            lower.bar(stated + shift, 100 * np.asarray(bins.share, float), 0.012, color=colour)
        upper.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), title="share that were true")
        lower.set(xlabel="stated probability", ylim=(0, None), title="% of the answers")
        for axes in (upper, lower):
            axes.grid()
        _legend(figure, len(series) + 1)
        return svg_of(figure, title, description)


def bars_with_intervals(
    title: str, description: str, groups: Sequence[str], figures: Sequence[Interval], label: str
) -> str:
    """A bar a group with its interval, by hour, weekday or sensor; a rate of nothing shows as what it is below.

    Short names of groups stand below upright bars, longer ones beside lying ones. Raises ``TocsinError`` without
    matplotlib.
    """
    lying = max((len(group) for group in groups), default=0) > 4
    height_in = 0.9 + 0.26 * len(groups) if lying else 3.0
    with figure_in_style(_WIDTH_IN, height_in) as figure:
        axes = figure.add_subplot()
        places = np.arange(len(groups))
        values, errors = _errors(figures)
        nothing = np.array([isinstance(item, Rate) and not item.value for item in figures], bool)
        draw = axes.barh if lying else axes.bar
        draw(places, values, 0.62, color=COLOURS[0], alpha=0.55, linewidth=0)
        _points(axes, values[~nothing], places[~nothing], errors[:, ~nothing], lying, color=INK, marker="none")
        if nothing.any():
            ends = values[nothing] + errors[1, nothing]
            xy = (ends, places[nothing]) if lying else (places[nothing], ends)
            style = {"color": INK, "marker": "<" if lying else "v", "markerfacecolor": "none", "linestyle": "none"}
            axes.plot(*xy, label="none counted: the figure is below this", **style)
            _legend(figure, 1)
        if lying:
            axes.set_yticks(places, groups)
            axes.set(xlabel=label, xlim=(0, None))
            axes.invert_yaxis()
        else:
            # Two dozen hours side by side would touch each other.
            step = 1 if len(groups) <= 16 else 3
            axes.set_xticks(places[::step], groups[::step])
            axes.set(title=label, ylim=(0, None))
        axes.tick_params(axis="y" if lying else "x", length=0)
        axes.grid(axis="x" if lying else "y")
        return svg_of(figure, title, description)


def paired_difference_plot(
    title: str,
    description: str,
    groups: Sequence[str],
    pairs: Sequence[tuple[Interval, Interval, Interval]],
    names: tuple[str, str],
    label: str,
) -> str:
    """A row a group: the figures of two rivals with their intervals, and beside them the difference with its own.

    A pair is the first's figure, the second's, and the first less the second. Raises ``TocsinError`` without
    matplotlib.
    """
    with figure_in_style(_WIDTH_IN, 1.3 + 0.42 * len(groups)) as figure:
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
        places = np.arange(len(groups))
        for which, shift in ((0, -0.14), (1, 0.14)):
            values, errors = _errors([pair[which] for pair in pairs])
            style = {"color": COLOURS[which], "marker": _MARKERS[which]}
            _points(left, values, places + shift, errors, True, label=names[which], **style)
        values, errors = _errors([pair[2] for pair in pairs])
        right.axvline(0, color=INK, linewidth=0.8)
        _points(right, values, places, errors, True, color=INK, marker=_MARKERS[3])
        left.set_yticks(places, groups)
        left.set(xlabel=label, ylim=(len(groups) - 0.5, -0.5))
        right.set(xlabel="difference")
        for axes in (left, right):
            axes.grid(axis="x")
            axes.tick_params(axis="y", length=0)
        _legend(figure, 2)
        return svg_of(figure, title, description)


def _with_limits(axis: Axis, columns: Sequence[ArrayLike]) -> Axis:
    """The axis with the limits that were left open set round the curves and marks; bands may reach beyond."""
    low, high = axis.limits
    every = np.concatenate([np.asarray(column, float) for column in columns] or [np.zeros(0)])
    known = every[np.isfinite(every) & ((every > 0) | (axis.scale != "log"))]
    if not len(known):
        return axis
    least, most = float(known.min()), float(known.max())
    if axis.scale == "linear":
        margin = 0.03 * (most - least) or 0.5
        ends = (least - margin, most + margin)
    else:
        ends = (least / 1.3 if least > 0 else least * 1.3, most * 1.3 if most > 0 else axis.linear_below)
    return replace(axis, limits=(ends[0] if low is None else low, ends[1] if high is None else high))


def _axes(figure: Any, across: Axis, up: Axis) -> Any:
    """Axes with what is upwards named above them, so that nobody has to turn the head."""
    axes = figure.add_subplot(xlabel=across.label, title=up.label)
    for name, axis in (("x", across), ("y", up)):
        options = {"linthresh": axis.linear_below} if axis.scale == "symlog" else {}
        getattr(axes, f"set_{name}scale")(axis.scale, **options)
        getattr(axes, f"set_{name}lim")(*axis.limits)
        drawn = getattr(axes, f"{name}axis")
        if axis.ticks:
            drawn.set_ticks(list(axis.ticks))
        if axis.scale != "linear" or axis.ticks:
            drawn.set_major_formatter(lambda value, place: f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}")
            drawn.set_minor_formatter(lambda value, place: "")
    axes.grid()
    return axes


def _thinned(axes: Any, columns: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """Columns ``x, y`` or ``x, y, low, high`` without the points that are drawn where the one before is."""
    x, *heights = columns
    drawn = [axes.transData.transform(np.column_stack([x, height])) for height in heights]
    cells = np.round(np.nan_to_num(np.hstack(drawn), posinf=1e6, neginf=-1e6))
    keep = np.r_[True, np.any(np.diff(cells, axis=0) != 0, axis=1)] if len(x) else np.zeros(0, bool)
    if len(x):
        keep[-1] = True
    return [column[keep] for column in columns]


def _errors(figures: Sequence[Interval]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values of shape (n,), and how far their intervals reach below and above, of shape (2, n)."""
    table = np.array([tuple(item) for item in figures], float).reshape(-1, 3)
    return table[:, 0], np.maximum([table[:, 0] - table[:, 1], table[:, 2] - table[:, 0]], 0)


def _points(
    axes: Any, values: NDArray[np.float64], places: NDArray[Any], errors: NDArray[np.float64], lying: bool, **style: Any
) -> None:
    if lying:
        axes.errorbar(values, places, xerr=errors, linestyle="none", elinewidth=1.4, capsize=2.5, **style)
    else:
        axes.errorbar(places, values, yerr=errors, linestyle="none", elinewidth=1.4, capsize=2.5, **style)


def _legend(figure: Any, entries: int) -> None:
    """Above the axes, so that it never lies on the data; a plot of one thing says it in its title."""
    figure.legend(loc="outside upper left", ncols=1 if entries > 4 else 2 if entries > 1 else 1, borderaxespad=0)
