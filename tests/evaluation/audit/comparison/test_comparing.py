"""A whole comparison: what its words say of known data, and what the commands print."""

import json

import numpy as np
import pytest
import typer
from scipy.stats import t
from typer.testing import CliRunner

from tocsin import TocsinError
from tocsin.evaluation.audit.comparison import commands
from tocsin.evaluation.audit.comparison.comparing import compare, in_words
from tocsin.evaluation.audit.comparison.limits import limits_of, smallest_seen
from tocsin.evaluation.audit.comparison.panel import Panel
from tocsin.evaluation.audit.comparison.sections import sections_of
from tocsin.evaluation.measures.intervals import Interval


def city(ratio, start, level=30.0, periods=24, seed=3):
    rng, begun = np.random.default_rng(seed), np.asarray(start)
    means = level * rng.lognormal(0, 0.3, (len(begun), 1)) * np.ones(periods)
    means[(begun >= 0)[:, None] & (np.arange(periods) >= begun[:, None])] *= ratio
    names = tuple(f"area {place}" for place in range(len(begun)))
    months = tuple(f"{2022 + place // 12}-{place % 12 + 1:02}-01" for place in range(periods))
    return Panel(names, months, rng.poisson(means).astype(float), np.ones(means.shape), begun)


START = [12] * 6 + [-1] * 14


def write(panel, path):
    rows = ["area,period,count,treated_from"]
    for area, counts, start in zip(panel.areas, panel.counts, panel.start, strict=True):
        since = panel.periods[start] if start >= 0 else ""
        rows += [f"{area},{period},{count:.0f},{since}" for period, count in zip(panel.periods, counts, strict=True)]
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (
            Interval(0.88, 0.70, 1.10),
            "Shootings fell by 12 % (−30 % to +10 %) against the comparison areas; the data cannot tell this from no "
            "change.",
        ),
        (
            Interval(1.5, 1.2, 1.9),
            "Shootings rose by 50 % (+20 % to +90 %) against the comparison areas, more than chance explains.",
        ),
        (
            Interval(0.5, float("nan"), float("nan")),
            "Shootings fell by 50 % against the comparison areas; with so few areas the data cannot tell this from "
            "chance.",
        ),
    ],
)
def test_the_answer_in_words(ratio, said):
    assert in_words(ratio, "shootings") == said


def test_a_fall_by_30_per_cent_is_found_by_all_ways():
    found = compare(city(0.7, START), "shootings")
    assert found.ratio.low <= 0.7 <= found.ratio.high < 0.85
    assert found.answer.startswith("Shootings fell by ")
    assert found.answer.endswith("more than chance explains.")
    assert found.synthetic.ratio == pytest.approx(0.7, abs=0.1)
    assert found.synthetic.p_value == pytest.approx(1 / 15)
    assert [section.key for section in sections_of(found)] == [
        "comparison",
        "trend_before",
        "event_study",
        "synthetic_control",
        "limits",
    ]


def test_areas_with_several_starts_are_compared_by_group():
    found = compare(city(0.7, [8] * 5 + [16] * 5 + [-1] * 10), "shootings")
    assert found.effect is None
    assert found.ratio.low <= 0.7 <= found.ratio.high
    assert "had not begun yet" in found.answer
    keys = [section.key for section in sections_of(found)]
    assert keys == ["comparison", "staggered", "limits"]
    assert "began at different times" in sections_of(found)[-1].markdown()


def test_what_moves_next_door_is_shown_apart():
    panel = city(0.6, START)
    panel.counts[6:8, 12:] *= 2  # pushed into two areas beside
    near = {"area 0": ["area 6", "area 7"]}
    found = compare(panel, "shootings", near)
    assert found.beside.ratio.value == pytest.approx(2, abs=0.25)
    assert len(found.panel.areas) == 18
    assert found.ratio.value > compare(panel, "shootings").ratio.value
    assert "areas that touch those with the system" in sections_of(found)[0].markdown()


def test_the_arrays_of_plots_are_plain_and_as_long_as_the_panel():
    arrays = compare(city(0.7, START), "shootings").arrays
    assert json.loads(json.dumps(arrays["both_sides"])) == arrays["both_sides"]
    for key, name in (("both_sides", "treated"), ("both_sides", "others"), ("synthetic_control", "gaps")):
        assert len(arrays[key][name]) == 24
    assert np.mean(arrays["both_sides"]["others"][:12]) == pytest.approx(1)
    assert np.mean(arrays["both_sides"]["treated"][12:]) == pytest.approx(0.7, abs=0.08)
    assert np.shape(arrays["synthetic_control"]["placebo_gaps"]) == (14, 24)
    assert set(compare(city(0.7, [8] * 5 + [16] * 5 + [-1] * 10)).arrays) == {"both_sides", "staggered"}


