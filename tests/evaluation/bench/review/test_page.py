"""The page as reviewers use it: in a headless Chromium, by keys, closed and opened again; and as HTML."""

import base64
import io
import json
import time

import html5lib
import numpy as np
import pandas
import pytest
import soundfile
from browser import chromium, complaints
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tocsin.data.audio import Audio
from tocsin.evaluation.bench.review.answers import read_answers, sample_hash
from tocsin.evaluation.bench.review.clips import blurred, make_clip
from tocsin.evaluation.bench.review.page import review_page

COUNT = 8


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("review"), np.random.default_rng(3)
    for place in range(COUNT - 1):  # the last recording is missing
        samples = 0.002 * rng.standard_normal(5 * 16000)
        burst = rng.standard_normal(4000) * np.exp(-np.arange(4000) / 320)
        samples[32000:36000] += 0.3 * burst
        soundfile.write(folder / f"r{place}.wav", samples.clip(-1, 1), 16000)
    frame = pandas.DataFrame({"id": [f"c{place + 1}" for place in range(COUNT)]})
    frame["kind"], frame["stratum"], frame["stratum_from"] = "alarm", "s1", 0.1
    frame["population"], frame["score"] = 40, np.linspace(0.1, 0.87654, COUNT)
    frame["at_or_above"] = np.linspace(40, 2, COUNT).round()
    frame["recording"], frame["onset_s"], frame["length_s"] = [f"r{place}.wav" for place in range(COUNT)], 2.0, 3.0
    frame.loc[1, ["kind", "stratum"]] = "quiet"
    return folder, frame


@pytest.fixture(scope="module")
def page(sample):
    folder, frame = sample
    said = []
    path = folder / "page.html"
    path.write_text(review_page(frame, folder, complain=said.append), encoding="utf-8")
    assert len(said) == 1
    assert "c8 has no audio" in said[0]
    return path


def count(driver) -> str:
    return driver.find_element(By.ID, "count").text


def pressed(driver) -> list[str]:
    found = driver.find_elements(By.CSS_SELECTOR, "[aria-pressed=true]")
    return [button.get_attribute("data-answer") for button in found]


def press(driver, *keys: str) -> None:
    for key in keys:
        ActionChains(driver).send_keys(key).perform()


def test_keys_answer_undo_resume_play_and_export_what_estimate_reads(page, sample, tmp_path):
    with chromium(tmp_path) as driver:
        driver.get(page.as_uri())
        driver.find_element(By.ID, "reviewer").send_keys('Ann "B", 1')
        assert count(driver) == f"0 of {COUNT} answered"  # a digit in the name is no answer
        driver.find_element(By.TAG_NAME, "h1").click()
        press(driver, "1", "4", "6")
        assert count(driver) == f"3 of {COUNT} answered"
        ActionChains(driver).key_down(Keys.CONTROL).send_keys("z").key_up(Keys.CONTROL).perform()
        assert count(driver) == f"2 of {COUNT} answered"
        press(driver, "u")
        assert driver.find_element(By.ID, "place").text == f"Clip 2 of {COUNT}"
        press(driver, "2", "5", Keys.ARROW_LEFT)
        assert pressed(driver) == ["background"]
        driver.find_element(By.ID, "unanswered").click()
        press(driver, Keys.ARROW_RIGHT)
        assert driver.find_element(By.ID, "place").text == f"Clip 4 of {COUNT}"
    with chromium(tmp_path) as driver:  # another process: the page was closed
        driver.get(page.as_uri())
        assert count(driver) == f"3 of {COUNT} answered"
        press(driver, "u", "3")
        driver.find_element(By.ID, "export").click()
        until = time.monotonic() + 10
        while not (files := list((tmp_path / "downloads").glob("*.csv"))) and time.monotonic() < until:
            time.sleep(0.05)
        asked = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
        urls = [m["params"]["request"]["url"] for m in asked if m["method"] == "Network.requestWillBeSent"]
        assert [url for url in urls if url.startswith(("http", "ws"))] == []
        assert complaints(driver) == []
        answers = read_answers(files[0], sample[1])
        assert answers["answer"].tolist() == ["gunshot", "fireworks", "backfire"]
        assert set(answers["reviewer"]) == {'Ann "B", 1'}
        assert set(answers["sample"]) == {sample_hash(sample[1])}
    with chromium(tmp_path / "other") as driver:  # a browser that never saw the page
        driver.get(page.as_uri())
        driver.find_element(By.ID, "import").send_keys(str(files[0]))
        until = time.monotonic() + 10
        while count(driver) != f"3 of {COUNT} answered" and time.monotonic() < until:
            time.sleep(0.05)
        assert count(driver) == f"3 of {COUNT} answered"
        assert driver.find_element(By.ID, "reviewer").get_attribute("value") == 'Ann "B", 1'
        press(driver, " ")
        until = time.monotonic() + 10
        while not driver.execute_script("return sound.currentTime > 0") and time.monotonic() < until:
            time.sleep(0.05)
        assert driver.execute_script("return sound.currentTime") > 0
        assert driver.execute_script("return sound.duration") == pytest.approx(3.0, abs=0.05)
        assert driver.execute_script("return el('image').naturalWidth") > 300
        press(driver, *([Keys.ARROW_RIGHT] * (COUNT - 1)))
        assert driver.find_element(By.ID, "silent").is_displayed()
        phone = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
        assert driver.execute_script("return document.documentElement.scrollWidth") == 390
        assert complaints(driver) == []


def test_it_is_valid_html_and_blind(page):
    text = page.read_text()
    html5lib.HTMLParser(strict=True).parse(text)
    assert "0.87654" not in text
    assert "0.877" not in text
    assert "r3.wav" not in text
    assert "http://" not in text
    assert "https://" not in text


def test_low_pass_leaves_nothing_above_it_in_what_the_page_holds():
    rng = np.random.default_rng(5)
    clip = make_clip(Audio(0.2 * rng.standard_normal(48000).astype(np.float32), 16000), low_pass_hz=300.0)
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(clip.audio.partition(",")[2])))
    power = abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1 / rate)
    below, above = power[(hertz > 50) & (hertz < 250)].mean(), power[hertz > 600].mean()
    assert 10 * np.log10(above / below) < -80
    tone = np.sin(2 * np.pi * 150 * np.arange(16000) / 16000).astype(np.float32)
    kept = blurred(Audio(tone, 16000), 300.0).samples[2000:6000]
    assert np.std(kept) == pytest.approx(np.sqrt(0.5), rel=0.01)
