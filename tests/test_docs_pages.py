"""The pages of the repository: their length, their lines, and that what they lead to is there."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FOLDERS = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
# Of the repository's folders, those that the commands of the pages write into.
MADE = {"build", "out", "outputs", "dist"}
# docs/data.md shows where a public set is fetched to.
EXAMPLES = {"data/esc50"}


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def prose(text: str) -> list[str]:
    """The lines of a page with tables, code and headings blank, so that their numbers stay."""
    lines, fenced = [], False
    for line in text.splitlines():
        fence = line.startswith(("```", ":::"))
        fenced ^= fence
        lines.append("" if fenced or fence or re.match(r"\||    \S|#", line) else line)
    return lines


def too_long(text: str) -> list[int]:
    """Numbers of the lines over 100 characters that could have been broken: not those of one link or one word."""
    return [
        number
        for number, line in enumerate(prose(text), 1)
        if len(line) > 100 and re.sub(r"\[[^]]*\]\([^)]*\)", "link", line.strip()).count(" ") > 1
    ]


def links(text: str) -> list[str]:
    """Targets of the links and pictures of a page that lead to a file or to a heading."""
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", target)]


def anchors(text: str) -> set[str]:
    """The headings of a page as GitHub names them in an address."""
    titles = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def dead_links(page: Path, text: str) -> list[str]:
    """Links of a page to files that do not exist, or to headings that their page does not have."""
    dead = []
    for target in links(text):
        name, _, heading = unquote(target).partition("#")
        # The tutorials' pages and the reference are made when the site is built.
        file = page.parent / re.sub(r"^learn/index$", "tutorials/README.rst", name) if name else page
        if not file.exists() or (heading and heading not in anchors(file.read_text(encoding="utf-8"))):
            dead.append(target)
    return dead


def dead_paths(text: str) -> list[str]:
    """Paths in backticks, and scripts that ``python`` runs, that begin with a folder of ours and do not exist."""
    named = re.findall(r"(?<!`)`([\w.\-]+/[\w.\-/…?*]*)`(?!`)", text) + re.findall(
        r"python ([\w\-]+/[\w.\-/]+\.py)", text
    )
    return [
        path
        for path in named
        if path.split("/")[0] in FOLDERS - MADE
        and path not in EXAMPLES
        and not list(ROOT.glob(re.sub("…", "*", path.rstrip("/"))))
    ]


def test_the_readme_is_read_in_a_few_minutes():
    assert len(text_of("README.md").splitlines()) <= 130


def test_the_readme_has_one_table_of_results_of_eight_rows_at_most():
    tables = re.findall(r"(?:^\|.*\n)+", text_of("README.md"), re.MULTILINE)
    results, folders = (table.splitlines()[2:] for table in tables)
    assert len(results) <= 8
    named = {name for line in folders for name in re.findall(r"`(\w+)/`", line.split("|")[1])}
    assert named == FOLDERS & named
    assert {path.parent.name for path in ROOT.glob("[!.]*/__init__.py")} <= named


def test_the_picture_of_the_readme_is_small():
    picture = ROOT / re.findall(r"!\[[^]]*\]\(([^)]+)\)", text_of("README.md"))[0]
    assert picture.stat().st_size <= 150_000


@pytest.mark.parametrize("page", PAGES)
def test_lines_end_at_100(page):
    assert too_long(text_of(page)) == []


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    assert dead_links(ROOT / page, text_of(page)) == []


@pytest.mark.parametrize("page", PAGES)
def test_paths_exist(page):
    assert dead_paths(text_of(page)) == []


def test_every_page_of_docs_is_in_the_site():
    named = set(re.findall(r"<([^>]+)>|^(\w+)$", text_of("docs/index.md"), re.MULTILINE))
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"} <= {name for pair in named for name in pair}


def test_what_is_wrong_with_a_page_is_seen():
    page = "# A page\n\n" + "word " * 30 + "\n\n| " + "cell " * 30 + "|\n\n```\n" + "code " * 30 + "\n```\n"
    assert too_long(page) == [3]
    assert dead_links(ROOT / "README.md", "[a](docs/none.md) [b](#a-page) [c](README.md#none) # A page") == [
        "docs/none.md",
        "#a-page",
        "README.md#none",
    ]
    assert dead_paths("`docs/none.md`, `docs/data.md`, `tests/test_none.py`, `m/s`; python benchmarks/none.py") == [
        "docs/none.md",
        "tests/test_none.py",
        "benchmarks/none.py",
    ]
