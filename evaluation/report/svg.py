"""From a figure of matplotlib to SVG that stands inside a page: named, its ids its own, its ink that of the page.

Text stays text: it can be searched, copied and read aloud, prints sharp, and takes the page's font. The ink is
``currentColor``, so that a plot is dark on a light page and light on a dark one.
"""

import hashlib
import importlib
import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree

from tocsin import TocsinError

INK = "#1b1c1e"

# Okabe and Ito, Color Universal Design, 2008: told apart with any colour vision. Those that stand out of white and of
# black by 3:1 come first; ink is the sixth.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", INK)

_SETTINGS = {
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "font.family": ["sans-serif"],
    # Comes with matplotlib, so that the layout is the same on every machine; few fonts are wider.
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "grid.alpha": 0.15,
    "grid.color": INK,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "lines.linewidth": 1.8,
    "lines.markersize": 6,
    "svg.fonttype": "none",
    "svg.hashsalt": "tocsin",
    "text.color": INK,
    # A recording named $x$ is no formula.
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
}

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")


@contextmanager
def figure_in_style(width_in: float, height_in: float) -> Iterator[Any]:
    """A ``matplotlib.figure.Figure`` of so many inches; draw it and call :func:`svg_of` inside the ``with``.

    Raises ``TocsinError`` where matplotlib is not installed.
    """
    module = require_matplotlib()
    with importlib.import_module("matplotlib").rc_context(_SETTINGS):
        yield module.Figure(figsize=(width_in, height_in), layout="constrained")


def svg_of(figure: Any, title: str, description: str) -> str:
    """The figure as an ``<svg>`` element with a title and a description for those who do not see it.

    The same figure gives the same bytes. Every id begins with a token made of the content, ``x`` and ten hexadecimal
    digits, which :func:`with_token` replaces.
    """
    written = io.BytesIO()
    with warnings.catch_warnings():
        # Names of recordings may have any letters; the browser has fonts for them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(written, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    content = written.getvalue()
    token = "x" + hashlib.sha256(content + title.encode() + description.encode()).hexdigest()[:10]
    root = ElementTree.fromstring(content)
    _remove_what_a_page_must_not_have(root)
    _own_ids(root, token)
    for element in root.iter():
        _tidy(element)
    box = root.attrib["viewBox"]
    root.attrib.clear()
    root.attrib.update(
        {
            "xmlns": _SVG[1:-1],
            "viewBox": box,
            "role": "img",
            "aria-labelledby": f"{token}-title {token}-desc",
            "style": "stroke-linejoin: round; stroke-linecap: butt",
        }
    )
    for place, (tag, words) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(tag, {"id": f"{token}-{tag}"})
        element.text = words
        root.insert(place, element)
    # Empty elements need an end tag of their own: a parser of HTML would take their siblings for children.
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)


def with_token(svg: str, token: str) -> str:
    """The same drawing with ids that begin with another token, for one that stands on a page twice."""
    found = re.search(r'aria-labelledby="(x[0-9a-f]{10})-title', svg)
    return svg.replace(found[1], token) if found else svg


def require_matplotlib(or_else: str = "") -> Any:
    """The module ``matplotlib.figure``. Raises ``TocsinError``, with what else may be done, where it is missing."""
    try:
        return importlib.import_module("matplotlib.figure")
    except ImportError as error:
        raise TocsinError(f'plots need matplotlib: type pip install "tocsin[analysis]"{or_else}') from error


def _remove_what_a_page_must_not_have(root: ElementTree.Element) -> None:
    """Metadata, and the style sheet of matplotlib, whose ``*`` would style the whole page."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == f"{_SVG}metadata" or (
                child.tag == f"{_SVG}defs" and child.find(f"{_SVG}style") is not None
            ):
                parent.remove(child)


def _own_ids(root: ElementTree.Element, token: str) -> None:
    """Keep the ids that something refers to, and number them behind the token."""
    used: dict[str, str] = {}

    def name(old: str) -> str:
        return used.setdefault(old, f"{token}-{len(used) + 1}")

    for element in root.iter():
        for key, value in list(element.attrib.items()):
            if key == _LINK:
                del element.attrib[key]
                element.set("href", "#" + name(value[1:]) if value.startswith("#") else value)
            elif "url(#" in value:
                element.set(key, _REFERENCE.sub(lambda match: f"url(#{name(match[1])})", value))
    for element in root.iter():
        old = element.attrib.pop("id", None)
        if old in used:
            element.set("id", used[old])


def _tidy(element: ElementTree.Element) -> None:
    """The page's ink and font, tenths of a point, no name space (HTML knows SVG by its tag), no blanks between."""
    element.tag = element.tag.removeprefix(_SVG)
    element.tail = None
    if element.text and not element.text.strip():
        element.text = None
    if "style" in element.attrib:
        element.set("style", element.attrib["style"].replace(INK, "currentColor").replace("'DejaVu Sans', ", ""))
    if element.attrib.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
    for key in {"d", "x", "y", "width", "height"} & element.attrib.keys():
        element.set(key, " ".join(re.sub(r"(\.\d)\d+", r"\1", element.attrib[key]).split()))
