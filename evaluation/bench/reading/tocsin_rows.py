"""Rows of ``tocsin detect`` as events: of a file (``path,onset_s,…``) or of a sensor (``sensor_id,onset_time_utc,…``).

As CSV, JSON lines, Parquet, or a folder of Parquet partitioned by ``sensor_id=…/date=…``. The score of a row is the
probability of the target, whatever class the row is called.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from tocsin import TocsinError
from tocsin.data.dataframes import arrow_module, pandas_module
from tocsin.evaluation.bench.reading.tables import load, require, rest_of, to_numbers, to_text

if TYPE_CHECKING:
    import pandas


def read_tocsin(path: Path, target: str) -> "pandas.DataFrame":
    """Events of files. Raises ``TocsinError`` where a column or a number is missing, the target's among them."""
    return _events(load(path), path, target, "path")


def read_sensor_detections(path: Path, target: str) -> "pandas.DataFrame":
    """Events of sensors: ``sensor_id`` and ``onset_time_utc`` (UTC) in place of ``recording`` and ``onset_s``.

    Raises:
        TocsinError: a column, a time or a number is missing, the target's probability among them.
    """
    pandas = pandas_module()
    table = load(path)
    require(table, ("sensor_id", "onset_time_utc", target), path)
    try:
        times = pandas.to_datetime(table["onset_time_utc"], utc=True, format="ISO8601")
    except ValueError as error:
        raise TocsinError(f"{path}: onset_time_utc holds no time such as 2018-12-19T00:49:20.5Z: {error}") from None
    events = pandas.DataFrame({"sensor_id": to_text(table["sensor_id"]), "onset_time_utc": times})
    events["score"] = to_numbers(table, target, path)
    return pandas.concat([events, rest_of(table, set(events.columns))], axis=1)


def read_parquet_folder(path: Path, target: str) -> "pandas.DataFrame":
    """Events of a folder of Parquet; what the names of its folders say (``sensor_id=…``) is text.

    Raises:
        TocsinError: there is none in it, or it is not as one file of such rows is.
    """
    pandas_module()
    arrow, dataset = arrow_module("pyarrow"), arrow_module("pyarrow.dataset")
    files = sorted(path.rglob("*.parquet"))
    if not files:
        raise TocsinError(f"{path} holds no Parquet: expected files that end in .parquet")
    try:
        inside = arrow_module("pyarrow.parquet").read_schema(files[0]).names
        said = [part.partition("=")[0] for part in files[0].relative_to(path).parts[:-1] if "=" in part]
        fields = arrow.schema([(name, arrow.string()) for name in said if name not in inside])
        hive = dataset.partitioning(fields, flavor="hive") if fields.names else None
        # Only what ends so: a journal may lie beside.
        table = dataset.dataset([str(file) for file in files], format="parquet", partitioning=hive).to_table()
    except (arrow.ArrowException, OSError) as error:
        raise TocsinError(f"{path} cannot be read as Parquet: {error}") from error
    return _events(table.to_pandas(), path, target, "path")


def _events(table: "pandas.DataFrame", path: Path, target: str, named: str) -> "pandas.DataFrame":
    pandas = pandas_module()
    require(table, (named, "onset_s", target), path)
    events = pandas.DataFrame({"recording": to_text(table[named]), "onset_s": to_numbers(table, "onset_s", path)})
    events["score"] = to_numbers(table, target, path)
    if "label" in table:
        events["label"] = to_text(table["label"])
    return pandas.concat([events, rest_of(table, {named})], axis=1)
