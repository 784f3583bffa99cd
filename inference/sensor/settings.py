"""What can be set of a sensor, section by section; the descriptions are those of the file that ``--init`` writes."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from tocsin import TocsinError
from tocsin.inference.field_types import Finite, Probability, Text, UtcTime
from tocsin.inference.mqtt import ADDRESS_EXPECTED, DEFAULT_SITE, BrokerAddress, is_level, read_password
from tocsin.inference.sensor.privacy.clips import MAX_CLIP_S, MAX_KEEP_HOURS


def _topic_level(name: str) -> str:
    if not name:
        raise ValueError("it is empty, where a name was expected")
    if not is_level(name):
        raise ValueError("expected a name without / + # and not begun by $, for it becomes part of a topic")
    return name


def _broker_url(url: str) -> str:
    if "@" in url:
        raise ValueError("expected an address alone: the name goes into username, the password into password_file")
    try:
        BrokerAddress.parse(url)
    except TocsinError:  # it shows what was given, and somebody may have given a password
        raise ValueError(ADDRESS_EXPECTED) from None
    return url


TopicLevel = Annotated[Text, Field(max_length=64), AfterValidator(_topic_level)]


class Section(BaseModel):
    """A section of the file: nothing in it goes unread, and it does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class SensorSettings(Section):
    """Who hears, and from where. A wrong position makes wrong places of every incident."""

    id: TopicLevel = Field(description="name of this sensor, of which a site has no second", examples=["roof-1"])
    channel: Annotated[int, Field(ge=1, le=64)] | None = Field(
        default=None, description="the channel that it hears, counted from 1; not given: the mean of all", examples=[1]
    )
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = Field(
        default=None, description="WGS 84, degrees, to six places; or x_m and y_m instead", examples=[40.441]
    )
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = Field(
        default=None, description="WGS 84, degrees, to six places", examples=[-79.996]
    )
    elevation_m: Finite | None = Field(default=None, description="metres above the sea", examples=[231.0])
    x_m: Finite | None = Field(
        default=None, description="metres in the frame of the site; or latitude", examples=[12.0]
    )
    y_m: Finite | None = Field(default=None, description="metres in the frame of the site", examples=[-3.5])
    z_m: Finite | None = Field(default=None, description="metres, upwards", examples=[6.0])
    position_sigma_m: Annotated[float, Field(ge=0, le=1e6)] = Field(
        default=1.0, description="standard deviation of the position along each axis, metres"
    )
    clock_sigma_s: Annotated[float, Field(ge=0, le=1e3)] | None = Field(
        default=None,
        description="standard deviation of the clock of files whose start is stated, seconds; what is heard live tells "
        "its own",
        examples=[0.001],
    )
    full_scale_dbspl: Finite | None = Field(
        default=None,
        description="sound pressure level of full scale, dB re 20 µPa, where the microphone is calibrated",
        examples=[120.0],
    )

    @model_validator(mode="after")
    def _placed(self) -> Self:
        if None in (self.latitude, self.longitude) and None in (self.x_m, self.y_m):
            raise ValueError("a position is needed: latitude and longitude, or x_m and y_m")
        return self


class SourceSettings(Section):
    """Where the sound comes from."""

    address: SecretStr = Field(
        default=SecretStr("device:"),
        description="device: for the sound card that the system takes, device:NAME or device:NUMBER of --list-devices, "
        "- for raw samples on standard input, a file or folder, watch:FOLDER, or rtsp://CAMERA/stream, http:// …",
    )
    sample_rate: Annotated[int, Field(ge=1000, le=768_000)] | None = Field(
        default=None, description="Hz; not given: that of the source. Raw samples need it", examples=[48000]
    )
    channels: Annotated[int, Field(ge=1, le=64)] | None = Field(
        default=None, description="how many; not given: all that the source has. Raw samples need it", examples=[1]
    )
    coding: Literal["s16le", "s24le", "s32le", "f32le"] = Field(default="s16le", description="of raw samples alone")
    latency_s: Annotated[float, Field(ge=0, le=10)] = Field(
        default=0.0, description="how long after it was in the air a sample arrives at the earliest, seconds"
    )
    start_time_utc: UtcTime | None = Field(
        default=None, description="when the one file began", examples=["2026-01-01T00:00:00Z"]
    )
    real_time: bool = Field(default=False, description="whether a file is heard as slowly as a microphone")


class ModelSettings(Section):
    """What tells a gunshot from other bangs."""

    name: Text = Field(default="tocsin-l", min_length=1, description="tocsin-l, -m, -s (smaller), or an .onnx file")
    threshold: Probability | None = Field(
        default=None,
        description="probability from which a bang is called a gunshot; not given: that of the model",
        examples=[0.5],
    )


