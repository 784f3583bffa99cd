"""Reading an analyst's tables: what a cell becomes, what is complained of, and the sentences on what does not fit."""

import json
import zoneinfo
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tocsin import TocsinError
from tocsin.evaluation.audit.problems import problem_lines
from tocsin.evaluation.audit.reading.records_reader import read_records
from tocsin.evaluation.audit.reading.settings import Settings
from tocsin.evaluation.audit.reading.times import to_utc

ALERTS = """\
alert_id,time,lat,lon,Disposition,Note
a1,2023-05-01 22:00:00,35.98,-78.9,Founded,loud
a2,2023-05-02 01:30:00,35.99,-78.91,GONE on arrival,
a3,2023-05-03 03:00:00,35.97,-78.92,Fireworks,
"""
CHANGES = ((3, 12), (11, 5), (4, 2), (10, 1))
YAML = """\
time_zone: America/New_York
outcome_words: {confirmed: [founded], unconfirmed: [gone on arrival], unfounded: [fireworks]}
alerts:
  file: alerts.csv
  columns: {latitude: lat, longitude: lon, outcome: Disposition}
"""


@pytest.fixture
def folder(tmp_path):
    """A function that writes files by name and reads the records of their folder."""

    def write(yaml: str = YAML, **files: str):
        for name, text in ({"alerts": ALERTS} | files).items():
            (tmp_path / (name if "." in name else f"{name}.csv")).write_text(text)
        (tmp_path / "audit.yaml").write_text(yaml)
        return read_records(tmp_path)

    return write


def refusal(folder, text=YAML, **files) -> str:
    with pytest.raises(TocsinError) as error:
        folder(text, **files)
    return str(error.value)


def test_a_small_table_is_read_as_it_says(folder):
    records = folder()
    alerts = records.alerts
    assert alerts["alert_id"].tolist() == ["a1", "a2", "a3"]
    assert alerts["time_utc"].tolist()[0] == pandas.Timestamp("2023-05-02 02:00", tz="UTC")
    assert alerts["outcome"].tolist() == ["confirmed", "unconfirmed", "unfounded"]
    assert alerts["latitude"].tolist() == [35.98, 35.99, 35.97]
    assert alerts["Note"].tolist() == ["loud", "", ""]
    assert records.problems == ()
    assert (len(records.calls), len(records.shootings), len(records.areas), len(records.costs)) == (0, 0, 0, 0)
    assert list(records.calls.columns) == ["call_id", "time_utc", "outcome", "latitude", "longitude", "area"]
    # From the first local day to the last, both whole.
    assert (records.start_utc, records.days) == (pandas.Timestamp("2023-05-01 04:00", tz="UTC"), 3)
    assert len(records.sources["alerts.csv"]) == 64


def test_rows_that_are_wrong_are_named_and_counted(folder):
    rows = """\
a1,2023-05-01 22:00:00,35.98,-78.9,Founded,
a2,yesterday,35.98,-78.9,Founded,
a3,,35.98,-78.9,Founded,
a1,2023-05-01 23:00:00,35.98,-78.9,Founded,
a5,2023-05-01 23:10:00,95.98,-78.9,Founded,
a6,2023-05-01 23:20:00,35.98,78.9,Founded,
a7,2023-05-01 23:30:00,0,0,Founded,
,2023-05-01 23:40:00,35.98,-78.9,Founded,
a9,2023-05-01 23:50:00,35.98,-78.9,who knows,
b1,2023-05-01 23:55:00,35.98,-78.9,,
"""
    records = folder(alerts=ALERTS.splitlines()[0] + "\n" + rows)
    assert records.alerts["alert_id"].tolist() == ["a1", "a5", "a6", "a7", "row 9", "a9", "b1"]
    assert records.alerts["latitude"].isna().tolist() == [False, True, True, True, False, False, False]
    assert records.alerts["outcome"].tolist()[-2:] == ["", ""]
    assert sorted((problem.row, problem.found, problem.kept) for problem in records.problems) == [
        (3, "yesterday", False),
        (4, "", False),
        (5, "a1", False),
        (6, "95.98, -78.9", True),
        (7, "35.98, 78.9", True),
        (9, "", True),
        (10, "who knows", True),
    ]
    assert problem_lines(records.problems)[0] == (
        "alerts.csv: 2 rows left out: its time is no time (row 3 'yesterday', row 4)"
    )
    assert str(records.problems[-1]).startswith("alerts.csv, row ")
    assert "alerts.csv: 3 of 10 rows have no place" in records.notes


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.datetimes(datetime(2005, 1, 1), datetime(2030, 1, 1)), min_size=1, max_size=60),
    st.sampled_from(["America/New_York", "America/Los_Angeles", "Australia/Lord_Howe", "Europe/Dublin"]),
)
def test_local_times_equal_those_of_zoneinfo(times, zone):
    # With hours about the changes of New York and of Lord Howe, which changes by half an hour.
    times += [
        datetime(2023, month, day, 1) + timedelta(minutes=20 * step) for step in range(6) for month, day in CHANGES
    ]
    read = to_utc(pandas.Series([time.isoformat(" ", "microseconds") for time in times]), zone, "ISO8601", "x")
    assert read.utc.tolist() == [time.replace(tzinfo=zoneinfo.ZoneInfo(zone), fold=0).astimezone(UTC) for time in times]
    if zone != "Europe/Dublin":
        assert read.skipped.any()
        assert read.twice.any()


