"""Shots and incidents in the formats of ``tocsin locate``: JSON lines, CSV, JSON, GeoJSON."""

import csv
import json
from collections.abc import Sequence
from typing import Any, Protocol, TextIO

import numpy as np

from tocsin import TocsinError
from tocsin.localization.incidents.grouping import Incident, incidents_of
from tocsin.localization.incidents.shot import SHOT_COLUMNS, Shot
from tocsin.localization.observation.frames import LocalFrame

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
    """A GeoJSON (RFC 7946) collection: of each incident a point with its fields, and its 95 % ellipse as a polygon."""
    features = []
    for incident in incidents:
        fields = incident.to_dict()
        latitude, longitude = fields.pop("latitude"), fields.pop("longitude")
        features.append(_feature("Point", [longitude, latitude], {"kind": "incident", **fields}))
        ring = _ellipse_ring(latitude, longitude, incident)
        features.append(_feature("Polygon", [ring], {"kind": "ellipse_95", "incident_id": incident.incident_id}))
    return {"type": "FeatureCollection", "features": features}


def _feature(kind: str, coordinates: list[Any], properties: dict[str, Any]) -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _ellipse_ring(latitude: float, longitude: float, incident: Incident) -> list[list[float]]:
    """Closed and counter-clockwise, as RFC 7946 asks."""
    azimuth = np.radians(incident.ellipse_95.azimuth_deg)
    angle = np.linspace(0.0, 2.0 * np.pi, ELLIPSE_CORNERS + 1)
    along = incident.ellipse_95.semi_major_m * np.cos(angle)
    across = incident.ellipse_95.semi_minor_m * np.sin(angle)
    east = along * np.sin(azimuth) - across * np.cos(azimuth)
    north = along * np.cos(azimuth) + across * np.sin(azimuth)
    points = LocalFrame(latitude, longitude).to_geographic(np.stack((east, north, np.zeros_like(east)), axis=-1))
    ring = [[round(float(lon), 7), round(float(lat), 7)] for lat, lon, _ in points]
    return [*ring[:-1], ring[0]]
