"""Templates of pages and documents, and the text that comes of them on the disk."""

import importlib
from pathlib import Path
from typing import Any

from tocsin import TocsinError


def jinja_module(needs: str) -> Any:
    """The module ``jinja2``. Raises ``TocsinError`` where it is missing, that begins with ``needs``: "pages need"."""
    try:
        return importlib.import_module("jinja2")
    except ImportError as error:
        raise TocsinError(f'{needs} jinja2: type pip install "tocsin[analysis]"') from error


def environment(needs: str, package: str, autoescape: bool) -> Any:
    """The templates in the folder ``templates`` of a package; a name that a template does not get is an error.

    Raises ``TocsinError`` as :func:`jinja_module`.
    """
    jinja2 = jinja_module(needs)
    return jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        autoescape=autoescape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def write_text(path: Path, text: str) -> None:
    """Write a file, in a folder that is made. Raises ``TocsinError`` where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise TocsinError(f"{path} cannot be written: {error.strerror}") from error