def test_hours_that_clocks_skip_or_repeat_are_named(folder):
    head = ALERTS.splitlines()[0]
    records = folder(
        alerts=f"{head}\na1,2023-03-12 02:30:00,,,,\na2,2023-11-05 01:30:00,,,,\na3,2023-11-05 02:30:00,,,,\n"
    )
    assert [str(time) for time in records.alerts["time_utc"]] == [
        "2023-03-12 07:30:00+00:00",  # 03:30 daylight time
        "2023-11-05 05:30:00+00:00",  # the first 01:30
        "2023-11-05 07:30:00+00:00",
    ]
    assert [(problem.row, problem.kept) for problem in records.problems] == [(2, True), (3, True)]
    assert "does not exist" in records.problems[0].what
    assert "twice" in records.problems[1].what


def test_a_day_on_which_clocks_change_is_whole(folder):
    head = ALERTS.splitlines()[0]
    assert folder(alerts=f"{head}\na1,2023-03-12 12:00:00,,,,\n").days == pytest.approx(23 / 24)
    assert folder(alerts=f"{head}\na1,2023-11-05 12:00:00,,,,\n").days == pytest.approx(25 / 24)


@pytest.mark.parametrize(
    ("texts", "time_format"),
    [
        (["06/30/2023 11:05 PM", "07/01/2023 12:05 AM"], None),
        (["30.06.2023 23:05", "01.07.2023 00:05"], None),
        (["2023-07-01T03:05:00Z", "2023-07-01T00:05:00-04:00"], None),
        (["1688180700", "1688184300"], None),
        (["1688180700000", "1688184300000"], None),
        (["2023-06-30 11:05 PM", "2023-07-01 12:05 AM"], None),
        (["30/Jun/2023 23:05", "01/Jul/2023 00:05"], "%d/%b/%Y %H:%M"),
    ],
)
def test_times_as_they_are_written(texts, time_format):
    times = to_utc(pandas.Series([*texts, ""]), "America/New_York", time_format, "x")
    assert times.utc.tolist()[:2] == [
        pandas.Timestamp("2023-07-01 03:05", tz="UTC"),
        pandas.Timestamp("2023-07-01 04:05", tz="UTC"),
    ]
    assert pandas.isna(times.utc[2])
    assert not times.bad.any()


def test_day_and_month_that_cannot_be_told_apart_are_asked_for():
    with pytest.raises(TocsinError, match='may be "%m/%d/%Y %H:%M" or "%d/%m/%Y %H:%M": write one as time_format'):
        to_utc(pandas.Series(["03/04/2023 10:00", "05/06/2023 11:00"]), "UTC", None, "x.csv, When")


def test_state_plane_feet_equal_a_survey_mark_by_hand(folder):
    # pyproj by another path: from WGS 84 to metres of the same zone, and by hand to US survey feet.
    pyproj = pytest.importorskip("pyproj")
    metres = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:32119", always_xy=True).transform(-78.9, 35.99)
    x, y = (value * 3937 / 1200 for value in metres)
    text = "time_zone: UTC\ncrs: EPSG:2264\nalerts: {file: alerts.csv, columns: {x: X, y: Y}}\n"
    records = folder(text, alerts=f"time,X,Y\n2023-01-01 00:00,{x},{y}\n2023-01-01 01:00,{x + 5280},{y}\n")
    assert records.alerts[["longitude", "latitude"]].to_numpy()[0] == pytest.approx([-78.9, 35.99], abs=1e-7)
    geod = pyproj.Geod(ellps="WGS84")
    (west, south), (east, north) = records.alerts[["longitude", "latitude"]].to_numpy()
    assert geod.inv(west, south, east, north)[2] == pytest.approx(1609.35, rel=2e-4)  # a mile


