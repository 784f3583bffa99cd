"""Names of rows: those of the table, and rows of which the same name stands more than once."""

from typing import TYPE_CHECKING

from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.audit.reading.context import Context
from tocsin.evaluation.audit.reading.settings import TableSettings
from tocsin.evaluation.audit.records import SEVERITIES

if TYPE_CHECKING:
    import pandas


def read_ids(
    context: Context, table: TableSettings, frame: "pandas.DataFrame", column: str | None, number: int
) -> "pandas.Series":
    """The name of each row, made of the row where the table has none; ``number`` is that of the table of its kind."""
    pandas = pandas_module("`tocsin audit`")
    prefix = "row " if number == 0 else f"table {number + 1} row "
    if column is None:
        return pandas.Series([f"{prefix}{row}" for row in frame.index], index=frame.index, dtype=str)
    cells = frame[column].copy()
    context.complain(table, cells == "", f"its {column} is empty; named by its row", None, kept=True)
    empty = cells.index[cells == ""]
    cells[empty] = [f"{prefix}{row}" for row in empty]
    return cells


def without_repeats(
    context: Context, table: TableSettings, frame: "pandas.DataFrame", key: str, before: "list[pandas.DataFrame]"
) -> "pandas.DataFrame":
    """Rows less those whose name stands in a row before, here or in a table before."""
    again = frame[key].duplicated()
    for other in before:
        again |= frame[key].isin(other[key])
    context.complain(table, again, f"its {key} stands in a row before", frame[key], kept=False)
    return frame[~again]


def one_row_a_shooting(context: Context, frame: "pandas.DataFrame") -> "pandas.DataFrame":
    """Rows of the same shooting, as of its victims, as one: the first of them, with the worst severity of all.

    ``rows`` says how many there were.
    """
    worst_first = frame["severity"].map({name: place for place, name in enumerate(SEVERITIES)}).fillna(len(SEVERITIES))
    order = frame.assign(_worst=worst_first).sort_values("time_utc", kind="stable")
    grouped = order.groupby("shooting_id", sort=False)
    merged = order.drop_duplicates("shooting_id").set_index("shooting_id")
    worst = grouped["_worst"].min().astype(int).map(dict(enumerate((*SEVERITIES, ""))))
    merged = merged.assign(severity=worst, rows=grouped.size()).reset_index().drop(columns="_worst")
    if len(merged) < len(frame):
        context.notes.append(
            f"shootings: {len(frame)} rows are of {len(merged)} shootings: rows of the same shooting_id are one, with "
            "its first time and its worst severity"
        )
    return merged
