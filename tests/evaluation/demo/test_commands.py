"""The demo: located as the truth says when hearing is perfect, honest when nothing is heard, its files as promised."""

import json
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib import image as matplotlib_image

from tocsin import cli
from tocsin.acoustics.scene import SAMPLE_RATE, Scene, arrival_s, render_scene, simulate_neighbourhood
from tocsin.data.labels import CLASSES
from tocsin.evaluation.demo import commands as demo_module
from tocsin.evaluation.demo.commands import _write, report_of
from tocsin.evaluation.demo.page import page_of
from tocsin.evaluation.demo.png import FRAME_S, HOP_S, encode_png, spectrogram_png
from tocsin.evaluation.demo.trial import FRAME, Trial, conclude
from tocsin.inference.onsets.picker import pick_onsets
from tocsin.inference.pick import Event

SHORT = (("gunshot", 1), ("gunshot", 2), ("backfire", 0))
KEYS = {"median_error_m", "missed", "false", "incidents", "truth", "seed", "sensors"}


def perfect_hearing(scene: Scene, traces: list[np.ndarray], wrong: str = "") -> list[list[Event]]:
    """Real picks, named after the truth; the label ``wrong`` is heard as gunfire."""
    heard = []
    for sensor, samples in enumerate(traces):
        events = []
        for onset in pick_onsets(samples, scene.sample_rate):
            after_s = [onset.onset_s - arrival_s(scene, index, sensor) for index in range(len(scene.events))]
            near = min((late, index) for index, late in enumerate([9.0 if late < -0.02 else late for late in after_s]))
            label = scene.events[near[1]].label if near[0] < 4.0 else "impulse"
            label = "gunshot" if label == wrong else label
            probabilities = {name: 0.9 if name == label else 0.025 for name in CLASSES}
            events.append(
                Event(
                    onset.onset_s,
                    onset.onset_sigma_s,
                    label,
                    0.9,
                    probabilities,
                    onset.level_dbfs,
                    onset.snr_db,
                )
            )
        heard.append(events)
    return heard


@pytest.fixture(scope="module")
def scene() -> Scene:
    return simulate_neighbourhood(4, SHORT)


@pytest.fixture(scope="module")
def traces(scene) -> list[np.ndarray]:
    return list(render_scene(scene))


@pytest.fixture(scope="module")
def trial(scene, traces) -> Trial:
    return conclude(scene, traces, perfect_hearing(scene, traces), "perfect")


def test_perfect_hearing_places_gunfire_within_the_sigma_of_the_paths(trial):
    # Paths are 6 ms late on the mean, 2 m, and sensors surround the sound: the place is better than a path or two.
    assert (trial.score.missed, trial.score.false) == ((), ())
    assert trial.score.median_error_m < 5.0
    assert all(abs(match.time_error_s) < 0.03 for match in trial.score.matches)
    assert [trial.scene.events[index].label for index in trial.gunfire] == ["gunshot", "gunshot"]


def test_a_backfire_heard_as_gunfire_is_false(scene, traces):
    report = report_of(conclude(scene, traces, perfect_hearing(scene, traces, wrong="backfire"), "fooled"))
    assert report["matched"] == 2
    assert report["false"] >= 1
    assert {row["label"]: row["outcome"] for row in report["truth"]} == {"gunshot": "found", "backfire": "reported"}
    assert sum(row["error_m"] is None for row in report["incidents"]) == report["false"]


def test_nothing_heard_states_no_error_and_all_missed(scene, traces, tmp_path):
    trial = conclude(scene, traces, [[] for _ in scene.sensors], "deaf")
    report = report_of(trial)
    assert report["median_error_m"] is None
    assert (report["missed"], report["false"], report["incidents"]) == (2, 0, [])
    _write(trial, report, tmp_path)
    assert json.loads((tmp_path / "incidents.geojson").read_text())["features"] == []
    assert "Nothing was reported" in (tmp_path / "demo.html").read_text()


def test_the_report_counts_what_it_lists(trial):
    report = report_of(trial)
    assert report.keys() >= KEYS
    json.dumps(report, allow_nan=False)
    assert len(report["truth"]) == len(SHORT)
    assert len(report["sensors"]) == 12
    assert report["gunfire"] == report["matched"] + report["missed"] == 2
    assert len(report["incidents"]) == report["matched"] + report["false"]
    errors = [row["error_m"] for row in report["incidents"] if row["error_m"] is not None]
    assert report["median_error_m"] == pytest.approx(np.median(errors), abs=1e-3)


