"""The publisher: carries what waits in the outbox to the broker, over as many connections as it takes.

What the broker has not acknowledged is sent again on the next connection. So nothing is lost, and something may come
twice, under the same ``detection_id`` (QoS 1, "at least once").
"""

import contextlib
import random
import socket
import threading
import time
from collections.abc import Callable, Sequence

from tocsin.inference.broker_failures import ConnectionSayings
from tocsin.inference.mqtt import (
    CONNECT_TIMEOUT_S,
    LONGEST_DELAY_S,
    OFFLINE,
    ONLINE,
    SHORTEST_DELAY_S,
    BrokerAddress,
    Will,
    make_topic,
    new_client,
)
from tocsin.inference.sensor.broker_connection import MOST_IN_FLIGHT, Connection, Counts
from tocsin.inference.sensor.kept_back import KeptBack
from tocsin.inference.sensor.outbox import Outbox

TURN_S = 1.0
FAREWELL_S = 2.0


class Publisher:
    """Sends what waits in an outbox, in a thread of its own.

    A client has one last will, so there is one status for all that the agent hears with: at its first sensor's name.

    Args:
        outbox: what it sends.
        address: of the broker.
        site: name of the site.
        sensor_ids: names of the sensors, at least one.
        complain: called, from that thread, with a sentence where something is wrong.
        client_id: its name at the broker, of which there is no second; not given: made of site and first sensor.
        announcements: topics and payloads that are said, retained, on each connection, behind what waits; none any more
            once the broker has refused one.

    Raises:
        TocsinError: a name cannot be part of a topic, paho-mqtt is not installed, or a certificate cannot be read.

    Attributes:
        counts: what became of messages.
    """

    def __init__(
        self,
        outbox: Outbox,
        address: BrokerAddress,
        site: str,
        sensor_ids: Sequence[str],
        complain: Callable[[str], None],
        *,
        client_id: str | None = None,
        announcements: Sequence[tuple[str, bytes]] = (),
    ) -> None:
        self.counts = Counts()
        self._outbox, self._address, self._announcements = outbox, address, list(announcements)
        self._health_topics = {name: make_topic(site, "health", name) for name in sensor_ids}
        self._status_topic = make_topic(site, "status", sensor_ids[0])
        self._client_id = client_id or f"tocsin-{site}-{sensor_ids[0]}"
        self._sayings = ConnectionSayings(address, complain)
        self._kept_back = KeptBack(complain)
        self._connection: Connection | None = None
        self._beats: dict[str, str] = {}
        self._lock = threading.Lock()
        self._wake_reader, self._wake_writer = socket.socketpair()
        for end in (self._wake_reader, self._wake_writer):
            end.setblocking(False)
        self._closing = threading.Event()
        self._close_at_s = 0.0
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._new_connection()  # says at once what is missing

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the connection, as far as is known."""
        connection = self._connection
        return connection is not None and connection.accepted

    def start(self) -> None:
        """Begin to connect and to send."""
        self._thread.start()

    def wake(self) -> None:
        """Say that something came into the outbox; any thread may."""
        with contextlib.suppress(OSError):  # a full pipe wakes as well
            self._wake_writer.send(b"w")

    def beat(self, sensor_id: str, json_text: str) -> None:
        """Send a heartbeat (QoS 0, not retained); without a connection the latest of each sensor waits for one."""
        with self._lock:
            self._beats[self._health_topics[sensor_id]] = json_text
        self.wake()

    def close(self, timeout_s: float) -> bool:
        """Send what waits, for at most ``timeout_s`` seconds, say ``offline`` and stop.

        Returns:
            Whether nothing is left. What is left stays in the outbox, which is not closed.
        """
        self._close_at_s = time.monotonic() + timeout_s
        self._closing.set()
        self.wake()
        if self._thread.is_alive():
            self._thread.join(timeout_s + 2 * FAREWELL_S)
        if not self._thread.is_alive():
            self._wake_reader.close()
            self._wake_writer.close()
        return self._outbox.size()[0] == 0

    def _new_connection(self) -> Connection:
        will = Will(self._status_topic, OFFLINE)
        client = new_client(self._address, self._client_id, will=will, most_in_flight=MOST_IN_FLIGHT)
        return Connection(client, self._outbox, self._kept_back, self.counts, self._wake_reader)

    def _run(self) -> None:
        failures = 0
        while not self._is_over():
            try:
                connection = self._connection = self._new_connection()
                accepted = self._serve(connection)
            # Whatever a stranger's broker answers and paho stumbles over, the next attempt is a new beginning.
            except Exception as error:  # noqa: BLE001
                accepted = self.connected
                self._sayings.failed(error)
            else:
                if not self._is_over():
                    self._sayings.failed(connection.ended)
            if self._connection is not None:
                if self._connection.denied:
                    self._announcements = []
                self._connection.close()
            failures = 0 if accepted else min(failures + 1, 10)
            self._wait(min(SHORTEST_DELAY_S * 2**failures, LONGEST_DELAY_S) * random.uniform(0.5, 1.0))

    def _serve(self, connection: Connection) -> bool:
        """Use a connection until it ends; returns whether the broker had accepted it."""
        connection.open()
        announcements = list(self._announcements)
        accept_until_s, greeted = time.monotonic() + CONNECT_TIMEOUT_S, False
        while connection.turn(TURN_S if not self._closing.is_set() else TURN_S / 10):
            if not connection.accepted:
                if time.monotonic() >= accept_until_s:
                    raise TimeoutError
                if self._is_over():
                    break
                continue
            if not greeted:
                greeted = True
                self._greet(connection)
            for topic, text in self._take_beats().items():
                connection.say(topic, text.encode(), qos=0, retain=False)
            self._outbox.flush()
            done = connection.send_waiting()
            if connection.denied:
                self._announcements = announcements = []
            # One by one, and when nothing waits: mosquitto 2.0 ends the connection behind a retained message that it
            # does not permit, and what was sent behind that would be lost with the broker's answer to it.
            if done and announcements and connection.is_quiet:
                connection.say(*announcements.pop(0), qos=1, retain=True)
            if self._closing.is_set() and (done or time.monotonic() >= self._close_at_s):
                connection.leave(self._status_topic, OFFLINE, FAREWELL_S)
                self._close_at_s = 0.0
                break
        return greeted

    def _greet(self, connection: Connection) -> None:
        self._sayings.connected()
        self._kept_back.try_again()
        connection.say(self._status_topic, ONLINE, qos=1, retain=True)

    def _take_beats(self) -> dict[str, str]:
        with self._lock:
            beats, self._beats = self._beats, {}
        return beats

    def _is_over(self) -> bool:
        return self._closing.is_set() and (time.monotonic() >= self._close_at_s or self._outbox.size()[0] == 0)

    def _wait(self, delay_s: float) -> None:
        if not self._closing.wait(delay_s):
            return
        if not self._is_over():
            time.sleep(min(delay_s, TURN_S, max(self._close_at_s - time.monotonic(), 0.0)))
