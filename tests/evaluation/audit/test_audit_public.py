"""The public version holds none of the personal words that are planted in the tables, in no file that is written."""

import re

import numpy as np
import pandas
import pytest

from tocsin.evaluation.audit.auditing import audit
from tocsin.evaluation.audit.of_area import area_section
from tocsin.evaluation.audit.output import DATA_SHEET, IMPACT_REPORT, as_json, as_markdown, write_document
from tocsin.evaluation.audit.page import page_of
from tocsin.evaluation.audit.public import CELL_M, WITHHELD, publish, without_small_columns
from tocsin.evaluation.audit.reading.records_reader import read_records
from tocsin.evaluation.report.data_files import write_data
from tocsin.evaluation.report.rendering import write_page

NAMES = ("Latoya Quimbleton", "Ignatz Fernworthy")
PHONES = ("919-555-0143", "(919) 555-0177")
ADDRESSES = ("1417 Wexbridge Ln", "88 Old Tannery Rd Apt 4B")
BAD = "3141 Secretcell Ave"


def write_tables(folder) -> list[str]:
    """Tables of alerts, calls and shootings with personal cells wherever they may stand; returns what was planted."""
    rng = np.random.default_rng(7)
    times = pandas.Timestamp("2023-01-03 00:07:41") + pandas.to_timedelta(np.arange(160) * 7919 * 6, unit="s")
    middle = (35.9871, -78.8813)
    places = middle + rng.normal(0, 0.004, (160, 2))
    # So many in one cell that the map has something to show.
    places[:60] = (35.98713, -78.88137)
    places[60:70] = (35.99371, -78.87453)
    planted = [*NAMES, *PHONES, *ADDRESSES, BAD]
    rows = ["Incident,When,Lat,Lon,Result,Badge of Whom,Caller Phone,Remarks,Beat"]
    for number, (time, (latitude, longitude)) in enumerate(zip(times, places, strict=True)):
        identity, who, phone = f"RX{number:04}Q", NAMES[number % 2], PHONES[number % 2]
        where, beat = ADDRESSES[number % 2], ("north", "south")[number > 100]
        if number == 5:
            beat = BAD  # an address in the column of areas, which the reader quotes
        result = BAD if number == 9 else ("yes", "no", "no")[number % 3]
        said = f"spoke to {who} at {where}"
        rows.append(f'{identity},{time},{latitude:.5f},{longitude:.5f},{result},{who},"{phone}",{said},{beat}')
        planted += [identity, f"{latitude:.5f}", f"{longitude:.5f}", f"{time:%Y-%m-%d %H:%M:%S}", f"{time:%H:%M:%S}"]
    (folder / "alerts.csv").write_text("\n".join(rows) + "\n")
    rows = ["shooting_id,time,latitude,longitude,severity,Victim,alerted,area"]
    for number in range(0, 160, 4):
        severity, time = ("fatal" if number in (8, 16) else "injury"), times[number] + pandas.Timedelta(seconds=37)
        latitude, longitude = places[number] + 0.00013
        beat = "north" if number <= 100 else "south" if number < 108 else ""
        rows.append(
            f"HOM-{number:04},{time},{latitude:.5f},{longitude:.5f},{severity},{NAMES[0]},{number % 3 > 0},{beat}"
        )
        planted += [f"HOM-{number:04}", f"{latitude:.5f}", f"{longitude:.5f}", f"{time:%H:%M:%S}"]
    (folder / "shootings.csv").write_text("\n".join(rows) + "\n")
    (folder / "audit.yaml").write_text(
        "time_zone: America/New_York\noutcome_words: {confirmed: ['yes'], unconfirmed: ['no']}\n"
        f"notes: ['Told by {NAMES[1]} at the desk.', 'Kept by the city.']\n"
        "alerts:\n  file: alerts.csv\n  columns:\n    {alert_id: Incident, time: When, latitude: Lat, longitude: Lon, "
        "outcome: Result, area: Beat}\n"
        "shootings:\n  file: shootings.csv\n"
        "areas:\n  - {area: north, population: 5000}\n  - {area: south, population: 4000}\n"
    )
    return planted


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted")
    words = write_tables(folder)
    return audit(read_records(folder)), words, folder


def write_all(found, public: bool, folder) -> dict[str, str]:
    beside = area_section(found.records, "north")
    page = page_of(found, public, without_small_columns(beside) if public else beside)
    write_page(page, folder / "audit.html")
    write_data(page, folder / "out")
    (folder / "stdout.md").write_text(as_markdown(page))
    (folder / "stdout.json").write_text(as_json(page))
    write_document(DATA_SHEET, folder / "sheet.md", found)
    write_document(IMPACT_REPORT, folder / "impact.md", found)
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_no_planted_word_is_in_any_public_file(planted, tmp_path):
    found, words, _ = planted
    files = write_all(found, True, tmp_path)
    assert len(files) > 30
    for name, content in files.items():
        # What data: links hold is what the CSV and JSON files hold, which are searched as they are.
        text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", content)
        there = [word for word in words if word.casefold() in text.casefold()]
        assert not there, (name, there[:5])
        for column in ("Badge of Whom", "Caller Phone", "Remarks", "Victim"):
            assert column not in text, (name, column)


def test_the_search_finds_them_in_the_version_that_is_not_public(planted, tmp_path):
    found, words, _ = planted
    page = write_all(found, False, tmp_path)["audit.html"]
    assert NAMES[1] in page
    assert BAD in page
    assert sum(word in page for word in words) >= 2


def test_places_are_cells_times_hours_and_ids_running_numbers(planted):
    found = planted[0]
    coarse = publish(found).records
    assert (coarse.alerts["time_utc"].dt.floor("h") == coarse.alerts["time_utc"]).all()
    from pyproj import Geod

    cells = coarse.alerts[["latitude", "longitude"]].drop_duplicates().to_numpy()
    geod = Geod(ellps="WGS84")
    for axis in (0, 1):
        values = np.unique(cells[:, axis].round(9))
        step = np.diff(values).min()
        ends = (values[0], values[0] + step)
        latitude, longitude = cells[0]
        places = [(longitude, ends[0], longitude, ends[1]), (ends[0], latitude, ends[1], latitude)][axis]
        assert geod.inv(*places)[2] >= CELL_M
    assert set(coarse.alerts.columns) == {"alert_id", "time_utc", "outcome", "latitude", "longitude", "area"}
    assert coarse.alerts["alert_id"].tolist() == [str(number) for number in range(1, len(coarse.alerts) + 1)]


def test_small_counts_of_figures_areas_and_cells_are_withheld(planted):
    found = planted[0]
    shown = publish(found)
    assert found.metrics["recall_fatal"].denominator == 2
    assert "recall_fatal" not in shown.metrics
    titles = {row.get("figure") for section in shown.sections for row in section.rows}
    assert found.metrics["recall_fatal"].title not in titles
    equity = next(section for section in shown.sections if section.key == "equity")
    # One area has a single confirmed shooting; the other would tell of it.
    assert [row["confirmed_shootings"] for row in equity.rows] == [WITHHELD, WITHHELD]
    data = next(answer.figure.data for answer in page_of(found, True).answers if answer.question.startswith("Where"))
    assert data.rows
    assert min(row["alerts"] for row in data.rows) >= 5


def test_what_the_city_says_itself_is_kept(planted):
    notes = publish(planted[0]).records.notes
    assert "Kept by the city." in notes
    assert any("quote cells of the tables" in note for note in notes)
