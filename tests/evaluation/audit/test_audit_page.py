"""The page of an audit in headless Chromium and under a strict parser of HTML, for Durham and for little records."""

import json
from pathlib import Path

import html5lib
import pytest
from browser import chromium, complaints

from tocsin.evaluation.audit.auditing import audit
from tocsin.evaluation.audit.of_area import area_section
from tocsin.evaluation.audit.page import page_of
from tocsin.evaluation.audit.reading.records_reader import read_records
from tocsin.evaluation.report.rendering import render, write_page

DURHAM = Path(__file__).parents[3] / "examples/durham"


@pytest.fixture(scope="module")
def durham():
    return audit(read_records(DURHAM))


@pytest.fixture(scope="module")
def page(durham):
    return page_of(durham, area=area_section(durham.records, "pilot area"))


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.mark.parametrize("public", [False, True])
def test_page_asks_for_nothing_complains_of_nothing_and_fits_a_phone(durham, browser, tmp_path, public):
    file = tmp_path / "audit.html"
    write_page(page_of(durham, public), file)
    browser.get_log("performance")
    browser.get(file.as_uri())
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    asked = [request["request"]["url"] for request in sent if request["documentURL"] == file.as_uri()]
    assert asked[0] == file.as_uri()
    assert all(address.startswith("data:") for address in asked[1:])
    assert complaints(browser) == []
    for width in (390, 1280):
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    drawings = browser.execute_script(
        "return [...document.querySelectorAll('main svg[role=img]')].map((svg) => svg.getBoundingClientRect().height)"
    )
    assert len(drawings) >= 7
    assert min(drawings) > 50


def test_every_drawing_has_a_name_and_a_description(page):
    tree = html5lib.HTMLParser(strict=True).parse(render(page))
    drawings = [element for element in tree.iter() if element.get("role") == "img"]
    assert len(drawings) >= 7
    for drawing in drawings:
        title, description = drawing[0], drawing[1]
        assert title.text
        assert len(description.text) > 10


def test_the_page_answers_what_a_council_asks(page):
    said = {answer.question: answer.answer for answer in page.answers}
    assert said["How often was an alert shown to be right?"] == "16.2 %"
    assert said["Are calls to 911 any better?"] == "27.9 % of calls alone, 8.8 % of alerts alone"
    assert said["How many shootings did it miss?"] == "40.1 %"
    assert said["How often officers came for nothing in pilot area?"] == "72.8 times a month"
    assert said["What does it cost?"] == "$190 an alert; $2,705 an additional confirmed shooting"
    for answer in page.answers:
        assert answer.definition
    assert "SYNTHETIC" in dict(page.facts)["Note"]


def test_outcomes_by_source_are_those_published(page):
    rows = {row["told of by"]: (row["confirmed"], row["unconfirmed"]) for row in page.answers[0].figure.data.rows}
    assert rows == {
        "all alerts": (169, 873),
        "alerts without a call": (73, 752),
        "alerts with a call": (96, 121),
        "calls without an alert": (113, 292),
    }


def test_records_that_say_little_still_make_a_page_that_says_so(tmp_path):
    (tmp_path / "alerts.csv").write_text("alert_id,time\n1,2023-05-01 22:10:00\n2,2023-05-03 23:10:00\n")
    (tmp_path / "audit.yaml").write_text("time_zone: America/Chicago\nalerts:\n  file: alerts.csv\n")
    page = page_of(audit(read_records(tmp_path)), public=True)
    assert page.lead == "2 alerts in 3 days. These records do not say how many were right."
    assert [answer.question for answer in page.answers] == ["When do alerts come?", "What does this not show?"]
    html5lib.HTMLParser(strict=True).parse(render(page))


def test_shootings_alone_are_no_audit_of_a_system_and_that_is_said(tmp_path):
    rows = "shooting_id,time\n1,2023-05-01 22:10:00\n2,2023-05-02 22:10:00\n"
    (tmp_path / "shootings.csv").write_text(rows)
    (tmp_path / "audit.yaml").write_text("time_zone: America/Chicago\nshootings:\n  file: shootings.csv\n")
    page = page_of(audit(read_records(tmp_path)))
    assert "These records hold no alerts" in page.lead
    assert page.title == "What came of 2 confirmed shootings"
