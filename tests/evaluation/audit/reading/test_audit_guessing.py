"""Guessing a mapping: known columns come back, what is doubtful is marked, and the text is read at once."""

import shutil
from pathlib import Path

import pytest

from tocsin import TocsinError
from tocsin.evaluation.audit.reading.guessed_words import outcome_words, severity_words
from tocsin.evaluation.audit.reading.guessing import UNSURE, guess_mapping
from tocsin.evaluation.audit.reading.records_reader import read_records

DURHAM = Path(__file__).parents[4] / "examples/durham"


def guessed(folder: Path, *names: str) -> tuple[str, object]:
    text = guess_mapping([folder / name for name in names])
    (folder / "audit.yaml").write_text(text)
    return text, read_records(folder)


def test_the_worked_example_is_guessed_but_for_its_projection(tmp_path):
    for name in ("alerts.csv", "calls.csv", "shootings.csv", "areas.geojson"):
        shutil.copy(DURHAM / name, tmp_path)
    text, records = guessed(tmp_path, "alerts.csv", "calls.csv", "shootings.csv", "areas.geojson")
    assert (records.alerts["outcome"] == "confirmed").sum() == 169
    assert (len(records.calls), len(records.shootings), len(records.areas)) == (622, 282, 1)
    assert records.shootings["alerted"].sum() == 169
    assert f"# x: Easting  # {UNSURE}" in text
    assert records.alerts["latitude"].isna().all()
    given = read_records(DURHAM)
    assert records.alerts["time_utc"].tolist() == given.alerts["time_utc"].tolist()


def test_a_table_of_an_unknown_name_and_odd_words(tmp_path):
    (tmp_path / "export.csv").write_text(
        "FLEX ID,Date/Time,Latitude,Longitude,CAD Disposition,Rounds\n"
        "7,03/04/2023 10:00,41.9,-87.6,No Evidence Found,3\n"
        "8,05/06/2023 11:00,41.8,-87.7,19-P,1\n"
        "9,05/07/2023 11:00,41.8,-87.7,Code 5,\n"
    )
    text, records = guessed(tmp_path, "export.csv")
    assert f"file: export.csv  # {UNSURE}" in text
    assert f'time_format: "%m/%d/%Y %H:%M"  # {UNSURE}: may be "%d/%m/%Y %H:%M"' in text
    assert "time_zone: America/Chicago  # UNSURE" in text
    assert "not_known: [Code 5]" in text.replace('"', "")
    assert records.alerts["alert_id"].tolist() == ["7", "8", "9"]
    assert records.alerts["outcome"].tolist() == ["unconfirmed", "unconfirmed", ""]
    assert records.alerts["rounds"].tolist()[:2] == [3, 1]


def test_a_column_whose_name_lies_is_not_taken(tmp_path):
    (tmp_path / "alerts.csv").write_text("date,latitude,longitude\n2023-01-01 10:00,north,west\n")
    text, records = guessed(tmp_path, "alerts.csv")
    assert "latitude:" not in text
    assert len(records.alerts) == 1


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("Unfounded", "unfounded"),
        ("Fireworks", "unfounded"),
        ("UNCONFIRMED", "unconfirmed"),
        ("No Evidence", "unconfirmed"),
        ("GOA", "unconfirmed"),
        ("Founded", "confirmed"),
        ("Casings recovered", "confirmed"),
        ("Report taken", "confirmed"),
        ("No report", "unconfirmed"),
        ("Code 5", "not_known"),
    ],
)
def test_words_of_outcomes(word, meaning):
    assert outcome_words([word, ""])[meaning] == [word]


def test_words_of_severities():
    words = severity_words(["HOMICIDE", "Non-Fatal", "Shell casings", "Vehicle damage", "Other"])
    assert words == {
        "casings": ["Shell casings"],
        "damage": ["Vehicle damage"],
        "injury": ["Non-Fatal"],
        "fatal": ["HOMICIDE"],
        "not_known": ["Other"],
    }


def test_tables_without_times_are_refused(tmp_path):
    (tmp_path / "alerts.csv").write_text("a,b\n1,2\n")
    with pytest.raises(TocsinError, match="looks like times"):
        guess_mapping([tmp_path / "alerts.csv"])
    with pytest.raises(TocsinError, match="no table is given"):
        guess_mapping([])


def test_real_exports_are_read_as_guessed(tables, tmp_path):
    expected = {"dc_shotspotter_2006_2013.csv": 39_066, "cincinnati_shotspotter_reports.csv": 11_781}
    for name, count in expected.items():
        folder = tmp_path / name
        folder.mkdir()
        shutil.copy(tables / name, folder)
        assert len(guessed(folder, name)[1].alerts) == count
