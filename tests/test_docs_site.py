"""The site is built as ``make docs`` builds it: every warning an error, every tutorial run, every public name there."""

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from sphinx.util.inventory import InventoryFile

import tocsin

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built pages."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-d", folder / "doctrees"]
    built = subprocess.run(
        [*command, ROOT / "docs", folder / "html"], capture_output=True, text=True, check=False, cwd=folder
    )
    assert (built.returncode, built.stderr) == (0, "")
    return folder / "html"


class Addresses(HTMLParser):
    """What a page loads: scripts, styles, pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in ("script", "img") and named.get("src"):
            self.loaded.append(str(named["src"]))
        if tag == "link" and named.get("rel") in ("stylesheet", "preload", "icon"):
            self.loaded.append(str(named["href"]))


def test_pages_load_nothing_from_elsewhere(site):
    pages = sorted(page for page in site.rglob("*.html") if "_static" not in page.parts)
    assert {"index.html", "formats.html", "api.html"} <= {page.name for page in pages}
    for page in pages:
        parser = Addresses()
        parser.feed(page.read_text(encoding="utf-8"))
        missing = [
            name
            for name in parser.loaded
            if not name.startswith("data:") and not (page.parent / name.partition("?")[0]).exists()
        ]
        assert (page.name, missing) == (page.name, [])


def test_every_public_name_is_described(site):
    with (site / "objects.inv").open("rb") as file:
        inventory = InventoryFile.load(file, "", lambda base, name: name)
    described = {name.rpartition(".")[2] for kind in inventory if kind.startswith("py:") for name in inventory[kind]}
    folders = ("acoustics", "data", "inference", "localization", "models")
    public = {*tocsin.__all__, *(name for folder in folders for name in getattr(tocsin, folder).__all__)}
    assert public - described - {"CLASSES", "REFERENCE_PA"} == set()


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_a_tutorial_shows_what_it_printed_and_drew(site, number):
    page = next(site.glob(f"learn/0{number}_*.html")).read_text(encoding="utf-8")
    assert page.count("sphx-glr-script-out") >= 2
    assert page.count("sphx-glr-single-img") >= 1