def test_places_in_one_cell(folder):
    text = "time_zone: UTC\nalerts: {file: alerts.csv, columns: {place: where}}\n"
    rows = '2023-01-01 00:00,"(42.36, -71.09)"\n2023-01-01 01:00,POINT (-71.08 42.37)\n2023-01-01 02:00,Main St\n'
    records = folder(text, alerts="time,where\n" + rows)
    assert records.alerts["latitude"].tolist()[:2] == [42.36, 42.37]
    assert records.alerts["longitude"].tolist()[:2] == [-71.09, -71.08]
    assert [problem.found for problem in records.problems] == ["Main St"]


def test_outcomes_of_another_table_are_joined_by_id(folder):
    text = YAML + "outcomes: {file: outcomes.csv, columns: {outcome: result, casings: shells}}\n"
    text += "units: {file: units.csv, columns: {arrived_time: there, cleared_time: gone}}\n"
    outcomes = "alert_id,result,shells\na1,Fireworks,\na3,,2\na3,Founded,3\nzz,Founded,1\n"
    units = "alert_id,there,gone\na1,2023-05-01 22:06,2023-05-01 22:26\na1,2023-05-01 22:04,2023-05-01 22:14\n"
    records = folder(text, outcomes=outcomes, units=units)
    alerts = records.alerts.set_index("alert_id")
    assert alerts["outcome"].tolist() == ["unfounded", "unconfirmed", "unfounded"]
    assert np.isnan(alerts["casings"]["a1"])
    assert alerts["casings"]["a3"] == 2
    assert [(problem.table, problem.row, problem.kept) for problem in records.problems] == [
        ("outcomes.csv", 5, False),
        ("outcomes.csv", 4, False),
    ]
    # Two cars for 20 and for 10 minutes are 30 minutes of officers.
    assert alerts["officers"]["a1"] * alerts["minutes_on_scene"]["a1"] == 30
    assert alerts["arrived_time_utc"]["a1"] == pandas.Timestamp("2023-05-02 02:04", tz="UTC")


def test_evidence_stands_for_an_outcome(folder):
    text = (
        "time_zone: UTC\nalerts: &t\n  file: alerts.csv\n  evidence: {hurt: injury, shells: casings}\nshootings: *t\n"
    )
    table = "time,hurt,shells\n2023-01-01 00:00,1,5\n2023-01-02 00:00,0,0\n2023-01-03 00:00,0,\n2023-01-04 00:00,,2\n"
    records = folder(text, alerts=table)
    assert records.alerts["outcome"].tolist() == ["confirmed", "unconfirmed", "", "confirmed"]
    assert records.shootings["severity"].tolist() == ["injury", "casings"]


def test_victims_of_a_case_are_one_shooting(folder):
    text = "time_zone: UTC\nseverity_words: {injury: [battery]}\n"
    text += "shootings: {file: s.csv, columns: {shooting_id: case}}\n"
    table = "case,time,severity\nk1,2023-01-01 00:10,battery\nk1,2023-01-01 00:12,fatal\nk2,2023-01-02 00:00,battery\n"
    shootings = folder(text, s=table).shootings
    assert shootings[["shooting_id", "severity", "rows"]].to_numpy().tolist() == [
        ["k1", "fatal", 2],
        ["k2", "injury", 1],
    ]


def test_areas_of_polygons_hold_the_rows_in_them(folder):
    square = [[[-79, 35.9], [-78.9, 35.9], [-78.9, 36], [-79, 36], [-79, 35.9]]]
    shape = {"type": "Polygon", "coordinates": square}
    feature = {"type": "Feature", "properties": {"name": "west"}, "geometry": shape}
    text = YAML + "areas: {file: areas.geojson, columns: {area: name}}\n"
    records = folder(text, **{"areas.geojson": json.dumps({"type": "FeatureCollection", "features": [feature]})})
    assert records.alerts["area"].tolist() == ["west", "west", "west"]
    # Of a cell of latitude and longitude on a sphere of the mean radius: R² Δλ (sin φ2 − sin φ1).
    sphere = 6371.0088**2 * np.radians(0.1) * np.diff(np.sin(np.radians([35.9, 36])))[0] / 1.609344**2
    assert records.areas["square_miles"][0] == pytest.approx(sphere, rel=3e-3)
    assert records.areas["treated"].tolist() == [True]


