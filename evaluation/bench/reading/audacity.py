"""Audacity label tracks as events.

A line a label: start, end and text, divided by tabs; a second line that begins with a backslash may give a range of
frequencies (Audacity Manual, "Importing and Exporting Labels"). ``tocsin detect`` writes a probability behind the label
(``gunshot 0.930``), BirdNET-Analyzer a confidence in a fourth column (its function ``generate_audacity``).
"""

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from tocsin import TocsinError
from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.bench.reading.tables import to_numbers, to_text

if TYPE_CHECKING:
    import pandas

_SCORED = r"^(?P<label>.*?)\s+(?P<score>[01](?:\.\d+)?)$"


def read_audacity(path: Path) -> "pandas.DataFrame":
    """Events of a label track; ``recording`` is empty, for a track does not say of what it is.

    Raises:
        TocsinError: it cannot be read, or a time is no number.
    """
    pandas = pandas_module()
    names = ["start", "end", "text", "score", "beyond"]
    try:
        lines = pandas.read_csv(
            path, sep="\t", header=None, names=names, index_col=False, dtype=str, quoting=csv.QUOTE_NONE,
            keep_default_na=False, na_values=[""], encoding="utf-8-sig", skip_blank_lines=False,
        )  # fmt: skip
    except pandas.errors.EmptyDataError:
        lines = pandas.DataFrame({name: pandas.Series(dtype=str) for name in names})
    except OSError as error:
        raise TocsinError(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, pandas.errors.ParserError) as error:
        raise TocsinError(f"{path} cannot be read as an Audacity label track: {str(error).strip()}") from error
    kept = lines["start"].notna() & ~lines["start"].str.startswith("\\", na=False)
    for name in ("start", "end"):
        # With the lines between, so that a wrong time is named by its line; an empty one is wrong, too.
        lines[name] = to_numbers(lines.assign(**{name: lines[name].fillna("nothing").where(kept, "")}), name, path, 1)
    lines = lines[kept].reset_index(drop=True)
    text = to_text(lines["text"])
    events = pandas.DataFrame(
        {"recording": pandas.Series("", index=lines.index), "onset_s": to_numbers(lines, "start", path)}
    )
    events["offset_s"] = to_numbers(lines, "end", path)
    if lines["score"].notna().any():
        # "Scientific name, Common name" of BirdNET-Analyzer.
        events["label"] = text.str.rpartition(", ")[2] if len(text) else text
        events["score"] = to_numbers(lines, "score", path, first_row=1)
        return events
    # Each text once: they are few among many.
    codes, texts = pandas.factorize(text)
    found = pandas.Series(texts, dtype=object).astype(str).str.extract(_SCORED)
    # Only a track in which every label has a number has scores: "position 1" is a name.
    if len(text) and found["score"].notna().all():
        events["label"] = found["label"].to_numpy()[codes]
        events["score"] = found["score"].astype(float).to_numpy()[codes]
    else:
        events["label"] = text
    return events
