"""One connection to the broker, from its beginning to its end: messages on their way, and their answers."""

import contextlib
import select
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tocsin.inference.sensor.kept_back import NOBODY_READS, KeptBack
from tocsin.inference.sensor.outbox import Outbox
from tocsin.inference.sensor.outbox_file import Row

if TYPE_CHECKING:
    from paho.mqtt.client import Client
    from paho.mqtt.reasoncodes import ReasonCode

MOST_IN_FLIGHT = 50
ACKNOWLEDGED_WITHIN_S = 60.0
READ_AT_ONCE = 200  # rows, where some of them are kept back
HEADER_BYTES = 16  # of a message beside topic and payload, at most
NOT_AUTHORIZED, PACKET_TOO_LARGE = 0x87, 0x95


@dataclass
class Counts:
    """What became of messages since the start.

    Attributes:
        sent: handed to the broker, repeats among them.
        acknowledged: of which it has told that it has them.
        refused: of which it has told that it does not take them; they stay and are tried again, ever more seldom.
        connections: that the broker accepted.
    """

    sent: int = 0
    acknowledged: int = 0
    refused: int = 0
    connections: int = 0

    @property
    def reconnects(self) -> int:
        """Connections after the first."""
        return max(self.connections - 1, 0)


class Connection:
    """A client of its own and a session that ends with it, so that nothing but the outbox knows what is to be sent.

    Args:
        client: a client of MQTT 5 that is not connected yet.
        outbox: what it sends, and takes out once the broker has acknowledged it.
        kept_back: what the broker refused.
        counts: counted up here.
        wake: a socket that becomes readable where there is something to do.

    Attributes:
        accepted: whether the broker has accepted it, and it has not ended.
        ended: why it has, if the broker said so.
        denied: whether the broker refused something that is no detection.
    """

    def __init__(
        self, client: "Client", outbox: Outbox, kept_back: KeptBack, counts: Counts, wake: socket.socket
    ) -> None:
        self.accepted = self.denied = False
        self.ended: ReasonCode | None = None
        self._client, self._outbox, self._kept_back, self._counts, self._wake = client, outbox, kept_back, counts, wake
        self._in_flight: dict[int, tuple[Row, float]] = {}  # by number of the message: and when it was sent
        self._answered: list[int] = []
        self._other: dict[int, str] = {}  # topics of what is no detection and has no answer yet
        self._last_row = 0
        self._window = MOST_IN_FLIGHT
        self._longest_bytes: int | None = None
        client.on_connect, client.on_publish, client.on_disconnect = self._on_connect, self._on_publish, self._on_end

    def open(self) -> None:
        """Connect, which may take seconds; the broker's answer comes later. Raises ``OSError`` where it cannot."""
        self._client.reconnect()

    def turn(self, timeout_s: float) -> bool:
        """Receive and send what there is, waiting for it up to ``timeout_s``; returns whether the connection stands.

        Raises:
            TimeoutError: the broker has left a message without answer for a minute.
        """
        here = self._client.socket()
        if here is None:
            return False
        pending = getattr(here, "pending", None)  # what TLS has read already, of which select knows nothing
        ready, _, _ = select.select(
            [here, self._wake],
            [here] if self._client.want_write() else [],
            [],
            0 if pending and pending() else timeout_s,
        )
        if self._wake in ready:
            with contextlib.suppress(BlockingIOError):
                self._wake.recv(4096)
        if here in ready or (pending and pending()):
            self._client.loop_read()
        if self._client.want_write():
            self._client.loop_write()
        self._client.loop_misc()
        if self._answered:
            self._outbox.acknowledged(self._answered)
            self._answered = []
        oldest_s = next((sent_s for _, sent_s in self._in_flight.values()), None)
        if oldest_s is not None and time.monotonic() - oldest_s > ACKNOWLEDGED_WITHIN_S:
            raise TimeoutError
        return self._client.socket() is not None

    def send_waiting(self) -> bool:
        """Send what waits, as far as the window goes; returns whether nothing is left but what is kept back."""
        now_s = time.monotonic()
        if self._kept_back.has_due(now_s):
            self._last_row = 0
        on_their_way = {row.row for row, _ in self._in_flight.values()}
        while (room := self._window - len(self._in_flight)) > 0:
            rows = self._outbox.waiting(self._last_row, READ_AT_ONCE if self._kept_back else room)
            if not rows:
                return not self._in_flight
            for row in rows[:]:
                if len(self._in_flight) >= self._window:
                    break
                self._last_row = row.row
                if row.row in on_their_way or self._kept_back.holds(row, now_s):
                    continue
                size = len(row.payload) + len(row.topic.encode()) + HEADER_BYTES
                if self._longest_bytes is not None and size > self._longest_bytes:
                    self._refuse(row, PACKET_TOO_LARGE, f"longer than the {self._longest_bytes} bytes that it takes")
                    continue
                message = self._client.publish(row.topic, row.payload, qos=1)
                if self._client.socket() is None:
                    return False
                self._in_flight[message.mid] = row, now_s
                self._counts.sent += 1
        return False

    def say(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> int:
        """Publish what is no detection; returns the number of the message."""
        number = self._client.publish(topic, payload, qos=qos, retain=retain).mid
        if qos:
            self._other[number] = topic
        return number

    @property
    def is_quiet(self) -> bool:
        """Whether all that was said is answered."""
        return not self._other

    def leave(self, topic: str, payload: bytes, timeout_s: float) -> None:
        """Say a last word, retained, wait until the broker has it, and end the connection."""
        number, until_s = self.say(topic, payload, qos=1, retain=True), time.monotonic() + timeout_s
        while number in self._other and (left_s := until_s - time.monotonic()) > 0 and self.turn(left_s):
            pass
        self._client.disconnect()
        self.turn(0)

    def close(self) -> None:
        """Drop the connection, as a power cut does, if it stands."""
        self.accepted = False
        if (here := self._client.socket()) is not None:
            here.close()

    def _on_connect(self, client: "Client", data: Any, flags: Any, reason: "ReasonCode", properties: Any) -> None:
        if reason.is_failure:
            self.ended = reason
            return
        self._window = min(getattr(properties, "ReceiveMaximum", MOST_IN_FLIGHT), MOST_IN_FLIGHT)
        self._longest_bytes = getattr(properties, "MaximumPacketSize", None)
        self.accepted = True
        self._counts.connections += 1

    def _on_end(self, client: "Client", data: Any, flags: Any, reason: "ReasonCode", properties: Any) -> None:
        self.accepted = False
        if self.ended is None and flags.is_disconnect_packet_from_server:
            self.ended = reason

    def _on_publish(self, client: "Client", data: Any, number: int, reason: "ReasonCode", properties: Any) -> None:
        row, _ = self._in_flight.pop(number, (None, 0.0))
        if row is None:
            topic = self._other.pop(number, None)
            if topic is not None and reason.is_failure:
                self.denied = True
                self._kept_back.refuse(Row(0, "", topic, b"", 0.0), NOT_AUTHORIZED, str(reason), time.monotonic())
            return
        if reason.is_failure:
            self._refuse(row, reason.value, str(reason))
            return
        if reason.value == NOBODY_READS:
            self._kept_back.refuse(row, NOBODY_READS, str(reason), time.monotonic())
            return
        self._kept_back.accept(row)
        self._answered.append(row.row)
        self._counts.acknowledged += 1

    def _refuse(self, row: Row, code: int, why: str) -> None:
        self._counts.refused += 1
        self._kept_back.refuse(row, code, why, time.monotonic())