def test_areas_and_costs_may_stand_in_the_file(folder):
    text = YAML + "areas: [{area: all, square_miles: 3, population: 20000}]\n"
    text += "costs: [{item: contract, amount: 197500}, {item: poles, amount: 1000, per: once}]\n"
    records = folder(text)
    assert records.areas[["area", "square_miles", "population", "treated"]].to_numpy().tolist() == [
        ["all", 3, 20000, True]
    ]
    assert records.costs.to_numpy().tolist() == [["contract", 197500.0, "year"], ["poles", 1000.0, "once"]]


def test_rows_outside_the_period_are_counted(folder):
    records = folder("first_day: 2023-05-02\nlast_day: 2023-05-02\n" + YAML)
    assert records.alerts["alert_id"].tolist() == ["a2"]
    assert "alerts: 2 of 3 rows are outside the period, left out" in records.notes


def test_times_in_a_wrong_zone_show_in_the_hours(folder):
    rng = np.random.default_rng(0)
    local = [datetime(2023, 1, 1 + day % 28) + timedelta(hours=float(rng.normal(24, 3))) for day in range(200)]
    rows = "".join(f"{number},{time + timedelta(hours=5):%Y-%m-%d %H:%M}\n" for number, time in enumerate(local))
    text = "time_zone: America/New_York\nalerts: {file: alerts.csv}\n"
    assert "such as UTC?" in folder(text, alerts="alert_id,time\n" + rows).notes[-1]
    assert "UTC" not in " ".join(
        folder(text.replace("csv", "csv, time_zone: UTC"), alerts="alert_id,time\n" + rows).notes
    )


def test_parquet_equals_csv(folder, tmp_path):
    from_csv = folder().alerts
    frame = pandas.read_csv(tmp_path / "alerts.csv", parse_dates=["time"])
    frame.to_parquet(tmp_path / "alerts.parquet")
    pandas.testing.assert_frame_equal(folder(YAML.replace(".csv", ".parquet")).alerts, from_csv)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("time_zone: America/New_York\n", "", "the key time_zone is missing: write the zone of your tables"),
        ("time_zone", "timezone", "the key timezone is not known: did you mean time_zone?"),
        ("latitude:", "latitud:", "alerts, no. 1, columns: the key latitud is not known: did you mean latitude?"),
        (
            "America/New_York",
            "America/New_Yrok",
            "there is no time zone 'America/New_Yrok': did you mean America/New_York?",
        ),
        ("Disposition", "Dispositon", "has no column Dispositon, named for outcome: did you mean Disposition?"),
        ("alerts.csv", "alert.csv", "alert.csv: did you mean alerts.csv?"),
        ("confirmed:", "confirmd:", "outcome_words: confirmd is none of"),
        ("alerts:\n", "first_day: soon\nalerts:\n", "the value of first_day does not fit"),
        ("alerts:\n", "costs: [{itm: x, amount: 3}]\nalerts:\n", "the key itm is not known: did you mean item?"),
        ("alerts:\n", "areas: {fil: x.csv}\nalerts:\n", "the key fil"),
        ("alerts:\n", "mapping: cambridge\nalerts:\n", "there is no mapping cambridge: did you mean cambridge-ma?"),
        ("alerts:\n", "last_day: 2022-01-01\nalerts:\n", "last_day 2022-01-01 is before first_day 2023-05-01"),
        ("latitude: lat, longitude: lon", "x: lat, y: lon", None),
        ("latitude: lat, longitude: lon", "latitude: lat", "a column for latitude is named, but none for longitude"),
        ("alerts:\n", "crs: EPSG:99999999\nalerts:\n", None),
        ("time_zone: America/New_York", "time_zone: [", "is not YAML"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(folder, old, new, said):
    assert old in YAML
    if said is None:
        assert len(folder(YAML.replace(old, new)).alerts) == 3
    else:
        sentence = refusal(folder, YAML.replace(old, new))
        assert said in sentence
        assert "\n" not in sentence


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", "is empty"),
        ("alert_id;time;lat;lon;Disposition\n", "not divided by commas"),
        ("alert_id,time,lat,lon,Disposition\na,b,c,d,e\na,b,c,d,e,f\n", "line 3: 6 cells, but the first line names 5"),
        ("alert_id,time,lat,lon,Disposition\na,b,c,d,e,f\n", "more cells than its first line names columns"),
        ("alert_id,alert_id,time,lat,lon,Disposition\n", "stands more than once"),
        ("alert_id,lat,lon,Disposition\nx,1,2,y\n", "no column is said to be the time: write `time: …` under columns"),
        ("alert_id,time,lat,lon,Disposition\n1,noon,1,2,y\n", "'noon' is in no format of times that is known"),
    ],
)
def test_a_table_that_is_none_is_refused(folder, table, said):
    assert said in refusal(folder, alerts=table)


