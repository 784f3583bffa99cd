"""Detections of a broker as they come (MQTT 5): what was missed while this was away comes first.

After an outage of the broker what comes is held until all sensors can have sent what they kept; so it is given at once.
"""

import queue
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tocsin import TocsinError
from tocsin.inference.broker_failures import ConnectionSayings
from tocsin.inference.detection import Detection, parse_line
from tocsin.inference.mqtt import LONGEST_PAYLOAD_BYTES, BrokerAddress, check_level, make_filter, new_client
from tocsin.localization.stream.reading.outage import Outage

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessage

POLL_S = 0.1
MOST_AT_ONCE = 500  # but for what was held
# Messages in memory; then the broker waits. What it has passed on does not die with it, so that is not to be few.
MOST_WAITING = 60_000
LONGEST_NAME, LONGEST_SENTENCE = 64, 400  # of what a stranger sent that is said to people
MISSED_FOR_S = 7 * 86_400  # that the broker keeps for a fusion that is away


@dataclass(frozen=True)
class Message:
    """A message and the sensor whose topic it came by."""

    sensor_id: str
    payload: bytes

    def detection(self) -> Detection:
        """What it says.

        Raises:
            TocsinError: it is no detection, or is of another sensor than may write to the topic.
        """
        check_level(self.sensor_id[:LONGEST_NAME], "the name of a sensor")
        where = f"a message of sensor {self.sensor_id[:LONGEST_NAME]}"
        if len(self.payload) > LONGEST_PAYLOAD_BYTES:
            raise TocsinError(
                f"{where}: {len(self.payload)} bytes, where a detection has {LONGEST_PAYLOAD_BYTES} at most"
            )
        try:
            detection = parse_line(where, self.payload)
        except TocsinError as error:
            raise TocsinError(_shortened(str(error))) from None
        if detection.sensor_id != self.sensor_id:
            raise TocsinError(
                f"{where} says that it is of {detection.sensor_id[:LONGEST_NAME]!r}: each has its own topic"
            )
        try:
            detection.to_json()
        except ValueError:  # JSON can hold what UTF-8 cannot, and lists in lists without end
            raise TocsinError(f"{where}: it holds text or lists that cannot be written again") from None
        return detection


def _shortened(sentence: str) -> str:
    """A sentence that may quote a message of any length."""
    return sentence if len(sentence) <= LONGEST_SENTENCE else f"{sentence[:LONGEST_SENTENCE]} …"


class BrokerInput:
    """The detections of a site.

    Args:
        address: of the broker.
        site: whose sensors are listened to.
        client_id: under which the broker keeps what is missed; two fusions of a site need two.
        complain: called with a sentence when the broker cannot be reached, refuses, or is back.

    Raises:
        TocsinError: paho-mqtt is not installed, or a file of the address cannot be used.
    """

    def __init__(self, address: BrokerAddress, site: str, client_id: str, complain: Callable[[str], None]) -> None:
        self._address, self._topic, self._complain = address, make_filter(site, "detections"), complain
        self._sayings = ConnectionSayings(address, complain)
        self._came: queue.Queue[tuple[MQTTMessage, int]] = queue.Queue(MOST_WAITING)
        self._connection = 0  # its number: what came by an earlier one cannot be acknowledged any more
        self._outage = Outage()
        # A message is acknowledged when the one who asks for more has made it safe.
        self._client = client = new_client(
            address, client_id, session_expiry_s=MISSED_FOR_S, manual_ack=True, most_in_flight=MOST_WAITING
        )
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_subscribe = self._on_subscribe

    def batches(self) -> Iterator[tuple[float, list[Message]]]:
        """Seconds waited and the messages that came, none after each ``POLL_S`` without; never ends.

        When more is asked for, what was given is acknowledged: the broker does not send it again.
        """
        self._client.loop_start()
        try:
            held: list[tuple[MQTTMessage, int]] = []
            while True:
                begin_s = time.monotonic()
                held += self._next()
                now_s = time.monotonic()
                waited_s = 0.0 if self._outage.stands_still(now_s) else now_s - begin_s
                if self._outage.holds(now_s) and len(held) < MOST_WAITING // 2:
                    yield waited_s, []
                    continue
                # The last level of a topic is the sensor's, as the subscription has it; a message proves its name.
                yield waited_s, [Message(item.topic.rpartition("/")[2], bytes(item.payload)) for item, _ in held]
                for message, connection in held:
                    if connection == self._connection:
                        self._client.ack(message.mid, message.qos)
                held = []
        finally:
            self._client.disconnect()
            self._client.loop_stop()

    def _next(self) -> "list[tuple[MQTTMessage, int]]":
        came = []
        try:
            came.append(self._came.get(timeout=POLL_S))
            while len(came) < MOST_AT_ONCE:
                came.append(self._came.get_nowait())
        except queue.Empty:
            pass
        return came

    # The client calls these in its own thread.
    def _on_message(self, client: "Client", userdata: object, message: "MQTTMessage") -> None:
        self._outage.found(time.monotonic())  # whatever was said of the connection, it is there
        self._came.put((message, self._connection))

    def _on_connect(self, client: "Client", userdata: object, flags: object, reason: Any, properties: object) -> None:
        if reason.is_failure:
            self._sayings.failed(reason)
            return
        self._connection += 1
        self._outage.found(time.monotonic())
        client.subscribe(self._topic, qos=1)
        self._sayings.connected()

    def _on_subscribe(
        self, client: "Client", userdata: object, mid: int, reasons: list[Any], properties: object
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._complain(f"{self._address} lets this client not read {self._topic} ({str(reasons[0]).lower()})")
        elif self._connection == 1:
            self._complain(f"listening to {self._address}, {self._topic}")

    def _on_connect_fail(self, client: "Client", userdata: object) -> None:
        self._sayings.failed(sys.exception())

    def _on_disconnect(
        self, client: "Client", userdata: object, flags: object, reason: Any, properties: object
    ) -> None:
        if reason.is_failure:
            self._outage.lost(time.monotonic())
            self._sayings.failed(reason)
