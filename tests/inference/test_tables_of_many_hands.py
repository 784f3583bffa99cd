"""Detections as R, spreadsheets, databases and torn logs write them: the same as well kept ones, or one sentence."""

import json
from datetime import UTC, datetime

import pytest

from tocsin import TocsinError
from tocsin.inference.array_recording import read_array_recording
from tocsin.inference.detection import parse_line, read_detections

HEADER = "sensor_id,onset_time_utc,x_m,y_m,snr_db,gunshot,background\n"
ROWS = "s1,2018-12-19T00:49:27.25Z,1,2,25,0.75,0.25\ns2,2018-12-19T00:49:27.5Z,3,4,24,0.5,0.5\n"
MESSAGE = {"sensor_id": "s1", "onset_time_utc": "2018-12-19T00:49:27.25Z", "x_m": 1, "y_m": 2}


@pytest.fixture
def read(tmp_path):
    def read_text(text, ending="csv", complain=None):
        path = tmp_path / f"detections.{ending}"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_detections(path, complain)

    return read_text


@pytest.mark.parametrize(
    "text",
    [
        HEADER + ROWS + ",,,,,,\n,,,,,,\n",
        HEADER + ROWS + " \n , , \n",
        HEADER + "\n" + ROWS + ",,,,,,,,,\n",
        HEADER.replace(",", " , ") + ROWS.replace(",", ", "),
        "\ufeff" + (HEADER + ROWS).replace("\n", "\r\n"),
    ],
)
def test_blank_rows_and_spaces_of_spreadsheets_change_nothing(read, text):
    assert read(text) == read(HEADER + ROWS)


@pytest.mark.parametrize("word", ["NA", "NaN", "nan", "#N/A", "N/A", "NULL", "null", "None", " NA "])
def test_words_for_nothing_are_an_empty_cell(read, word):
    optional = HEADER.replace("snr_db", "snr_db,onset_sigma_s,detection_id,z_m")
    row = "s1,2018-12-19T00:49:27.25Z,1,2,{0},{0},{0},{0},{0},0.25\n"
    [detection] = read(optional + row.format(word))
    assert [detection] == read(optional + row.format(""))
    assert (detection.snr_db, detection.onset_sigma_s, detection.z_m) == (None, 0.002, None)
    assert detection.probabilities == {"background": 0.25}


def test_words_for_nothing_in_a_frame_leave_the_other_and_names_stay_names(read):
    [detection] = read(
        "sensor_id,onset_time_utc,x_m,y_m,latitude,longitude,note\nNA,2018-12-19T00:49:27Z,NA,NA,40.5,-80,NA\n"
    )
    assert (detection.is_local, detection.latitude, detection.sensor_id) == (False, 40.5, "NA")
    assert detection.model_extra == {"note": "NA"}


def test_nothing_in_json_is_a_field_left_out(read):
    empty = {"snr_db": None, "onset_sigma_s": float("nan"), "model_id": None, "probabilities": {"gunshot": None}}
    assert read(json.dumps(MESSAGE | empty), "jsonl") == read(json.dumps(MESSAGE), "jsonl")


@pytest.mark.parametrize(
    "time",
    [
        "2018-12-19 00:49:27.467123 UTC",
        "2018-12-19 00:49:27.467123+00",
        "2018-12-19 00:49:27.467123 +0000",
        "2018-12-19T00:49:27.467123Z",
        "2018-12-19 00:49:27.467123Z",
        "2018-12-19T00:49:27,467123 GMT",
        "2018-12-18 19:49:27.467123-05",
        "2018-12-19 06:19:27.467123 +05:30",
    ],
)
def test_the_same_time_as_databases_and_rfc_3339_write_it(read, time):
    [detection] = read(f'sensor_id,onset_time_utc,x_m,y_m\ns1,"{time}",1,2\n')
    assert detection.onset_time_utc == datetime(2018, 12, 19, 0, 49, 27, 467123, tzinfo=UTC)


