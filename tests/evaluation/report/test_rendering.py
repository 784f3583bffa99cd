"""The page as HTML: html5lib as a strict parser, the closed form of contrast, invariance, what must not be there."""

import base64
import hashlib
import importlib.resources
import re
from dataclasses import replace

import html5lib
import numpy as np
import pytest

from tocsin import TocsinError
from tocsin.evaluation.report.page import Page
from tocsin.evaluation.report.rendering import render, write_page
from tocsin.evaluation.report.svg import COLOURS

HTML, SVG = "{http://www.w3.org/1999/xhtml}", "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def html(page) -> str:
    return render(page)


@pytest.fixture(scope="module")
def tree(html):
    return html5lib.HTMLParser(strict=True).parse(html)


def words(element) -> str:
    return "".join(element.itertext()).strip()


def test_strict_parser_has_nothing_to_say(tree):
    assert tree.find(f"{HTML}head/{HTML}title") is not None
    # So too for a page that says next to nothing.
    html5lib.HTMLParser(strict=True).parse(render(Page("Title", "Lead.")))


def test_ids_are_unique_and_what_is_referred_to_exists(tree, html):
    ids = [element.get("id") for element in tree.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    referred = re.findall(r'(?:href="#|url\(#)([^")]+)', html)
    for element in tree.iter():
        referred += element.get("aria-labelledby", "").split()
    assert len(referred) > 50
    assert set(referred) <= set(ids)


def test_drawings_have_a_name_and_players_too(tree):
    drawings = list(tree.iter(f"{SVG}svg"))
    assert len(drawings) == 8
    for drawing in drawings:
        assert drawing.get("role") == "img"
        assert all(words(drawing.find(f"{SVG}{tag}")) for tag in ("title", "desc"))
    assert not list(tree.iter(f"{HTML}img"))
    players = list(tree.iter(f"{HTML}audio"))
    assert len(players) == 2
    assert all(player.get("controls") is not None and player.get("aria-labelledby") for player in players)


def test_headings_go_down_one_step_at_a_time(tree):
    levels = [int(e.tag[-1]) for e in tree.iter() if isinstance(e.tag, str) and re.fullmatch(f"{HTML}h[1-6]", e.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert set(levels) == {1, 2, 3}
    assert max(np.diff(levels)) == 1
    for landmark in ("header", "nav", "main", "footer"):
        assert len(list(tree.iter(f"{HTML}{landmark}"))) == 1


def test_tables_have_captions_and_scopes(tree):
    tables = list(tree.iter(f"{HTML}table"))
    assert len(tables) == 2
    for table in tables:
        assert words(table.find(f"{HTML}caption"))
        assert {head.get("scope") for head in table.iter(f"{HTML}th")} == {"col", "row"}


def test_policy_forbids_all_but_the_page_itself(tree):
    metas = [meta for meta in tree.iter(f"{HTML}meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in metas[0].get("content").split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    (script,) = tree.iter(f"{HTML}script")
    digest = base64.b64encode(hashlib.sha256(script.text.encode()).digest()).decode()
    assert rules == {
        "default-src": "'none'",
        "script-src": f"'sha256-{digest}'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "media-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_nothing_comes_from_elsewhere(tree, html):
    addresses = [v for e in tree.iter() for k, v in e.items() if k in ("src", "href", "srcset", "poster", "action")]
    assert addresses
    assert all(address.startswith(("#", "data:")) for address in addresses)
    assert set(re.findall(r'https?://[^"\s<]+', html)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"@import|url\((?!#)", html)


def test_harmful_names_stay_words(tree, html, harmful):
    assert "<script>alert" not in html
    assert words(tree.find(f".//{HTML}h1")) == f"How often is it wrong? {harmful}"
    texts = [words(element) for element in tree.iter(f"{SVG}text")]
    assert harmful in texts
    assert "$two$" in texts
    assert [e.get("onerror") or e.get("onload") for e in tree.iter() if e.get("onerror") or e.get("onload")] == []


def test_same_page_gives_the_same_bytes(make_page, html):
    assert render(make_page()) == html


def test_what_the_page_says_is_there(tree):
    text = words(tree.find(f"{HTML}body"))
    assert "played 9 dB louder than recorded" in text
    assert "It cannot be heard here:" in text
    assert "< 0.092" in text  # no alarm in 40 hours: Garwood's 3.689/40


def test_a_path_that_cannot_be_written_is_said(page, tmp_path):
    write_page(replace(page, answers=(), errors=()), tmp_path / "new/page.html")
    assert (tmp_path / "new/page.html").read_text().startswith("<!DOCTYPE html>")
    with pytest.raises(TocsinError, match=r"page\.html cannot be written: "):
        write_page(Page("Title", "Lead."), tmp_path / "new/page.html/page.html")


def luminance(colour: str) -> float:
    # WCAG 2.2, "relative luminance".
    shares = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def palettes() -> list[dict[str, str]]:
    style = importlib.resources.files("tocsin.evaluation.report").joinpath("templates/page.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    return [dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block)) for block in blocks]


def test_contrast_is_that_of_the_guidelines():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    light, dark = palettes()
    assert light.keys() == dark.keys()
    for palette in (light, dark):
        for ink in ("ink", "muted", "link", "figure"):
            assert contrast(palette[ink], palette["paper"]) >= 4.5, ink
        for ground in ("tint", "caution"):
            assert contrast(palette["ink"], palette[ground]) >= 4.5, ground
        # WCAG 1.4.11: what one must see of a graphic, 3:1. The first colours of a plot do so in both.
        assert min(contrast(colour, palette["paper"]) for colour in COLOURS[:3]) >= 3
