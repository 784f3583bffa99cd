"""The command ``tocsin evaluate``, on clips that the test makes and on one test of the live fire."""

import csv
import json
import sys

import numpy as np
import pytest
import soundfile

from tocsin import TocsinError
from tocsin.data.public.pittsburgh import read_live_fire
from tocsin.evaluation.hearing.commands import main
from tocsin.evaluation.hearing.counting import joined
from tocsin.evaluation.hearing.examples import clip_examples, clip_rows, live_fire_windows
from tocsin.evaluation.hearing.listening import hear_clip, hear_test
from tocsin.evaluation.hearing.two_sensors import paired_alarms, rounds_found
from tocsin.evaluation.judging.judges import Judges
from tocsin.inference.detect import detect
from tocsin.inference.model import Model

RATE = 12000
LABELS = ("gunshot", "gunshot", "fireworks", "clap", "rain", "urban_ambience", "dog_bark")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Clips of seven sessions: a bang of 20 ms in noise, a second of the city's zeroed."""
    folder = tmp_path_factory.mktemp("recordings")
    rng = np.random.default_rng(4)
    columns = "path,label,source_dataset,recording_id,duration_s,session_id,quality,use"
    with (folder / "table").open("w") as file:
        table = csv.DictWriter(file, columns.split(","))
        table.writeheader()
        for number, label in enumerate(LABELS):
            samples = rng.normal(0, 0.003, 3 * RATE)
            samples[RATE : RATE + 240] += rng.normal(0, 0.3, 240)
            if label == "urban_ambience":
                samples[2 * RATE :] = 0
            name = f"{number}.wav"
            (folder / "clips").mkdir(exist_ok=True)
            soundfile.write(folder / "clips" / name, samples, RATE, subtype="FLOAT")
            cells = {"path": name, "label": label, "recording_id": name, "session_id": f"s{number}", "duration_s": 3}
            table.writerow({**cells, "source_dataset": "made", "quality": "ok", "use": "train"})
    (folder / "table").rename(folder / "clips/manifest.csv")
    return folder


@pytest.fixture(scope="module")
def weights(write_carded, tmp_path_factory):
    """Weights that trained on rain and on a dog, so that every other label is new to them."""
    return write_carded(tmp_path_factory.mktemp("weights") / "tiny.onnx", trained_sessions=("s4", "s6"))


def test_report_in_both_formats_and_figures(folder, weights, tmp_path, capsys):
    assert main([str(folder), "--weights", str(weights), "--format", "json", "--out", str(tmp_path)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["clips"], report["clips_left_out"], report["weights"]) == (5, 2, ["tiny-0"])
    sections = report["sections"]
    everything = sections["clips_by_source"]["rows"][0]
    assert (everything["clips"], everything["sessions"]) == (5, 5)
    assert 0 <= everything["its_gunshots_v_all_other_clips"]["value"] <= 1
    assert {row["sound"] for row in sections["hard_negatives"]["rows"]} == {"fireworks", "clap", "urban_ambience"}
    assert {row["sound"] for row in sections["open_set"]["rows"]} == {"gunshot", "fireworks", "clap", "urban_ambience"}
    # Three clips of three seconds that are no gunshots, one second of them zeroed.
    assert sum(row["seconds"] for row in sections["alarms_by_sound"]["rows"]) == 8
    calibrated = {row["probability"]: row for row in sections["calibration"]["rows"]}
    for measure in ("expected_calibration_error", "brier_score"):
        assert 0 <= calibrated["gunshot"][measure]["low"] <= calibrated["gunshot"][measure]["high"] <= 1
    assert "Of tiny-0, each recording" in sections["calibration"]["note"]
    places = {row["place"]: row for row in sections["alarms_by_place"]["rows"]}
    assert list(places) == ["city", "urban_ambience", "everything"]
    assert (places["city"]["hours"], places["everything"]["sessions"]) == (pytest.approx(2 / 3600), 3)
    lowest = sections["false_alarms"]["rows"][0]
    assert (lowest["recall"], lowest["of_live_fire"]) == (1.0, None)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "false_alarms.png",
        "reliability.png",
        "report.json",
        "report.md",
        "roc.png",
    ]
    markdown = (tmp_path / "report.md").read_text()
    assert "2 clips and 0 tests of live fire" in markdown
    assert [line[3:] for line in markdown.splitlines() if line.startswith("## ")] == [
        section["title"] for section in sections.values()
    ]


