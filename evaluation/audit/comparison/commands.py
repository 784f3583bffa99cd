"""``tocsin audit compare`` and ``tocsin audit power``: tables on stdout, as Markdown or JSON."""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import typer

from tocsin import TocsinError
from tocsin.data.complaints import complain
from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.audit.comparison.background import background_of, even_background
from tocsin.evaluation.audit.comparison.comparing import compare as compare_panel
from tocsin.evaluation.audit.comparison.differences import placebo_findings
from tocsin.evaluation.audit.comparison.from_records import TABLES, panel_from_records
from tocsin.evaluation.audit.comparison.panel import Panel, Unit, read_panel
from tocsin.evaluation.audit.comparison.power import SIMULATIONS, pilot_grid
from tocsin.evaluation.audit.comparison.sections import power as power_section
from tocsin.evaluation.audit.comparison.sections import sections_of
from tocsin.evaluation.audit.reading.records_reader import read_records
from tocsin.evaluation.report.section import Cell, Section

What = Annotated[str, typer.Option(help="what is counted, in words")]
Format = Annotated[Literal["markdown", "json"], typer.Option(help="of the tables on stdout")]
Year = Annotated[int, typer.Option(help="periods of a year: 12 for months, 52 for weeks", min=1)]


def compare(
    panel: Annotated[
        Path,
        typer.Argument(
            metavar="PANEL.csv|FOLDER",
            help="columns area, period, count, and where known population, treated_from; or a folder with audit.yaml",
        ),
    ],
    what: Annotated[str | None, typer.Option(help="what is counted, in words")] = None,
    of: Annotated[TABLES, typer.Option(help="the table of a folder that is counted")] = "shootings",
    unit: Annotated[Unit, typer.Option(help="the periods that a folder is counted in")] = "month",
    neighbours: Annotated[
        Path | None,
        typer.Option(help="CSV with the columns area, neighbour: those that touch treated areas are shown apart"),
    ] = None,
    placebo: Annotated[
        int | None, typer.Option(help="take so many areas without the system for treated ones, drawn by chance", min=2)
    ] = None,
    placebo_from: Annotated[
        str | None, typer.Option(help="first period of the made-up start (default: the middle one)")
    ] = None,
    seed: Annotated[int, typer.Option(help="of the draws of --placebo")] = 0,
    format: Format = "markdown",
) -> None:
    """Compare areas that had the system with areas that had not, before and after its start."""
    folder = panel.is_dir() or panel.suffix.lower() in (".yaml", ".yml")
    counts = panel_from_records(read_records(panel), unit, of) if folder else read_panel(panel)
    what = what or (of if folder else "events")
    sections = []
    if placebo is not None:
        counts, section = _with_made_up_start(counts, placebo, placebo_from, seed)
        sections.append(section)
    found = compare_panel(counts, what, _read_neighbours(neighbours) if neighbours else None)
    _write(sections + sections_of(found), format, {"arrays": found.arrays})


def power(
    panel: Annotated[
        Path | None, typer.Argument(metavar="[PANEL.csv]", help="the city's own counts: columns area, period, count")
    ] = None,
    events_a_year: Annotated[
        float | None, typer.Option(help="instead of a panel: events of a year in --like areas together", min=0)
    ] = None,
    like: Annotated[int, typer.Option(help="areas that --events-a-year falls in", min=1)] = 1,
    passing: Annotated[float, typer.Option(help="overdispersion of --events-a-year, each period anew", min=0)] = 0.03,
    lasting: Annotated[float, typer.Option(help="the same of what areas drift apart for good", min=0)] = 0.01,
    treated: Annotated[
        list[int] | None, typer.Option(help="areas with the system; may be repeated; default: 6, 12 and 24", min=2)
    ] = None,
    periods: Annotated[
        list[int] | None, typer.Option(help="periods of the pilot; may be repeated; default: 6, 12 and 24", min=1)
    ] = None,
    effect: Annotated[
        list[float] | None,
        typer.Option(help="change in per cent; may be repeated; default: -10, -20 and -30", min=-99),
    ] = None,
    others: Annotated[int, typer.Option(help="comparison areas", min=2)] = 12,
    before: Annotated[int, typer.Option(help="periods that are known before the pilot", min=1)] = 12,
    what: What = "events",
    year: Year = 12,
    simulations: Annotated[int, typer.Option(help="of each pilot", min=100)] = SIMULATIONS,
    seed: Annotated[int, typer.Option(help="of the simulation")] = 0,
    format: Format = "markdown",
) -> None:
    """Say how large and how long a pilot must be to show an effect, at the counts of this city."""
    if (panel is None) == (events_a_year is None):
        raise TocsinError("give a panel of the city's counts, or --events-a-year with --like, and not both")
    changes = effect or [-10.0, -20.0, -30.0]
    if 0 in changes:
        raise TocsinError("--effect is 0, expected a change in per cent such as -20")
    if events_a_year is not None:
        background = even_background(events_a_year, like, passing, lasting, year)
    else:
        assert panel is not None
        background = background_of(read_panel(panel), year)
    ratios, sizes = [1 + change / 100 for change in changes], [6, 12, 24]
    found = pilot_grid(background, treated or sizes, periods or sizes, others, before, ratios, simulations, seed)
    _write([power_section(found, background, what)], format)


def _with_made_up_start(panel: Panel, treated: int, since: str | None, seed: int) -> tuple[Panel, Section]:
    """The areas without the system, some of them taken to have had it; and how often that finds something."""
    never = panel.keep(~panel.treated)
    place = len(never.periods) // 2 if since is None else int(np.searchsorted(never.periods, since))
    share = placebo_findings(never, treated, place, seed=seed)
    chosen = np.random.default_rng(seed).choice(len(never.areas), treated, replace=False)
    start = np.full(len(never.areas), -1)
    start[chosen] = place
    names = ", ".join(sorted(never.areas[one] for one in chosen))
    complain(f"made up: areas {names} are taken to have the system from {never.periods[place]} on")
    note = (
        f"No area had the system. 1,000 times {treated} areas by chance are taken to have had it from "
        f"{never.periods[place]} on; an effect should be found in 5 of 100. Below, one such draw."
    )
    row: dict[str, Cell] = {"figure": "share of made-up starts that find an effect", "value": share}
    return never.restarted(start), Section("placebo", "A made-up start", note, [row])


def _read_neighbours(path: Path) -> dict[str, list[str]]:
    pandas = pandas_module("tocsin audit compare")
    try:
        frame = pandas.read_csv(path, dtype=str)
    except (OSError, ValueError) as error:
        raise TocsinError(f"{path} cannot be read: {error}") from None
    if not {"area", "neighbour"} <= set(frame.columns):
        raise TocsinError(f"{path} has the columns {', '.join(frame.columns)}, expected area and neighbour")
    near: dict[str, list[str]] = {}
    for one, other in zip(frame["area"], frame["neighbour"], strict=True):
        near.setdefault(one, []).append(other)
    return near


def _write(sections: Sequence[Section], format: str, besides: Mapping[str, Any] | None = None) -> None:
    """All sections; JSON also has ``besides``, with null where a figure is not known."""
    if format == "json":
        shown = {section.key: section.plain() for section in sections} | dict(besides or {})
        sys.stdout.write(json.dumps(_finite(shown), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    else:
        sys.stdout.write("\n".join(section.markdown() for section in sections))


def _finite(value: Any) -> Any:
    """The same with None for what JSON has no number for."""
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
