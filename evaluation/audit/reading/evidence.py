"""Evidence of gunfire by what was counted at the scene, where no word of an outcome was entered."""

from typing import TYPE_CHECKING

from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.audit.reading.context import Context
from tocsin.evaluation.audit.reading.settings import TableSettings
from tocsin.evaluation.audit.reading.values import read_numbers
from tocsin.evaluation.audit.records import CONFIRMED, SEVERITIES, UNCONFIRMED

if TYPE_CHECKING:
    import pandas


def read_evidence(context: Context, table: TableSettings, frame: "pandas.DataFrame") -> "pandas.DataFrame":
    """``outcome`` and ``severity`` of each row by the columns of its table's ``evidence``.

    A row is confirmed where any of the counts is above nought, its severity the worst of those; it is unconfirmed where
    all of them are entered and nought; and nothing is known where some are empty and none is above nought.
    """
    pandas = pandas_module("`tocsin audit`")
    severity_of = table.evidence if isinstance(table.evidence, dict) else dict.fromkeys(table.evidence, "")
    found = pandas.DataFrame(index=frame.index)
    entered = pandas.Series(True, index=frame.index)
    for column in severity_of:
        context.need(table, frame.columns, column, "evidence")
        counts = read_numbers(context, table, frame[column], column)
        found[column], entered = counts > 0, entered & counts.notna()
    some = found.any(axis=1)
    outcome = pandas.Series("", index=frame.index, dtype=str).mask(some, CONFIRMED).mask(~some & entered, UNCONFIRMED)
    severity = pandas.Series("", index=frame.index, dtype=str)
    for name in reversed(SEVERITIES):
        for column in (column for column, of in severity_of.items() if of == name):
            severity = severity.mask(found[column], name)
    columns = ", ".join(severity_of)
    context.notes.append(
        f"{table.file}: evidence is a count above nought in {columns}; none where all are entered and nought, and not "
        f"known where not ({int((outcome == '').sum())} of {len(frame)} rows)"
    )
    return pandas.DataFrame({"outcome": outcome, "severity": severity})
