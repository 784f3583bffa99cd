"""The heartbeat: what a sensor says of itself every minute, as a message; the metrics are the same figures."""

import dataclasses
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from tocsin import __version__
from tocsin.inference.field_types import Finite, Probability, Sigma, Text, UtcTime
from tocsin.inference.sensor.health import Fault, SoundFigures
from tocsin.inference.sensor.machine import MachineFigures

SCHEMA_VERSION = 1

Label = Literal["gunshot", "fireworks", "backfire", "impulse", "background"]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Heartbeat(BaseModel):
    """The state of one sensor. Fields that nobody could tell are left out of its JSON; unknown ones are kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    schema_version: Annotated[int, Field(ge=1, le=SCHEMA_VERSION)] = Field(
        default=SCHEMA_VERSION, description="of this message, 1"
    )
    sensor_id: Annotated[Text, Field(min_length=1)] = Field(description="name of the sensor")
    time_utc: UtcTime = Field(description="when it was said, by the system's clock")
    software: Text = Field(default=f"tocsin {__version__}", description="what says it, with its version")
    uptime_s: NonNegative = Field(description="seconds since it began to listen")
    faults: tuple[Fault, ...] = Field(
        default=(),
        description="what is wrong with the sound now: no_sound, hears_nothing, clips, constant_tone; mostly empty",
    )
    level_dbfs: Finite | None = Field(
        default=None, description="root mean square of the last minute, dB re full scale; -200 for digital silence"
    )
    noise_floor_dbfs: Finite | None = Field(
        default=None, description="level that nine tenths of the last five minutes exceed, dB re full scale"
    )
    clipped_share: Probability | None = Field(
        default=None, description="of the samples of the last five minutes at full scale, 0 … 1"
    )
    dropouts: NonNegativeInt = Field(default=0, description="how often samples were missing since it began")
    lost_samples: NonNegativeInt = Field(default=0, description="how many were, as far as the source can tell")
    block_age_s: NonNegative | None = Field(default=None, description="seconds since samples came")
    clock_source: Text | None = Field(default=None, description="what sets the system's clock, as in detections")
    clock_sigma_s: Sigma | None = Field(
        default=None, description="standard deviation of the time of onsets, seconds, as in detections"
    )
    sample_rate_error_ppm: Finite | None = Field(
        default=None, description="how much faster than its nominal rate the converter runs, parts per million"
    )
    temperature_c: Finite | None = Field(default=None, description="of the warmest part that tells it, °C")
    disk_free_bytes: NonNegativeInt | None = Field(default=None, description="where the outbox and clips lie")
    memory_used_bytes: NonNegativeInt | None = Field(default=None, description="resident, of this process")
    memory_available_bytes: NonNegativeInt | None = Field(
        default=None, description="what the machine could still give without swapping"
    )
    broker_connected: bool | None = Field(default=None, description="whether the broker can be reached")
    outbox_queued: NonNegativeInt | None = Field(
        default=None, description="detections that the broker has not acknowledged"
    )
    outbox_bytes: NonNegativeInt | None = Field(default=None, description="size of the outbox")
    outbox_dropped: NonNegativeInt | None = Field(
        default=None, description="detections dropped because the outbox was full"
    )
    detections: dict[Label, NonNegativeInt] = Field(
        default={}, description="how many bangs since it began, by the likeliest class"
    )
    last_detection_time_utc: UtcTime | None = Field(default=None, description="onset of the latest gunshot or bang")
    clips_kept: NonNegativeInt | None = Field(default=None, description="clips of sound on the disk")
    log_head: Text | None = Field(
        default=None,
        description="number and hash of the latest line of the chained log; a log cut short does not lead to it",
    )

    def to_json(self) -> str:
        """One line of JSON, without the fields that are not known."""
        return self.model_dump_json(exclude_none=True)


def make_heartbeat(
    sensor_id: str, time_s: float, uptime_s: float, sound: SoundFigures, machine: MachineFigures, **others: Any
) -> Heartbeat:
    """The heartbeat of figures that were just read.

    Args:
        sensor_id: name of the sensor.
        time_s: the system's clock, seconds since 1970.
        uptime_s: seconds since it began to listen.
        sound: of :meth:`~tocsin.inference.sensor.health.SoundHealth.figures`.
        machine: of :func:`~tocsin.inference.sensor.machine.read_machine`.
        others: further fields of :class:`Heartbeat`: of clock, outbox, detections and log.

    Raises:
        TypeError: a field of ``others`` is none of a heartbeat.
        pydantic.ValidationError: a value does not fit.
    """
    unknown = set(others) - set(Heartbeat.model_fields)
    if unknown:
        raise TypeError(f"a heartbeat has no {', '.join(sorted(unknown))}")
    return Heartbeat(
        sensor_id=sensor_id,
        time_utc=datetime.fromtimestamp(time_s, UTC),
        uptime_s=uptime_s,
        **dataclasses.asdict(sound),
        **dataclasses.asdict(machine),
        **others,
    )


def heartbeat_table() -> str:
    """The fields as a table in markdown, for the reference."""
    rows = [f"| `{name}` | {field.description} |" for name, field in Heartbeat.model_fields.items()]
    return "\n".join(["| field | what |", "|---|---|", *rows]) + "\n"
