"""What is often given to ``tocsin fuse`` and is no stream of JSON lines, known by its first line."""

import codecs

from tocsin import TocsinError
from tocsin.inference.detection import REQUIRED_COLUMNS


def check_first_line(name: str, line: bytes) -> None:
    """Raises ``TocsinError`` that says what the input is and what to type, where no line of it can be a detection."""
    asked = "a line of JSON a detection is expected"
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in line:
        raise TocsinError(f"{name} is not UTF-8 but looks like UTF-16: write it in UTF-8; {asked}")
    text = line.removeprefix(codecs.BOM_UTF8).strip()
    if text.startswith(b"["):
        raise TocsinError(f"{name} is one JSON array: {asked}; where jq is installed, `jq -c '.[]'` makes lines of it")
    columns = {column.strip().strip('"') for column in text.decode(errors="replace").split(",")}
    if not text.startswith(b"{") and set(REQUIRED_COLUMNS) & columns:
        raise TocsinError(f"{name} is a table: {asked}; give the table to `tocsin locate`, as a .csv")
