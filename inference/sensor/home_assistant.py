"""What Home Assistant is told, so that it shows a sensor without being set up: MQTT discovery.

Fields: https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery, event.mqtt and sensor.mqtt.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from tocsin import __version__
from tocsin.inference.mqtt import health_topic, shots_topic

PREFIX = "homeassistant"
# Field of the heartbeat, its name, unit and device class: diagnostics, all of them.
DIAGNOSTICS: tuple[tuple[str, str, str | None, str | None], ...] = (
    ("level_dbfs", "Level", "dB", None),
    ("noise_floor_dbfs", "Noise floor", "dB", None),
    ("outbox_queued", "Detections waiting", None, None),
    ("temperature_c", "Temperature", "°C", "temperature"),
    ("clock_sigma_s", "Clock uncertainty", "s", "duration"),
)


def discovery(site: str, sensor_ids: Sequence[str], status: str) -> Iterator[tuple[str, bytes]]:
    """Topics and payloads, to be kept by the broker: of each sensor its shots, an event, and its diagnostics.

    Args:
        site: of the topics.
        sensor_ids: of one agent.
        status: topic that says whether the agent is online.
    """
    for sensor_id in sensor_ids:
        # Of ids Home Assistant takes these letters alone.
        name = re.sub(r"[^A-Za-z0-9_-]", "_", f"{site}_{sensor_id}")
        shared: dict[str, Any] = {
            "availability_topic": status,
            "availability_template": "{{ value_json.status }}",
            "device": {
                "identifiers": [f"tocsin_{name}"],
                "name": f"Tocsin {sensor_id}",
                "manufacturer": "Tocsin",
                "sw_version": __version__,
            },
        }
        shot = {
            "name": "Gunshot",
            "unique_id": f"tocsin_{name}_shot",
            "state_topic": shots_topic(site, sensor_id),
            "event_types": ["gunshot"],
            "icon": "mdi:alarm-light",
            **shared,
        }
        yield f"{PREFIX}/event/tocsin_{name}/shot/config", json.dumps(shot).encode()
        for field, label, unit, kind in DIAGNOSTICS:
            sensor = {
                "name": label,
                "unique_id": f"tocsin_{name}_{field}",
                "state_topic": health_topic(site, sensor_id),
                "value_template": f"{{{{ value_json.{field} }}}}",
                "entity_category": "diagnostic",
                "state_class": "measurement",
                **({"unit_of_measurement": unit} if unit else {}),
                **({"device_class": kind} if kind else {}),
                **shared,
            }
            yield f"{PREFIX}/sensor/tocsin_{name}/{field}/config", json.dumps(sensor).encode()
