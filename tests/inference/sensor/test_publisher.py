"""Delivery by a real broker: all that was put arrives, whatever is killed in the middle of it."""

import signal

from mosquitto import wait_until
from subscriber import address_of

from tocsin.inference.mqtt import BrokerAddress, make_topic
from tocsin.inference.sensor import broker_connection, kept_back
from tocsin.inference.sensor import publisher as publisher_module

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


def test_a_broker_that_hangs_is_left_and_found_again(mosquitto, make, outbox, said, monkeypatch):
    monkeypatch.setattr(broker_connection, "ACKNOWLEDGED_WITHIN_S", 0.3)
    monkeypatch.setattr(publisher_module, "CONNECT_TIMEOUT_S", 0.3)
    broker = mosquitto()
    address = address_of(broker)
    reader = make.subscriber(address, "tocsin/v1/+/detections/+")
    publisher = make(address)
    wait_until(lambda: publisher.connected, "connected")
    broker.signal(signal.SIGSTOP)
    put(outbox, 0, 3)
    publisher.wake()
    wait_until(lambda: said, "a complaint")
    assert said == [f"{address} does not answer in time; it is tried again"]
    broker.signal(signal.SIGCONT)
    wait_until(lambda: outbox.size()[0] == 0, "all acknowledged")
    wait_until(lambda: set(reader.payloads) == {b"00000", b"00001", b"00002"}, "all arrived")
    assert said[1:] == [f"{address} is connected again"]


def test_a_message_that_is_longer_than_the_broker_takes_stands_in_nobodys_way(mosquitto, make, outbox, said):
    address = address_of(mosquitto(settings="max_packet_size 2000"))
    reader = make.subscriber(address, "tocsin/v1/+/detections/+")
    outbox.put("long", TOPIC, b"x" * 3000, 0.5)
    put(outbox, 0, 100)
    publisher = make(address)
    wait_until(lambda: len(reader.messages) == 100, "all others arrived")
    wait_until(lambda: [row.detection_id for row in outbox.waiting(0, 10)] == ["long"], "all others acknowledged")
    assert (publisher.counts.refused, publisher.counts.reconnects) == (1, 0)
    assert len(said) == 1
    assert "longer than the 2000 bytes that it takes" in said[0]
    assert not publisher.close(30.0)  # at once, for nothing is left but what is kept back


def test_the_window_is_that_of_the_broker(mosquitto, make, outbox):
    broker = mosquitto(settings="max_inflight_messages 3")
    address = address_of(broker)
    make.subscriber(address, "tocsin/v1/+/detections/+")
    put(outbox, 0, 50)
    make(address)
    wait_until(lambda: outbox.size()[0] == 0, "all acknowledged")
    assert "Protocol error" not in broker.log()


def test_a_reader_that_is_away_gets_all_when_it_is_back(mosquitto, make, outbox):
    # Saved when it ends, for at each change it would take long; so it ends in good order here.
    broker = mosquitto(settings="max_queued_messages 0")
    address = address_of(broker)
    make.subscriber(address, "tocsin/v1/+/detections/+").close()
    put(outbox, 0, 1500)  # more than mosquitto would keep by itself
    publisher = make(address)
    wait_until(lambda: outbox.size()[0] == 0, "all acknowledged")
    assert publisher.counts.acknowledged == 1500
    broker.stop()
    broker.start()
    again = make.subscriber(address, "tocsin/v1/+/detections/+")
    expected = {f"{number:05d}".encode() for number in range(1500)}
    wait_until(lambda: set(again.payloads) == expected, "all arrived")


def test_what_nobody_reads_stays_until_somebody_does(mosquitto, make, outbox, said, monkeypatch):
    monkeypatch.setattr(kept_back, "SHORTEST_S", 0.2)
    monkeypatch.setattr(kept_back, "LONGEST_UNREAD_S", 0.2)
    address = address_of(mosquitto())
    put(outbox, 0, 100)
    publisher = make(address)
    wait_until(lambda: publisher.counts.sent > 150, "sent again and again")
    assert outbox.size()[0] == 100
    reader = make.subscriber(address, "tocsin/v1/+/detections/+")
    wait_until(lambda: outbox.size()[0] == 0, "all acknowledged")
    assert set(reader.payloads) == {f"{number:05d}".encode() for number in range(100)}
    assert said == [f"nobody reads what is sent to {TOPIC}: it waits until a fusion subscribes"]
