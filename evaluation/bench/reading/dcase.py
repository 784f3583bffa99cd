"""Tables of the DCASE challenges as events.

Divided by tabs: ``filename``, ``onset``, ``offset``, ``event_label``, in seconds, with or without that first line (task
4 of DCASE 2024, https://dcase.community/challenge2024). A row with a file name alone says that nothing sounds in it. A
fifth column ``score`` is ours, for detections.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from tocsin import TocsinError
from tocsin.data.dataframes import arrow_module, pandas_module
from tocsin.evaluation.bench.reading.tables import (
    first_lines,
    load,
    require,
    rest_of,
    to_numbers,
    to_text,
)

if TYPE_CHECKING:
    import pandas

COLUMNS = ("filename", "onset", "offset", "event_label", "score")


def read_dcase(path: Path) -> "pandas.DataFrame":
    """Events of a DCASE table. Raises ``TocsinError`` where a column is missing or a time is no number."""
    pandas = pandas_module()
    lines = first_lines(path, 1)
    headed = bool(lines) and lines[0].split("\t")[0].strip() == "filename"
    table = load(path) if headed else _without_names(path)
    require(table, COLUMNS[:3], path)
    first_row = 2 if headed else 1
    onset_s = to_numbers(table, "onset", path, first_row)
    events = pandas.DataFrame({"recording": to_text(table["filename"]), "onset_s": onset_s})
    events["offset_s"] = to_numbers(table, "offset", path, first_row)
    label = next((name for name in ("event_label", "label") if name in table), None)
    if label:
        events["label"] = to_text(table[label])
    score = next((name for name in ("score", "confidence", "probability") if name in table), None)
    if score:
        events["score"] = to_numbers(table, score, path, first_row)
    taken = {"filename", "onset", "offset", *(name for name in (label, score) if name)}
    events = pandas.concat([events, rest_of(table, taken)], axis=1)
    return events[~(events["onset_s"].isna() & events["offset_s"].isna())].reset_index(drop=True)


def _without_names(path: Path) -> "pandas.DataFrame":
    csv, arrow = arrow_module("pyarrow.csv"), arrow_module("pyarrow")
    lines = first_lines(path, 1)
    if not lines:
        raise TocsinError(f"{path} is empty: expected filename, onset, offset and event_label divided by tabs")
    names = COLUMNS[: lines[0].count("\t") + 1]
    try:
        table = csv.read_csv(
            path,
            read_options=csv.ReadOptions(column_names=names),
            parse_options=csv.ParseOptions(delimiter="\t", quote_char=False),
            convert_options=csv.ConvertOptions(
                column_types={"filename": arrow.string(), "event_label": arrow.string()}
            ),
        )
    except (arrow.ArrowException, OSError) as error:
        raise TocsinError(f"{path} cannot be read as a DCASE table: {error}") from error
    return table.to_pandas()
