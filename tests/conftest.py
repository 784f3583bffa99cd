"""Shared fixtures, and the rule that a skip in CI is a failure unless its reason is listed here."""

import os
from pathlib import Path

import numpy as np
import pytest

# The shared recordings are never part of the project; tests that need them run where they are present.
RECORDINGS_ABSENT = "the shared recordings are not here (set TOCSIN_RECORDINGS to their folder)"
ALLOWED_SKIPS = (RECORDINGS_ABSENT,)


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