def test_geojson_is_valid_and_where_the_truth_is(trial, tmp_path):
    _write(trial, report_of(trial), tmp_path)
    truth = json.loads((tmp_path / "truth.geojson").read_text())
    incidents = json.loads((tmp_path / "incidents.geojson").read_text())
    for document in (truth, incidents):
        assert document["type"] == "FeatureCollection"
        assert all({"type", "geometry", "properties"} <= feature.keys() for feature in document["features"])
    for feature, event in zip(truth["features"], trial.scene.events, strict=True):
        longitude, latitude = feature["geometry"]["coordinates"]  # in this order: RFC 7946, section 3.1.1
        assert FRAME.to_local(latitude, longitude)[:2] == pytest.approx([event.x_m, event.y_m], abs=0.05)
        assert feature["properties"]["label"] == event.label
    points = [feature["geometry"] for feature in incidents["features"] if feature["geometry"]["type"] == "Point"]
    rings = [feature["geometry"] for feature in incidents["features"] if feature["geometry"]["type"] == "Polygon"]
    assert len(points) == len(rings) == len(trial.incidents)
    for point, ring, item in zip(points, rings, trial.incidents, strict=True):
        assert FRAME.to_local(*point["coordinates"][::-1])[:2] == pytest.approx([item.x_m, item.y_m], abs=0.05)
        corners = np.array(ring["coordinates"][0])
        assert corners[0].tolist() == corners[-1].tolist()
        steps = corners[:-1] - corners[0]
        assert np.sum(steps[:-1, 0] * steps[1:, 1] - steps[1:, 0] * steps[:-1, 1]) > 0  # counter-clockwise


class Links(HTMLParser):
    """What a page would load, and whether its elements are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.open: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.loads += [value for name, value in attributes if name in ("src", "href", "xlink:href", "data", "srcset")]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_asks_no_network_for_anything(trial):
    page = page_of(trial, report_of(trial))
    links = Links()
    links.feed(page)
    assert links.open == []
    assert len(links.loads) == len(SHORT)
    assert all(link.startswith("data:image/png;base64,") for link in links.loads)
    assert not {"script", "link", "iframe", "img"} & set(links.tags)
    assert "http" not in page
    assert "@import" not in page
    assert page.count("url(") == page.count("url(#clip")


def test_the_page_shows_every_sensor_event_and_incident(trial):
    page = page_of(trial, report_of(trial))
    for sensor in trial.scene.sensors:
        assert page.count(f">{sensor.sensor_id}</text>") == 2  # on the map and beside its row of the timeline
    assert page.count('aria-label="Spectrogram"') == len(trial.scene.events)
    assert page.count('class="discharge"') == len(trial.scene.events)
    ellipses = page.count('class="ellipse"')
    assert ellipses == 1 + len(trial.incidents) + len(trial.score.matches)  # legend, map, close-ups


def test_images_equal_what_another_reader_sees(rng, tmp_path):
    shades = rng.integers(0, 256, (37, 53)).astype(np.uint8)
    (tmp_path / "image.png").write_bytes(encode_png(shades))
    seen = matplotlib_image.imread(tmp_path / "image.png")
    assert seen.shape[:2] == (37, 53)
    # Each shade is one colour, and the darker the higher.
    lightness = {shade: seen[shades == shade][:, :3].sum(axis=1) for shade in np.unique(shades)}
    assert all(np.ptp(values) == 0 for values in lightness.values())
    assert np.all(np.diff([values[0] for values in lightness.values()]) <= 0)


def test_a_spectrogram_is_dark_where_the_sound_is(rng, tmp_path):
    time_s = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    tone = np.where(time_s >= 0.75, 0.3 * np.sin(2 * np.pi * 1500 * time_s), 0.0)
    samples = (tone + 1e-4 * rng.standard_normal(len(tone))).astype(np.float32)
    (tmp_path / "image.png").write_bytes(spectrogram_png(samples, SAMPLE_RATE, 6000.0))
    light = matplotlib_image.imread(tmp_path / "image.png")[:, :, :3].sum(axis=2)
    assert light.shape == (
        round(6000 * FRAME_S),
        (len(samples) - round(FRAME_S * SAMPLE_RATE)) // round(HOP_S * 16000) + 1,
    )
    row = light.shape[0] - 1500 * FRAME_S
    assert abs(light[:, 220].argmin() - row) <= 1
    assert light[int(row), :180].min() > 2 > light[int(row), 195:].max()


def run(monkeypatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["tocsin", "demo", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return int(end.value.code or 0)


@pytest.mark.parametrize("form", ["json", "table"])
def test_the_command_writes_its_files_and_prints_only_its_result(form, tiny_onnx, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(demo_module, "simulate_neighbourhood", lambda seed: simulate_neighbourhood(seed, SHORT[:1]))
    out = tmp_path / "made" / "here"
    assert run(monkeypatch, "--seed", "4", "--out", str(out), "--format", form, "--model", str(tiny_onnx)) == 0
    printed = capsys.readouterr()
    assert {path.name for path in out.iterdir()} == {"demo.html", "truth.geojson", "incidents.geojson"}
    assert "demo.html" in printed.err
    if form == "json":
        assert json.loads(printed.out).keys() >= KEYS
    else:
        assert "median error" in printed.out


def test_a_folder_that_cannot_be_is_one_sentence(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    assert run(monkeypatch, "--out", str(tmp_path / "file" / "demo")) == 1
    error = capsys.readouterr().err
    assert error.startswith("tocsin: ")
    assert error.count("\n") == 1
    assert "--out" in error
