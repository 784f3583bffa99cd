"""Plots as SVG: the same data give the same bytes; what is drawn is read back out of the drawing."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from tocsin.evaluation.measures.intervals import Interval, poisson_rate
from tocsin.evaluation.report.plots import Axis, Bins, Curve, Mark, bars_with_intervals, curve_plot, reliability_plot
from tocsin.evaluation.report.svg import COLOURS, with_token

SVG = "{http://www.w3.org/2000/svg}"


def curve_of(points: int, **options) -> str:
    x = np.linspace(0, 1, points)
    return curve_plot("T", "D", Axis("across"), Axis("up"), [Curve("one", x, x**2, x**2 / 2, x, **options)])


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_same_data_give_the_same_bytes():
    assert curve_of(50) == curve_of(50)
    assert curve_of(50) != curve_of(51)


def test_drawing_stands_alone_and_tells_nothing_of_when_it_was_made():
    svg = curve_of(50)
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    assert (root[0].text, root[1].text) == ("T", "D")
    assert "metadata" not in svg
    assert "<style" not in svg
    assert "Matplotlib" not in svg


def test_ids_are_told_apart_by_another_token():
    one, other = with_token(curve_of(50), "one"), with_token(curve_of(50), "other")
    ids = [set(re.findall(r' id="([^"]+)"', svg)) for svg in (one, other)]
    assert ids[0]
    assert not ids[0] & ids[1]
    assert set(re.findall(r"url\(#([^)]+)", one)) <= ids[0]


def test_a_million_points_are_drawn_as_few_that_look_the_same():
    many, few = curve_of(1_000_000), curve_of(2000)
    assert len(many) < 150_000
    # The line ends where it ended.
    last = [re.findall(r"([\d.]+) ([\d.]+)\"", svg) for svg in (many, few)]
    assert last[0][-1] == last[1][-1]


def test_lines_differ_without_their_colour():
    x = np.linspace(0, 1, 9)
    svg = curve_plot("T", "D", Axis("a"), Axis("b"), [Curve(str(n), x, n * x) for n in range(len(COLOURS))])
    styles = re.findall(r"fill: none; ([^\"]*stroke-width: 1.8[^\"]*)", svg)
    dashes = {(re.findall(r"stroke-dasharray: ([^;]+)", style) or ["solid"])[0] for style in styles}
    assert len(dashes) == len(COLOURS)


def test_scales_and_marks_are_as_asked_for():
    x = np.array([0.001, 0.1, 0.5, 0.9])
    drawn = curve_plot(
        "T", "D", Axis("false positives", "logit", ticks=(0.001, 0.1, 0.5)), Axis("hours", "log", ticks=(10, 1000)),
        [Curve("$x$", x, [1, 10, 100, 2000])], [Mark("the budget", 0.1, 10)],
    )  # fmt: skip
    assert {"0.001", "0.1", "0.5", "10", "1,000", "$x$", "the budget", "false positives", "hours"} <= set(texts(drawn))


def test_no_alarm_is_drawn_as_an_upper_end():
    none = bars_with_intervals("T", "D", ["a", "b"], [poisson_rate(0, 1), poisson_rate(2, 1)], "an hour")
    some = bars_with_intervals("T", "D", ["a", "b"], [poisson_rate(1, 1), poisson_rate(2, 1)], "an hour")
    assert "none counted: the figure is below this" in texts(none)
    assert "none counted: the figure is below this" not in texts(some)
    # A share of nothing is no rate: it is nothing.
    share = bars_with_intervals("T", "D", ["a"], [Interval(0, 0, 0.1)], "share")
    assert "none counted: the figure is below this" not in texts(share)


@pytest.mark.parametrize(("groups", "shown"), [(24, 8), (7, 7)])
def test_upright_bars_name_as_many_groups_as_fit(groups, shown):
    names = [f"h{number}" for number in range(groups)]
    drawn = bars_with_intervals("T", "D", names, [poisson_rate(3, 1)] * groups, "an hour")
    assert len(set(texts(drawn)) & set(names)) == shown


def test_reliability_without_intervals():
    stated = [0.1, 0.9]
    drawn = reliability_plot("T", "D", [Bins("clips", stated, stated, [0.5, 0.5])])
    assert {"clips", "as sure as right", "stated probability"} <= set(texts(drawn))
