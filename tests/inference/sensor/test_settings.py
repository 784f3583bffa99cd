"""The settings against a second reader of TOML, and what a wrong key, value or secret makes of them."""

import json
import re
import sys
import tomllib
import traceback

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tocsin import TocsinError
from tocsin.inference.sensor.settings import BrokerSettings, Settings
from tocsin.inference.sensor.settings_file import init_text, read_settings

LEAST = '[sensor]\nid = "roof-1"\nx_m = 1\ny_m = 2\n'
TWO = "".join(f'[[sensors]]\nid = "{name}"\nx_m = {n}\ny_m = 0\nchannel = {n}\n' for n, name in enumerate("ab", 1))


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for name in ("TOCSIN_BROKER__URL", "TOCSIN_SENSOR__ID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / "sensor.toml"
        path.write_text(text, encoding="utf-8")
        return read_settings(path)

    return read


def filled(text):
    """The written file as an installer fills it in."""
    return (
        text.replace('id = ""', 'id = "roof-1"', 1)
        .replace("# x_m = 12.0", "x_m = 1", 1)
        .replace("# y_m = -3.5", "y_m = 2", 1)
    )


def test_the_written_file_gives_the_defaults(read):
    assert read(filled(init_text())) == read(LEAST)


def test_the_written_file_agrees_with_another_reader(read):
    settings = read(filled(init_text())).model_dump(mode="json")
    for section, keys in tomllib.loads(init_text()).items():
        for key, value in keys.items():
            if key not in ("id", "address"):
                assert settings[section][key] == value, (section, key)


def test_every_key_is_in_the_written_file_and_reads_when_its_mark_is_taken_away(read):
    bare = re.sub(r"^# (\w+ = )", r"\1", init_text().partition("# [[sensors]]")[0], flags=re.M)
    rest = init_text().partition("# y_m = -3.5\n\n# Where")[2]
    written = tomllib.loads(re.sub(r"^# (\w+ = )", r"\1", bare + "# Where" + rest, flags=re.M))
    for section, field in Settings.model_fields.items():
        if section != "sensors":
            kind = field.annotation if section != "sensor" else type(read(LEAST).sensor)
            assert list(written[section]) == list(kind.model_fields)
    del written["broker"]["password"]  # one of two ways to give it
    written["sensor"]["id"] = "roof-1"
    assert Settings.model_validate(written).broker.cert_file is not None


def test_as_it_is_written_it_is_refused_for_nobody_may_keep_a_placeholder(read):
    with pytest.raises(TocsinError, match=r"sensor.toml, \[sensor\] id: it is empty, where a name was expected"):
        read(init_text())


def test_a_variable_of_the_environment_goes_before_the_file(read, monkeypatch):
    monkeypatch.setenv("TOCSIN_BROKER__URL", "mqtts://there:1234")
    monkeypatch.setenv("TOCSIN_BROKER__HOME_ASSISTANT", "true")
    monkeypatch.setenv("TOCSIN_SENSOR__ID", "7")
    settings = read(LEAST + '[broker]\nurl = "mqtt://here"\nsite = "hill"\n')
    assert (settings.broker.url, settings.broker.site, settings.sensor.id) == ("mqtts://there:1234", "hill", "7")
    assert settings.broker.home_assistant is True


def test_the_environment_alone_suffices(monkeypatch):
    for key, value in (("ID", "roof-1"), ("LATITUDE", "40.4"), ("LONGITUDE", "-80")):
        monkeypatch.setenv(f"TOCSIN_SENSOR__{key}", value)
    assert read_settings(None).heard_by[0].longitude == -80.0


def test_several_sensors_have_a_channel_each(read):
    assert [(sensor.id, sensor.channel) for sensor in read(TWO).heard_by] == [("a", 1), ("b", 2)]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[broker]\nurll = 'x'", "[broker] has no key urll: did you mean url?"),
        ("[broker]\nevery_s = 3", "[broker] has no key every_s: did you mean every_s of [health]?"),
        ("[brokr]\nurl = 'x'", "there is no section [brokr]: did you mean [broker]?"),
        ("[zzz]", "there is no section [zzz]: it has [sensor], [sensors], [source]"),
        ("[log]\nzzz = 1", "[log] has no key zzz: it has format"),
        ("[broker]\nfrom_probability = 7", "the value 7 does not fit: expected a number less than or equal to 1"),
        (
            "[broker]\nfrom_probability = 'x'",
            "[broker] from_probability: the value 'x' does not fit: expected a numb",
        ),
        ("[broker]\nfrom_probability = nan", "from_probability: the value nan does not fit"),
        ("[broker]\npublish = 'some'", "the value 'some' does not fit: expected 'all' or 'gunshots'"),
        ("[broker]\nhome_assistant = 'so'", "expected true or false"),
        ("[broker]\nsite = 'a/b'", "the value 'a/b' does not fit: expected a name without / + #"),
        ("[broker]\nurl = 'broker'", "[broker] url: the value does not fit: expected mqtts://HOST"),
        ("[broker]\nurl = 'mqtts://h:99999'", "expected mqtts://HOST"),
        ("[broker]\ncert_file = 'c'", "[broker]: cert_file and key_file are expected together"),
        ("[broker]\nurl = 'mqtt://h'\nca_file = 'c'", "expected a url that begins with mqtts://"),
        ("[clips]\nseconds = 4.1", "less than or equal to 4"),
        ("[health]\nmetrics_port = 1.5", "expected a whole number"),
        ("[outbox]\npath = 3", "[outbox] path: the value 3 does not fit: expected a path"),
        ("[model]\nname = ''", "[model] name: the value '' does not fit: expected at least 1 character"),
        ("[[sensors]]\nid = 'b'\nx_m = 1\ny_m = 1", "one section [sensor] is expected, or a section [[sensors]]"),
        ("[sensor]", "is not TOML: Cannot declare"),
    ],
)
def test_what_is_wrong_gets_one_sentence(read, text, sentence):
    with pytest.raises(TocsinError) as error:
        read(LEAST + text)
    assert sentence in str(error.value)
    assert "sensor.toml" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "one section [sensor] is expected"),
        ("[sensor]\nx_m = 1\ny_m = 1", "[sensor] id is missing: name of this sensor"),
        ("[sensor]\nid = 'a'\nx_m = 1", "[sensor]: a position is needed: latitude and longitude, or x_m and y_m"),
        ("[sensors]\nid = 'a'", "expected sections that begin with [[sensors]]"),
        ("sensor = 3", "[sensor]: the value does not fit: expected a section"),
        (TWO.replace("channel = 2", ""), "each of several [[sensors]] is expected to name a channel"),
        (TWO.replace('"b"', '"a"'), "two [[sensors]] have the same id"),
        (TWO.replace("y_m = 0", "y_m = 'x'"), "[[sensors]] 1 y_m: the value 'x' does not fit: expected a number"),
    ],
)
def test_sensors_that_do_not_fit_get_one_sentence(read, text, sentence):
    with pytest.raises(TocsinError) as error:
        read(text)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("TOCSIN_BROKER__URLL", "x", "variable TOCSIN_BROKER__URLL: [broker] has no key urll: did you mean url?"),
        ("TOCSIN_BROKR__URL", "x", "variable TOCSIN_BROKR__URL: there is no section [brokr]: did you mean [broker]?"),
        ("TOCSIN_HEALTH__EVERY_S", "x", "TOCSIN_HEALTH__EVERY_S, [health] every_s: the value 'x' does not fit"),
        ("TOCSIN_SENSORS", "x", "where JSON was expected"),
    ],
)
def test_a_wrong_variable_is_named(read, monkeypatch, variable, value, sentence):
    monkeypatch.setenv(variable, value)
    with pytest.raises(TocsinError) as error:
        read(LEAST)
    assert sentence in str(error.value)


