"""A panel: how many events each area had in each period, and from when the system listened there."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.data.dataframes import pandas_module

if TYPE_CHECKING:
    import pandas

Unit = Literal["month", "week"]
COLUMNS = ("area", "period", "count")


@dataclass(frozen=True)
class Panel:
    """Counts of events by area and period, every area in every period.

    Attributes:
        areas: names, shape (areas,).
        periods: first day of each, as ``YYYY-MM-DD``, in order, shape (periods,).
        counts: shape (areas, periods).
        exposure: residents, or whatever counts are in proportion to, shape (areas, periods); 1 where not known.
        start: place in ``periods`` of the first period with the system, shape (areas,); -1 for never.
        notes: what was left out, in sentences.
    """

    areas: tuple[str, ...]
    periods: tuple[str, ...]
    counts: NDArray[np.float64]
    exposure: NDArray[np.float64]
    start: NDArray[np.int64]
    notes: tuple[str, ...] = ()

    @property
    def treated(self) -> NDArray[np.bool_]:
        """Whether an area ever had the system, shape (areas,)."""
        return self.start >= 0

    @property
    def starts(self) -> tuple[int, ...]:
        """The different periods in which the system began."""
        return tuple(int(place) for place in np.unique(self.start[self.treated]))

    @property
    def steady(self) -> bool:
        """Whether no area's exposure changes: it then cancels in every rate ratio."""
        return bool(np.allclose(self.exposure, self.exposure[:, :1]))

    def keep(self, chosen: NDArray[np.bool_], note: str | None = None) -> "Panel":
        """The areas where ``chosen``, shape (areas,), is true."""
        areas = tuple(area for area, kept in zip(self.areas, chosen, strict=True) if kept)
        notes = self.notes if note is None else (*self.notes, note)
        return Panel(areas, self.periods, self.counts[chosen], self.exposure[chosen], self.start[chosen], notes)

    def restarted(self, start: NDArray[np.int64]) -> "Panel":
        """The same counts with other starts, shape (areas,), as placebos have them."""
        return Panel(self.areas, self.periods, self.counts, self.exposure, start, self.notes)


def read_panel(path: Path) -> Panel:
    """A CSV with the columns area, period, count and where known population and treated_from.

    Raises:
        TocsinError: the file is not there, or is not such a table.
    """
    pandas = pandas_module("tocsin audit")
    try:
        frame = pandas.read_csv(path, dtype={"area": str})
    except FileNotFoundError:
        raise TocsinError(f"{path} is not there") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise TocsinError(f"{path} is no CSV that can be read: {error}") from None
    return panel_of(frame, str(path))


def panel_of(frame: "pandas.DataFrame", name: str = "the panel") -> Panel:
    """Check a tidy table and arrange it.

    Args:
        frame: a row an area and period, with the columns ``area``, ``period`` (a date, or 2023-01), ``count`` and where
            known ``population`` and ``treated_from`` (the first period with the system; empty for never).
        name: what sentences about the table call it.

    Raises:
        TocsinError: a column is missing, a value is none of its kind, a row is there twice or not at all.
    """
    pandas = pandas_module("a panel")
    missing = [column for column in COLUMNS if column not in frame.columns]
    if missing:
        raise TocsinError(
            f"{name} lacks the column {missing[0]}: it needs area, period and count, and may have population and "
            f"treated_from; it has {', '.join(map(str, frame.columns))}"
        )
    area = frame["area"].astype(str).to_numpy()
    period, count = _dates(frame["period"], name, "period"), _numbers(frame["count"], name, "count")
    if len(area) == 0:
        raise TocsinError(f"{name} has no row")
    for column, values in (("area", frame["area"].isna()), ("period", pandas.isna(period))):
        if values.any():
            raise TocsinError(f"{name}, row {int(np.argmax(values)) + 1}: {column} is empty")
    areas, of_area = np.unique(area, return_inverse=True)
    periods, of_period = np.unique(period.to_numpy(), return_inverse=True)
    shape = (len(areas), len(periods))
    times = np.zeros(shape, dtype=int)
    np.add.at(times, (of_area, of_period), 1)
    if (times != 1).any():
        at = np.unravel_index(int(np.argmax(times != 1)), shape)
        said = "no row" if times[at] == 0 else f"{times[at]} rows"
        raise TocsinError(
            f"{name} has {said} for area {areas[at[0]]} in {str(periods[at[1]])[:10]}, expected one for every area in "
            "every period: write a count of 0 where nothing happened"
        )
    counts, exposure, start = np.zeros(shape), np.ones(shape), np.full(len(areas), -1)
    counts[of_area, of_period] = count
    if "population" in frame.columns:
        exposure[of_area, of_period] = _numbers(frame["population"], name, "population")
        if (exposure <= 0).any():
            raise TocsinError(f"{name}: a population is 0; leave out areas where nobody lives, or the column")
    if "treated_from" in frame.columns:
        since = _dates(frame["treated_from"], name, "treated_from")
        for place, label in enumerate(areas):
            said = since[of_area == place].dropna().unique()
            if len(said) > 1:
                raise TocsinError(f"{name}: area {label} has two dates in treated_from, expected one or none")
            if len(said):
                start[place] = int(np.searchsorted(periods, said.to_numpy()[0]))
        # A start after the last period is none as far as these counts know.
        start[start == len(periods)] = -1
    return Panel(tuple(map(str, areas)), tuple(str(value)[:10] for value in periods), counts, exposure, start)


