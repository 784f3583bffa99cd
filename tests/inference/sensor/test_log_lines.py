"""Lines of the log against what was said; what came from outside cannot forge them."""

import io
import json
import logging
import re

import pytest

from tocsin.inference.sensor.log_lines import log_to, without_secrets


def lines(format, *sentences):
    stream = io.StringIO()
    log = log_to(format, stream)
    for sentence in sentences:
        log.warning(sentence)
    return stream.getvalue().splitlines()


def test_a_plain_line_has_time_level_and_sentence():
    (line,) = lines("plain", "microphone lost, 100 % gone")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z warning: microphone lost, 100 % gone", line)


def test_a_line_of_json_says_the_same():
    (line,) = lines("json", "sensor “Dach”\nlost")
    fields = json.loads(line)
    assert fields.pop("time_utc").endswith("Z")
    assert fields == {"level": "warning", "text": "sensor “Dach”\nlost"}


def test_the_time_is_that_of_the_record():
    record = logging.makeLogRecord({"msg": "x", "levelname": "INFO", "created": 1767225600.987})
    stream = io.StringIO()
    log_to("plain", stream).handlers[0].handle(record)
    assert stream.getvalue() == "2026-01-01T00:00:00.987Z info: x\n"


@pytest.mark.parametrize("format", ["plain", "json"])
def test_what_came_from_outside_begins_no_line_and_colours_nothing(format):
    said = lines(format, "id 'a\n2026-01-01T00:00:00.000Z error: forged\x1b[31m\u2028'")
    assert len(said) == 1
    assert "\x1b" not in said[0]


@pytest.mark.parametrize("format", ["plain", "json"])
@pytest.mark.parametrize("address", ["rtsp://me:hush@camera/1", "mqtts://hush@b", "http://a:hu@sh:hush@c:80/x@y"])
def test_passwords_of_addresses_are_left_out(format, address):
    (line,) = lines(format, f"cannot open {address} (refused)")
    assert "hu" not in line
    assert address.rpartition("hush@")[2] in line


def test_other_ats_stay():
    assert without_secrets("mail a@b, http://c/d@e, 3 @ 4") == "mail a@b, http://c/d@e, 3 @ 4"


def test_opened_again_a_line_is_said_once():
    lines("plain", "first")
    assert len(lines("plain", "second")) == 1
