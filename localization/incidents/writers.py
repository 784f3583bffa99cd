"""Shots and incidents in the formats of ``tocsin locate``: JSON lines, CSV, JSON, GeoJSON."""

import csv
import json
from collections.abc import Sequence
from typing import Any, Protocol, TextIO

import numpy as np
import numpy.typing as npt

from tocsin import TocsinError
from tocsin.localization.incidents.grouping import Incident, incidents_of
from tocsin.localization.incidents.shot import SHOT_COLUMNS, Shot
from tocsin.localization.observation.frames import LocalFrame

Array = npt.NDArray[np.float64]

ELLIPSE_CORNERS = 48


class ShotWriter(Protocol):
    """Takes the shots of one input after the other, then the end."""

    def add(self, shots: Sequence[Shot]) -> None:
        """Take the shots of one input. Raises ``TocsinError`` where the format cannot hold them."""

    def close(self) -> None:
        """Write what is left."""


def writer_of(format: str, stream: TextIO) -> ShotWriter:
    """Return the writer of ``jsonl``, ``csv``, ``json`` or ``geojson``."""
    if format == "jsonl":
        return _LineWriter(stream)
    return _TableWriter(stream) if format == "csv" else _DocumentWriter(stream, geographic=format == "geojson")


class _LineWriter:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def add(self, shots: Sequence[Shot]) -> None:
        for shot in shots:
            self._stream.write(json.dumps(shot.to_dict()) + "\n")
        self._stream.flush()

    def close(self) -> None:
        self._stream.flush()


class _TableWriter:
    def __init__(self, stream: TextIO) -> None:
        self._writer = csv.DictWriter(stream, SHOT_COLUMNS, lineterminator="\n")
        self._writer.writeheader()

    def add(self, shots: Sequence[Shot]) -> None:
        for shot in shots:
            row = shot.to_row()
            words = {key: str(value).lower() for key, value in row.items() if isinstance(value, bool)}
            self._writer.writerow({**row, **words})

    def close(self) -> None:
        """A table has no end mark."""


class _DocumentWriter:
    def __init__(self, stream: TextIO, geographic: bool) -> None:
        self._stream = stream
        self._geographic = geographic
        self._incidents: list[Incident] = []

    def add(self, shots: Sequence[Shot]) -> None:
        if self._geographic and any(shot.place.latitude is None for shot in shots):
            raise TocsinError(
                f"{shots[0].input}: GeoJSON is in latitude and longitude and this input is in x_m,y_m: "
                "use --format json, or give positions as latitude,longitude"
            )
        self._incidents += incidents_of(shots)

    def close(self) -> None:
        document = (
            geojson_of(self._incidents) if self._geographic else [incident.to_dict() for incident in self._incidents]
        )
        json.dump(document, self._stream)
        self._stream.write("\n")


def geojson_of(incidents: Sequence[Incident]) -> dict[str, Any]:
    """A GeoJSON (RFC 7946) collection: of each incident a point with its fields, and its 95 % ellipse as a polygon.

    An ellipse across the 180th meridian is cut there into two polygons, as section 3.1.9 asks.
    """
    features = []
    for incident in incidents:
        fields = incident.to_dict()
        latitude, longitude = fields.pop("latitude"), fields.pop("longitude")
        features.append(_feature("Point", [longitude, latitude], {"kind": "incident", **fields}))
        rings = _cut_at_180(_ellipse_ring(latitude, longitude, incident))
        named = {"kind": "ellipse_95", "incident_id": incident.incident_id}
        if len(rings) == 1:
            features.append(_feature("Polygon", rings, named))
        else:
            features.append(_feature("MultiPolygon", [[ring] for ring in rings], named))
    return {"type": "FeatureCollection", "features": features}


def _feature(kind: str, coordinates: list[Any], properties: dict[str, Any]) -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _ellipse_ring(latitude: float, longitude: float, incident: Incident) -> Array:
    """Counter-clockwise corners, ``(ELLIPSE_CORNERS, 2)``: longitudes that run on past ±180°, and latitudes."""
    azimuth = np.radians(incident.ellipse_95.azimuth_deg)
    angle = np.linspace(0.0, 2.0 * np.pi, ELLIPSE_CORNERS, endpoint=False)
    along = incident.ellipse_95.semi_major_m * np.cos(angle)
    across = incident.ellipse_95.semi_minor_m * np.sin(angle)
    east = along * np.sin(azimuth) - across * np.cos(azimuth)
    north = along * np.cos(azimuth) + across * np.sin(azimuth)
    points = LocalFrame(latitude, longitude).to_geographic(np.stack((east, north, np.zeros_like(east)), axis=-1))
    return np.column_stack((longitude + (points[:, 1] - longitude + 180.0) % 360.0 - 180.0, points[:, 0]))


def _cut_at_180(ring: Array) -> list[list[list[float]]]:
    """The parts of a convex ring on each side of the 180th meridian, closed, with longitudes from -180 to 180."""
    parts = []
    for turn in (-360.0, 0.0, 360.0):
        part = _east_of(-180.0, ring + np.array([turn, 0.0]))
        part = _east_of(-180.0, part * [-1.0, 1.0]) * [-1.0, 1.0]
        if part.size and np.ptp(part[:, 0]) > 0.0:
            corners = [[round(float(lon), 7), round(float(lat), 7)] for lon, lat in part]
            parts.append([*corners, corners[0]])
    return parts


def _east_of(longitude: float, ring: Array) -> Array:
    """The part of a convex ring, ``(n, 2)``, with no smaller longitudes: an edge that crosses ends where it does."""
    kept = []
    for corner, following in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        before, after = corner[0] - longitude, following[0] - longitude
        if before >= 0.0:
            kept.append(corner)
        if before * after < 0.0:
            kept.append(corner + (following - corner) * before / (before - after))
    return np.array(kept).reshape(-1, 2)
