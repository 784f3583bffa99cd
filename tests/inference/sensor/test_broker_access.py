"""Who may come to a broker and do what there: the shipped settings and rules, run by mosquitto itself."""

import re
from pathlib import Path

import pytest
from certificates import make_certificates
from mosquitto import wait_until
from subscriber import address_of

from tocsin.inference.mqtt import make_filter, make_topic, new_client
from tocsin.inference.sensor import kept_back

OPERATION = Path(__file__).parents[3] / "inference/sensor/operation"
ACL = (OPERATION / "mosquitto.acl").read_text()
USERS = {"roof-1": "one", "roof-2": "two", "fusion": "three", "homeassistant": "four"}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("certificates"))


def shipped_settings() -> str:
    """Those of the file, without the paths and the port, which the helper sets."""
    own = ("listener", "cafile", "certfile", "keyfile", "allow_anonymous", "password_file", "acl_file")
    lines = (OPERATION / "mosquitto.conf").read_text().splitlines()
    return "\n".join(line for line in lines if not line.startswith(own))


def put(outbox, sensor_id: str, count: int, first: int = 0) -> None:
    topic = make_topic("site", "detections", sensor_id)
    for number in range(first, first + count):
        assert outbox.put(f"{sensor_id}-{number}", topic, f"{sensor_id} {number}".encode(), 0.5)


def test_a_sensor_speaks_for_itself_alone_by_the_shipped_settings(
    mosquitto, certificates, make, outbox, said, monkeypatch
):
    monkeypatch.setattr(kept_back, "SHORTEST_S", 0.05)
    monkeypatch.setattr(kept_back, "LONGEST_S", 0.1)
    broker = mosquitto(certificates=certificates, users=USERS, acl=ACL, settings=shipped_settings())
    secure = {"tls": True, "ca_file": certificates[0]}
    reader = make.subscriber(address_of(broker, username="fusion", password="three", **secure), "tocsin/v1/#")
    put(outbox, "roof-2", 100)
    put(outbox, "roof-1", 100)
    publisher = make(address_of(broker, username="roof-1", password="one", **secure))
    own = {f"roof-1 {number}".encode() for number in range(100)}
    wait_until(lambda: set(reader.payloads) >= {*own, b"online"}, "what the sensor may say")
    refused = publisher.counts.refused
    assert refused >= 50
    wait_until(lambda: publisher.counts.refused > refused + 50, "what it may not say is tried again")
    assert set(reader.payloads) == {*own, b"online"}
    assert outbox.size()[0] == 100
    assert [sentence for sentence in said if "refuses what is sent to tocsin/v1/site/detections/roof-2" in sentence]
    assert len(said) == 1
    broker.read_acl(f"{ACL}\nuser roof-1\ntopic write tocsin/v1/+/detections/roof-2\n")
    wait_until(lambda: outbox.size()[0] == 0, "all that waited, now that it is permitted")
    wait_until(lambda: len(set(reader.payloads)) == 201, "all arrived")


def test_a_sensor_reads_nothing_and_the_fusion_writes_nothing(mosquitto, make, outbox):
    broker = mosquitto(users=USERS, acl=ACL)
    reader = make.subscriber(address_of(broker, username="fusion", password="three"), make_filter("+", "detections"))
    make.subscriber(address_of(broker, username="roof-1", password="one"), "tocsin/v1/#", client_id="spy")
    put(outbox, "roof-2", 2)
    make(address_of(broker, username="roof-2", password="two"), sensors=("roof-2",))
    wait_until(lambda: len(reader.messages) == 2, "detections of another sensor")
    assert "Sending PUBLISH to reader" in broker.log()
    assert "Sending PUBLISH to spy" not in broker.log()
    told = []
    client = new_client(address_of(broker, username="fusion", password="three"), "writer")
    client.on_publish = lambda client, data, number, reason, properties: told.append(reason.value)
    client.loop_start()
    client.publish(make_topic("site", "detections", "roof-1"), b"false", qos=1)
    wait_until(lambda: told, "an answer")
    client.disconnect()
    client.loop_stop()
    assert told == [0x87]
    assert len(reader.messages) == 2


def test_an_announcement_that_is_not_permitted_is_said_once(mosquitto, make, outbox, said):
    broker = mosquitto(users=USERS, acl=ACL)
    make.subscriber(address_of(broker, username="fusion", password="three"), "tocsin/v1/#")
    announcements = [(f"homeassistant/event/{name}/site_gunshot/config", b"{}") for name in ("roof-1", "roof-2")]
    put(outbox, "roof-1", 5)
    publisher = make(address_of(broker, username="roof-1", password="one"), announcements=announcements)
    wait_until(lambda: said and outbox.size()[0] == 0, "a complaint, and all sent")
    assert "refuses what is sent to homeassistant/event/roof-2" in said[0]
    put(outbox, "roof-1", 5, first=5)
    wait_until(lambda: publisher.counts.acknowledged >= 10, "more sent, though the broker ended the connection")
    assert publisher.counts.reconnects <= 1
    assert broker.log().count("Denied PUBLISH") == 1
    assert "'homeassistant/event/roof-1/site_gunshot/config'" in broker.log()


def test_a_wrong_password_is_one_sentence_and_it_keeps_trying(mosquitto, make, outbox, said):
    broker = mosquitto(users=USERS, acl=ACL)
    publisher = make(address_of(broker, username="roof-1", password="wrong"))
    wait_until(lambda: len(re.findall("not authori[sz]ed", broker.log())) >= 2, "a second attempt")
    assert not publisher.connected
    assert len(said) == 1
    assert re.search(r"the name 'roof-1'.* password", said[0])
    assert "wrong" not in said[0]


def test_a_wrong_authority_is_one_sentence_and_it_keeps_trying(mosquitto, certificates, make, outbox, said, tmp_path):
    broker = mosquitto(certificates=certificates)
    other = make_certificates(tmp_path, "other")
    put(outbox, "roof-1", 1)
    publisher = make(address_of(broker, tls=True, ca_file=other[0]))
    # An attempt may be in the broker's log before this end has said what it made of it.
    wait_until(lambda: said and broker.log().count("SSL routines") >= 2, "a second attempt")
    assert publisher.counts.sent == 0
    assert len(said) == 1
    assert f"does not hold against the authorities in {other[0]}" in said[0]


def test_a_certificate_of_another_name_is_refused(mosquitto, certificates, make, said):
    broker = mosquitto(certificates=certificates)
    right = address_of(broker, tls=True, ca_file=certificates[0])
    # The certificate is for 127.0.0.1 and localhost; this is the same machine by another name.
    wrong = type(right)("127.0.0.2", broker.port, True, ca_file=certificates[0])
    broker.stop()
    conf = broker.folder / "mosquitto.conf"
    conf.write_text(conf.read_text().replace(f"{broker.port} 127.0.0.1", f"{broker.port} 0.0.0.0"))
    broker.start()
    make(wrong)
    wait_until(lambda: said, "a complaint")
    assert "does not hold against the authorities" in said[0]


def test_a_name_nobody_knows_is_one_sentence(make, said, monkeypatch):
    import socket

    from tocsin.inference.mqtt import BrokerAddress

    def unknown(*arguments, **options):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    make(BrokerAddress("broker.invalid", 8883, False))
    wait_until(lambda: said, "a complaint")
    assert said == ["mqtt://broker.invalid:8883: no address is known for the name 'broker.invalid'; it is tried again"]
