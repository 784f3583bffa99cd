"""Public exports of four cities, by the mappings that Tocsin brings: counts by hand, and what is wrong in them."""

import csv
from collections import Counter

import pytest

from tocsin.evaluation.audit.reading.records_reader import read_records
from tocsin.evaluation.audit.reading.settings_file import mapping_names, read_settings


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", mapping_names())
def test_each_mapping_is_valid_and_says_what_its_tables_cannot(name, tmp_path):
    settings, _ = read_settings(tmp_path, name)
    assert settings.notes
    assert any("not" in note or "no " in note for note in settings.notes)


def test_cambridge_equals_a_count_by_hand(tables):
    read = read_records(tables, "cambridge-ma")
    table = rows(tables / "cambridge_ma_shots_fired_2018_2024.csv")
    found = [row for row in table if float(row["shell_casings"] or 0) > 0 or int(row["injuries"]) > 0]
    alerted = [row for row in table if row["shotspotter_alert"] == "True"]
    assert len(read.alerts) == len(alerted) == 48
    assert (read.alerts["outcome"] == "confirmed").sum() == sum(row in found for row in alerted)
    assert len(read.shootings) == len(found)
    assert read.shootings["alerted"].sum() == sum(row["shotspotter_alert"] == "True" for row in found)
    assert (read.shootings["severity"] == "injury").sum() == sum(int(row["injuries"]) > 0 for row in found)
    assert read.alerts[["latitude", "longitude"]].notna().all(axis=None)
    assert read.alerts["latitude"].between(42.35, 42.41).all()


def test_chicago_cases_are_shootings_and_homicides_fatal(tables):
    read = read_records(tables, "chicago-il")
    victims = rows(tables / "chicago_shooting_victimizations_2023_2024.csv")
    inside = [row for row in victims if row["date_time"] < "2024-08-27"]
    fatal = {row["case_number"] for row in inside if row["type"] == "HOMICIDE"}
    assert set(read.shootings.loc[read.shootings["severity"] == "fatal", "shooting_id"]) == fatal
    assert read.shootings["area"].nunique() == 12
    assert [problem.row for problem in read.problems if "twice" in problem.what] == [
        number for number, row in enumerate(victims, 2) if row["date_time"].startswith("2023-11-05 01:")
    ]


def test_cincinnati_s_times_are_local_by_their_rhythm(tables):
    read = read_records(tables, "cincinnati-oh")
    assert len(read.alerts) == 11_781
    assert not any("such as UTC?" in note for note in read.notes)
    local = read.alerts["time_utc"].dt.tz_convert(read.time_zone)
    by_hour = Counter(local.dt.hour)
    assert by_hour.most_common(1)[0][0] == 0
    assert min(by_hour, key=by_hour.get) == 8


def test_washington_s_clock_changes_and_its_one_lost_place_are_named(tables):
    read = read_records(tables, "washington-dc")
    assert len(read.alerts) == 39_066
    whats = Counter((problem.what.split(",")[0], problem.kept) for problem in read.problems)
    assert whats == {
        ("its local time was twice", True): 6,
        ("its local time does not exist", True): 2,
        ("its place is more than 100 km from the middle of the others; read as none", True): 1,
    }
    assert read.alerts["latitude"].isna().sum() == 1
