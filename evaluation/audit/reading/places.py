"""Places of rows: degrees as they stand, coordinates of any projection by pyproj, or both numbers in one cell."""

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.audit.reading.context import Context
from tocsin.evaluation.audit.reading.settings import WGS_84, TableSettings

if TYPE_CHECKING:
    import pandas

FAR_KM = 100.0  # from the median of a table's places: no city is so wide, and a wrong sign is much further
_NUMBER = r"([-+]?\d+(?:\.\d+)?)"
_PAIR = rf"^[(\[]?\s*{_NUMBER}\s*[,;\s]\s*{_NUMBER}\s*[)\]]?$"
_POINT = rf"^POINT\s*\(\s*{_NUMBER}\s+{_NUMBER}\s*\)$"
_KM_PER_DEGREE = 111.195


def projection(crs: str) -> Any:
    """What turns x and y (easting and northing, longitude and latitude) of a system into WGS 84 degrees.

    Raises:
        TocsinError: pyproj does not know the system, or is not installed.
    """
    try:
        pyproj = importlib.import_module("pyproj")
    except ImportError as error:
        raise TocsinError('coordinates in a projection need pyproj: type `pip install "tocsin[analysis]"`') from error
    try:
        return pyproj.Transformer.from_crs(crs, WGS_84, always_xy=True)
    except pyproj.exceptions.CRSError:
        raise TocsinError(
            f"there is no coordinate system {crs!r}: expected one such as EPSG:2264, as the data's description says"
        ) from None


def read_places(
    context: Context, table: TableSettings, frame: "pandas.DataFrame", chosen: Mapping[str, list[str]]
) -> "pandas.DataFrame":
    """``latitude`` and ``longitude`` of each row, NaN where there is none; what is no place is complained of.

    Raises:
        TocsinError: one of two coordinates is not named, or the system is not known.
    """
    pandas = pandas_module("`tocsin audit`")
    empty = np.full(len(frame), np.nan)
    places = pandas.DataFrame({"latitude": empty, "longitude": empty}, index=frame.index)
    crs = None
    if "place" in chosen:
        cells = frame[chosen["place"][0]]
        pair, point = cells.str.extract(_PAIR), cells.str.extract(_POINT)
        y_texts, x_texts = pair[0].fillna(point[1]).fillna(""), pair[1].fillna(point[0]).fillna("")
    else:
        y_name, x_name = ("y", "x") if "x" in chosen or "y" in chosen else ("latitude", "longitude")
        if y_name not in chosen and x_name not in chosen:
            return places
        for name, other in ((y_name, x_name), (x_name, y_name)):
            if name not in chosen:
                raise TocsinError(f"{context.folder / table.file}: a column for {other} is named, but none for {name}")
        y_texts, x_texts = frame[chosen[y_name][0]], frame[chosen[x_name][0]]
        cells = y_texts + ", " + x_texts
        crs = (table.crs or context.settings.crs) if y_name == "y" else None
    y, x = _numbers(pandas, y_texts), _numbers(pandas, x_texts)
    blank = ((y_texts == "") & (x_texts == "") & cells.isin(["", ", "])) | ((y == 0) & (x == 0)).to_numpy()
    if crs is not None:
        x[:], y[:] = projection(crs).transform(x.to_numpy(), y.to_numpy(), errcheck=False)
    valid = y.between(-90, 90) & x.between(-180, 180) & ~blank
    context.complain(table, ~valid & ~blank, "its place is no place on Earth; read as none", cells, kept=True)
    far = valid & (_km_from_middle(y.where(valid), x.where(valid)) > FAR_KM)
    what = f"its place is more than {FAR_KM:g} km from the middle of the others; read as none"
    context.complain(table, far, what, cells, kept=True)
    places["latitude"], places["longitude"] = y.where(valid & ~far), x.where(valid & ~far)
    without = int(places["latitude"].isna().sum())
    if without:
        context.notes.append(f"{table.file}: {without} of {len(frame)} rows have no place")
    return places


def _numbers(pandas: Any, texts: "pandas.Series") -> "pandas.Series":
    return pandas.to_numeric(texts, errors="coerce").astype(float)


def _km_from_middle(latitude: "pandas.Series", longitude: "pandas.Series") -> NDArray[np.float64]:
    """Kilometres from the median place, on a plane: precise enough to tell a city from a wrong sign."""
    if not latitude.notna().any():
        return np.zeros(len(latitude))
    middle = float(latitude.median())
    north = latitude - middle
    east = (longitude - longitude.median()) * np.cos(np.radians(middle))
    return np.hypot(north, east).fillna(0).to_numpy() * _KM_PER_DEGREE
