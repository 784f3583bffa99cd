"""A table of results is the list that it was made of, and a DataFrame with the columns of its rows."""

import sys
from dataclasses import dataclass

import pandas
import pytest

from tocsin import TocsinError
from tocsin.data.dataframes import Table


@dataclass(frozen=True)
class Bang:
    number: int
    heard: bool = True

    def to_row(self):
        heard = {"heard": True} if self.heard else {}
        return {"number": self.number, "time_utc": "2026-01-01T00:00:01.5Z", **heard}


def test_a_table_is_the_list_of_its_items():
    bangs = [Bang(2), Bang(1)]
    assert Table(bangs) == bangs
    assert sorted(Table(bangs), key=lambda bang: bang.number) == bangs[::-1]


def test_a_part_of_a_table_keeps_its_columns():
    table = Table([Bang(1), Bang(2), Bang(3)], ["number", "never_set"])
    part = table[1:]
    assert part == [Bang(2), Bang(3)]
    assert list(part.to_dataframe().columns) == list(table.to_dataframe().columns)
    assert table[-1] == Bang(3)


def test_columns_are_those_stated_then_those_found_and_what_is_not_set_is_missing():
    frame = Table([Bang(1, heard=False), Bang(2)], ["never_set", "number"]).to_dataframe()
    assert list(frame.columns) == ["never_set", "number", "time_utc", "heard"]
    assert frame["never_set"].isna().all()
    assert frame["heard"].isna().tolist() == [True, False]


def test_times_are_timestamps_in_utc():
    frame = Table([Bang(1)]).to_dataframe()
    assert frame["time_utc"][0] == pandas.Timestamp("2026-01-01T00:00:01.5", tz="UTC")


def test_an_empty_table_has_its_columns_and_no_rows():
    frame = Table((), ["number", "time_utc"]).to_dataframe()
    assert list(frame.columns) == ["number", "time_utc"]
    assert frame.empty


def test_a_long_table_prints_its_first_results_and_how_many_follow():
    assert repr(Table([Bang(1)])).splitlines() == ["Table of 1 × Bang", f"  {Bang(1)}"]
    lines = repr(Table(map(Bang, range(12)))).splitlines()
    assert len(lines) == 12
    assert lines[-1] == "  … and 2 more"


def test_without_pandas_one_sentence_says_what_to_type(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(TocsinError) as error:
        Table([Bang(1)]).to_dataframe()
    assert str(error.value) == 'to_dataframe needs pandas: type `pip install "tocsin[analysis]"`'
