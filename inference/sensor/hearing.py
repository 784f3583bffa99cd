"""Blocks of a source to detections: each sensor's channel is heard, and each onset gets the time of its sample."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.inference.detection import Detection, parse_detection
from tocsin.inference.model import Model
from tocsin.inference.onsets.picker import LOWEST_SAMPLE_RATE
from tocsin.inference.pick import Event
from tocsin.inference.sensor.clock_reports import ClockQuality
from tocsin.inference.sensor.sample_clock import SampleClock
from tocsin.inference.sensor.sources.block import Block
from tocsin.inference.sensor.system_clock import clock_sigma_s
from tocsin.inference.stream import BLOCK_S, EventStream

LIVE_BLOCK_S = 0.1  # of what is heard live: a detection is said some tenths of a second sooner than by blocks of a file


@dataclass(frozen=True)
class Microphone:
    """One sensor of a source.

    Attributes:
        sensor_id: its name.
        place: the position fields of a detection, and ``position_sigma_m`` where stated.
        channel: of the source, from 1; None is the mean of all.
        full_scale_dbspl: sound pressure level of full scale, dB re 20 µPa, where it is calibrated.
    """

    sensor_id: str
    place: dict[str, Any] = field(default_factory=dict)
    channel: int | None = None
    full_scale_dbspl: float | None = None


@dataclass(frozen=True)
class Heard:
    """A detection, the event that it was made of, and the sample of its onset since the source last began anew."""

    detection: Detection
    event: Event
    onset_sample: float
    microphone: Microphone


class Hearing:
    """Takes blocks, gives detections of every bang, of whatever class.

    Args:
        model: the exported model.
        microphones: the sensors, each a channel of the source or the mean of all.
        system_clock: tells how good the system's clock is.
        threshold: gunshot probability from which an event is called a gunshot; the card's own when ``None``.
        latency_s: from the air to the arrival of a sample, at best; no arrival time can tell it.

    Attributes:
        threshold: as above, the card's own where none was given.
    """

    def __init__(
        self,
        model: Model,
        microphones: Sequence[Microphone],
        system_clock: Callable[[], ClockQuality],
        threshold: float | None = None,
        latency_s: float = 0.0,
    ) -> None:
        self.threshold = model.card.threshold if threshold is None else threshold
        self._model, self._microphones = model, tuple(microphones)
        self._system_clock, self._latency_s = system_clock, latency_s
        self._clock: SampleClock | None = None
        self._streams: list[EventStream] = []
        self._rate, self._samples = 0, 0  # of what was heard since it began anew
        self._began: tuple[float, float] | None = None  # when the first sample was taken, and its sigma, if known

    def push(self, block: Block) -> list[Heard]:
        """Detections that are now certain, those of one microphone after those of another.

        Raises:
            TocsinError: the rate is too low, or a microphone's channel is not in the block.
        """
        heard = self.end() if block.begins_anew else []
        if not len(block.samples):
            return heard
        if not self._streams:
            self._begin(block)
        self._samples += len(block.samples)
        if self._clock is not None:
            self._clock.observe(self._samples, block.arrived_s, block.arrived_monotonic_s)
        for microphone, stream in zip(self._microphones, self._streams, strict=True):
            events = stream.push(channel_of(block.samples, microphone.channel))
            heard += [self._told(microphone, event) for event in events]
        return heard

    def end(self) -> list[Heard]:
        """The source ended, or something of it is missing: detections that were still open."""
        heard: list[Heard] = []
        for microphone, stream in zip(self._microphones, self._streams, strict=False):
            heard += [self._told(microphone, event) for event in stream.flush()]
        self._streams = []
        return heard

    def _begin(self, block: Block) -> None:
        if block.sample_rate < LOWEST_SAMPLE_RATE:
            raise TocsinError(f"a sample rate of {block.sample_rate} Hz is too low: {LOWEST_SAMPLE_RATE} Hz at least")
        channels = block.samples.shape[1]
        for microphone in self._microphones:
            if microphone.channel is not None and microphone.channel > channels:
                raise TocsinError(
                    f"sensor {microphone.sensor_id} is channel {microphone.channel} of a source that has {channels}: "
                    "mend channel of its [[sensors]]"
                )
        self._began = None if block.began_s is None else (block.began_s, block.began_sigma_s)
        if self._began is not None:
            self._clock = None
        elif self._clock is None or block.sample_rate != self._rate:
            self._clock = SampleClock(block.sample_rate, self._latency_s)
        else:
            self._clock.begin_anew()
        self._rate, self._samples = block.sample_rate, 0
        # Files are heard as `tocsin detect` hears them, to the last digit; live sound sooner.
        block_s = BLOCK_S if self._clock is None else LIVE_BLOCK_S
        self._streams = [EventStream(self._model, self._rate, self.threshold, block_s) for _ in self._microphones]

    @property
    def clock_is_set(self) -> bool:
        """Whether somebody keeps the system's clock right."""
        return self._system_clock().synchronised

    def clock_facts(self) -> dict[str, Any]:
        """Of a heartbeat: ``clock_source``, ``clock_sigma_s``, ``sample_rate_error_ppm``, as far as they are known."""
        if self._clock is None or not self._samples:
            return {}
        quality = self._system_clock()
        sigma_s = clock_sigma_s(self._clock.time_of(self._samples).sigma_s, quality.sigma_s)
        return {
            "clock_source": quality.source,
            "clock_sigma_s": round(sigma_s, 6),
            "sample_rate_error_ppm": round(self._clock.rate_error_ppm, 2),
        }

    def _told(self, microphone: Microphone, event: Event) -> Heard:
        sample = event.onset_s * self._rate
        fields: dict[str, Any] = {**microphone.place, "sensor_id": microphone.sensor_id}
        if self._clock is not None:
            quality, taken = self._system_clock(), self._clock.time_of(sample)
            onset = datetime.fromtimestamp(taken.time_s, UTC)
            fields["clock_sigma_s"] = clock_sigma_s(taken.sigma_s, quality.sigma_s)
            fields["clock_source"] = quality.source
        elif self._began is not None:
            began_s, sigma_s = self._began
            # As `tocsin detect` adds them, so that both give the same time to the microsecond.
            onset = datetime.fromtimestamp(began_s, UTC) + timedelta(seconds=event.onset_s)
            if sigma_s:
                fields["clock_sigma_s"] = sigma_s
        if microphone.full_scale_dbspl is not None:
            fields["level_dbspl"] = round(event.level_dbfs + microphone.full_scale_dbspl, 2)
        detection = parse_detection(
            microphone.sensor_id,
            {
                **fields,
                "onset_time_utc": onset,
                "onset_sigma_s": event.onset_sigma_s,
                "snr_db": event.snr_db,
                "level_dbfs": event.level_dbfs,
                "probabilities": event.probabilities,
                "model_id": self._model.card.model_id,
            },
        )
        return Heard(detection, event, sample, microphone)


def channel_of(samples: NDArray[np.float32], channel: int | None) -> NDArray[np.float32]:
    """One channel, from 1, of ``(n, channels)``, or the mean of all where none is named; shape ``(n,)``."""
    if channel is not None:
        return np.ascontiguousarray(samples[:, channel - 1])
    return samples[:, 0].copy() if samples.shape[1] == 1 else samples.mean(axis=1, dtype=np.float32)
