"""Alerts, calls, shootings and what came of alerts: tables of a city to those of the records."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.audit.reading.context import Context
from tocsin.evaluation.audit.reading.evidence import read_evidence
from tocsin.evaluation.audit.reading.ids import one_row_a_shooting, read_ids, without_repeats
from tocsin.evaluation.audit.reading.places import read_places
from tocsin.evaluation.audit.reading.settings import TableSettings
from tocsin.evaluation.audit.reading.times import NO_TIME, SKIPPED, TWICE, is_epoch, to_utc
from tocsin.evaluation.audit.reading.values import FLAGS, NUMBERS, read_flags, read_numbers, read_words
from tocsin.evaluation.audit.records import CONFIRMED

if TYPE_CHECKING:
    import pandas

ID_OF = {"alerts": "alert_id", "calls": "call_id", "shootings": "shooting_id"}
# Columns that every table has, filled or not, in this order; what they hold when there is nothing.
_PLACED = {"latitude": float, "longitude": float, "area": str}
NEEDED: Mapping[str, Mapping[str, Any]] = {
    "alerts": {"alert_id": str, "time_utc": "datetime64[us, UTC]", "outcome": str, **_PLACED},
    "calls": {"call_id": str, "time_utc": "datetime64[us, UTC]", "outcome": str, **_PLACED},
    "shootings": {"shooting_id": str, "time_utc": "datetime64[us, UTC]", "severity": str, **_PLACED},
}
_WORDS = ("outcome", "severity")


def read_events(context: Context, kind: str, tables: Sequence[TableSettings]) -> "pandas.DataFrame":
    """Rows of all the tables of a kind (``alerts``, ``calls`` or ``shootings``), in the order of time.

    Rows without a time are left out, and complained of; so are rows whose name stood before, except of shootings.

    Raises:
        TocsinError: a table or a column of it cannot be read.
    """
    pandas = pandas_module("`tocsin audit`")
    frames = [pandas.DataFrame({name: pandas.Series(dtype=of) for name, of in NEEDED[kind].items()})]
    for number, table in enumerate(tables):
        raw = context.open(table)
        chosen = context.chosen(table, raw)
        frame = read_columns(context, table, raw, chosen)
        names = chosen.get(ID_OF[kind])
        frame[ID_OF[kind]] = read_ids(context, table, raw, names[0] if names else None, number)
        if table.evidence:
            frame = frame.drop(columns=list(_WORDS), errors="ignore").join(read_evidence(context, table, raw))
            if kind == "shootings":
                frame = frame[frame["outcome"] == CONFIRMED].drop(columns="outcome")
        context.require(table, raw.columns, chosen, "time")
        texts = _joined(raw, chosen["time"])
        context.complain(table, frame["time_utc"].isna(), NO_TIME, texts, kept=False)
        frame = frame[frame["time_utc"].notna()]
        if kind != "shootings":
            frame = without_repeats(context, table, frame, ID_OF[kind], frames[1:])
        frames.append(_with_others(frame, raw, chosen, NEEDED[kind]))
    events = pandas.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
    for name in events.columns:
        if NEEDED[kind].get(name) is str or pandas.api.types.is_string_dtype(events[name].dtype):
            events[name] = events[name].astype(object).fillna("").astype(str)
    events = events.astype(dict(NEEDED[kind]))
    if kind == "shootings" and len(events):
        events = one_row_a_shooting(context, events)
    order = [*NEEDED[kind], *(name for name in events.columns if name not in NEEDED[kind])]
    return events[order].sort_values(["time_utc", ID_OF[kind]], kind="stable", ignore_index=True)


def read_columns(
    context: Context, table: TableSettings, raw: "pandas.DataFrame", chosen: Mapping[str, list[str]]
) -> "pandas.DataFrame":
    """The columns of a table that are known, each read as what it is; index as of ``raw``."""
    words = {"outcome": context.settings.outcome_words, "severity": context.settings.severity_words}
    columns: dict[str, Any] = {}
    for key, names in chosen.items():
        cells = raw[names[0]]
        if key.endswith("time"):
            columns[f"{key}_utc"] = read_times(context, table, raw, key, names)
        elif key in NUMBERS:
            columns[key] = read_numbers(context, table, cells, key)
        elif key in FLAGS:
            columns[key] = read_flags(context, table, cells, key)
        elif key in _WORDS:
            columns[key] = read_words(context, table, cells, key, words[key])  # type: ignore[arg-type]
        elif key not in ("latitude", "longitude", "x", "y", "place"):
            columns[key] = cells
    pandas = pandas_module("`tocsin audit`")
    frame = pandas.DataFrame(columns, index=raw.index)
    return frame.join(read_places(context, table, raw, chosen))


def read_times(
    context: Context, table: TableSettings, raw: "pandas.DataFrame", key: str, names: Sequence[str]
) -> "pandas.Series":
    """Times in UTC of one column, or of several joined with a space; where they are not plain, that is said."""
    texts = _joined(raw, names)
    if len(names) > 1:
        # A date alone would be read as midnight.
        texts = texts.where((raw[[*names]] != "").all(axis=1), "")
    zone = "UTC" if names[0] == f"{key}_utc" else table.time_zone or context.settings.time_zone
    where = f"{context.folder / table.file}, {' and '.join(names)}"
    times = to_utc(texts, zone, table.time_format, where)
    if len(texts) and not texts.str.contains(":").any() and not is_epoch(texts[texts != ""]):
        context.notes.append(f"{table.file}: {key} has no clock times, only days: read as midnight, of little use here")
    if key != "time":
        context.complain(table, times.bad, f"its {key} is no time; read as none", texts, kept=True)
    context.complain(table, times.skipped, SKIPPED, texts, kept=True)
    context.complain(table, times.twice, TWICE, texts, kept=True)
    return times.utc


def _joined(raw: "pandas.DataFrame", names: Sequence[str]) -> "pandas.Series":
    texts = raw[names[0]]
    for name in names[1:]:
        texts = texts + " " + raw[name]
    return texts


def _with_others(
    frame: "pandas.DataFrame", raw: "pandas.DataFrame", chosen: Mapping[str, list[str]], needed: Collection[str]
) -> "pandas.DataFrame":
    """With those columns of the file that were not read as anything, and do not have a name of something else."""
    used = {name for names in chosen.values() for name in names}
    others = [name for name in raw.columns if name not in used and name not in frame.columns and name not in needed]
    return frame.join(raw[others])
