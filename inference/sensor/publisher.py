"""Brings what the outbox holds to the broker, and takes out of it what the broker says that it has.

MQTT's QoS 1: a message may arrive twice, and none is lost. After a broken connection the client sends again what was
not acknowledged; after a crash of this process the outbox still holds it. Ids that the content fixes let the other end
drop what came twice.
"""

import json
import random
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tocsin import __version__
from tocsin.inference.detection import Detection
from tocsin.inference.mqtt import (
    BrokerAddress,
    connect,
    health_topic,
    new_client,
    sensor_of,
    shots_topic,
    status_topic,
    why_not_connected,
    why_refused,
)
from tocsin.inference.sensor.home_assistant import discovery
from tocsin.inference.sensor.outbox import Outbox

if TYPE_CHECKING:
    from paho.mqtt.client import Client

WINDOW = 50  # messages on their way at a time
LOOK_S = 1.0  # how often the outbox is looked at without being woken
REFUSED_AGAIN_S = 60.0  # until what the broker refused is sent again


class Publisher:
    """A client of the broker, in threads of its own.

    Args:
        outbox: where detections wait.
        address: of the broker.
        site: part of every topic.
        sensor_ids: those of this agent. The first names it: its status, which the broker keeps, is under that name.
        complain: called with a sentence when the broker cannot be reached, refuses, or is back.
        home_assistant: whether Home Assistant is told of the sensors and their shots.

    Attributes:
        connected: whether the broker can be reached now.
        acknowledged: detections that the broker has taken since this began.
        refused: how often it took one not.
    """

    def __init__(
        self,
        outbox: Outbox,
        address: BrokerAddress,
        site: str,
        sensor_ids: Sequence[str],
        complain: Callable[[str], None] = lambda sentence: None,
        home_assistant: bool = False,
    ) -> None:
        self._outbox, self._address, self._site = outbox, address, site
        self._sensors, self._complain, self._home_assistant = tuple(sensor_ids), complain, home_assistant
        self._status = status_topic(site, self._sensors[0])
        self.connected = False
        self.acknowledged = self.refused = 0
        self._said = ""  # what was complained of last, which is not said again until it changes
        self._refused_sensors: set[str] = set()
        self._answers: deque[tuple[int, Any]] = deque()  # of the client's thread, to this one
        self._flying: dict[int, tuple[int, str]] = {}  # number and topic in the outbox, by the client's own number
        self._numbers: set[int] = set()
        self._not_before_s = 0.0  # by the monotonic clock; after a refusal
        self._wake, self._stopping, self._closing = threading.Event(), False, False
        self._client = self._new_client()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def start(self) -> None:
        """Connect, and go on trying."""
        connect(self._client, self._address)
        self._thread.start()

    def wake(self) -> None:
        """Something was put into the outbox."""
        self._wake.set()

    def beat(self, sensor_id: str, text: str) -> None:
        """Say a heartbeat; one that cannot be said now is not said later."""
        if self.connected:
            self._client.publish(health_topic(self._site, sensor_id), text.encode(), qos=0)

    def tell_shot(self, detection: Detection) -> None:
        """Say a gunshot to Home Assistant, where that is wanted: an event, and no detection for the fusion."""
        if self._home_assistant and self.connected:
            event = {
                "event_type": "gunshot",
                "probability": round(detection.probabilities.get("gunshot", 0.0), 4),
                "onset_time_utc": detection.onset_time_utc.isoformat().replace("+00:00", "Z"),
            }
            self._client.publish(shots_topic(self._site, detection.sensor_id), json.dumps(event).encode(), qos=1)

    def close(self, within_s: float = 5.0) -> bool:
        """Wait for what waits, then leave; whether the outbox is empty. What is left stays there for the next time."""
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(within_s)
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        if self.connected:
            self._client.publish(self._status, self._status_of("offline"), qos=1, retain=True).wait_for_publish(1.0)
        self._client.disconnect()
        self._client.loop_stop()
        return self._outbox.size()[0] == 0

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(LOOK_S)
            self._wake.clear()
            self._take_answers()
            if self.connected:
                self._send()
            if self._closing and not self._outbox.size()[0]:
                return

    def _send(self) -> None:
        self._outbox.save()
        room = WINDOW - len(self._flying)
        if room <= 0 or time.monotonic() < self._not_before_s:
            return
        for letter in self._outbox.waiting(WINDOW):
            if letter.number not in self._numbers and room > 0:
                room -= 1
                flight = self._client.publish(letter.topic, letter.payload, qos=1)
                self._flying[flight.mid] = (letter.number, letter.topic)
                self._numbers.add(letter.number)

    def _take_answers(self) -> None:
        arrived = []
        while self._answers:
            mid, reason = self._answers.popleft()
            if mid not in self._flying:
                continue  # a status, or a shot
            number, topic = self._flying.pop(mid)
            self._numbers.discard(number)
            if getattr(reason, "is_failure", False):
                self.refused += 1
                self._refuse(topic, reason)
            else:
                arrived.append(number)
        if arrived:
            self.acknowledged += len(arrived)
            self._outbox.acknowledged(arrived)
            self._wake.set()

    def _refuse(self, topic: str, reason: object) -> None:
        # All are tried again together, later: that whoever keeps the broker mends its rules is likelier than not.
        self._not_before_s = time.monotonic() + REFUSED_AGAIN_S * (1.0 - 0.5 * random.random())
        sensor_id = sensor_of(topic)
        if sensor_id not in self._refused_sensors:
            self._refused_sensors.add(sensor_id)
            self._complain(
                f"{self._address} takes no detections of {sensor_id} ({str(reason).lower()}): mend its access rules; "
                "what it refused is kept and sent again"
            )

    def _new_client(self) -> "Client":
        client_id = f"tocsin-{self._site}-{self._sensors[0]}"
        client = new_client(self._address, client_id, will=(self._status, self._status_of("offline")))
        client.max_inflight_messages_set(WINDOW)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        return client

    def _status_of(self, status: str) -> bytes:
        told = {"schema_version": 1, "status": status, "sensors": self._sensors, "software": f"tocsin {__version__}"}
        return json.dumps(told).encode()

    # The client calls these in its own thread, some of them while it holds its locks: they only note.
    def _on_publish(self, client: "Client", userdata: object, mid: int, reason: Any, properties: object) -> None:
        self._answers.append((mid, reason))
        self._wake.set()

    def _on_connect(self, client: "Client", userdata: object, flags: object, reason: Any, properties: object) -> None:
        if reason.is_failure:
            self._say(why_refused(self._address, reason))
            return
        self.connected = True
        client.publish(self._status, self._status_of("online"), qos=1, retain=True)
        if self._home_assistant:
            for topic, payload in discovery(self._site, self._sensors, self._status):
                client.publish(topic, payload, qos=1, retain=True)
        if self._said:
            self._complain(f"{self._address} is back")
            self._said = ""
        self._wake.set()

    def _on_connect_fail(self, client: "Client", userdata: object) -> None:
        error = sys.exception()
        if error is not None:
            self._say(why_not_connected(self._address, error))

    def _on_disconnect(
        self, client: "Client", userdata: object, flags: object, reason: Any, properties: object
    ) -> None:
        was, self.connected = self.connected, False
        if was and not self._stopping and reason.is_failure:
            self._say(f"{self._address} is lost ({str(reason).lower()})")

    def _say(self, sentence: str) -> None:
        if sentence != self._said:
            self._complain(f"{sentence}; detections wait in the outbox, and it is tried again")
            self._said = sentence
