"""Topics and addresses by their frozen contract; failures by the exceptions of sockets and the codes of MQTT 5."""

import errno
import socket
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin import TocsinError
from tocsin.inference.broker_failures import ConnectionSayings, explain_failure
from tocsin.inference.mqtt import (
    LONGEST_PAYLOAD_BYTES,
    OFFLINE,
    ONLINE,
    BrokerAddress,
    Topic,
    make_filter,
    make_topic,
    new_client,
    parse_topic,
)


def test_the_contract_is_frozen():
    assert make_topic("riverside", "detections", "roof-1") == "tocsin/v1/riverside/detections/roof-1"
    assert make_topic("riverside", "status", "roof-1") == "tocsin/v1/riverside/status/roof-1"
    assert make_topic("riverside", "health", "roof-1") == "tocsin/v1/riverside/health/roof-1"
    assert make_filter("riverside", "detections") == "tocsin/v1/riverside/detections/+"
    assert make_filter("+", "health") == "tocsin/v1/+/health/+"
    assert (ONLINE, OFFLINE, LONGEST_PAYLOAD_BYTES) == (b"online", b"offline", 65536)


LEVELS = st.text(st.characters(exclude_characters="/+#$"), min_size=1, max_size=30).filter(str.isprintable)


@given(LEVELS, st.sampled_from(["detections", "status", "health"]), LEVELS)
def test_a_topic_is_parsed_into_what_it_was_made_of(site, kind, sensor_id):
    assert parse_topic(make_topic(site, kind, sensor_id)) == Topic(site, kind, sensor_id)


@pytest.mark.parametrize("name", ["", "a/b", "a+", "#", "$SYS", "a\x00b", "a\nb"])
def test_a_name_that_no_topic_permits_is_refused(name):
    with pytest.raises(TocsinError, match="cannot be the name of a sensor: expected a name without"):
        make_topic("site", "health", name)
    with pytest.raises(TocsinError, match="cannot be the name of a site"):
        make_topic(name, "health", "roof-1")
    with pytest.raises(TocsinError, match="cannot be the name of a site"):
        make_filter(name, "health")


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "tocsin/v1",
        "tocsin/v1/site/detections",
        "tocsin/v2/site/detections/roof-1",
        "tocsin/v1/site/detections/a/b",
        "tocsin/v1/site/commands/roof-1",
        "tocsin/v1x/site/detections/roof-1",
        "tocsin/v1/site/detections/",
    ],
)
def test_what_is_no_topic_of_a_sensor_is_refused(topic):
    with pytest.raises(TocsinError):
        parse_topic(topic)


def test_an_address_has_the_registered_ports():
    assert BrokerAddress.parse("mqtt://broker.example.org") == BrokerAddress("broker.example.org", 1883, False)
    assert BrokerAddress.parse("mqtts://broker.example.org/") == BrokerAddress("broker.example.org", 8883, True)
    assert str(BrokerAddress.parse("mqtts://[::1]:9")) == "mqtts://[::1]:9"
    assert BrokerAddress.parse("mqtt://h:1", username="u", password="p").username == "u"


@pytest.mark.parametrize(
    "url",
    ["broker", "http://broker", "mqtt://", "mqtt://h:0", "mqtt://h:99999", "mqtt://h/x", "mqtt://h?x=1", "mqtt://a b"],
)
def test_what_is_no_address_is_refused_in_a_sentence(url):
    with pytest.raises(TocsinError, match="expected mqtts://HOST"):
        BrokerAddress.parse(url)


def test_a_password_is_never_shown():
    address = BrokerAddress.parse("mqtts://h", username="roof-1", password="hunter2")
    assert "hunter2" not in f"{address} {address!r}"
    with pytest.raises(TocsinError) as caught:
        BrokerAddress.parse("mqtts://roof-1:hunter2@h")
    assert "hunter2" not in str(caught.value)


def test_a_certificate_that_cannot_be_read_is_one_sentence(tmp_path):
    absent, text = tmp_path / "absent.pem", tmp_path / "text.pem"
    text.write_text("no certificate")
    with pytest.raises(TocsinError, match=r"absent\.pem: cannot read the authority's certificates \(No such file"):
        new_client(BrokerAddress("h", 1, ca_file=absent), "a")
    with pytest.raises(TocsinError, match=r"text\.pem: cannot read the authority's certificates"):
        new_client(BrokerAddress("h", 1, ca_file=text), "a")
    with pytest.raises(TocsinError, match=r"text\.pem: cannot read the certificate to log in with"):
        new_client(BrokerAddress("h", 1, cert_file=text, key_file=text), "a")


ADDRESS = BrokerAddress("h", 8883, True, "roof-1")


def reason(code: int):
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.reasoncodes import ReasonCode

    return ReasonCode(PacketTypes.CONNACK, identifier=code)


@pytest.mark.parametrize(
    ("failure", "part"),
    [
        (socket.gaierror(-2, "Name or service not known"), "no address is known for the name 'h'"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "no broker listens there"),
        (TimeoutError(), "does not answer in time"),
        (OSError(errno.ENETUNREACH, "unreachable"), "there is no way to it in the network"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"), "does not agree on encryption"),
        (OSError(errno.ENOBUFS, "No buffer space available"), "cannot be reached (No buffer space available)"),
        (None, "mqtts://h:8883 ended the connection"),
    ],
)
def test_a_failure_is_one_sentence_that_names_the_broker(failure, part):
    sentence = explain_failure(ADDRESS, failure)
    assert part in sentence
    assert sentence.startswith("mqtts://h:8883")


@pytest.mark.parametrize(
    ("code", "part"),
    [(0x86, "refuses the name 'roof-1'"), (0x87, "does not permit the name 'roof-1'"), (0x9F, "permits no more")],
)
def test_a_code_of_mqtt_5_is_one_sentence(code, part):
    assert part in explain_failure(ADDRESS, reason(code))


def test_each_failure_is_said_once_until_it_is_over():
    said: list[str] = []
    sayings = ConnectionSayings(ADDRESS, said.append)
    sayings.connected()
    for failure in (TimeoutError(), TimeoutError(), None, TimeoutError()):
        sayings.failed(failure)
    assert len(said) == 2
    sayings.connected()
    sayings.connected()
    assert said[2:] == ["mqtts://h:8883 is connected again"]
    sayings.failed(TimeoutError())
    assert len(said) == 4