def test_a_thousand_blocks_are_compared_without_what_takes_too_long():
    found = compare(city(0.7, [12] * 300 + [-1] * 700, level=2), "calls")
    assert found.ratio.low <= 0.7 <= found.ratio.high
    assert found.synthetic is None
    assert "fit by chance" in found.lacking[0]


def test_small_numbers_are_named():
    few = city(0.8, [6] + [-1] * 3, level=0.5, periods=12)
    said = " ".join(limits_of(few, "shootings"))
    for part in ("Only one area", "Only 3 areas", "below 0.25", "by chance alone", "Only 6 periods"):
        assert part in said
    assert limits_of(city(0.8, [12] * 10 + [-1] * 25)) == []
    found = compare(few, "shootings")
    assert "with so few areas" in found.answer or "nothing can be said" in found.answer


def test_the_smallest_effect_seen_is_seen_in_80_of_100_draws():
    rng, error, freedom = np.random.default_rng(1), 0.1, 12
    seen = smallest_seen(error, freedom)
    assert seen.fall * seen.rise == pytest.approx(1)
    drawn = np.log(seen.fall) + error * rng.standard_normal(20_000)
    errors = error * np.sqrt(rng.chisquare(freedom, 20_000) / freedom)
    assert np.mean(drawn / errors < t.ppf(0.025, freedom)) == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize(("start", "said"), [([-1] * 4, "no area has the system"), ([6] * 4, "all areas have")])
def test_what_cannot_be_compared_gives_a_sentence(start, said):
    with pytest.raises(TocsinError, match=said):
        compare(city(1.0, start, periods=12))


@pytest.fixture
def run():
    app = typer.Typer()
    app.command()(commands.compare)
    app.command()(commands.power)
    return lambda *words: CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)


def test_the_command_prints_the_same_as_the_function(run, tmp_path):
    panel = city(0.7, START)
    path = write(panel, tmp_path / "panel.csv")
    shown = json.loads(run("compare", path, "--what", "shootings", "--format", "json").stdout)
    expected = compare(panel, "shootings")
    assert shown["comparison"]["rows"][0]["value"]["value"] == pytest.approx(expected.ratio.value)
    assert shown["comparison"]["note"].startswith(f"**{expected.answer}**")
    assert shown["arrays"]["both_sides"] == expected.arrays["both_sides"]
    assert None in shown["arrays"]["event_study"]["low"]
    assert "## With and without the system" in run("compare", path).stdout


def test_a_made_up_start_is_said_to_be_made_up(run, tmp_path):
    path = write(city(1.0, [-1] * 16), tmp_path / "panel.csv")
    result = run("compare", path, "--placebo", 5, "--placebo-from", "2022-10-01")
    assert "made up: areas" in result.stderr
    assert "from 2022-10-01 on" in result.stdout
    assert "share of made-up starts that find an effect" in result.stdout


def test_neighbours_are_read_from_a_table(run, tmp_path):
    path = write(city(0.7, START), tmp_path / "panel.csv")
    near = tmp_path / "near.csv"
    near.write_text("area,neighbour\narea 0,area 7\narea 1,area 8\n")
    assert "2 areas that touch treated ones" in run("compare", path, "--neighbours", near).stdout
    near.write_text("a,b\n1,2\n")
    with pytest.raises(TocsinError, match="expected area and neighbour"):
        run("compare", path, "--neighbours", near)


def test_power_is_printed_for_a_panel_or_for_a_years_events(run, tmp_path):
    path = write(city(1.0, [-1] * 8), tmp_path / "panel.csv")
    grid = ("--treated", 4, "--periods", 12, "--effect", -20, "--simulations", 200, "--format", "json")
    of_panel = json.loads(run("power", path, *grid).stdout)["power"]["rows"]
    of_year = json.loads(run("power", "--events-a-year", 282, "--like", 6, *grid).stdout)["power"]["rows"]
    assert of_panel[0]["power for −20 %"]["value"] > of_year[0]["power for −20 %"]["value"] > 0
    with pytest.raises(TocsinError, match="and not both"):
        run("power", path, "--events-a-year", 282, *grid)
