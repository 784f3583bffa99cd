"""The parts of a sensor, put together as its settings say."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from tocsin.inference.detection import Detection
from tocsin.inference.model import Model
from tocsin.inference.mqtt import BrokerAddress, make_topic
from tocsin.inference.pick import Event
from tocsin.inference.sensor.agent import Agent
from tocsin.inference.sensor.hearing import Hearing, Microphone
from tocsin.inference.sensor.heartbeat import Heartbeat
from tocsin.inference.sensor.home_assistant import discovery
from tocsin.inference.sensor.metrics import Metrics
from tocsin.inference.sensor.notify import Notifier
from tocsin.inference.sensor.outbox import Outbox
from tocsin.inference.sensor.privacy.chained_log import ChainedLog
from tocsin.inference.sensor.privacy.clips import ClipStore
from tocsin.inference.sensor.publisher import Publisher
from tocsin.inference.sensor.settings import BrokerSettings, Settings
from tocsin.inference.sensor.sources.block import Source
from tocsin.inference.sensor.sources.opening import SourceOptions, open_source
from tocsin.inference.sensor.system_clock import SystemClock

PLACE = ("x_m", "y_m", "z_m", "latitude", "longitude", "elevation_m", "position_sigma_m", "clock_sigma_s")
DRAIN_S = 5.0  # that the end waits for the broker; what it has not by then stays in the outbox


def microphones_of(settings: Settings) -> list[Microphone]:
    """The sensors of the settings."""
    return [
        Microphone(
            sensor.id,
            {name: value for name in PLACE if (value := getattr(sensor, name)) is not None},
            sensor.channel,
            sensor.full_scale_dbspl,
        )
        for sensor in settings.heard_by
    ]


def source_of(settings: Settings, complain: Callable[[str], None], stop: threading.Event | None = None) -> Source:
    """The source of the settings, not opened yet. Raises ``TocsinError`` where its address is none."""
    chosen = settings.source
    starts = chosen.start_time_utc
    options = SourceOptions(
        sample_rate=chosen.sample_rate,
        channels=chosen.channels,
        coding=chosen.coding,
        stated_s=None if starts is None else starts.timestamp(),
        real_time=chosen.real_time,
    )
    return open_source(chosen.address.get_secret_value(), options, complain, stop)


def address_of(broker: BrokerSettings) -> BrokerAddress | None:
    """The broker of the settings; None where there is none. Raises ``TocsinError`` where a file cannot be read."""
    if broker.url is None:
        return None
    return BrokerAddress.parse(
        broker.url,
        username=broker.username,
        password=broker.read_password(),
        ca_file=broker.ca_file,
        cert_file=broker.cert_file,
        key_file=broker.key_file,
    )


def publishes_of(broker: BrokerSettings) -> Callable[[Event], bool]:
    """Which events go out: gunshots alone, or all to which a gunshot's probability gives the least weight wanted."""
    if broker.publish == "gunshots":
        return lambda event: event.label == "gunshot"
    return lambda event: event.probabilities["gunshot"] >= broker.from_probability


def clips_of(settings: Settings, complain: Callable[[str], None]) -> tuple[ClipStore, ChainedLog] | None:
    """Where clips are kept, and their log; None where none are."""
    clips = settings.clips
    if clips.seconds == 0:
        return None
    try:
        log = ChainedLog(clips.log, complain)
        store = ClipStore(
            clips.folder,
            log,
            seconds=clips.seconds,
            keep_hours=clips.keep_hours,
            limit_count=clips.most,
            recipients=() if clips.public_key is None else (clips.public_key,),
            complain=complain,
        )
    except OSError as error:  # a disk that is full or may not be written to: what is heard matters more
        complain(f"no clips are kept: {error.filename or clips.folder} cannot be used ({error.strerror})")
        return None
    return store, log


