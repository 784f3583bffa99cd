"""Shared fixtures, and the rule that a skip in CI is a failure unless its reason is listed here."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

# The shared recordings are never part of the project; tests that need them run where they are present.
RECORDINGS_ABSENT = "the shared recordings are not here (set TOCSIN_RECORDINGS to their folder)"
GPU_ABSENT = "there is no graphics processor that torch can use here"
# Where CI runs .ci/run has installed it, so there its absence is a failure.
MOSQUITTO_ABSENT = "mosquitto is not installed"
CHROMIUM_ABSENT = "chromium and chromedriver are not installed"
ALLOWED_SKIPS = (RECORDINGS_ABSENT, GPU_ABSENT, MOSQUITTO_ABSENT, CHROMIUM_ABSENT)

# The files that take longest, the longest first: where several processes share the tests, these begin, so that none
# is left working alone at the end.
LONGEST_FIRST = ("training/test_training.py", "test_docs_site.py", "test_packaging.py", "training/test_teacher.py")


def pytest_collection_modifyitems(items):
    folder = Path(__file__).parent

    def place(item) -> int:
        name = item.path.relative_to(folder).as_posix()
        return LONGEST_FIRST.index(name) if name in LONGEST_FIRST else len(LONGEST_FIRST)

    items.sort(key=place)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("CI") and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if reason not in ALLOWED_SKIPS:
            report.outcome = "failed"
            report.longrepr = f"skipped in CI for a reason that tests/conftest.py does not list: {reason}"


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of the shared recordings, or a listed skip."""
    folder = Path(os.environ.get("TOCSIN_RECORDINGS", Path(__file__).parents[2] / "shared"))
    if not (folder / "live-fire").is_dir():
        pytest.skip(RECORDINGS_ABSENT)
    return folder


@pytest.fixture(scope="session")
def tables(recordings) -> Path:
    """The folder of cities' exports beside the shared recordings, or a listed skip."""
    return recordings / "tables"


@pytest.fixture(scope="session")
def trunk_file(recordings) -> Path:
    """The published trunk among the shared recordings, or a listed skip."""
    path = recordings / "pretrained/mn04_as_mAP_432.pt"
    if not path.is_file():
        pytest.skip(RECORDINGS_ABSENT)
    return path


@pytest.fixture(scope="session")
def sounds(tmp_path_factory) -> Path:
    """A folder as the documentation speaks of: ``x.wav``, ``clips/``, ``array_recording/``, ``detections.csv``.

    ``x.wav`` has a bang at 1 s; the array recording has a shot at (210, 450) m, 1 s after it begins, in 4 °C.
    """
    import soundfile

    from tocsin.inference.detection import Detection, write_detections
    from tocsin.localization.observation.travel import Air, travel_times_s

    folder, rng, rate = tmp_path_factory.mktemp("sounds"), np.random.default_rng(20181218), 12000
    start, source = datetime(2026, 1, 1, tzinfo=UTC), np.array([210.0, 450.0])

    def write(path: Path, onset_s: float | None, length_s: float) -> None:
        samples = 0.002 * rng.standard_normal(round(length_s * rate))
        if onset_s is not None:
            burst = rng.standard_normal(rate // 4) * np.exp(-np.arange(rate // 4) / (0.02 * rate))
            samples[round(onset_s * rate) :][: rate // 4] += 0.3 * burst
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.clip(samples, -1, 1), rate)

    write(folder / "x.wav", 1.0, 3.0)
    for session in ("may", "june", "july"):
        write(folder / "clips/gunshot" / session / "1.wav", 0.5, 1.0)
        write(folder / "clips/background" / session / "1.wav", None, 1.0)
    places = np.array([(0, 0), (600, 50), (550, 640), (-40, 580), (280, 310), (900, 350)], float)
    rows, detections = ["path,sensor_id,start_time_utc,x_m,y_m"], []
    for index, delay_s in enumerate(travel_times_s(source, places, Air(4.0)).tolist()):
        x_m, y_m = places[index].tolist()
        write(folder / f"array_recording/s{index}.wav", 1.0 + delay_s, 5.0)
        rows.append(f"s{index}.wav,s{index},2026-01-01T00:00:00Z,{x_m},{y_m}")
        time = start + timedelta(seconds=1.0 + delay_s)
        heard = {"gunshot": 0.9, "background": 0.1}
        detections.append(
            Detection(sensor_id=f"s{index}", x_m=x_m, y_m=y_m, onset_time_utc=time, probabilities=heard, snr_db=20.0)
        )
    (folder / "array_recording/recordings.csv").write_text("\n".join(rows) + "\n")
    (folder / "array_recording/weather.json").write_text('{"temperature_c": 4.0}')
    write_detections(folder / "detections.csv", detections)
    write_detections(folder / "detections.jsonl", detections)
    return folder


@pytest.fixture(scope="session")
def gpu():
    """The graphics processor, or a listed skip."""
    import torch

    if not torch.cuda.is_available():
        pytest.skip(GPU_ABSENT)
    return torch.device("cuda")


@pytest.fixture
def mosquitto(tmp_path):
    """A function that makes and starts a broker, of the arguments of :class:`Mosquitto`; a listed skip without one."""
    from mosquitto import Mosquitto

    from tocsin.evaluation.demo.local_broker import mosquitto_program

    if mosquitto_program() is None:
        if os.environ.get("CI"):
            pytest.fail(MOSQUITTO_ABSENT)
        pytest.skip(MOSQUITTO_ABSENT)
    brokers = []

    def start(**options) -> Mosquitto:
        brokers.append(Mosquitto(tmp_path / f"broker-{len(brokers)}", **options))
        return brokers[-1]

    yield start
    for broker in brokers:
        broker.stop()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20181218)


@pytest.fixture(scope="session")
def tiny_card():
    from tocsin.data.labels import CLASSES
    from tocsin.models.card import WeightCard

    return WeightCard(
        name="tiny",
        version="0",
        model="tocsin_test",
        parameters=1,
        sample_rate=12000,
        window_samples=12000,
        hop_samples=3000,
        classes=CLASSES,
        front_end={"kind": "log-mel"},
        temperature=2.0,
    )


@pytest.fixture(scope="session")
def tiny_torch(tiny_card):
    """A model with random weights: for what surrounds a model, where it does not matter what it has learnt."""
    import torch

    from tocsin.models import registry

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        return registry.create(tiny_card.model, len(tiny_card.classes), tiny_card.sample_rate).eval()


@pytest.fixture(scope="session")
def tiny_onnx(tiny_torch, tiny_card, tmp_path_factory) -> Path:
    from tocsin.training.export import write_onnx

    path = tmp_path_factory.mktemp("tiny") / "tiny.onnx"
    write_onnx(tiny_torch, tiny_card, path)
    return path


@pytest.fixture(scope="session")
def write_carded(tiny_onnx, tiny_card):
    """A function that writes the tiny model under another card: its path, and the fields that differ."""
    import onnx

    from tocsin.models.card import METADATA_KEY

    def write(path: Path, **fields) -> Path:
        graph = onnx.load(tiny_onnx)
        onnx.helper.set_model_props(graph, {METADATA_KEY: tiny_card.model_copy(update=fields).model_dump_json()})
        onnx.save(graph, path)
        return path

    return write
