"""What strangers may send to a broker: the fusion drops it, counts it, says who sent it, and goes on."""

import json

import numpy as np
import pytest
from fusing import START, Fusing, Sender, shot
from hypothesis import given, settings
from hypothesis import strategies as st
from mosquitto import wait_until
from subscriber import address_of

from tocsin import TocsinError
from tocsin.inference.detection import Detection
from tocsin.inference.mqtt import LONGEST_PACKET_BYTES, LONGEST_PAYLOAD_BYTES
from tocsin.localization.stream.reading.broker import LONGEST_SENTENCE, Message

FIELDS = {"sensor_id": "s1", "x_m": 0.0, "y_m": 0.0, "onset_time_utc": "2026-01-01T00:00:00Z", "detection_id": "A" * 26}
TEXT = json.dumps(FIELDS)
HOSTILE = {
    "lone surrogate as id": TEXT.replace("A" * 26, "\\ud800"),
    "lone surrogate in what is kept": TEXT.replace("{", '{"note": "\\udfff", ', 1),
    "300 lists in lists": TEXT.replace("{", f'{{"note": {"[" * 300}{"]" * 300}, ', 1),
    "30,000 lists in lists": TEXT.replace("{", f'{{"note": {"[" * 30000}{"]" * 30000}, ', 1),
    "a number of 5,000 digits": TEXT.replace("{", f'{{"note": {"9" * 5000}, ', 1),
    "a place that is no number": TEXT.replace('"x_m": 0.0', '"x_m": NaN').replace('"y_m": 0.0', '"y_m": Infinity'),
    "a list": f"[{TEXT}]",
    "nothing": "",
    "another sensor": TEXT.replace("s1", "s2"),
    "another sensor of a long name": TEXT.replace("s1", "s" * 5000),
    "a time of 1900": TEXT.replace("2026", "1900"),
    "a value of 60,000 letters": TEXT.replace('"x_m": 0.0', f'"x_m": "{"x" * 60000}"'),
    "too long": TEXT + " " * LONGEST_PAYLOAD_BYTES,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_refused_in_one_short_sentence_that_names_the_sender(name):
    with pytest.raises(TocsinError, match=r"^a message of sensor s1") as refused:
        Message("s1", HOSTILE[name].encode()).detection()
    assert len(str(refused.value)) <= LONGEST_SENTENCE + 2
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("sensor_id", ["$s1", "s\n1", "\x1b[2J", ""])
def test_a_name_that_no_topic_has_is_refused_without_being_printed(sensor_id):
    with pytest.raises(TocsinError, match="cannot be the name of a sensor") as refused:
        Message(sensor_id, TEXT.replace("s1", "s2").encode()).detection()
    assert str(refused.value).isprintable()


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
_names = st.sampled_from(sorted(Detection.model_fields)) | st.text(max_size=8)
_messages = st.one_of(
    st.binary(max_size=200),
    _values.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(_names, _values, max_size=6).map(lambda more: json.dumps({**FIELDS, **more}).encode()),
    st.tuples(st.integers(0, len(TEXT)), st.binary(max_size=4)).map(
        lambda cut: TEXT.encode()[: cut[0]] + cut[1] + TEXT.encode()[cut[0] + len(cut[1]) :]
    ),
)


@settings(max_examples=300, deadline=None)
@given(_messages)
def test_any_bytes_are_a_detection_that_can_be_kept_or_a_sentence(payload):
    heard = outcome_of(payload)
    if isinstance(heard, str):
        assert heard.startswith("a message of sensor s1")
        return
    assert heard.sensor_id == "s1"
    again = Detection.model_validate_json(heard.to_json())
    assert (again.detection_id, again.onset_time_utc) == (heard.detection_id, heard.onset_time_utc)


def outcome_of(payload):
    try:
        return Message("s1", payload).detection()
    except TocsinError as error:
        return str(error)


def test_a_fusion_goes_on_and_says_who_sent_what(mosquitto, tmp_path):
    rng = np.random.default_rng(4)
    broker = mosquitto()
    fusion = Fusing(tmp_path / "fusion", broker, "--report", tmp_path / "report.json")
    sender = Sender(address_of(broker))
    shots = [shot(40.0 * number, (150.0, 220.0), rng, START) for number in range(2)]
    sender.send(*shots[0])
    for text in HOSTILE.values():
        sender.send_raw("tocsin/v1/site/detections/s1", text)
    sender.send_raw("tocsin/v1/site/detections/$s1", TEXT.replace("s1", "$s1"))
    sender.send_raw("tocsin/v1/site/detections/s1", "x" * (10 * LONGEST_PACKET_BYTES))  # not even sent on
    fusion.kill()
    fusion.start()  # what was not acknowledged comes again, and stops nothing
    sender.send(*shots[1], *shot(80.0, (100.0, 300.0), rng, START))
    wait_until(lambda: len(fusion.rounds()) == 2, "both rounds")
    sender.close()
    assert fusion.terminate() == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert "Traceback" not in fusion.said()
    assert "a message of sensor s1" in fusion.said()
    assert report["received"] - report["duplicates"] <= 18
    assert len(fusion.said()) < 10_000