@contextmanager
def assembled(
    settings: Settings,
    say: Callable[[str], None],
    complain: Callable[[str], None],
    stop: threading.Event,
) -> Iterator[Agent]:
    """The agent of the settings, whose parts are let go of at the end.

    Args:
        settings: what is set.
        say: takes what is worth a line in the log.
        complain: takes what is wrong.
        stop: ends the waiting for a source that is lost.

    Raises:
        TocsinError: a part cannot work as it is set.
    """
    with ExitStack() as parts:
        model = Model(settings.model.name)
        microphones = microphones_of(settings)
        hearing = Hearing(
            model, microphones, SystemClock().quality, settings.model.threshold, settings.source.latency_s
        )
        source = source_of(settings, complain, stop)
        kept = clips_of(settings, complain)
        facts: list[Callable[[], dict[str, Any]]] = []
        if kept is not None:
            clips, log = kept
            parts.callback(log.close)
            facts.append(lambda: {"clips_kept": clips.size()[0], "log_head": str(log.head)})
        address = address_of(settings.broker)
        keep: Callable[[Detection], None]
        beat: Callable[[list[Heartbeat]], None]
        if address is None:
            keep, beat = _keep_on_stdout, _no_beat
        else:
            keep, beat = _delivery(settings, address, hearing.threshold, complain, parts, facts)
        notifier = Notifier()
        parts.callback(notifier.close)
        agent = Agent(
            source,
            hearing,
            microphones,
            keep,
            publishes_of(settings.broker),
            clips=None if kept is None else kept[0],
            beat=beat,
            beat_every_s=settings.health.every_s,
            facts=lambda: {name: value for told in facts for name, value in told().items()},
            written=[settings.outbox.path, settings.clips.folder],
            notifier=notifier,
            say=say,
            complain=complain,
        )
        if settings.health.metrics_port is not None:
            metrics = Metrics(settings.health.metrics_port, lambda: agent.heartbeats)
            parts.callback(metrics.close)
        yield agent


def _delivery(
    settings: Settings,
    address: BrokerAddress,
    threshold: float,
    complain: Callable[[str], None],
    parts: ExitStack,
    facts: list[Callable[[], dict[str, Any]]],
) -> tuple[Callable[[Detection], None], Callable[[list[Heartbeat]], None]]:
    """What keeps a detection until the broker has it, and what tells the broker how the sensors are."""
    site = settings.broker.site
    outbox = Outbox(settings.outbox.path, round(settings.outbox.limit_mb * 1e6), complain)
    parts.callback(outbox.close)
    names = [sensor.id for sensor in settings.heard_by]
    announcements = [told for name in names for told in discovery(site, name, threshold, names[0])]
    publisher = Publisher(
        outbox,
        address,
        site,
        names,
        complain,
        announcements=announcements if settings.broker.home_assistant else (),
    )
    publisher.start()

    def close() -> None:
        if not publisher.close(DRAIN_S):
            complain(
                f"{outbox.size()[0]} detections are left in {settings.outbox.path}: they go when this starts again"
            )

    parts.callback(close)

    def keep(detection: Detection) -> None:
        topic = make_topic(site, "detections", detection.sensor_id)
        confidence = detection.probabilities.get("gunshot", 0.0)
        outbox.put(detection.detection_id, topic, detection.to_json().encode(), confidence)
        publisher.wake()

    def beat(beats: list[Heartbeat]) -> None:
        for heartbeat in beats:
            publisher.beat(heartbeat.sensor_id, heartbeat.to_json())

    def told() -> dict[str, Any]:
        count, size = outbox.size()
        return {
            "broker_connected": publisher.connected,
            "outbox_queued": count,
            "outbox_bytes": size,
            "outbox_dropped": outbox.dropped,
        }

    facts.append(told)
    return keep, beat


def _keep_on_stdout(detection: Detection) -> None:
    """Without a broker, what was heard is a line of JSON, as `tocsin fuse` reads them."""
    sys.stdout.write(detection.to_json() + "\n")
    sys.stdout.flush()


def _no_beat(beats: list[Heartbeat]) -> None:
    """Without a broker nobody asks for heartbeats."""
