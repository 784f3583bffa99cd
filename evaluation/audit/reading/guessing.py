"""A first ``audit.yaml`` for an analyst's tables, guessed from their names and first rows; what is doubtful is said so.

The text is read at once by :func:`tocsin.evaluation.audit.reading.records_reader.read_records`. Each guess carries its
reason as a comment, and a line whose guess may be wrong ends with ``UNSURE``.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tocsin import TocsinError
from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.audit.reading.guessed_columns import evidence_columns, fits, guess_columns, kind_of
from tocsin.evaluation.audit.reading.guessed_words import outcome_words, severity_words
from tocsin.evaluation.audit.reading.source import read_source
from tocsin.evaluation.audit.reading.times import likely_formats

if TYPE_CHECKING:
    import pandas

UNSURE = "UNSURE"
_ROWS = 2000
_ZONES = ((-85.0, "America/New_York"), (-101.0, "America/Chicago"), (-114.0, "America/Denver"))


def guess_mapping(paths: Sequence[Path]) -> str:
    """The text of an ``audit.yaml`` for tables in one folder, with what was guessed and how sure that is.

    Args:
        paths: of the tables, CSV or Parquet, or GeoJSON of areas; what each is of is told by its name.

    Raises:
        TocsinError: a table cannot be read, no table is given, or none has a column of times.
    """
    if not paths:
        raise TocsinError("no table is given: type `tocsin audit init alerts.csv calls.csv`")
    head, parts, longitudes = [], [], []
    words: dict[str, dict[str, list[str]]] = {"outcome": {}, "severity": {}}
    timed = False
    of_kind: dict[str, list[list[str]]] = {}
    for path in paths:
        kind, sure = kind_of(path)
        if path.suffix.lower() in (".geojson", ".json"):
            of_kind.setdefault("areas", []).append([f"file: {_quoted(path.name)}"])
            continue
        frame = read_source(path, rows=_ROWS)
        lines = [f"file: {_quoted(path.name)}" + ("" if sure else f"  # {UNSURE}: the name does not say of what it is")]
        columns = guess_columns(frame, kind)
        timed |= "time" in columns
        lines += [*_column_lines(frame, columns), *_evidence_lines(frame, kind, columns)]
        of_kind.setdefault(kind, []).append(lines)
        if "longitude" in columns:
            pandas = pandas_module("`tocsin audit`")
            longitudes.append(float(pandas.to_numeric(frame[columns["longitude"][0]], errors="coerce").median()))
        for key, guess in (("outcome", outcome_words), ("severity", severity_words)):
            if key in columns:
                for ours, theirs in guess(frame[columns[key][0]].unique()).items():
                    words[key].setdefault(ours, []).extend(
                        word for word in theirs if word not in words[key].get(ours, [])
                    )
    if not timed:
        raise TocsinError(f"{', '.join(path.name for path in paths)}: none has a column that looks like times")
    head += ["# Guessed by `tocsin audit init` from the names and the first rows of the tables: check each line, those"]
    head += [f"# that end with {UNSURE} first.", *_zone_lines(longitudes)]
    head += ["# first_day: 2023-01-01  # else the day of the first row", "# last_day: 2023-12-31"]
    for key, of in words.items():
        head += _word_lines(f"{key}_words", of)
    for kind, tables in of_kind.items():
        single = kind in ("areas", "costs")
        for table in tables[:1] if single else []:
            parts += ["", f"{kind}:", *(f"  {line}" for line in table)]
        if not single:
            parts += ["", f"{kind}:"]
            for table in tables:
                parts += [f"  - {table[0]}", *(f"    {line}" for line in table[1:])]
    if "costs" not in of_kind:
        parts += ["", "# costs:", "#   - {item: the contract, amount: 100000, per: year}"]
    if "areas" not in of_kind:
        parts += ["", "# areas:", "#   - {area: all of it, square_miles: 3, population: 20000}"]
    return "\n".join(head + parts) + "\n"


def _column_lines(frame: "pandas.DataFrame", columns: Mapping[str, list[str]]) -> list[str]:
    """Lines of a table's columns and, where they are in doubt, of its times."""
    lines, doubtful = ["columns:"], []
    for key, names in columns.items():
        if key in ("x", "y") and not fits(frame[names[0]], "longitude"):
            doubtful.append(f"  # {key}: {_quoted(names[0])}  # {UNSURE}: say in which crs, such as `crs: EPSG:2264`")
            continue
        example = next((cell for cell in frame[names[-1]] if cell), "")
        value = _quoted(names[0]) if len(names) == 1 else f"[{', '.join(_quoted(name) for name in names)}]"
        lines.append(f"  {key}: {value}  # such as {_short(example)}")
    lines += doubtful
    if len(lines) == 1:
        return [f"# columns:  # {UNSURE}: none of {', '.join(frame.columns)} is known"]
    if "time" in columns:
        cells = frame[columns["time"][0]]
        for name in columns["time"][1:]:
            cells = cells + " " + frame[name]
        likely = likely_formats(cells[cells != ""])
        if len(likely) > 1:
            lines.append(f"time_format: {_quoted(likely[0])}  # {UNSURE}: may be {_quoted(likely[1])}")
        if columns["time"][0].lower().endswith("utc"):
            lines.append(f"# time_zone: UTC  # {UNSURE}: its name says so; not if most of its times are about midnight")
    others = [name for name in frame.columns if name not in {name for of in columns.values() for name in of}]
    return [*lines, f"# kept as they are: {', '.join(others)}"] if others else lines