class BrokerSettings(Section):
    """Where detections go: an MQTT 5 broker. Without a url nothing is sent."""

    url: Annotated[str, AfterValidator(_broker_url)] | None = Field(
        default=None,
        description="mqtts:// (port 8883) or, without encryption, mqtt:// (1883)",
        examples=["mqtts://broker.example.org"],
    )
    site: TopicLevel = Field(default=DEFAULT_SITE, description="name of the site, part of every topic")
    username: Text | None = Field(default=None, description="as the broker knows this sensor", examples=["roof-1"])
    password_file: Path | None = Field(
        default=None, description="a file that holds the password alone", examples=["/etc/tocsin/broker_password"]
    )
    password: SecretStr | None = Field(
        default=None,
        description="better left to password_file, or to the variable TOCSIN_BROKER__PASSWORD",
        examples=["…"],
    )
    ca_file: Path | None = Field(
        default=None,
        description="certificates that the broker's is checked against; not given: those of the system",
        examples=["/etc/tocsin/ca.pem"],
    )
    cert_file: Path | None = Field(
        default=None, description="a certificate to log in with, and its key", examples=["/etc/tocsin/sensor.pem"]
    )
    key_file: Path | None = Field(default=None, description="the key of cert_file", examples=["/etc/tocsin/sensor.key"])
    publish: Literal["all", "gunshots"] = Field(
        default="all",
        description="all: every bang from from_probability on, which the fusion weighs; gunshots: those alone",
    )
    from_probability: Probability = Field(
        default=0.05, description="least probability of a gunshot at which a bang is published"
    )
    home_assistant: bool = Field(default=False, description="whether Home Assistant is told of this sensor (discovery)")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.password is not None and self.password_file is not None:
            raise ValueError("password and password_file are both given, where one is expected")
        if self.username is None and (self.password is not None or self.password_file is not None):
            raise ValueError("a password without a username is of no use: username is expected")
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file are expected together")
        if self.url is not None and self.url.startswith("mqtt:") and (self.ca_file or self.cert_file):
            raise ValueError("certificates are of no use to mqtt://: expected a url that begins with mqtts://")
        return self

    def read_password(self) -> str | None:
        """The password that is given or that the file holds, less the end of its line; None where there is none.

        Raises:
            TocsinError: the file cannot be read or is empty.
        """
        if self.password is not None:
            return self.password.get_secret_value()
        return read_password(self.password_file)


class OutboxSettings(Section):
    """Where detections wait until the broker has them."""

    path: Path = Field(default=Path("outbox.sqlite"), description="a file; relative to the folder that it runs in")
    limit_mb: Annotated[float, Field(ge=1, le=1e6)] = Field(
        default=100.0, description="greatest size; beyond it the least probable go first, counted"
    )


class ClipSettings(Section):
    """What is kept of sound: nothing, unless seconds are given. Then clips of confident gunshots alone."""

    seconds: Annotated[float, Field(ge=0, le=MAX_CLIP_S)] = Field(
        default=0.0, description="length of a clip, a quarter of it before the onset; at most 4"
    )
    folder: Path = Field(default=Path("clips"), description="where clips lie")
    public_key: Text | None = Field(
        default=None,
        description="for whose owner alone clips are sealed; not given: whoever reads them can hear them",
        examples=["age1…"],
    )
    keep_hours: Annotated[float, Field(gt=0, le=MAX_KEEP_HOURS)] = Field(
        default=24.0, description="then a clip is deleted"
    )
    most: Annotated[int, Field(ge=1, le=1_000_000)] = Field(default=200, description="clips kept; the oldest go first")
    log: Path = Field(default=Path("clips.log"), description="the chained log of every clip written, sent and deleted")


class HealthSettings(Section):
    """What it says of itself."""

    every_s: Annotated[float, Field(ge=5, le=3600)] = Field(default=60.0, description="seconds between heartbeats")
    metrics_port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        default=None, description="Prometheus metrics on this port of 127.0.0.1; not given: none", examples=[9464]
    )


class LogSettings(Section):
    """What it says on stderr."""

    format: Literal["plain", "json"] = Field(default="plain", description="a sentence, or an object of JSON, a line")


class Settings(BaseModel):
    """All that can be set. One of ``sensor`` and ``sensors`` is given; :attr:`heard_by` has either."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    sensor: SensorSettings | None = None
    sensors: tuple[SensorSettings, ...] = Field(default=(), description="a section each in place of [sensor]")
    source: SourceSettings = SourceSettings()
    model: ModelSettings = ModelSettings()
    broker: BrokerSettings = BrokerSettings()
    outbox: OutboxSettings = OutboxSettings()
    clips: ClipSettings = ClipSettings()
    health: HealthSettings = HealthSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="after")
    def _somebody_hears(self) -> Self:
        if (self.sensor is None) == (not self.sensors):
            raise ValueError("one section [sensor] is expected, or a section [[sensors]] for each of several channels")
        if len({sensor.id for sensor in self.heard_by}) < len(self.heard_by):
            raise ValueError("two [[sensors]] have the same id, where each is expected to have its own")
        channels = [sensor.channel for sensor in self.heard_by]
        if len(channels) > 1 and (None in channels or len(set(channels)) < len(channels)):
            raise ValueError("each of several [[sensors]] is expected to name a channel of its own")
        return self

    @property
    def heard_by(self) -> tuple[SensorSettings, ...]:
        """The sensors, at least one."""
        return self.sensors if self.sensor is None else (self.sensor,)
