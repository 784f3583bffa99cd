"""CSV tables of BirdNET-Analyzer as events.

``Start (s),End (s),Scientific name,Common name,Confidence,File``, as its function ``generate_csv`` writes them (older
versions without ``File``). Its Raven tables and Audacity tracks are read as such.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.bench.reading.tables import load, require, rest_of, to_numbers, to_text

if TYPE_CHECKING:
    import pandas

COLUMNS = ("Start (s)", "End (s)", "Common name", "Confidence")


def read_birdnet(path: Path) -> "pandas.DataFrame":
    """Events of a BirdNET-Analyzer CSV; the label is the common name. Raises ``TocsinError`` where it is none."""
    pandas = pandas_module()
    table = load(path)
    require(table, COLUMNS, path)
    unsaid = pandas.Series("", index=table.index)
    events = pandas.DataFrame(
        {
            "recording": to_text(table["File"]) if "File" in table else unsaid,
            "onset_s": to_numbers(table, "Start (s)", path),
            "offset_s": to_numbers(table, "End (s)", path),
            "label": to_text(table["Common name"]),
            "score": to_numbers(table, "Confidence", path),
        }
    )
    return pandas.concat([events, rest_of(table, {*COLUMNS, "File"})], axis=1)
