"""The heartbeat's JSON, frozen, and the way back from it."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from tocsin import __version__
from tocsin.data.labels import CLASSES
from tocsin.inference.sensor.health import FAULTS, SoundFigures
from tocsin.inference.sensor.heartbeat import Heartbeat, heartbeat_table, make_heartbeat
from tocsin.inference.sensor.machine import MachineFigures

SOUND = SoundFigures(-41.5, -60.2, 0.0001, 2, 4800, 0.4, ("clips",))
MACHINE = MachineFigures(55.1, 10**9, 120_000_000, None)
OTHERS = {
    "clock_source": "chrony",
    "clock_sigma_s": 0.0004,
    "outbox_queued": 3,
    "broker_connected": False,
    "detections": {"gunshot": 1, "impulse": 7},
    "last_detection_time_utc": "2026-01-01T00:00:01.5Z",
    "log_head": "ab12",
}


def test_the_message_is_as_the_contract_says():
    heartbeat = make_heartbeat("roof-1", 1767225600.25, 90.0, SOUND, MACHINE, **OTHERS)
    assert json.loads(heartbeat.to_json()) == {
        "schema_version": 1,
        "sensor_id": "roof-1",
        "time_utc": "2026-01-01T00:00:00.250000Z",
        "software": f"tocsin {__version__}",
        "uptime_s": 90.0,
        "faults": ["clips"],
        "level_dbfs": -41.5,
        "noise_floor_dbfs": -60.2,
        "clipped_share": 0.0001,
        "dropouts": 2,
        "lost_samples": 4800,
        "block_age_s": 0.4,
        "clock_source": "chrony",
        "clock_sigma_s": 0.0004,
        "temperature_c": 55.1,
        "disk_free_bytes": 10**9,
        "memory_used_bytes": 120_000_000,
        "broker_connected": False,
        "outbox_queued": 3,
        "detections": {"gunshot": 1, "impulse": 7},
        "last_detection_time_utc": "2026-01-01T00:00:01.500000Z",
        "log_head": "ab12",
    }


def test_the_way_back_gives_the_same_and_keeps_what_is_unknown():
    heartbeat = make_heartbeat("roof-1", 1767225600.25, 90.0, SOUND, MACHINE, **OTHERS)
    assert Heartbeat.model_validate_json(heartbeat.to_json()) == heartbeat
    later = json.dumps({**json.loads(heartbeat.to_json()), "wind_speed_mps": 3})
    assert json.loads(Heartbeat.model_validate_json(later).to_json())["wind_speed_mps"] == 3


@pytest.mark.parametrize(
    "wrong", [{"schema_version": 2}, {"level_dbfs": float("nan")}, {"detections": {"speech": 1}}, {"faults": ["x"]}]
)
def test_what_does_not_fit_is_refused(wrong):
    fields = {"sensor_id": "roof-1", "time_utc": "2026-01-01T00:00:00Z", "uptime_s": 1.0}
    Heartbeat.model_validate(fields)
    with pytest.raises(ValidationError):
        Heartbeat.model_validate({**fields, **wrong})


def test_a_figure_that_is_none_of_a_heartbeat_is_refused():
    with pytest.raises(TypeError, match="a heartbeat has no queued"):
        make_heartbeat("roof-1", 0.0, 0.0, SOUND, MACHINE, queued=3)


def test_its_classes_and_faults_are_those_of_the_rest():
    schema = Heartbeat.model_json_schema()["properties"]
    assert schema["detections"]["propertyNames"]["enum"] == list(CLASSES)
    assert schema["faults"]["items"]["enum"] == list(FAULTS)
    assert all(fault in schema["faults"]["description"] for fault in FAULTS)


def test_the_documentation_has_the_table_of_what_there_is():
    pages = (Path(__file__).parents[3] / "docs").rglob("*.md")
    assert any(heartbeat_table() in page.read_text(encoding="utf-8") for page in pages)
