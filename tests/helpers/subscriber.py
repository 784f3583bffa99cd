"""A subscriber with a session that the broker keeps, as the fusion is one; it notes all that comes."""

from tocsin.inference.mqtt import BrokerAddress, new_client


def address_of(broker, **more) -> BrokerAddress:
    """Where a broker of a test is, without TLS if nothing else is said."""
    return BrokerAddress("127.0.0.1", broker.port, **{"tls": False, **more})


class Subscriber:
    """Subscribed when it is made, and again on each connection.

    Attributes:
        messages: (topic, payload, retained) in the order in which they came.
    """

    def __init__(self, address: BrokerAddress, topics: str, client_id: str = "reader") -> None:
        from mosquitto import wait_until

        self.messages: list[tuple[str, bytes, bool]] = []
        self._is_subscribed = False
        # So many that none waits in the memory of a broker that is killed.
        self._client = new_client(address, client_id, session_expiry_s=3600, most_in_flight=60000)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(topics, qos=1)
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.loop_start()
        wait_until(lambda: self._is_subscribed, f"subscribed to {topics}")

    @property
    def payloads(self) -> list[bytes]:
        return [payload for _, payload, _ in self.messages]

    @property
    def is_connected(self) -> bool:
        return self._client.is_connected()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_subscribe(self, client, data, number, reasons, properties) -> None:
        self._is_subscribed = not any(reason.is_failure for reason in reasons)

    def _on_message(self, client, data, message) -> None:
        self.messages.append((message.topic, message.payload, message.retain))
