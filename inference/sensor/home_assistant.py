"""What Home Assistant is told of a sensor so that it shows it by itself: MQTT discovery, retained.

Shots are an event entity that reads the detections themselves, so a shot is sent once and waits in the outbox like all
others; what the sensor says of itself are diagnostic sensors that read its heartbeats. Fields are those of Home
Assistant's documentation of its integrations "MQTT", "MQTT Event" and "MQTT Sensor".
"""

import hashlib
import json
import re
from typing import Any

from tocsin import __version__
from tocsin.inference.mqtt import make_topic

PREFIX = "homeassistant"

# A figure each: field of the heartbeat, name, unit, device class, factor.
_FIGURES = (
    ("level_dbfs", "Level", "dB", None, 1),
    ("noise_floor_dbfs", "Noise floor", "dB", None, 1),
    ("clock_sigma_s", "Clock uncertainty", "ms", "duration", 1000),
    ("temperature_c", "Temperature", "°C", "temperature", 1),
    ("disk_free_bytes", "Free disk", "B", "data_size", 1),
    ("outbox_queued", "Detections waiting", None, None, 1),
    ("outbox_dropped", "Detections dropped", None, None, 1),
)
# An empty object is no event.
_SHOT = (
    "{{% set p = (value_json.probabilities | default({{}})).gunshot | default(0) %}}"
    "{{% if p >= {threshold} %}}"
    "{{{{ {{'event_type': 'gunshot', 'probability': p, 'onset_time_utc': value_json.onset_time_utc,"
    " 'detection_id': value_json.detection_id}} | tojson }}}}"
    "{{% else %}}{{}}{{% endif %}}"
)


def discovery(site: str, sensor_id: str, threshold: float, status_of: str | None = None) -> list[tuple[str, bytes]]:
    """Topics and payloads that make one sensor known; to be published retained.

    Args:
        site: name of the site.
        sensor_id: name of the sensor.
        threshold: probability from which a bang is called a gunshot.
        status_of: the sensor at whose name the agent's status stands; not given: this one.
    """
    node = _object_id(sensor_id)
    unique = f"tocsin_{site}_{sensor_id}"
    shared: dict[str, Any] = {
        "availability_topic": make_topic(site, "status", status_of or sensor_id),
        "device": {
            "identifiers": [unique],
            "name": f"Tocsin {sensor_id}",
            "manufacturer": "Tocsin",
            "model": "acoustic sensor",
            "sw_version": __version__,
        },
        "origin": {"name": "Tocsin", "sw_version": __version__},
    }

    def message(component: str, name: str, fields: dict[str, Any]) -> tuple[str, bytes]:
        told = {**fields, "unique_id": f"{unique}_{name}", **shared}
        text = json.dumps({key: value for key, value in told.items() if value is not None}, ensure_ascii=False)
        return f"{PREFIX}/{component}/{node}/{_object_id(site)}_{name}/config", text.encode()

    shot = {
        "name": "Gunshot",
        "state_topic": make_topic(site, "detections", sensor_id),
        "event_types": ["gunshot"],
        "value_template": _SHOT.format(threshold=threshold),
        "qos": 1,
    }
    health = {"state_topic": make_topic(site, "health", sensor_id), "entity_category": "diagnostic"}
    faults = {"name": "Faults", "value_template": "{{ value_json.faults | default([]) | join(', ') or 'none' }}"}
    messages = [message("event", "gunshot", shot), message("sensor", "faults", {**health, **faults})]
    for field, name, unit, device_class, factor in _FIGURES:
        value = f"value_json.{field}" if factor == 1 else f"(value_json.{field} * {factor}) | round(3)"
        figure = {
            "name": name,
            # "None" is Home Assistant's word for a value that is not known.
            "value_template": f"{{{{ {value} if value_json.{field} is defined else none }}}}",
            "unit_of_measurement": unit,
            "device_class": device_class,
            "state_class": "measurement",
        }
        messages.append(message("sensor", field, {**health, **figure}))
    return messages


def _object_id(name: str) -> str:
    """A name of the letters that discovery permits; where that changes it, a hash keeps two names apart."""
    kept = re.sub(r"[^a-zA-Z0-9_-]", "_", name)
    return kept if kept == name else f"{kept}_{hashlib.sha256(name.encode()).hexdigest()[:6]}"
