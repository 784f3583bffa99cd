"""The detection as a contract: what goes out comes back, what does not fit is refused by file, row and column."""

import csv
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from tocsin import TocsinError
from tocsin.data.labels import CLASSES
from tocsin.inference.detection import Detection, make_ulid, read_detections, write_detections

TIME = datetime(2018, 12, 19, 0, 49, 27, 467123, tzinfo=UTC)


def local(**fields):
    return Detection(**{"sensor_id": "a", "onset_time_utc": TIME, "x_m": 1.5, "y_m": -2.25} | fields)


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_file_gives_back_the_detections_written(tmp_path, ending):
    detections = [
        local(z_m=3.0, probabilities={"gunshot": 0.9, "fireworks": 0.1}, level_dbfs=-3.25, snr_db=20.5, model_id="m"),
        local(sensor_id="b, with comma", onset_sigma_s=0.0005, clock_sigma_s=0.0, position_sigma_m=0.02),
        Detection(sensor_id="c", onset_time_utc=TIME, latitude=40.44, longitude=-79.99, elevation_m=230.0),
    ]
    path = tmp_path / f"detections.{ending}"
    write_detections(path, detections)
    assert read_detections(path) == detections


def test_a_table_of_the_contract_is_read_with_the_stated_defaults(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(
        "sensor_id,onset_time_utc,x_m,y_m,gunshot,background,note\ns1,2018-12-19T01:49:27.467123+01:00,1,2,.75,.25,roof\n"
    )
    [detection] = read_detections(path)
    assert detection.onset_time_utc == TIME
    assert detection.onset_time_utc.utcoffset() == timedelta(0)
    assert (detection.onset_sigma_s, detection.clock_sigma_s, detection.position_sigma_m) == (0.002, 0.001, 1.0)
    assert detection.probabilities == {"gunshot": 0.75, "background": 0.25}
    assert detection.model_extra == {"note": "roof"}
    write_detections(path, [detection])
    with path.open() as file:
        assert next(csv.DictReader(file))["note"] == "roof"


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
@pytest.mark.parametrize("source", ["pps", "chrony", "none", None])
def test_what_sets_the_clock_is_said_and_read_again(tmp_path, ending, source):
    # `none` is a clock that nothing sets, while None and an empty cell say that nobody knows.
    detections = [local(clock_source=source), local(sensor_id="b")]
    path = tmp_path / f"detections.{ending}"
    write_detections(path, detections)
    assert read_detections(path) == detections
    assert ('"clock_source":"none"' in detections[0].to_json()) == (source == "none")


def test_ids_of_detections_without_a_clock_source_are_what_they_were():
    assert local().detection_id == "01CZ1Z0NXB88FV8QKX16VDVW8G"


def test_times_keep_microseconds_and_are_written_in_utc():
    assert '"onset_time_utc":"2018-12-19T00:49:27.467123Z"' in local().to_json()
    east = local(onset_time_utc=TIME.astimezone(timezone(timedelta(hours=5))))
    assert '"onset_time_utc":"2018-12-19T00:49:27.467123Z"' in east.to_json()


def test_class_columns_are_the_five_classes():
    assert local(probabilities=dict.fromkeys(CLASSES, 0.2)).probabilities == dict.fromkeys(CLASSES, 0.2)
    with pytest.raises(ValidationError):
        local(probabilities={"speech": 0.5})


def test_ulid_has_its_published_form():
    # The time part of the ULID specification's example: 1469918176385 ms is 01ARYZ6S41.
    ulid = make_ulid(datetime.fromtimestamp(1469918176.385, UTC), "anything")
    assert ulid.startswith("01ARYZ6S41")
    assert len(ulid) == 26
    assert set(ulid) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_ids_are_fixed_by_the_content():
    assert local().detection_id == local().detection_id
    assert local().detection_id != local(x_m=1.75).detection_id
    assert local(detection_id="mine").detection_id == "mine"
    assert Detection.model_validate_json(local().to_json()) == local()


def test_a_detection_cannot_be_changed():
    with pytest.raises(ValidationError):
        local().x_m = 3.0


HEADER = "sensor_id,onset_time_utc,x_m,y_m,onset_sigma_s,gunshot\n"
GOOD = "s1,2018-12-19T00:49:27Z,1,2,0.001,0.5\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "lacks sensor_id and onset_time_utc and x_m,y_m"),
        ("sensor_id,onset_time_utc,x_m\n", r"lacks x_m,y_m \(or latitude,longitude\)"),
        (HEADER + GOOD + "s2,2018-12-19T00:49:27Z,one,2,0.001,0.5\n", "row 3, column x_m: 'one'"),
        (HEADER + GOOD + "s2,2018-12-19T00:49:27,1,2,0.001,0.5\n", "row 3, column onset_time_utc: .* with its zone"),
        (HEADER + GOOD + "s2,yesterday,1,2,0.001,0.5\n", "row 3, column onset_time_utc: 'yesterday'"),
        (HEADER + GOOD + "s2,2018-12-19T00:49:27Z,inf,2,0.001,0.5\n", "row 3, column x_m: .* finite"),
        (HEADER + GOOD + "s2,2018-12-19T00:49:27Z,nan,2,0.001,0.5\n", "row 3: a position is needed"),
        (HEADER + GOOD + "s2,2018-12-19T00:49:27Z,1,2,-1,0.5\n", "row 3, column onset_sigma_s: .* greater"),
        (HEADER + GOOD + "s2,2018-12-19T00:49:27Z,1,2,1e300,0.5\n", "row 3, column onset_sigma_s: .* less"),
        (HEADER + GOOD + "s2,2018-12-19T00:49:27Z,1,2,0.001,1.5\n", "row 3, column probabilities.gunshot: '1.5'"),
        (HEADER + GOOD + "s2,2018-12-19T00:49:27Z,1,,0.001,0.5\n", "row 3: a position is needed"),
        (HEADER + GOOD + ",2018-12-19T00:49:27Z,1,2,0.001,0.5\n", "row 3: sensor_id is missing"),
        (HEADER + GOOD + "s2,2018-12-19T00:49:27Z,1,2\n", "row 3: expected 6 values"),
        (HEADER + GOOD + "s2,2018-12-19T00:49:27Z,1,2,0.001,0.5,9\n", "row 3: expected 6 values"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_in_one_sentence(tmp_path, text, sentence):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(TocsinError, match=sentence) as caught:
        read_detections(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{\n", "row 1: not a line of JSON"),
        ("[1]\n", "row 1: expected a JSON object"),
        ('{"sensor_id":"s"}\n', "row 1: onset_time_utc is missing"),
        ('{"schema_version":7,"sensor_id":"s"}\n', "column schema_version: 7"),
    ],
)
def test_messages_that_do_not_fit_are_refused_in_one_sentence(tmp_path, text, sentence):
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    with pytest.raises(TocsinError, match=sentence):
        read_detections(path)


def test_files_that_are_no_tables_are_refused(tmp_path):
    with pytest.raises(TocsinError, match=r"\.csv table or a \.jsonl"):
        read_detections(tmp_path / "shots.xlsx")
    with pytest.raises(TocsinError, match="cannot be read: No such file"):
        read_detections(tmp_path / "absent.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x81" * 20)
    with pytest.raises(TocsinError, match="no table of text"):
        read_detections(tmp_path / "binary.csv")
