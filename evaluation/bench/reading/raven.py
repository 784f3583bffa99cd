"""Raven selection tables as events.

A table divided by tabs with ``Begin Time (s)`` and ``End Time (s)``, as Raven Pro saves it (Raven Pro 1.4 User's
Manual, Cornell Lab of Ornithology). Where several files are opened one behind the other, these count on over all of
them, and ``File Offset (s)`` is the time in the file that ``Begin Path`` or ``Begin File`` names. A selection has a row
for each view in which it was made. BirdNET-Analyzer writes the same, with ``Common Name`` for the label and a row
``nocall`` where it heard nothing (its function ``generate_raven_table``).
"""

from pathlib import Path
from typing import TYPE_CHECKING

from tocsin import TocsinError
from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.bench.reading.tables import load, require, rest_of, to_numbers, to_text

if TYPE_CHECKING:
    import pandas

BEGIN, END, OFFSET = "Begin Time (s)", "End Time (s)", "File Offset (s)"
_FILE_COLUMNS = ("begin path", "begin file", "file", "path")
# An analyst names his annotation columns himself: these are what they are called most often.
_LABEL_COLUMNS = (
    *("label", "annotation", "species", "common name", "species code", "class", "event", "type", "call type"),
    *("sound type", "tags", "tag", "id"),
)
_SCORE_COLUMNS = ("confidence", "score", "probability", "detection score")


def read_raven(path: Path) -> "pandas.DataFrame":
    """Events of a selection table; ``recording`` is empty where the table names no file.

    Raises:
        TocsinError: a column or a time is missing, or the begins of several files cannot be told apart.
    """
    pandas = pandas_module()
    table = load(path)
    require(table, (BEGIN, END), path)
    by_name = {str(name).strip().lower(): str(name) for name in table.columns}
    file, label, score = (_first(by_name, names) for names in (_FILE_COLUMNS, _LABEL_COLUMNS, _SCORE_COLUMNS))
    begin_s, end_s = to_numbers(table, BEGIN, path), to_numbers(table, END, path)
    events = pandas.DataFrame({"recording": to_text(table[file]) if file else pandas.Series("", index=table.index)})
    if OFFSET in table:
        events["onset_s"] = to_numbers(table, OFFSET, path)
    elif events["recording"].nunique() > 1 and begin_s.is_monotonic_increasing:
        raise TocsinError(
            f"{path}: its begins count on over {events['recording'].nunique()} files and do not say where in each: "
            f"add the measurement {OFFSET} in Raven and save it again"
        )
    else:
        events["onset_s"] = begin_s
    events["offset_s"] = events["onset_s"] + (end_s - begin_s)
    if label:
        events["label"] = to_text(table[label])
    if score:
        events["score"] = to_numbers(table, score, path)
    taken = {BEGIN, END, OFFSET, "View", *(name for name in (file, label, score) if name)}
    events = pandas.concat([events, rest_of(table, taken)], axis=1)
    if "View" in table and "Selection" in table:
        events = events[~events.duplicated(["recording", "Selection", "onset_s", "offset_s"])]
    if label:
        events = events[events["label"] != "nocall"]
    return events.reset_index(drop=True)


def _first(by_name: dict[str, str], wanted: tuple[str, ...]) -> str | None:
    return next((by_name[name] for name in wanted if name in by_name), None)
