"""Shared fixtures, and the rule that a skip in CI is a failure unless its reason is listed here."""

import os
from pathlib import Path

import numpy as np
import pytest

# The shared recordings are never part of the project; tests that need them run where they are present.
RECORDINGS_ABSENT = "the shared recordings are not here (set TOCSIN_RECORDINGS to their folder)"
ALLOWED_SKIPS = (RECORDINGS_ABSENT,)

# The files that take longest, the longest first: where several processes share the tests, these begin, so that none
# is left working alone at the end.
LONGEST_FIRST = ("training/test_training.py", "test_packaging.py", "training/test_teacher.py")


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
