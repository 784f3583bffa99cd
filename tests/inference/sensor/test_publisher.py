"""Delivery by a real broker: all that was put arrives, whatever is killed in the middle of it."""

from mosquitto import wait_until
from subscriber import address_of

from tocsin.inference.mqtt import BrokerAddress, make_topic

SITE = "site"
TOPIC = make_topic(SITE, "detections", "roof-1")


def put(outbox, first: int, last: int, topic: str = TOPIC) -> None:
    for number in range(first, last):
        assert outbox.put(f"{topic}-{number:05d}", topic, f"{number:05d}".encode(), 0.5)


def test_what_was_put_arrives_in_order_and_leaves_the_outbox(mosquitto, make, outbox, said):
    address = address_of(mosquitto())
    reader = make.subscriber(address, "tocsin/v1/+/detections/+")
    put(outbox, 0, 100)
    publisher = make(address)
    put(outbox, 100, 200)
    publisher.wake()
    wait_until(lambda: outbox.size()[0] == 0, "all acknowledged")
    wait_until(lambda: len(reader.messages) >= 200, "all arrived")
    assert reader.payloads == [f"{number:05d}".encode() for number in range(200)]
    assert (publisher.counts.sent, publisher.counts.acknowledged, publisher.counts.refused) == (200, 200, 0)
    assert said == []


def test_nothing_is_missing_after_the_broker_was_killed(mosquitto, make, outbox):
    broker = mosquitto()
    address = address_of(broker)
    reader = make.subscriber(address, "tocsin/v1/+/detections/+")
    publisher = make(address)
    for stage in range(4):
        put(outbox, stage * 100, stage * 100 + 50)
        publisher.wake()
        enough = stage * 100 + 10
        wait_until(lambda enough=enough: len(set(reader.payloads)) > enough, "the stream runs")
        broker.kill()
        put(outbox, stage * 100 + 50, stage * 100 + 100)  # while there is no broker
        broker.start()
        wait_until(lambda: outbox.size()[0] == 0, "all acknowledged")
    expected = {f"{number:05d}".encode() for number in range(400)}
    wait_until(lambda: set(reader.payloads) >= expected, "all arrived")
    assert set(reader.payloads) == expected
    assert publisher.counts.reconnects == 4


def test_the_status_is_retained_and_the_will_says_offline(mosquitto, make, outbox):
    address = address_of(mosquitto())
    topic = make_topic(SITE, "status", "roof-1")
    reader = make.subscriber(address, "tocsin/v1/+/status/+")
    publisher = make(address, sensors=("roof-1", "roof-2"))
    wait_until(lambda: reader.messages == [(topic, b"online", False)], "online")
    late = make.subscriber(address, "tocsin/v1/+/status/+", client_id="late")
    wait_until(lambda: late.messages == [(topic, b"online", True)], "retained")
    assert publisher.close(30.0)
    wait_until(lambda: reader.payloads == [b"online", b"offline"], "a farewell")
    later = make.subscriber(address, "tocsin/v1/+/status/+", client_id="later")
    wait_until(lambda: later.messages == [(topic, b"offline", True)], "retained")
    assert not publisher.connected


def test_a_lost_connection_brings_the_will(mosquitto, make):
    address = address_of(mosquitto())
    reader = make.subscriber(address, "tocsin/v1/+/status/+")
    publisher = make(address)
    wait_until(lambda: reader.payloads == [b"online"], "online")
    publisher._connection._client.socket().close()
    wait_until(lambda: reader.payloads == [b"online", b"offline", b"online"], "offline by the broker, then back")


def test_heartbeats_are_not_retained_and_the_latest_waits_for_a_connection(mosquitto, make, outbox, said):
    address = address_of(mosquitto())
    reader = make.subscriber(address, "tocsin/v1/+/health/+")
    publisher = make(address, starts=False)
    publisher.beat("roof-1", '{"n":1}')
    publisher.beat("roof-1", '{"n":2}')
    publisher.start()
    wait_until(lambda: reader.messages, "a heartbeat")
    late = make.subscriber(address, "tocsin/v1/+/health/+", client_id="late")
    publisher.beat("roof-1", '{"n":3}')
    wait_until(lambda: len(reader.messages) == 2 and late.messages, "another heartbeat")
    topic = make_topic(SITE, "health", "roof-1")
    assert reader.messages == [(topic, b'{"n":2}', False), (topic, b'{"n":3}', False)]
    assert late.messages == [(topic, b'{"n":3}', False)]


def test_closing_without_a_broker_leaves_all_in_the_outbox(make, outbox, said):
    put(outbox, 0, 3)
    publisher = make(BrokerAddress("127.0.0.1", 1, tls=False))
    wait_until(lambda: said, "a complaint")
    assert not publisher.close(0.1)
    assert outbox.size()[0] == 3
    assert said == ["mqtt://127.0.0.1:1 refuses the connection: no broker listens there; it is tried again"]
