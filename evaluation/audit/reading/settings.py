"""What ``audit.yaml`` may say: which tables there are, which of their columns is what, and how to read their words.

A table names its ``file`` and, under ``columns``, for each thing the audit knows the column that holds it; a time may
be joined of a column of dates and one of clock times. A column that has the audit's own name needs no mention.
"""

import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PositiveFloat

WGS_84 = "EPSG:4326"

Severity = Literal["fatal", "injury", "damage", "casings"]
OutcomeWord = Literal["confirmed", "unconfirmed", "unfounded", "not_known"]
SeverityWord = Literal["fatal", "injury", "damage", "casings", "not_known"]
# YAML reads 4 and true as no texts, but a column may be called so and a cell may hold them.
Text = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, bool | int | float) else value)]
Column = Text | None
TimeColumn = Text | list[Text] | None
Words = list[Text]


class Section(BaseModel):
    """A part of the file; a key that it does not know is refused."""

    model_config = ConfigDict(extra="forbid")


class PlacedColumns(Section):
    """Columns of a place: latitude and longitude (WGS 84), or x and y in the ``crs``, or both in one ``place``."""

    latitude: Column = None
    longitude: Column = None
    x: Column = None
    y: Column = None
    place: Column = None
    area: Column = None


class StagedColumns(Section):
    """Columns of the times of an incident's stages."""

    sound_time: TimeColumn = None
    detected_time: TimeColumn = None
    reviewed_time: TimeColumn = None
    published_time: TimeColumn = None
    dispatched_time: TimeColumn = None
    arrived_time: TimeColumn = None


class OutcomeColumns(Section):
    """Columns of what came of an alert, found by its ``alert_id``."""

    alert_id: Column = None
    outcome: Column = None
    complaint: Column = None
    severity: Column = None
    rounds: Column = None
    arrests: Column = None
    guns: Column = None
    casings: Column = None
    officers: Column = None
    minutes_on_scene: Column = None
    shooting_id: Column = None
    call_id: Column = None


class AlertColumns(OutcomeColumns, PlacedColumns, StagedColumns):
    """Columns of alerts."""

    time: TimeColumn = None


class CallColumns(PlacedColumns, StagedColumns):
    """Columns of calls to 911 about gunfire."""

    call_id: Column = None
    time: TimeColumn = None
    outcome: Column = None
    severity: Column = None
    arrests: Column = None
    officers: Column = None
    minutes_on_scene: Column = None
    shooting_id: Column = None


class ShootingColumns(PlacedColumns):
    """Columns of confirmed shootings."""

    shooting_id: Column = None
    time: TimeColumn = None
    severity: Column = None
    contract_eligible: Column = None
    alerted: Column = None
    called: Column = None


class UnitColumns(Section):
    """Columns of the cars that were sent, a row each, found by ``alert_id`` or ``call_id``."""

    alert_id: Column = None
    call_id: Column = None
    dispatched_time: TimeColumn = None
    arrived_time: TimeColumn = None
    cleared_time: TimeColumn = None
    officers: Column = None


class AreaColumns(Section):
    """Columns, or properties in GeoJSON, of areas."""

    area: Column = None
    square_miles: Column = None
    population: Column = None
    treated: Column = None
    start_time: TimeColumn = None
    end_time: TimeColumn = None


class CostColumns(Section):
    """Columns of costs."""

    item: Column = None
    amount: Column = None
    per: Column = None


class TableSettings(Section):
    """A table: its file, beside the YAML; its columns; and what else is needed to read it."""

    file: str
    time_zone: str | None = Field(default=None, description="of its times; that of the audit where not given")
    time_format: str | None = Field(default=None, description="as strptime has it, or epoch; else guessed")
    crs: str | None = Field(default=None, description="of its x and y; that of the audit where not given")
    where: dict[Text, Text | list[Text]] = Field(default={}, description="the words, in a column, of the rows to read")
    evidence: dict[Text, Severity] | list[Text] = Field(
        default=[],
        description="columns of counts, any of which above nought is evidence of gunfire, and of what severity",
    )


class AlertTable(TableSettings):
    """The alerts."""

    columns: AlertColumns = AlertColumns()


class CallTable(TableSettings):
    """The calls."""

    columns: CallColumns = CallColumns()


class ShootingTable(TableSettings):
    """The confirmed shootings."""

    columns: ShootingColumns = ShootingColumns()


class OutcomeTable(TableSettings):
    """What came of the alerts, where another table says it."""

    columns: OutcomeColumns = OutcomeColumns()


class UnitTable(TableSettings):
    """The cars that were sent."""

    columns: UnitColumns = UnitColumns()


class AreaTable(TableSettings):
    """The areas: CSV, Parquet, or GeoJSON with polygons."""

    columns: AreaColumns = AreaColumns()


class CostTable(TableSettings):
    """The costs."""

    columns: CostColumns = CostColumns()


class Area(Section):
    """An area, said in the YAML itself."""

    area: Text
    square_miles: PositiveFloat | None = None
    population: PositiveFloat | None = None
    treated: bool = True
    start_time: Text | datetime.date | None = None
    end_time: Text | datetime.date | None = None


class Cost(Section):
    """A cost, said in the YAML itself."""

    item: Text
    amount: float
    per: Literal["year", "once"] = "year"


class Settings(Section):
    """All that ``audit.yaml`` may say. Days are whole and local, the last one included."""

    mapping: str | None = None
    first_day: datetime.date | None = None
    last_day: datetime.date | None = None
    time_zone: str
    currency: str = "USD"
    crs: str = WGS_84
    notes: list[str] = []
    outcome_words: dict[OutcomeWord, Words] = {}
    severity_words: dict[SeverityWord, Words] = {}
    alerts: list[AlertTable] = []
    calls: list[CallTable] = []
    shootings: list[ShootingTable] = []
    outcomes: list[OutcomeTable] = []
    units: list[UnitTable] = []
    areas: AreaTable | list[Area] = []
    costs: CostTable | list[Cost] = []