def test_stretches_and_shots_are_the_events_of_detect(folder, weights):
    examples = clip_examples(row for row in clip_rows(folder) if row.session_id not in ("s4", "s6"))
    judges = Judges([weights])
    heard = joined(hear_clip(example, judges) for example in examples)
    assert [shot.session for shot in heard.shots] == ["s0", "s1"]
    assert [stretch.label for stretch in heard.stretches] == ["fireworks", "clap", "urban_ambience"]
    assert [stretch.duration_s for stretch in heard.stretches] == [3, 3, 2]
    audio = examples[3].read()
    events = detect(audio.samples, audio.sample_rate, Model(weights))
    assert heard.stretches[1].probabilities == tuple(event.probabilities["gunshot"] for event in events)
    assert len(events) >= 1


def test_live_fire_is_heard_between_its_shots_alone(recordings):
    (test,) = read_live_fire(recordings / "live-fire/pittsburgh-2018/FP8/test_073")[:1]
    judges = Judges()
    heard = hear_test(test, judges)
    windows = live_fire_windows([test])
    assert all(shot.session == "pittsburgh-2018/FP8" for shot in heard.shots)
    assert len(heard.shots) >= sum(window.class_name == "gunshot" for window in windows) > 0
    # Half of each ten seconds is zeroed, and the shots with their echoes are no background.
    assert sum(stretch.duration_s for stretch in heard.stretches) < 0.5 * 10 * len(test.recordings)
    threshold = judges.models[0].card.threshold
    assert np.mean([shot.probability >= threshold for shot in heard.shots]) > 0.9
    # Sensors of the array share a clock: the same rounds at each, and what one sensor alone hears is not confirmed.
    assert {stretch.sensor.sensor_id for stretch in heard.stretches} <= {r.sensor_id for r in test.recordings}
    assert len({shot.fired for shot in heard.shots}) == test.rounds
    assert rounds_found(heard.shots, threshold, 1) >= rounds_found(heard.shots, threshold, 2) > 0.9
    paired = paired_alarms(heard.stretches, 0.0)
    assert paired.single.number >= paired.confirmed.number
    assert paired.single.hours <= sum(stretch.duration_s for stretch in heard.stretches) / 3600
    assert all(window.distance_m > 40 for window in windows if window.class_name == "gunshot")
    assert all(window.snr_db is None for window in windows if window.class_name != "gunshot")


def test_report_is_the_same_for_any_number_of_workers(folder, weights, capsys):
    reports = []
    for workers in ("1", "3"):
        assert main([str(folder), "--weights", str(weights), "--workers", workers]) == 0
        reports.append(capsys.readouterr().out)
    assert reports[0] == reports[1]


def test_no_worker_is_refused(tmp_path):
    with pytest.raises(TocsinError, match="--workers is 0, expected 1 or more"):
        main([str(tmp_path), "--workers", "0"])


def test_open_set_label_that_no_clip_has_is_refused(folder, weights):
    with pytest.raises(TocsinError, match="no clip is labelled 'whistle'"):
        main([str(folder), "--weights", str(weights), "--open-set", "whistle"])


def test_folder_without_recordings_is_refused(tmp_path):
    with pytest.raises(TocsinError, match=r"expected a folder that holds clips/manifest\.csv or live-fire"):
        main([str(tmp_path)])


def test_missing_extra_is_named_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(TocsinError, match=r'plots need matplotlib: type pip install "tocsin\[analysis\]"'):
        main([str(tmp_path), "--out", str(tmp_path / "out")])
