"""Areas of a deployment: of a table, of GeoJSON, or as said in the YAML; and in which of them a place lies."""

import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tocsin import TocsinError
from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.audit.reading.context import Context
from tocsin.evaluation.audit.reading.places import projection
from tocsin.evaluation.audit.reading.settings import WGS_84, AreaColumns, AreaTable
from tocsin.evaluation.audit.reading.source import FIRST_ROW, sha256_of
from tocsin.evaluation.audit.reading.times import to_utc
from tocsin.evaluation.audit.reading.values import read_flags, read_numbers

if TYPE_CHECKING:
    import pandas

_SQUARE_METRES = 1609.344**2  # of a square mile
_GEOJSON = (".geojson", ".json")
_COLUMNS = ("area", "square_miles", "population", "treated", "start_time_utc", "end_time_utc", "geometry")


def read_areas(context: Context) -> "pandas.DataFrame":
    """The table of areas; square miles are those of the polygon, on the ellipsoid, where they are not said.

    Raises:
        TocsinError: the file cannot be read, an area has no name or one that stands twice.
    """
    pandas = pandas_module("`tocsin audit`")
    said = context.settings.areas
    table = said if isinstance(said, AreaTable) else AreaTable(file="audit.yaml", columns=AreaColumns())
    geojson = isinstance(said, AreaTable) and Path(said.file).suffix.lower() in _GEOJSON
    if not isinstance(said, AreaTable):
        rows = [{key: _cell(value) for key, value in area.model_dump().items()} for area in said]
        raw = pandas.DataFrame(rows, columns=[*AreaColumns.model_fields], dtype=str).fillna("")
    else:
        raw = _geojson(context, said) if geojson else context.open(said)
    raw.index = raw.index if isinstance(said, AreaTable) and not geojson else raw.index + FIRST_ROW
    chosen = context.chosen(table, raw)
    context.require(table, raw.columns, chosen, "area")
    areas = pandas.DataFrame({"area": raw[chosen["area"][0]]}, index=raw.index)
    nothing = pandas.Series("", index=raw.index, dtype=str)
    for key in ("square_miles", "population"):
        areas[key] = read_numbers(context, table, raw[chosen[key][0]] if key in chosen else nothing, key)
    treated = read_flags(context, table, raw[chosen["treated"][0]] if "treated" in chosen else nothing, "treated")
    areas["treated"] = treated.fillna(True)
    for key in ("start_time", "end_time"):
        texts = raw[chosen[key][0]] if key in chosen else nothing
        zone = table.time_zone or context.settings.time_zone
        areas[f"{key}_utc"] = to_utc(texts, zone, table.time_format, f"{table.file}, {key}").utc
    areas["geometry"] = raw["geometry"] if geojson else nothing
    bad = areas["area"].duplicated() | (areas["area"] == "")
    if bad.any():
        row = bad.idxmax()
        found = areas["area"][row] or "no name"
        raise TocsinError(f"{context.folder / table.file}, row {row}: expected areas of different names, found {found}")
    measured = areas["geometry"].map(_square_miles).astype(float)
    areas["square_miles"] = areas["square_miles"].fillna(measured)
    return areas[[*_COLUMNS]].reset_index(drop=True)


def fill_areas(context: Context, events: "pandas.DataFrame", areas: "pandas.DataFrame", kind: str) -> None:
    """Enter into the rows of ``events`` that have a place but no area the one whose polygon it lies in.

    Says how many lie in none, and which areas of rows are not among the areas.
    """
    shaped = areas[areas["geometry"] != ""]
    open_ = (events["area"] == "") & events["latitude"].notna()
    if len(shaped) and open_.any():
        shapely = importlib.import_module("shapely")
        rows = events.index[open_]
        x, y = events.loc[rows, "longitude"].to_numpy(), events.loc[rows, "latitude"].to_numpy()
        for name, text in zip(shaped["area"], shaped["geometry"], strict=True):
            polygon = shapely.from_geojson(text)
            shapely.prepare(polygon)
            inside = shapely.intersects_xy(polygon, x, y) & (events.loc[rows, "area"] == "").to_numpy()
            events.loc[rows[inside], "area"] = name
        outside = int((events.loc[rows, "area"] == "").sum())
        if outside:
            context.notes.append(f"{kind}: {outside} of {len(events)} rows lie in none of the areas")
    unknown = events["area"][(events["area"] != "") & ~events["area"].isin(areas["area"])]
    if len(areas) and len(unknown):
        names = ", ".join(unknown.unique()[:5])
        context.notes.append(f"{kind}: {len(unknown)} rows are of areas that are not among the areas: {names}")


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def _geojson(context: Context, table: AreaTable) -> "pandas.DataFrame":
    """Properties of the features, and their geometry in WGS 84 as text."""
    pandas = pandas_module("`tocsin audit`")
    path = context.folder / table.file
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        features = content["features"]
        properties = [dict(feature.get("properties") or {}) for feature in features]
        geometries = [json.dumps(feature["geometry"]) for feature in features]
    except OSError as error:
        raise TocsinError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise TocsinError(f"{path} is no GeoJSON: expected a FeatureCollection of polygons") from None
    context.sources[table.file] = sha256_of(path)
    shapely = _shapely()
    texts = []
    for number, text in enumerate(geometries, 1):
        try:
            shape = shapely.from_geojson(text)
        except shapely.errors.GEOSException:
            shape = None
        if shape is None or shape.geom_type not in ("Polygon", "MultiPolygon"):
            raise TocsinError(f"{path}, feature {number}: expected a polygon as its geometry")
        # GeoJSON is in WGS 84 (RFC 7946); older files may be in another system, which the YAML then names.
        if (crs := table.crs or WGS_84) != WGS_84:
            shape = shapely.transform(shape, projection(crs).transform, interleaved=False)
        texts.append(shapely.to_geojson(shape))
    frame = pandas.DataFrame([{key: _cell(value) for key, value in row.items()} for row in properties]).fillna("")
    return frame.assign(geometry=texts)


def _shapely() -> Any:
    try:
        return importlib.import_module("shapely")
    except ImportError as error:
        raise TocsinError('areas as polygons need shapely: type `pip install "tocsin[analysis]"`') from error


def _square_miles(geometry: str) -> float:
    """Area of a polygon on the WGS 84 ellipsoid, with geodesics as its sides."""
    if not geometry:
        return float("nan")
    geod = importlib.import_module("pyproj").Geod(ellps="WGS84")
    shape = _shapely().from_geojson(geometry)
    # Rings of GeoJSON may run either way, of which the sign of the area depends.
    oriented = _shapely().orient_polygons(shape)
    return float(abs(geod.geometry_area_perimeter(oriented)[0]) / _SQUARE_METRES)
