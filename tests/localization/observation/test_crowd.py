"""What is sought in a crowd, against the identity outside one and a count by hand inside."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tocsin.inference.detection import Detection
from tocsin.localization.observation.arrivals import arrivals_of, site_of
from tocsin.localization.observation.crowd import CROWD_PER_S, sought

START = datetime(2026, 1, 1, tzinfo=UTC)


def night(rng, per_s, probabilities):
    """Detections of four sensors over 20 s, each with one of some answers in turn."""
    return [
        Detection(
            detection_id=f"{sensor}-{number}",
            sensor_id=f"s{sensor}",
            onset_time_utc=START + timedelta(seconds=float(at_s)),
            x_m=300.0 * sensor,
            y_m=100.0 * (sensor % 2),
            snr_db=25.0,
            probabilities=probabilities[number % len(probabilities)],
        )
        for sensor in range(4)
        for number, at_s in enumerate(np.sort(rng.uniform(0.0, 20.0, round(20 * per_s))))
    ]


@pytest.mark.parametrize("sure", [0.0, 0.3, 0.99])
def test_below_the_crowd_limit_arrivals_are_those_without_class(rng, sure):
    with_class = night(rng, 0.4 * CROWD_PER_S, [{"gunshot": sure, "fireworks": 1.0 - sure}])
    without = [item.model_copy(update={"probabilities": {}}) for item in with_class]
    one, other = (arrivals_of(items, site_of(items)) for items in (with_class, without))
    for field in fields(one):
        if field.name != "detections":
            same = getattr(one, field.name), getattr(other, field.name)
            assert np.array_equal(*same, equal_nan=field.name == "heights_m"), field.name


def test_in_a_crowd_without_class_all_arrivals_are_kept(rng):
    detections = night(rng, 10.0 * CROWD_PER_S, [{}])
    assert arrivals_of(detections, site_of(detections)).time_s.size == len(detections)


def test_in_a_crowd_a_detection_taken_for_something_else_is_left_out(rng):
    detections = night(rng, 10.0 * CROWD_PER_S, [{"gunshot": 0.9}, {"gunshot": 0.1, "fireworks": 0.9}])
    detections.sort(key=lambda item: item.onset_time_utc)
    time_s = np.array([(item.onset_time_utc - START).total_seconds() for item in detections])
    # In the middle there are 15 a second and sensor; at the ends half of the window is empty.
    kept = sought(detections, time_s, np.ones(time_s.size), 4)
    assert np.array_equal(kept, [item.probabilities["gunshot"] == 0.9 for item in detections])
    assert sought(detections, time_s, np.full(time_s.size, 0.01), 4).all()
