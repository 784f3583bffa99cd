"""Sphinx configuration of the documentation site: ``make docs``. Nothing is fetched, and the pages open from a disk."""

import os
import re
from typing import Any

import tocsin
from tocsin import __version__

# The lessons' networks are small: more threads than one only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

project = "Tocsin"
author = "the Tocsin developers"
project_copyright = "the Tocsin developers, Apache-2.0"
version = release = __version__
html_title = f"Tocsin {version}"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["tutorials"]  # sphinx-gallery runs these and writes their pages to learn/

# Links to headings (`formats.md#detection-…`) are written as GitHub makes them.
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]

autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
add_module_names = False
autodoc_member_order = "bysource"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

sphinx_gallery_conf = {
    "examples_dirs": "tutorials",
    "gallery_dirs": "learn",
    "filename_pattern": r"/\d\d_",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "run_stale_examples": True,  # also where only Tocsin has changed
    "download_all_examples": False,
    "show_signature": False,
    "remove_config_comments": True,
    "min_reported_time": 1e9,
    "write_computation_times": False,
    "show_memory": False,
}

html_theme = "pydata_sphinx_theme"
html_theme_options = {
    "header_links_before_dropdown": 5,
    "navbar_persistent": ["search-button"],
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "tango",
}
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_sidebars = {"*": []}  # pages without pages below them
html_show_sourcelink = False
html_copy_source = False


def described_elsewhere(app: Any, what: str, name: str, member: object, skip: bool, options: Any) -> bool | None:
    """Leave out of a folder's page of the reference what the page of ``tocsin`` describes already."""
    main = any(member is getattr(tocsin, public) for public in tocsin.__all__)
    return True if main and app.env.docname != "reference/tocsin" else None


def run_tutorials_instead(app: Any, docname: str, source: list[str]) -> None:
    """Lead to a tutorial's page where a text, for its readers in the repository, leads to its script."""
    source[0] = re.sub(r"\]\(tutorials/(\w+)\.py\)", r"](learn/\1.rst)", source[0])


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("source-read", run_tutorials_instead)
    app.connect("autodoc-skip-member", described_elsewhere)
