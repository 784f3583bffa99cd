"""Discovery by its documented fields; its templates by Jinja, which is what Home Assistant fills them with."""

import json
import re
from datetime import UTC, datetime

import pytest
from jinja2 import Environment

from tocsin.inference.detection import Detection
from tocsin.inference.mqtt import make_topic
from tocsin.inference.sensor.heartbeat import Heartbeat
from tocsin.inference.sensor.home_assistant import discovery

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def told(sensor_id: str = "roof-1", **options) -> dict[str, dict]:
    return {topic: json.loads(payload) for topic, payload in discovery("site", sensor_id, 0.5, **options)}


def fill(template: str, message: str) -> str:
    return Environment(autoescape=False).from_string(template).render(value_json=json.loads(message))


def detection(**probabilities: float) -> Detection:
    return Detection(sensor_id="roof-1", x_m=0, y_m=0, onset_time_utc=NOW, probabilities=probabilities)


def test_topics_and_fields_are_those_of_the_documentation():
    messages = told()
    shot = messages["homeassistant/event/roof-1/site_gunshot/config"]
    assert shot["event_types"] == ["gunshot"]
    assert shot["state_topic"] == "tocsin/v1/site/detections/roof-1"
    assert shot["availability_topic"] == "tocsin/v1/site/status/roof-1"
    for topic, fields in messages.items():
        assert re.fullmatch(r"homeassistant/(event|sensor)/[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+/config", topic)
        assert {"name", "unique_id", "state_topic", "value_template", "device", "availability_topic"} <= set(fields)
        assert fields["device"]["identifiers"] == ["tocsin_site_roof-1"]
        if "/sensor/" in topic:
            assert fields["state_topic"] == make_topic("site", "health", "roof-1")
            assert fields["entity_category"] == "diagnostic"
    assert len({fields["unique_id"] for fields in messages.values()}) == len(messages)


def test_a_gunshot_is_an_event_and_another_bang_is_none():
    template = told()["homeassistant/event/roof-1/site_gunshot/config"]["value_template"]
    shot = detection(gunshot=0.75, fireworks=0.25)
    event = json.loads(fill(template, shot.to_json()))
    assert event["event_type"] == "gunshot"
    assert event["probability"] == 0.75
    assert event["detection_id"] == shot.detection_id
    assert datetime.fromisoformat(event["onset_time_utc"]) == NOW
    for other in (detection(gunshot=0.25), detection(fireworks=1.0), detection()):
        assert json.loads(fill(template, other.to_json())) == {}


def test_diagnostics_are_the_figures_of_the_heartbeat_and_none_where_it_has_none():
    full = Heartbeat(
        sensor_id="roof-1",
        time_utc=NOW,
        uptime_s=1,
        faults=("clips", "constant_tone"),
        level_dbfs=-40.5,
        noise_floor_dbfs=-60.0,
        clock_sigma_s=0.0015,
        temperature_c=41.0,
        disk_free_bytes=1000,
        outbox_queued=3,
        outbox_dropped=4,
    ).to_json()
    bare = Heartbeat(sensor_id="roof-1", time_utc=NOW, uptime_s=1).to_json()
    templates = {
        topic.split("/")[3].removeprefix("site_"): fields["value_template"]
        for topic, fields in told().items()
        if "/sensor/" in topic
    }
    assert {name: fill(template, full) for name, template in templates.items()} == {
        "faults": "clips, constant_tone",
        "level_dbfs": "-40.5",
        "noise_floor_dbfs": "-60.0",
        "clock_sigma_s": "1.5",
        "temperature_c": "41.0",
        "disk_free_bytes": "1000",
        "outbox_queued": "3",
        "outbox_dropped": "4",
    }
    assert {fill(template, bare) for name, template in templates.items() if name != "faults"} == {"None"}
    assert fill(templates["faults"], bare) == "none"


@pytest.mark.parametrize(("one", "other"), [("roof 1", "roof_1"), ("dach-ä", "dach-ö")])
def test_names_that_discovery_does_not_permit_stay_apart(one, other):
    assert not set(told(one)) & set(told(other))


def test_the_status_is_that_of_the_agent():
    assert told("roof-2", status_of="roof-1")["homeassistant/sensor/roof-2/site_faults/config"][
        "availability_topic"
    ] == make_topic("site", "status", "roof-1")


def test_it_is_retained_and_comes_behind_a_connection(mosquitto, make):
    from subscriber import address_of

    address = address_of(mosquitto())
    messages = discovery("site", "roof-1", 0.5)
    make(address, announcements=messages)
    reader = make.subscriber(address, "homeassistant/#")
    from mosquitto import wait_until

    wait_until(lambda: len(reader.messages) >= len(messages), "all retained")
    assert {(topic, payload) for topic, payload, _ in reader.messages} == set(messages)