def test_no_file_says_how_to_get_one(tmp_path):
    with pytest.raises(TocsinError, match="tocsin listen --init"):
        read_settings(tmp_path / "none.toml")


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydantic_settings", None)
    with pytest.raises(TocsinError, match=r'needs pydantic_settings: type pip install "tocsin\[sensor\]"'):
        read_settings(None)
    assert init_text()


def test_bytes_that_are_no_text_are_no_settings(tmp_path):
    (tmp_path / "sensor.toml").write_bytes(b"\xff\xfe[\x00")
    with pytest.raises(TocsinError, match="no text in UTF-8"):
        read_settings(tmp_path / "sensor.toml")


SECRETS = [
    "[broker]\nusername = 'u'\npassword = 'hush'",
    "[broker]\nusername = 'u'\npassword = ['hush']",
    "[broker]\npassword = 'hush'",
    "[broker]\nurl = 'mqtts://u:hush@h'",
    "broker = 'hush'\n",
    "[source]\naddress = 'rtsp://u:hush@camera/1'",
    "[source]\naddress = {hush = 1}",
    "[[broker]]\npassword = 'hush'",
]


@pytest.mark.parametrize("text", SECRETS)
def test_a_secret_is_in_no_sentence_and_no_repr(read, text):
    whole = text + LEAST if text.startswith("broker") else LEAST + text
    try:
        settings = read(whole)
        said = repr(settings) + str(settings) + settings.model_dump_json()
    except TocsinError as error:
        said = "".join(traceback.format_exception(error)).replace(whole, "")
    assert "hush" not in said


def test_a_password_comes_of_a_file_less_its_end_of_line(tmp_path):
    (tmp_path / "password").write_text(" hush \n")
    (tmp_path / "empty").write_text("\n")
    assert BrokerSettings(username="u", password_file=tmp_path / "password").read_password() == " hush "
    assert BrokerSettings(username="u", password="hush").read_password() == "hush"
    assert BrokerSettings().read_password() is None
    with pytest.raises(TocsinError, match="is empty, where the broker's password was expected"):
        BrokerSettings(username="u", password_file=tmp_path / "empty").read_password()
    with pytest.raises(TocsinError, match="cannot read the broker's password"):
        BrokerSettings(username="u", password_file=tmp_path).read_password()


KEYS = st.sampled_from([*Settings.model_fields, *BrokerSettings.model_fields, "id", "x_m", "y_m"]) | st.text(max_size=6)
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def toml(value):
    """A value as TOML writes it in a line; text as JSON does, save that TOML wants one letter more escaped."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=st.dictionaries(KEYS, VALUES, max_size=5), placed=st.booleans())
def test_whatever_a_file_holds_gives_settings_or_one_line_of_reason(tmp_path, tree, placed):
    if placed:
        tree = {**tree, "sensor": {"id": "a", "x_m": 1, "y_m": 2}}
    text = "\n".join(f"{toml(key)} = {toml(value)}" for key, value in tree.items())
    assert set(tomllib.loads(text)) == set(tree)
    (tmp_path / "any.toml").write_text(text, encoding="utf-8")
    try:
        assert read_settings(tmp_path / "any.toml").heard_by
    except TocsinError as error:
        said = str(error)
    else:
        said = ""
    assert said.isprintable()


def test_brackets_without_end_are_a_sentence(read):
    with pytest.raises(TocsinError, match="nested too deeply"):
        read("a = " + "[" * 5000)
