"""The page in headless Chromium, from the disk: nothing is asked for, sounds load, keys reach them, phones fit it."""

import base64
import json

import pytest
from browser import chromium, complaints
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tocsin.evaluation.report.data_files import csv_text
from tocsin.evaluation.report.rendering import write_page


@pytest.fixture(scope="module")
def file(page, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "out.html"
    write_page(page, path)
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def opened(browser, file):
    browser.get_log("performance")
    browser.get(file.as_uri())
    WebDriverWait(browser, 20).until(
        lambda driver: driver.execute_script(
            "return [...document.querySelectorAll('audio')].every((sound) => sound.readyState >= 1)"
        )
    )
    return browser


def test_page_asks_for_nothing_and_complains_of_nothing(opened, file):
    events = [json.loads(entry["message"])["message"] for entry in opened.get_log("performance")]
    sent = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    asked = [request["request"]["url"] for request in sent if request["documentURL"] == file.as_uri()]
    assert asked[0] == file.as_uri()
    assert all(address.startswith("data:") for address in asked[1:])
    assert complaints(opened) == []


def test_sounds_have_the_length_that_they_are_said_to_have(opened, page):
    lengths = opened.execute_script("return [...document.querySelectorAll('audio')].map((sound) => sound.duration)")
    said = [error.excerpt.player.duration_s for error in page.errors if error.excerpt.player]
    assert lengths == pytest.approx(said, abs=0.01)


def test_tab_key_reaches_the_skip_link_first_and_every_player(opened):
    reached = []
    for _ in range(80):
        opened.switch_to.active_element.send_keys(Keys.TAB)
        element = opened.execute_script(
            "const e = document.activeElement; return [e.tagName, e.className, e.currentSrc ?? e.href ?? '']"
        )
        if reached and element[0] == "BODY":
            break
        reached.append(tuple(element))
    assert reached[0][:2] == ("A", "skip")
    assert len({source for tag, _, source in reached if tag == "AUDIO"}) >= 1
    assert sum(tag == "AUDIO" for tag, _, _ in reached) >= 2
    assert any(tag == "BUTTON" for tag, _, _ in reached)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_page_fits_its_width_and_follows_the_scheme(opened, width, scheme):
    opened.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 2, "mobile": width < 600},
    )
    opened.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    assert opened.execute_script("return document.documentElement.scrollWidth") <= width
    paper, ink = (
        [int(part) for part in opened.execute_script(script).removeprefix("rgb(").removesuffix(")").split(",")]
        for script in (
            "return getComputedStyle(document.body).backgroundColor",
            "return getComputedStyle(document.querySelector('svg text')).fill",
        )
    )
    assert (sum(paper) > sum(ink)) == (scheme == "light")
    # The widest table scrolls in its own box.
    assert opened.execute_script(
        "return [...document.querySelectorAll('.scroll')].some((b) => b.scrollWidth > b.clientWidth)"
    )


def test_a_click_on_a_heading_sorts_by_number_and_back(opened):
    opened.find_element(By.CSS_SELECTOR, "details summary").click()
    table = opened.find_element(By.CSS_SELECTOR, "details table")

    def hours() -> list[str]:
        return [cell.text for cell in table.find_elements(By.CSS_SELECTOR, "tbody th")]

    button = table.find_elements(By.CSS_SELECTOR, "thead button")[1]
    button.click()
    assert hours() == ["0", "3", "1", "2"]  # of 0, 1, 3 and 9 alarms
    assert button.find_element(By.XPATH, "..").get_attribute("aria-sort") == "ascending"
    button.send_keys(Keys.ENTER)
    assert hours() == ["2", "1", "3", "0"]


def test_numbers_of_a_figure_can_be_saved(opened, page, tmp_path):
    opened.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    opened.find_element(By.CSS_SELECTOR, "details summary").click()
    opened.find_element(By.CSS_SELECTOR, "details a[download$='.csv']").click()
    saved = tmp_path / "by_hour.csv"
    WebDriverWait(opened, 20).until(lambda driver: saved.exists())
    assert saved.read_text() == csv_text(page.answers[0].figure.data)


def test_page_prints_without_players(opened):
    assert base64.b64decode(opened.print_page()).startswith(b"%PDF-")
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": []})
    shown = opened.execute_script(
        "return ['.player', '.skip', '.download', '.plot'].map((name) => "
        "getComputedStyle(document.querySelector(name)).display)"
    )
    assert shown == ["none", "none", "none", "block"]
