"""``tocsin review`` from a log to figures, as typed, and what it says of bad input."""

import json

import numpy as np
import pandas
import pytest
import soundfile
from typer.testing import CliRunner

from tocsin import TocsinError
from tocsin.evaluation.bench.review.commands import app
from tocsin.evaluation.bench.review.detections import read_detections


@pytest.fixture
def log(tmp_path):
    """Two recordings of 100 s, one of them without a detection, and a log as ``tocsin detect`` writes it."""
    rng = np.random.default_rng(1)
    for name in ("a.wav", "b.wav"):
        soundfile.write(tmp_path / name, 0.01 * rng.standard_normal(100 * 2000).clip(-4, 4), 2000)
    frame = pandas.DataFrame({"path": "a.wav", "onset_s": np.arange(2.0, 98.0, 4.0)})
    frame["gunshot"] = rng.beta(0.5, 0.5, len(frame))
    frame.to_csv(tmp_path / "log.csv", index=False)
    return tmp_path / "log.csv"


def run(*words) -> str:
    found = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.stdout


def test_from_a_log_to_figures(log, tmp_path):
    audio = ("--audio", tmp_path)
    sample = tmp_path / "sample.csv"
    sample.write_text(run("sample", log, "--clips", 14, "--strata", 3, "--quiet", 6, *audio))
    rows = pandas.read_csv(sample)
    assert (rows["kind"] == "quiet").sum() == 6
    assert rows[rows["kind"] == "quiet"]["population"].iloc[0] == 25 + 10  # b.wav has no detection, and is quiet
    page = run("page", sample, *audio, "--low-pass", 300)
    assert page.count("data:audio/flac") == 20
    assert "Everything above 300 Hz was taken out" in page
    truth = np.where((rows["score"] > 0.5) & (rows["kind"] == "alarm"), "gunshot", "background")
    answers = tmp_path / "answers.csv"
    pandas.DataFrame({"id": rows["id"], "answer": truth}).to_csv(answers, index=False)
    plot = tmp_path / "plot.png"
    found = run("estimate", sample, answers, "--sensor-days", 2, "--format", "json", "--plot", plot)
    top = json.loads(found)["review"]["rows"][-1]
    assert top["precision"]["value"] == 1
    assert top["false alarms a sensor-day"]["value"] == 0
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert "| threshold | alarms | heard | precision | recall |" in run("estimate", sample, answers)
    pilot = run("sample", log, "--clips", 14, "--design", "optimal", "--for", "recall@0.5", "--pilot", sample, answers)
    assert len(pilot.splitlines()) == 15


def test_answers_of_another_sample_and_wrong_words_are_refused(log, tmp_path):
    sample, answers = tmp_path / "sample.csv", tmp_path / "answers.csv"
    sample.write_text(run("sample", log, "--clips", 14))
    first = "id,answer,sample\nc01,"
    for text, sentence in (
        (first + "gunshot,000000000000\n", "answers the sample 000000000000, not"),
        (first + "bang,\n", "clip c01: the answer is bang, not one of gunshot"),
        ("id,answer\nc01,gunshot\nc01,gunshot\n", "the clip c01 stands twice"),
        ("id,answer\nc99,gunshot\n", "the clip c99 is none of the sample's 14"),
        ("name\nx\n", "the column id is missing"),
    ):
        answers.write_text(text)
        with pytest.raises(TocsinError, match=sentence):
            run("estimate", sample, answers)
    with pytest.raises(TocsinError, match="--for is precision, expected"):
        run("sample", log, "--for", "precision")


def test_a_log_without_scores_is_refused_and_json_lines_read(log, tmp_path):
    lines = tmp_path / "log.jsonl"
    pandas.read_csv(log).to_json(lines, orient="records", lines=True)
    pandas.testing.assert_frame_equal(read_detections(log), read_detections(lines))
    with pytest.raises(TocsinError, match="there is no column loudness for score, found path, onset_s, gunshot"):
        read_detections(log, "loudness")
    log.write_text("path,onset_s,score\na.wav,x,0.5\n")
    with pytest.raises(TocsinError, match="row 2: onset_s is 'x', expected a number"):
        read_detections(log)
