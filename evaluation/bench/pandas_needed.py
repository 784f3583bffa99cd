"""pandas, or one sentence that says how to get it."""

import importlib
from typing import Any

from tocsin import TocsinError


def pandas_module() -> Any:
    """The module ``pandas``. Raises ``TocsinError`` where it is not installed."""
    try:
        return importlib.import_module("pandas")
    except ImportError as error:
        raise TocsinError('this needs pandas: type pip install "tocsin[analysis]"') from error
