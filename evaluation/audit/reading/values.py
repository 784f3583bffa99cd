"""Cells that hold a word, a number, or true and false; what is none of these is complained of, and read as empty."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.audit.reading.context import Context
from tocsin.evaluation.audit.reading.settings import TableSettings
from tocsin.evaluation.audit.records import OUTCOMES, SEVERITIES

if TYPE_CHECKING:
    import pandas

NUMBERS = ("rounds", "arrests", "guns", "casings", "officers", "minutes_on_scene", "square_miles", "population")
FLAGS = ("complaint", "contract_eligible", "alerted", "called", "treated")
_TRUE, _FALSE = ("true", "yes", "y", "t", "1", "1.0"), ("false", "no", "n", "f", "0", "0.0")


def read_words(
    context: Context, table: TableSettings, cells: "pandas.Series", key: str, words: Mapping[str, Sequence[str]]
) -> "pandas.Series":
    """The audit's word for each of the city's, ``""`` where it has none.

    Args:
        context: takes the complaints.
        table: whose cells they are.
        cells: texts.
        key: ``outcome`` or ``severity``.
        words: the city's for each of the audit's, ``not_known`` among them; capitals do not matter. The audit's own
            words need no mention.
    """
    own = OUTCOMES if key == "outcome" else SEVERITIES
    meaning = {word: word for word in own} | {"": ""}
    for ours, theirs in words.items():
        meaning |= {_folded(word): "" if ours == "not_known" else ours for word in theirs}
    # Few words stand in many cells.
    of_cell = {cell: meaning.get(_folded(cell)) for cell in cells.unique()}
    read = cells.map(of_cell)
    context.complain(table, read.isna(), f"its {key} is none of {key}_words; read as not known", cells, kept=True)
    return read.fillna("").astype(str)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def read_numbers(context: Context, table: TableSettings, cells: "pandas.Series", key: str) -> "pandas.Series":
    """Numbers of nought or more, NaN where there is none; marks of thousands and money are passed over."""
    pandas = pandas_module("`tocsin audit`")
    read = pandas.to_numeric(cells.str.replace(r"[,$€£\s]", "", regex=True), errors="coerce").astype(float)
    read = read.where(read >= 0)
    context.complain(table, read.isna() & (cells != ""), f"its {key} is no number; read as none", cells, kept=True)
    return read


def read_flags(context: Context, table: TableSettings, cells: "pandas.Series", key: str) -> "pandas.Series":
    """True and false, NA where the cell is empty."""
    words = cells.str.casefold()
    read = words.map(dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False)).astype("boolean")
    what = f"its {key} is neither true nor false; read as not known"
    context.complain(table, read.isna() & (cells != ""), what, cells, kept=True)
    return read
