"""GeoJSON against RFC 7946: rings closed and counter-clockwise, and what crosses the 180th meridian cut there."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from tocsin.inference.detection import Detection
from tocsin.localization.incidents.grouping import incidents_of
from tocsin.localization.incidents.writers import geojson_of
from tocsin.localization.locate import locate
from tocsin.localization.observation.frames import LocalFrame
from tocsin.localization.observation.travel import Air, travel_times_s

START = datetime(2026, 1, 1, tzinfo=UTC)
SENSORS = np.array([(0, 0), (420, 30), (410, 390), (-20, 400), (200, 610), (-250, 180)], float)


def ellipse_at(east_m, longitude):
    """The ellipse of one bang so far east of a meridian, as a geometry."""
    frame = LocalFrame(-16.5, longitude)
    source = np.array([east_m, 220.0])
    detections = []
    for index, (position, delay) in enumerate(zip(SENSORS, travel_times_s(source, SENSORS, Air(15.0)), strict=True)):
        latitude, sensor_longitude, _ = frame.to_geographic([*position, 0.0])
        time = START + timedelta(seconds=float(delay))
        detections.append(
            Detection(sensor_id=f"s{index}", onset_time_utc=time, latitude=latitude, longitude=sensor_longitude)
        )
    _, ellipse = geojson_of(incidents_of(locate(detections)))["features"]
    return ellipse["geometry"]


def area(ring):
    """Twice the signed area, square degrees, about the first corner."""
    points = np.array(ring) - ring[0]
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(points.tolist()))


@pytest.mark.parametrize("east_m", [-4.0, 0.0, 3.0])
def test_an_ellipse_across_the_180th_meridian_is_cut_there(east_m):
    [whole] = ellipse_at(east_m, 20.0)["coordinates"]
    cut = ellipse_at(east_m, 180.0)
    assert cut["type"] == "MultiPolygon"
    rings = [ring for [ring] in cut["coordinates"]]
    assert len(rings) == 2
    for ring in rings:
        assert ring[0] == ring[-1]
        longitudes = np.array(ring)[:, 0]
        assert np.abs(longitudes).max() == 180.0
        assert np.ptp(longitudes) < 0.0003
        assert area(ring) > 0.0
    # 1e-7 of a degree is a thousandth of the ellipse.
    assert sum(map(area, rings)) == pytest.approx(area(whole), rel=0.01)


@pytest.mark.parametrize("longitude", [179.999, -179.999])
def test_an_ellipse_beside_the_meridian_is_one_polygon(longitude):
    [ring] = ellipse_at(0.0, longitude)["coordinates"]
    assert (len(ring), ring[0]) == (49, ring[-1])
    assert np.ptp(np.array(ring)[:, 0]) < 0.0003
    assert area(ring) > 0.0
