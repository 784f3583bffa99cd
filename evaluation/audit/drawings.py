"""The pictures of an audit that no other report has: outcomes by who told of them, and a map."""

import importlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tocsin.evaluation.audit.metrics.metric import SMALL
from tocsin.evaluation.audit.public import steps_deg
from tocsin.evaluation.audit.records import OUTCOMES, Records
from tocsin.evaluation.report.section import Cell, Section
from tocsin.evaluation.report.svg import COLOURS, INK, figure_in_style, svg_of

if TYPE_CHECKING:
    import pandas

NO_OUTCOME = "no outcome entered"
KINDS = (*OUTCOMES, NO_OUTCOME)
_COLOURS = dict(zip(KINDS, (COLOURS[0], COLOURS[4], COLOURS[1], "#8a8a8a"), strict=True))
_MARKERS = dict(zip(KINDS, ("o", "x", "^", "."), strict=True))
_MOST_POINTS = 3000
_SHADES = (0.2, 0.4, 0.65, 1.0)
_KM_A_DEGREE = 111.32


@dataclass(frozen=True)
class Map:
    """A map: its drawing, what it shows in words, and the numbers behind it where they are counts of cells."""

    svg: str
    caption: str
    data: Section | None


def stacked(title: str, description: str, counts: Mapping[str, Mapping[str, int]]) -> str:
    """A lying bar of 100 % for each group, parted by outcome, with the number of cases beside its name."""
    kinds = [kind for kind in KINDS if any(of.get(kind) for of in counts.values())]
    with figure_in_style(5.4, 1.2 + 0.5 * len(counts)) as figure:
        axes = figure.add_subplot()
        begin = np.zeros(len(counts))
        for kind in kinds:
            shares = np.array([100 * of.get(kind, 0) / max(sum(of.values()), 1) for of in counts.values()])
            axes.barh(
                range(len(counts)), shares, 0.6, begin, color=_COLOURS[kind], alpha=0.45, label=kind, edgecolor=INK
            )
            for place, (share, left) in enumerate(zip(shares, begin, strict=True)):
                if share >= 7:
                    axes.text(left + share / 2, place, f"{share:.0f} %", ha="center", va="center", fontsize=9)
            begin += shares
        names = [f"{name}\n({sum(of.values()):,})" for name, of in counts.items()]
        axes.set_yticks(range(len(counts)), names)
        axes.invert_yaxis()
        axes.set(xlim=(0, 100), xlabel="% of them")
        axes.tick_params(axis="y", length=0)
        figure.legend(loc="outside upper left", ncols=2, borderaxespad=0)
        return svg_of(figure, title, description)


def map_of(records: Records, public: bool) -> Map | None:
    """Where the alerts were, by outcome, or how many in cells of 250 m; None where alerts have no places."""
    placed = records.alerts[records.alerts["latitude"].notna()]
    if not len(placed):
        return None
    cells = public or len(placed) > _MOST_POINTS
    latitudes = placed["latitude"].to_numpy(float)
    section, hidden = _cells(placed, steps_deg(records), SMALL if public else 1) if cells else (None, 0)
    caption = f"{len(placed):,} of {len(records.alerts):,} alerts have a place. "
    if cells:
        caption += "Counted in cells of 250 m or more. "
        if public:
            caption += f"Cells with fewer than {SMALL} alerts are left blank: {hidden:,} alerts. "
    else:
        caption += "One mark is one alert. "
    if (records.areas["geometry"] != "").any():
        caption += "Lines: the areas. "
    with figure_in_style(5.4, 5.0) as figure:
        axes = figure.add_subplot()
        axes.set_aspect(1 / math.cos(math.radians(float(np.median(latitudes)))))
        if section is not None:
            _draw_cells(axes, section.rows, steps_deg(records))
        else:
            outcomes = placed["outcome"].where(placed["outcome"] != "", NO_OUTCOME)
            # What is most lies lowest.
            for kind in sorted(KINDS, key=lambda kind: -int((outcomes == kind).sum())):
                of = placed[outcomes == kind]
                if len(of):
                    style = {"marker": _MARKERS[kind], "color": _COLOURS[kind], "markersize": 5, "alpha": 0.8}
                    label = f"{kind} ({len(of):,})"
                    axes.plot(of["longitude"], of["latitude"], linestyle="none", label=label, **style)
        _outlines(axes, records.areas)
        axes.margins(0.06)
        axes.autoscale_view()
        _scale_bar(axes)
        axes.set(xticks=[], yticks=[], title="north is up")
        axes.spines[:].set_visible(False)
        figure.legend(loc="outside upper left", ncols=2, borderaxespad=0)
        svg = svg_of(figure, "Where the alerts were", caption)
    return Map(svg, caption.strip(), section)


