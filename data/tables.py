"""Text tables from many hands: UTF-8 with or without the mark that spreadsheets put first, errors in one sentence."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from tocsin import TocsinError


@contextmanager
def open_table(path: Path) -> Iterator[TextIO]:
    """Open a table for ``csv`` or line by line.

    Raises:
        TocsinError: the file cannot be read, also where that shows only within the ``with``.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            yield file
    except OSError as error:
        raise TocsinError(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise TocsinError(f"{path} is no table of text, it cannot be read as CSV in UTF-8: {error}") from error