def test_a_folder_without_a_file_says_what_to_type(tmp_path):
    with pytest.raises(TocsinError, match="tocsin audit init"):
        read_records(tmp_path)


def test_a_mapping_is_taken_and_changed_by_what_the_file_says(folder):
    export = "case_number,date_time,latitude,longitude,type,police_district\n"
    text = "mapping: washington-dc\nfirst_day: 2012-01-01\nlast_day: 2012-01-02\nalerts: {file: newer.csv}\n"
    table = "Coverage Area,Incident ID,Date Time,Type,Longitude-100meter,Latitude-100meter\n"
    records = folder(text, newer=table + "7D,53-1,2012-01-01 00:10:00.5,Single Gunshot,-77.001,38.861\n")
    assert records.alerts[["alert_id", "area", "latitude"]].to_numpy().tolist() == [["53-1", "7D", 38.861]]
    assert records.alerts["time_utc"][0] == pandas.Timestamp("2012-01-01 05:10:00.5", tz="UTC")
    assert (records.days, records.time_zone) == (2, "America/New_York")
    assert "freedom of information" in records.notes[0]
    # Several tables of a kind are replaced as a whole.
    chicago = (
        "mapping: chicago-il\nshootings: [{file: one.csv, columns: {shooting_id: case_number, time: date_time}}]\n"
    )
    found = folder(chicago, one=export + "J1,2023-05-01 10:00:00,41.7,-87.6,HOMICIDE,4\n").shootings
    assert found[["shooting_id", "severity", "type"]].to_numpy().tolist() == [["J1", "", "HOMICIDE"]]


def test_days_without_clock_times_are_said(folder):
    text = "time_zone: UTC\nalerts: {file: alerts.csv, columns: {outcome: }}\n"
    records = folder(text, alerts="time,outcome\n2023-01-01,never mind\n")
    assert "alerts.csv: time has no clock times, only days: read as midnight, of little use here" in records.notes
    # A key left empty has no column, though one has its name.
    assert records.alerts["outcome"].tolist() == [""]


ODD = ["2023-05-01 22:00:00", "05/01/2023", "1e400", "nan", "-0", "inf", "12:00", "9" * 30, "", "0", "Z"]
CELLS = st.one_of(st.text(st.characters(exclude_categories=["C"]), max_size=8), st.sampled_from(ODD))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(CELLS, min_size=6, max_size=6), min_size=1, max_size=5))
def test_whatever_the_cells_hold_is_read_or_refused_in_a_sentence(tmp_path, rows):
    frame = pandas.DataFrame(rows, columns=ALERTS.splitlines()[0].split(","))
    frame.to_csv(tmp_path / "alerts.csv", index=False, encoding="utf-8", errors="ignore")
    (tmp_path / "audit.yaml").write_text(YAML)
    try:
        records = read_records(tmp_path)
    except TocsinError as error:
        assert str(tmp_path) in str(error)  # noqa: PT017 - either may happen
        return
    left_out = {problem.row for problem in records.problems if not problem.kept}
    assert len(records.alerts) + len(left_out) <= len(rows)
    assert records.alerts["time_utc"].notna().all()
    assert records.alerts["latitude"].isna().equals(records.alerts["longitude"].isna())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(sorted(Settings.model_fields)),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["alerts.csv", "file"]),
        lambda of: st.lists(of, max_size=2) | st.dictionaries(st.sampled_from(["file", "columns", "area", "x"]), of),
        max_leaves=5,
    ),
)
def test_whatever_the_settings_hold_is_read_or_refused_in_a_sentence(tmp_path, key, value):
    (tmp_path / "alerts.csv").write_text(ALERTS)
    (tmp_path / "audit.yaml").write_text(json.dumps(yaml.safe_load(YAML) | {key: value}))
    try:
        assert len(read_records(tmp_path).alerts) <= 3
    except TocsinError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either may happen