def _cells(placed: "pandas.DataFrame", step: tuple[float, float], least: int) -> tuple[Section, int]:
    """Counts of the cells that have so many, by the middle of the cell, and how many alerts lie in the others."""
    high, wide = step
    keys = np.column_stack([np.floor(placed["latitude"] / high), np.floor(placed["longitude"] / wide)])
    unique, counts = np.unique(keys, axis=0, return_counts=True)
    rows: list[dict[str, Cell]] = [
        {"latitude": round((y + 0.5) * high, 4), "longitude": round((x + 0.5) * wide, 4), "alerts": int(count)}
        for (y, x), count in zip(unique.tolist(), counts.tolist(), strict=True)
        if count >= least
    ]
    note = "The middle of each cell of the map and the alerts in it."
    return Section("map", "Alerts by cell of the map", note, rows), int(counts[counts < least].sum())


def _draw_cells(axes: Any, rows: Sequence[Mapping[str, Cell]], step: tuple[float, float]) -> None:
    """Squares in four shades, a quarter of the cells each, the fullest darkest."""
    collections = importlib.import_module("matplotlib.collections")
    places = np.array([[row["longitude"], row["latitude"]] for row in rows], float).reshape(-1, 2)
    counts = np.array([row["alerts"] for row in rows], int)
    if not len(counts):
        return
    edges = np.unique(np.quantile(counts, [0, 0.25, 0.5, 0.75], method="higher"))
    shade = np.searchsorted(edges, counts, side="right") - 1
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * np.array(step[::-1]) / 2
    for place, low in enumerate(edges):
        chosen = shade == place
        if not chosen.any():
            continue
        high = counts[chosen].max()
        label = f"{low} alerts" if high == low else f"{low} to {high} alerts"
        squares = places[chosen][:, None] + corners
        alpha = _SHADES[len(_SHADES) - len(edges) + place]
        axes.add_collection(
            collections.PolyCollection(squares, facecolor=COLOURS[0], alpha=alpha, linewidth=0, label=label)
        )


def _outlines(axes: Any, areas: "pandas.DataFrame") -> None:
    for text in areas["geometry"][areas["geometry"] != ""]:
        shape = json.loads(text)
        polygons = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
        for polygon in polygons:
            for ring in polygon:
                axes.plot([point[0] for point in ring], [point[1] for point in ring], color=INK, linewidth=1)


def _scale_bar(axes: Any) -> None:
    """A bar of a round length, about a fifth of the width, below the map at the left."""
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    degree_km = _KM_A_DEGREE * math.cos(math.radians((south + north) / 2))
    wanted = (east - west) * degree_km / 5
    km = max((one for one in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if one <= wanted), default=0.1)
    y, x = south - 0.06 * (north - south), west
    axes.set_ylim(south - 0.08 * (north - south), north)
    axes.plot([x, x + km / degree_km], [y, y], color=INK, linewidth=3, solid_capstyle="butt")
    words = f"{km:g} km ({km / 1.609344:.2g} mi)"
    axes.text(x, y + 0.015 * (north - south), words, fontsize=9, va="bottom")