def _evidence_lines(frame: "pandas.DataFrame", kind: str, columns: Mapping[str, list[str]]) -> list[str]:
    """What may stand for an outcome that no column says, as a comment: whether it does is for the analyst to say."""
    found = evidence_columns(frame)
    if not found or "outcome" in columns or kind not in ("alerts", "outcomes", "shootings"):
        return []
    pairs = ", ".join(f"{_quoted(column)}: {severity}" for column, severity in found.items())
    lines = [f"# evidence: {{{pairs}}}  # {UNSURE}: is a row with any of these above nought confirmed?"]
    if "alerted" in columns:
        name = _quoted(columns["alerted"][0])
        lines.append(f'# The alerts in it may be read too: name it under alerts, with `where: {{{name}: "True"}}`.')
    return lines


def _zone_lines(longitudes: Sequence[float]) -> list[str]:
    known = [longitude for longitude in longitudes if -125 < longitude < -66]
    if not known:
        return [f"time_zone: America/New_York  # {UNSURE}: the tables do not say in which zone their times are"]
    zone = next((name for west, name in _ZONES if known[0] > west), "America/Los_Angeles")
    return [f"time_zone: {zone}  # {UNSURE}: by the longitudes; the times may be in another zone, such as UTC"]


def _word_lines(key: str, words: Mapping[str, Sequence[str]]) -> list[str]:
    filled = {ours: theirs for ours, theirs in words.items() if theirs}
    if not filled:
        return []
    lines = [f"{key}:"]
    for ours, theirs in filled.items():
        doubt = f"  # {UNSURE}: what do these mean?" if ours == "not_known" else f"  # {UNSURE}: by the words alone"
        lines.append(f"  {ours}: [{', '.join(_quoted(word) for word in theirs)}]{doubt}")
    return lines


def _quoted(text: str) -> str:
    """A scalar of YAML: as it is where it is a plain word, else as JSON writes it."""
    plain = re.fullmatch(r"[A-Za-z_][\w.-]*( [A-Za-z_][\w-]*)*", text)
    is_word = text.lower() in ("true", "false", "yes", "no", "on", "off", "y", "n", "null")
    return text if plain and not is_word else json.dumps(text, ensure_ascii=False)


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= 40 else one_line[:39] + "…"
