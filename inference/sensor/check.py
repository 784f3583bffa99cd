"""``tocsin listen --check``: each part of a sensor tried once, a line each, so that an installer can leave."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tocsin import TocsinError
from tocsin.inference.broker_failures import try_connection
from tocsin.inference.model import Model
from tocsin.inference.sensor.assembly import address_of, clips_of, microphones_of, source_of
from tocsin.inference.sensor.health import SoundHealth
from tocsin.inference.sensor.hearing import channel_of
from tocsin.inference.sensor.outbox import Outbox
from tocsin.inference.sensor.settings import Settings
from tocsin.inference.sensor.sources.block import Block, SourceLost
from tocsin.inference.sensor.system_clock import SystemClock

LISTENS_S, WAITS_S = 3.0, 15.0
GOOD_CLOCK_S = 0.02  # sound goes 7 m in it; more moves a shot by more than a house
QUIET_DBFS, LOUD_DBFS = -90.0, -10.0


@dataclass(frozen=True)
class Finding:
    """What was tried, whether it does, and what was found."""

    part: str
    good: bool
    said: str


def check(settings: Settings) -> Iterator[Finding]:
    """Try everything, in the order in which sound goes; a part that fails does not keep the others from being tried."""
    for part, try_it in (
        ("microphone", _microphone),
        ("clock", _clock),
        ("model", _model),
        ("outbox", _outbox),
        ("clips", _clips),
        ("broker", _broker),
    ):
        try:
            yield from try_it(settings)
        except TocsinError as error:
            yield Finding(part, False, str(error))


def _microphone(settings: Settings) -> Iterator[Finding]:
    blocks = _heard(settings)
    first = blocks[0]
    seconds = sum(len(block.samples) for block in blocks) / first.sample_rate
    channels = first.samples.shape[1]
    said = f"{seconds:.1f} s heard, {first.sample_rate} Hz, {channels} channel{'s' if channels > 1 else ''}"
    yield Finding("microphone", True, said)
    for microphone in microphones_of(settings):
        part = f"level of {microphone.sensor_id}"
        if microphone.channel is not None and microphone.channel > channels:
            yield Finding(part, False, f"it is channel {microphone.channel} of a source that has {channels}: mend it")
            continue
        samples = np.concatenate([channel_of(block.samples, microphone.channel) for block in blocks])
        health = SoundHealth(first.sample_rate)
        health.hear(samples, time.monotonic())
        level_dbfs = health.figures(time.monotonic()).level_dbfs or 0.0
        if level_dbfs < QUIET_DBFS:
            yield Finding(part, False, f"{level_dbfs:.0f} dBFS, which is nothing: is it plugged in, and not muted?")
        elif level_dbfs > LOUD_DBFS:
            yield Finding(part, False, f"{level_dbfs:.0f} dBFS, which is too loud for a bang to fit: lower its gain")
        else:
            yield Finding(part, True, f"{level_dbfs:.0f} dBFS")


def _heard(settings: Settings) -> list[Block]:
    """Some seconds of sound. Raises ``TocsinError`` where none comes."""
    trouble: list[str] = []
    source = source_of(settings, trouble.append)
    heard: list[Block] = []
    heard_s, begin_s = 0.0, time.monotonic()
    blocks = source.blocks()
    for block in blocks:
        if len(block.samples):
            heard.append(block)
            heard_s += len(block.samples) / block.sample_rate
        if heard_s >= LISTENS_S or time.monotonic() - begin_s > WAITS_S or (trouble and not heard):
            break
    getattr(blocks, "close", lambda: None)()  # lets go of the device
    if not heard:
        raise SourceLost(trouble[0] if trouble else f"{source.name} gave no sound in {WAITS_S:g} s")
    return heard


def _clock(settings: Settings) -> Iterator[Finding]:
    quality = SystemClock().quality()
    good = quality.synchronised and quality.sigma_s <= GOOD_CLOCK_S
    hint = "" if good else "; install chrony, or wait until it has found the time: sound goes 340 m in a second"
    yield Finding("clock", good, f"{quality.said}, ± {quality.sigma_s * 1000:.1f} ms{hint}")


def _model(settings: Settings) -> Iterator[Finding]:
    model = Model(settings.model.name)
    begin_s = time.perf_counter()
    model.probabilities(np.zeros((1, model.card.window_samples), np.float32))
    took_ms = 1000 * (time.perf_counter() - begin_s)
    yield Finding("model", True, f"{model.card.model_id}, a window in {took_ms:.0f} ms")


def _outbox(settings: Settings) -> Iterator[Finding]:
    if settings.broker.url is None:
        yield Finding("outbox", True, "none is needed without a broker")
        return
    said: list[str] = []
    outbox = Outbox(settings.outbox.path, round(settings.outbox.limit_mb * 1e6), said.append)
    count, size = outbox.size()
    outbox.close()
    yield Finding("outbox", not said, said[0] if said else f"{count} detections wait, {size / 1e6:.1f} MB")


def _clips(settings: Settings) -> Iterator[Finding]:
    said: list[str] = []
    kept = clips_of(settings, said.append)
    if kept is None:
        yield Finding("clips", True, "none are kept")
        return
    kept[1].close()
    sealed = "sealed" if settings.clips.public_key else "NOT sealed: whoever reads the disk can hear them"
    text = f"{settings.clips.seconds:g} s each, {sealed}, kept for {settings.clips.keep_hours:g} h"
    yield Finding("clips", not said, said[0] if said else text)


def _broker(settings: Settings) -> Iterator[Finding]:
    address = address_of(settings.broker)
    if address is None:
        yield Finding("broker", True, "none is set: detections go to stdout")
        return
    try_connection(address, f"tocsin-check-{settings.heard_by[0].id}")
    yield Finding("broker", True, f"{address.host}:{address.port} lets this sensor in")
    if address.tls:
        yield Finding("TLS", True, "its certificate is that of its name")
    else:
        local = address.host in ("localhost", "127.0.0.1", "::1")
        yield Finding("TLS", local, "not encrypted" + ("" if local else ": anybody between can read and change it"))