@pytest.mark.parametrize(
    "time", ["2018-12-19 00:49:27 CET", "19.12.2018 00:49:27", "2018-12-19", "20181219T004927Z", "12/19/2018 12:49 AM"]
)
def test_other_times_are_told_how_a_time_looks(read, time):
    with pytest.raises(TocsinError, match=r"row 2, column onset_time_utc: .*expected a time such as 2018-12-19T00:"):
        read(f"sensor_id,onset_time_utc,x_m,y_m\ns1,{time},1,2\n")


def test_names_that_are_numbers_are_their_text_in_json_as_in_a_table(read):
    [message] = read(json.dumps(MESSAGE | {"sensor_id": 7, "detection_id": 12}), "jsonl")
    assert [message] == read("sensor_id,detection_id,onset_time_utc,x_m,y_m\n7,12,2018-12-19T00:49:27.25Z,1,2\n")
    assert (message.sensor_id, message.detection_id) == ("7", "12")


@pytest.mark.parametrize("name", [True, [7], {"id": 7}, float("nan"), ""])
def test_what_is_no_name_is_still_refused(read, name):
    with pytest.raises(TocsinError, match="row 1, column sensor_id"):
        read(json.dumps(MESSAGE | {"sensor_id": name}), "jsonl")


def test_classes_among_the_fields_of_a_message_are_its_probabilities(read):
    flat = json.dumps(MESSAGE | {"gunshot": 0.02, "background": 0.9})
    nested = json.dumps(MESSAGE | {"probabilities": {"gunshot": 0.02, "background": 0.9}})
    assert read(flat, "jsonl") == read(nested, "jsonl")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("snr_dB", "snr_db"),
        ("clock_sigma_ms", "clock_sigma_s"),
        ("position_sigma", "position_sigma_m"),
        ("Onset Sigma (s)", "onset_sigma_s"),
        ("z_ft", "z_m"),
        ("Gunshot", "gunshot"),
        ("fire_works", "fireworks"),
        ("gunshot_probability", "gunshot"),
        ("p_backfire", "backfire"),
        ("backgruond", "background"),
    ],
)
def test_a_misspelt_name_is_named_with_the_one_meant(read, name, meant):
    sentence = f"the name {name} is not known: write {meant}".replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(TocsinError, match=sentence):
        read(f"sensor_id,onset_time_utc,x_m,y_m,{name}\ns1,2018-12-19T00:49:27Z,1,2,0.5\n")
    with pytest.raises(TocsinError, match=f"row 1: {sentence}"):
        read(json.dumps(MESSAGE | {name: 0.5}), "jsonl")


@pytest.mark.parametrize(("name", "meant"), [("elevation_ft", "elevation_m"), ("elevation", "elevation_m")])
def test_a_misspelt_height_is_named_in_the_frame_of_the_position(read, name, meant):
    with pytest.raises(TocsinError, match=f"the name {name} is not known: write {meant}"):
        read(f"sensor_id,onset_time_utc,latitude,longitude,{name}\ns1,2018-12-19T00:49:27Z,1,2,3\n")


@pytest.mark.parametrize(
    "name",
    [
        "altitude",
        "level",
        "detector_id",
        "elevation_deg",
        "background_db",
        "background_dbfs",
        "modem_id",
        "mode_id",
        "gunshot_id",
        "is_gunshot",
        "impulse_ms",
        "x_deg",
        "latitude_dms",
        "position_sigma_z_m",
        "level_dbspl_max",
        "sinr_db",
        "elevation_ft",
    ],
)
def test_ordinary_names_are_no_misspelt_ones(read, name):
    [row] = read(f"sensor_id,onset_time_utc,x_m,y_m,{name}\ns1,2018-12-19T00:49:27Z,1,2,3\n")
    [line] = read(json.dumps(MESSAGE | {name: "3"}), "jsonl")
    assert row.model_extra == line.model_extra == {name: "3"}