def without_touching(panel: Panel, neighbours: Mapping[str, Collection[str]]) -> tuple[Panel, Panel | None]:
    """Leave out the comparison areas that touch treated ones, where an effect may spill over.

    ``neighbours`` gives each area those that touch it; one direction is enough. Returns the panel without them, and a
    panel in which they stand for the treated areas, against the same comparison areas (None where none touches).
    """
    near: dict[str, int] = {}
    begun = {area: int(start) for area, start in zip(panel.areas, panel.start, strict=True) if start >= 0}
    for one, others in neighbours.items():
        for other in others:
            for here, there in ((one, other), (other, one)):
                if here in begun and there in panel.areas and there not in begun:
                    near[there] = min(near.get(there, begun[here]), begun[here])
    touching = np.array([area in near for area in panel.areas])
    if not touching.any():
        return panel, None
    names = ", ".join(list(near)[:8])
    note = f"{touching.sum()} areas that touch treated ones are left out of the comparison ({names})."
    beside = panel.restarted(np.array([near.get(area, -1) for area in panel.areas]))
    return panel.keep(~touching, note), beside.keep(~panel.treated)


def neighbours_within(
    latitude: Mapping[str, float], longitude: Mapping[str, float], km: float
) -> dict[str, tuple[str, ...]]:
    """Areas whose middles (degrees) lie within so many kilometres of each other, on a sphere."""
    names = list(latitude)
    lat, lon = (np.radians([of[name] for name in names]) for of in (latitude, longitude))
    half = (
        np.sin((lat[:, None] - lat) / 2) ** 2
        + np.cos(lat[:, None]) * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
    )
    close = 2 * 6371.0088 * np.arcsin(np.sqrt(np.clip(half, 0, 1))) <= km
    return {
        name: tuple(names[other] for other in np.flatnonzero(close[place]) if other != place)
        for place, name in enumerate(names)
    }


def _dates(values: Any, name: str, column: str) -> Any:
    pandas = pandas_module("a panel")
    found = pandas.to_datetime(values.astype("string"), errors="coerce", format="ISO8601")
    wrong = found.isna() & values.notna()
    if wrong.any():
        row = int(np.argmax(wrong.to_numpy()))
        raise TocsinError(
            f"{name}, row {row + 1}: {column} is {str(values.iloc[row])!r}, expected a date such as 2023-01-01"
        )
    return found.reset_index(drop=True)


def _numbers(values: Any, name: str, column: str) -> NDArray[np.float64]:
    pandas = pandas_module("a panel")
    found = pandas.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64)
    wrong = ~(np.isfinite(found) & (found >= 0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise TocsinError(
            f"{name}, row {row + 1}: {column} is {str(values.iloc[row])!r}, expected a number of 0 or more"
        )
    return found
