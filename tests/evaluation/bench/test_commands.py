"""The command ``tocsin evaluate`` as an analyst types it: on detections and truth, on audio, on two detectors."""

import csv
import json

import html5lib
import numpy as np
import pytest
import soundfile
from browser import chromium, complaints

from tocsin import TocsinError
from tocsin.evaluation.bench.gathering import Gathering
from tocsin.evaluation.bench.reading.read_log import read_log
from tocsin.evaluation.bench.reading.recognise import EventFile
from tocsin.evaluation.commands import main
from tocsin.inference.model import Model
from tocsin.models.card import shipped_weights

RATE = 16000


@pytest.fixture(scope="module")
def street(tmp_path_factory):
    """Six recordings of a minute with bangs at known times, the truth of half of them, and what a detector said."""
    folder = tmp_path_factory.mktemp("street")
    rng = np.random.default_rng(1)
    truth, said = [], []
    for number in range(6):
        samples = rng.normal(0, 0.002, 60 * RATE)
        for onset_s in (10.0, 25.0, 40.0):
            place = round(onset_s * RATE)
            samples[place : place + 800] += rng.normal(0, 0.3, 800) * np.exp(-np.arange(800) / 200)
            if number % 2:
                truth.append((f"{number}.wav", onset_s, onset_s + 0.5, "gunshot"))
            said.append((f"{number}.wav", onset_s + rng.normal(0, 0.02), rng.beta(4 if number % 2 else 1, 3)))
        soundfile.write(folder / f"{number}.wav", samples, RATE)
    for name, header, rows in (
        ("truth.tsv", ("filename", "onset", "offset", "event_label"), truth),
        ("said.csv", ("file", "t", "p"), said),
        ("half.csv", ("file", "t", "p"), said[::2]),
    ):
        with (folder / name).open("w", newline="") as file:
            writer = csv.writer(file, delimiter="\t" if name.endswith("tsv") else ",")
            writer.writerows([header, *rows])
    return folder


@pytest.fixture
def typed(street):
    return [str(street), "--truth", str(street / "truth.tsv"), "--columns", "recording=file,onset_s=t,score=p"]


def run(capsys, *words):
    with pytest.raises(SystemExit) as done:
        main([str(word) for word in words])
    assert done.value.code in (0, None)
    return capsys.readouterr()


def test_detections_of_another_detector_with_columns_named(street, typed, capsys):
    said = run(capsys, *typed, "--detections", street / "said.csv", "--threshold", "0.5", "--format", "json")
    report = json.loads(said.out)
    assert (report["detector"], report["threshold"], report["target"]) == ("said", 0.5, "gunshot")
    summary = {row["figure"]: row["value"] for row in report["sections"]["summary"]["rows"]}
    with (street / "said.csv").open() as file:
        rows = [(int(row["file"][0]), float(row["p"])) for row in csv.DictReader(file)]
    found = sum(number % 2 == 1 and p >= 0.5 for number, p in rows)
    alarms = sum(number % 2 == 0 and p >= 0.5 for number, p in rows)
    assert summary["recall: share of the true sounds found"]["value"] == pytest.approx(found / 9)
    assert summary["false alarms a sensor-hour"]["value"] == pytest.approx(alarms * 10)
    assert set(report["inputs"]) == {"truth.tsv", "said.csv"}
    assert "recordings, 0.1 hours" in said.err


def test_report_folder_and_labels(street, typed, tmp_path, capsys):
    words = ["--detections", street / "said.csv", "--against", street / "half.csv", "--recall", "0.4"]
    out, report = tmp_path / "figures", tmp_path / "report.html"
    said = run(capsys, *typed, *words, "--report", report, "--out", out, "--labels", "dcase")
    assert "## What differs" in said.out
    assert "wrote" in said.err
    names = {path.name for path in out.iterdir()}
    assert {"summary.csv", "thresholds.json", "false_alarms_by_recall.csv", "errors.tsv", "comparison.csv"} <= names
    # The errors open as labels of the recordings that they are in.
    log = read_log(street, EventFile(out / "errors.tsv"), None)
    assert len(log.truth) > 0
    html5lib.HTMLParser(strict=True).parse(report.read_text(encoding="utf-8"))
    with chromium(tmp_path / "profile") as driver:
        driver.get(report.as_uri())
        assert driver.title == "said against half"
        players = driver.find_elements("css selector", "audio")
        assert len(players) > 0
        assert driver.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")
        assert complaints(driver) == []


def test_shipped_weights_listen_to_audio_and_get_a_card_with_the_threshold(street, tmp_path, capsys):
    mine = tmp_path / "mine.onnx"
    words = [street, "--truth", street / "truth.tsv", "--model", "tocsin-s", "--recall", "0.3"]
    said = run(capsys, *words, "--write-card", mine, "--format", "json", "--workers", "2")
    report = json.loads(said.out)
    assert report["sections"]["summary"]["rows"][0]["value"]["value"] >= 0.3
    assert Model(mine).card.threshold == pytest.approx(report["threshold"])
    assert Model(mine).card.results["operating_point"]["asked_for"] == "30 % of sounds found"


def test_without_anything_asked_the_threshold_is_that_of_the_card(street, capsys):
    words = [street, "--truth", street / "truth.tsv", "--model", "tocsin-s", "--format", "json"]
    report = json.loads(run(capsys, *words).out)
    assert report["threshold"] == Model(shipped_weights("tocsin-s")).card.threshold
    assert report["threshold_said"].startswith("of the card of tocsin-s")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--detections", "said.csv"], "named file, t, p|recording"),
        (["--detections", "said.csv", "--model", "tocsin-s"], "both given"),
        (["--detections", "gone.csv"], "gone.csv"),
        (["--recall", "1.5"], "expected a share above 0 and up to 1"),
        (["--budget", "often"], "is no budget"),
        (["--cost", "5"], "needs --sounds-per-day"),
        (["--write-card", "out.onnx", "--model", "tocsin-s"], "needs an operating point"),
        (["--model", "tocsin-s", "--report", "page.pdf"], "ends in .html"),
        (["--map", "gunshot"], "--map"),
        (["--time-zone", "Mars/Base", "--model", "tocsin-s"], "Mars/Base"),
    ],
)
def test_what_cannot_be_is_answered_in_a_sentence(street, monkeypatch, words, said):
    monkeypatch.chdir(street)
    with pytest.raises(TocsinError, match=said):
        main([".", *words])


def test_neither_recordings_nor_detections_is_said():
    with pytest.raises(TocsinError, match="nothing says how long was listened"):
        main(["--truth", __file__])


def test_what_is_read_is_noted_once_with_its_hash(street):
    columns = {"recording": "file", "onset_s": "t", "score": "p"}
    gathering = Gathering("gunshot", {}, columns, {}, None, 1, print)
    first, second = gathering.logs(street, street / "truth.tsv", [street / "said.csv"], [], str(street / "half.csv"))
    assert [name for name, _ in gathering.inputs] == ["truth.tsv", "said.csv", "half.csv"]
    assert first.log.recordings is second.log.recordings or first.log.recordings.equals(second.log.recordings)
    assert len(second.log.detections) == 9
