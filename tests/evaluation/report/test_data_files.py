"""The numbers as files: read back by pandas and by json."""

import io
import json
import math

import pandas
import pytest

from tocsin import TocsinError
from tocsin.evaluation.measures.intervals import Interval, poisson_rate
from tocsin.evaluation.report.data_files import csv_text, file_stem, json_text, write_data
from tocsin.evaluation.report.page import Page
from tocsin.evaluation.report.section import Section

TABLE = Section(
    "by sensor/1",
    "By sensor",
    "A note.",
    [{"sensor": 'a, "b"', "rate": poisson_rate(2, 4.0)}, {"sensor": "ü", "rate": None}],
)


def test_csv_has_a_column_for_each_end_of_an_interval():
    frame = pandas.read_csv(io.StringIO(csv_text(TABLE)))
    assert list(frame.columns) == ["sensor", "rate", "rate_low", "rate_high"]
    assert list(frame["sensor"]) == ['a, "b"', "ü"]
    assert tuple(frame.loc[0, ["rate", "rate_low", "rate_high"]]) == poisson_rate(2, 4.0)
    assert frame.loc[1, ["rate", "rate_low", "rate_high"]].isna().all()
    assert csv_text(Section("none", "None", "", [])) == ""


def test_json_is_what_other_programs_read():
    table = Section("key", "T", "N", [{"a": math.nan, "b": Interval(1.0, 0.5, math.inf)}])
    read = json.loads(json_text(table), parse_constant=lambda name: pytest.fail(name))
    assert read == {"title": "T", "note": "N", "rows": [{"a": None, "b": {"value": 1.0, "low": 0.5, "high": None}}]}


def test_every_table_and_drawing_of_a_page_is_written(page, tmp_path):
    paths = write_data(page, tmp_path / "data")
    names = {path.name for path in paths}
    assert names == {path.name for path in (tmp_path / "data").iterdir()}
    assert names == {
        "by_hour.csv",
        "by_hour.json",
        "by_hour.svg",
        "by_label.csv",
        "by_label.json",
        "nothing.csv",
        "nothing.json",
    }
    assert (tmp_path / "data/by_hour.csv").read_text() == csv_text(page.answers[0].figure.data)


def test_two_tables_of_one_key_are_refused_and_keys_are_names_of_files(tmp_path):
    assert file_stem(TABLE) == "by_sensor_1"
    other = Section(TABLE.key, "Another", "", [])
    with pytest.raises(TocsinError, match="two tables of the report have the key by sensor/1"):
        write_data(Page("T", "L", sections=[TABLE, other]), tmp_path)
    assert len(write_data(Page("T", "L", sections=[TABLE, TABLE]), tmp_path)) == 2
    with pytest.raises(TocsinError, match="cannot be written"):
        write_data(Page("T", "L", sections=[TABLE]), tmp_path / "by_sensor_1.csv")