def test_other_names_are_kept_and_those_beside_the_one_meant_too(read):
    other = {"note": "roof", "sensor_type": "A", "model": "M", "onset_time_local": "x", "background_level": "3"}
    [detection] = read(json.dumps(MESSAGE | {**other, "snr_db": 25, "SNR": 25}), "jsonl")
    assert detection.model_extra == other | {"SNR": 25}


def test_a_misspelt_name_in_recordings_is_named(tmp_path):
    (tmp_path / "recordings.csv").write_text(
        "path,sensor_id,start_time_utc,x_m,y_m,clock_sigma_ms\na.wav,a,2026-01-01T00:00:00Z,0,0,50\n"
    )
    with pytest.raises(TocsinError, match=r"recordings\.csv: the name clock_sigma_ms .* write clock_sigma_s"):
        read_array_recording(tmp_path)


def test_rows_of_recordings_are_read_as_those_of_detections(tmp_path):
    (tmp_path / "recordings.csv").write_text(
        "path,sensor_id,start_time_utc,x_m,y_m,z_m\na.wav,a,2026-01-01 00:00:00 UTC,0,0,NA\n,,,,,\n"
    )
    [recording] = read_array_recording(tmp_path).recordings
    assert (recording.start_time_utc, recording.place) == (datetime(2026, 1, 1, tzinfo=UTC), {"x_m": 0.0, "y_m": 0.0})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (HEADER.replace("snr_db", "x_m") + ROWS, "the column x_m stands 2 times: leave one of them"),
        ((HEADER + ROWS).replace(",", ";").replace(".", ","), "divided by semicolons: save it with commas, and with p"),
        ((HEADER + ROWS).replace(",", "\t"), "divided by tabs: save it with commas"),
        (json.dumps(MESSAGE) + "\n", r"it holds JSON: name it \.jsonl"),
        ((HEADER + ROWS).encode("utf-16"), "seems to be UTF-16: save it as UTF-8"),
        ((HEADER + ROWS).encode("utf-16-be"), "seems to be UTF-16: save it as UTF-8"),
    ],
)
def test_tables_of_another_form_are_told_what_to_do(read, text, sentence):
    with pytest.raises(TocsinError, match=sentence) as caught:
        read(text)
    assert "\n" not in str(caught.value)


def test_a_table_without_rows_holds_no_detection(read):
    assert read(HEADER) == read("", "jsonl") == []


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (b'{"sensor_id": "s1", "onset_ti', "row 2: not a line of JSON"),
        ('{"sensor_id": "Säule"}'.encode()[:17], r"row 2: not a line of JSON \(not in UTF-8\)"),
        (b'{"x_m": ' + b"1" * 4401 + b"}", "row 2: JSON with a number of more digits"),
        (b"[" * 100_000, "row 2: JSON nested too deeply"),
        (b'{"sensor_id": "s1"}', "row 2: onset_time_utc is missing"),
        (b"[1, 2]", r"row 2: expected .* of one detection, one on each line: `jq -c '\.\[\]'"),
    ],
)
def test_a_line_that_is_no_detection_is_said_and_the_others_go_on(read, bad, sentence):
    good = json.dumps(MESSAGE).encode() + b"\n"
    said = []
    [detection] = read(good + bad, "jsonl", said.append)
    assert detection == parse_line("here", good)
    [said_of_it] = said
    with pytest.raises(TocsinError, match=sentence) as caught:
        read(good + bad, "jsonl")
    assert said_of_it == f"{caught.value}; this line is left out"
    with pytest.raises(TocsinError, match="row 1: "):
        read(bad, "jsonl", said.append)
    assert len(said) == 1


def test_many_bad_lines_are_counted_and_not_all_said(read):
    said = []
    assert len(read(b"{\n" * 40 + json.dumps(MESSAGE).encode(), "jsonl", said.append)) == 1
    assert len(said) == 6
    assert "40 lines are left out, of which the first 5 are named above" in said[-1]


def test_a_list_of_detections_is_told_how_to_become_lines(read):
    with pytest.raises(TocsinError, match=r"from a \.csv table or a \.jsonl file, one on each line: `jq -c"):
        read(json.dumps([MESSAGE]), "json")
