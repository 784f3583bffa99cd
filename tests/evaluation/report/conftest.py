"""A page with one of everything, made of invented numbers and sounds."""

import numpy as np
import pytest
import soundfile

from tocsin.evaluation.measures.intervals import Interval, poisson_rate
from tocsin.evaluation.report.page import Answer, ErrorClip, Figure, Page
from tocsin.evaluation.report.plots import (
    Axis,
    Bins,
    Curve,
    Mark,
    bars_with_intervals,
    curve_plot,
    paired_difference_plot,
    reliability_plot,
)
from tocsin.evaluation.report.section import Section
from tocsin.evaluation.report.sounds import excerpt

HARMFUL = "<script>alert(1)</script>\"'&"


@pytest.fixture(scope="session")
def harmful() -> str:
    return HARMFUL


@pytest.fixture(scope="session")
def bang(tmp_path_factory):
    """A recording of 3 s at 22,050 Hz with a bang at 1 s, its peak 12 dB below full scale."""
    rng, rate = np.random.default_rng(5), 22050
    time_s = np.arange(3 * rate) / rate - 1.0
    samples = np.cos(2000 * np.pi * time_s) * np.exp(-0.5 * (time_s / 0.004) ** 2)
    samples += 1e-4 * rng.standard_normal(len(samples))
    path = tmp_path_factory.mktemp("bang") / "bang.wav"
    soundfile.write(path, samples / np.abs(samples).max() * 10 ** (-12 / 20), rate, subtype="FLOAT")
    return path


@pytest.fixture(scope="session")
def make_page(bang):
    """A function that makes the page anew, of the same numbers each time."""

    def make() -> Page:
        x = np.linspace(0, 1, 500)
        rates = [poisson_rate(count, 40.0) for count in (0, 3, 9, 1)]
        by_hour = Section("by_hour", "By hour", "Local time.", [{"hour": h, "an_hour": r} for h, r in enumerate(rates)])
        by_label = Section(
            "by_label",
            f"By {HARMFUL}",
            "",
            [
                {f"label {column}" if column else "label": f"{HARMFUL} {row}" for column in range(5)}
                | {"alarms": (12, 9)[row], "share": None}
                for row in range(2)
            ],
            (1,),
        )
        curves = curve_plot(
            "Recall",
            f"It rises, {HARMFUL}.",
            Axis("false alarms a day", "symlog", (0, 50)),
            Axis("recall", limits=(0, 1)),
            [Curve(f"one {HARMFUL}", 50 * x**3, x, x * 0.9, x), Curve("$two$", 50 * x**2, x, steps=False)],
            [Mark("the budget", 1.0, 0.3)],
        )
        stated = np.array([0.1, 0.5, 0.9])
        bins = [Bins("clips", stated, stated**2, [0.5, 0.2, 0.3], stated**2 - 0.01, stated**2 + 0.05)]
        pair = (Interval(0.2, 0.1, 0.3), Interval(0.3, 0.2, 0.4), Interval(-0.1, -0.2, 0.02))
        bars = bars_with_intervals("By hour", "Most at 2.", ["0", "1", "2", "3"], rates, "an hour")
        lying = bars_with_intervals("By sensor", "Most at c.", ["a rooftop", HARMFUL, "c", "d"], rates, "an hour")
        rivals = paired_difference_plot("Rivals", "One has fewer.", ["city"], [pair], ("one", "two"), "alarms an hour")
        what = "The share of true gunshots that were found."
        answers = [
            Answer("How many are found?", "31 %", "26–37 %", what, Figure(curves, "A caption.", by_hour), [by_label]),
            Answer("How sure?", "0.04", "0.03–0.05", what, Figure(reliability_plot("Sure", "Below.", bins), HARMFUL)),
            Answer("When?", "at 2", "", what, Figure(bars, "Hours."), caveat=f"Few hours {HARMFUL}."),
            Answer("Where?", "at c", "", what, Figure(lying, "Sensors.")),
            Answer("When?", "the same drawing again", "", what, Figure(bars, "Hours.")),
            Answer("Which?", "one", "", what, Figure(rivals, "Rivals.")),
        ]
        errors = [
            ErrorClip(HARMFUL, "A hammer.", "score 0.99", excerpt(bang, 1.0, HARMFUL), [("recording", HARMFUL)]),
            ErrorClip("The same again", "A hammer.", "score 0.98", excerpt(bang, 1.0, HARMFUL)),
            ErrorClip("Gone", "Unknown.", "score 0.97", excerpt(bang.with_name("gone.wav"), 1.0, "gone")),
        ]
        return Page(
            title=f"How often is it wrong? {HARMFUL}",
            lead="One false alarm a sensor-week.",
            facts=[("listened to", "12 h"), ("sensors", "4")],
            answers=answers,
            errors=errors,
            sections=[Section("nothing", "Nothing", "No row.", [])],
            methods=[("Matching", "Within 0.2 s.")],
            provenance=[("sha256", "0123456789abcdef" * 4), ("recordings", HARMFUL)],
        )

    return make


@pytest.fixture(scope="session")
def page(make_page) -> Page:
    return make_page()
