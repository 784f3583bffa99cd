"""The loop of ``tocsin listen``: blocks in, detections kept before anything else is done, and a look after all.

This thread hears, and waits for nothing but sound. Another publishes what was kept.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tocsin.inference.detection import Detection
from tocsin.inference.field_types import format_time
from tocsin.inference.pick import Event
from tocsin.inference.sensor.health import SoundHealth
from tocsin.inference.sensor.hearing import Heard, Hearing, Microphone, channel_of
from tocsin.inference.sensor.heartbeat import Heartbeat, make_heartbeat
from tocsin.inference.sensor.machine import read_machine
from tocsin.inference.sensor.notify import Notifier
from tocsin.inference.sensor.privacy.clips import ClipStore
from tocsin.inference.sensor.privacy.ring import MAX_SECONDS, Ring
from tocsin.inference.sensor.sources.block import Block, Source

CARE_S = 1.0  # between looks at the watchdog and at what is due
READ_S = 5.0  # between readings of the figures
CLIPS_S = 60.0  # between looks for clips that are due


@dataclass
class _Ear:
    """What is known of one microphone so far."""

    microphone: Microphone
    sound: SoundHealth | None = None
    counts: Counter[str] = field(default_factory=Counter)
    latest: datetime | None = None


class Agent:
    """Listens to a source until it ends or is told to stop.

    Args:
        source: of sound.
        hearing: what makes detections of its blocks.
        microphones: the sensors, as ``hearing`` has them.
        keep: takes a detection that is to be published; when it returns the detection is safe.
        publishes: whether an event is to be published.
        clips: where the sound of confident gunshots is kept; None keeps none, and no ring.
        beat: takes the heartbeats of all sensors, every ``beat_every_s``.
        beat_every_s: seconds between heartbeats.
        facts: further fields of every heartbeat, asked for with the figures.
        written: files and folders whose disks matter.
        notifier: of the service manager.
        say: takes a sentence worth a line of the log.
        complain: takes a sentence about what is wrong.

    Attributes:
        heartbeats: the latest figures, a heartbeat a sensor.
        source_name: of what is listened to.
    """

    def __init__(
        self,
        source: Source,
        hearing: Hearing,
        microphones: Iterable[Microphone],
        keep: Callable[[Detection], None],
        publishes: Callable[[Event], bool],
        *,
        clips: ClipStore | None = None,
        beat: Callable[[list[Heartbeat]], None] = lambda beats: None,
        beat_every_s: float = 60.0,
        facts: Callable[[], dict[str, Any]] = dict,
        written: Iterable[Path] = (),
        notifier: Notifier | None = None,
        say: Callable[[str], None] = lambda sentence: None,
        complain: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self._source, self._hearing, self._keep, self._publishes = source, hearing, keep, publishes
        self._ears = {microphone.sensor_id: _Ear(microphone) for microphone in microphones}
        self._clips = clips
        self._ring: Ring | None = None
        self._waiting: list[Heard] = []  # gunshots whose clips have not all been heard yet
        self._beat, self._beat_every_s, self._facts, self._written = beat, beat_every_s, facts, tuple(written)
        self._notifier = notifier or Notifier()
        self._say, self._complain = say, complain
        self._unsound = 0
        self.source_name = source.name
        self._began_s = time.monotonic()
        self._due_s = dict.fromkeys(("care", "read", "beat", "clips"), -float("inf"))
        self.heartbeats: list[Heartbeat] = []

    def run(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Listen. What is still open at the end, or when ``stopped`` says so, is said too.

        Raises:
            TocsinError: the source or a microphone can never work as it is set.
        """
        blocks = self._source.blocks()
        self._notifier.ready()
        try:
            for block in blocks:
                self._take(block)
                self._look_after(stopped())
                if stopped():
                    break
        finally:
            getattr(blocks, "close", lambda: None)()
            self._notifier.stopping()
            self._end()
            self._look_after(True)

    def _take(self, block: Block) -> None:
        if block.begins_anew:
            self._end()
            if block.lost_samples and block.sample_rate:
                self._complain(f"{block.lost_samples / block.sample_rate:.3f} s of sound are missing")
        self._watch(block)
        if not len(block.samples):
            return
        if self._clips is not None:
            if self._ring is None:
                self._ring = Ring(MAX_SECONDS, block.sample_rate, block.samples.shape[1])
            self._ring.write(block.samples)
        for heard in self._hearing.push(block):
            self._tell(heard)
        self._cut_clips()

    def _end(self) -> None:
        """What follows does not belong to what was heard so far."""
        for heard in self._hearing.end():
            self._tell(heard)
        self._cut_clips(at_once=True)
        if self._ring is not None:
            self._ring.wipe()
            self._ring = None
        for ear in self._ears.values():
            if ear.sound is not None:
                ear.sound.forget_sound()

    def _watch(self, block: Block) -> None:
        if block.unsound_samples and not self._unsound:
            self._complain("the source gives samples that are no numbers, or far beyond full scale: silence instead")
        self._unsound += block.unsound_samples
        # A recording begins anew with its file, and an empty block only ends what is open: of neither is any missing.
        gap = block.begins_anew and block.began_s is None and len(block.samples) > 0
        for ear in self._ears.values():
            if ear.sound is None:
                if not block.sample_rate:
                    continue
                ear.sound = SoundHealth(block.sample_rate)
            channel = ear.microphone.channel
            if channel is not None and channel > block.samples.shape[1]:
                continue  # whoever hears it says so
            sentences = ear.sound.hear(
                channel_of(block.samples, channel),
                time.monotonic(),
                lost_samples=block.lost_samples,
                begins_anew=gap,
            )
            for sentence in sentences:
                self._complain(f"sensor {ear.microphone.sensor_id} {sentence}")

    def _tell(self, heard: Heard) -> None:
        # First of all it is made safe.
        if self._publishes(heard.event):
            self._keep(heard.detection)
        ear = self._ears[heard.microphone.sensor_id]
        ear.counts[heard.event.label] += 1
        ear.latest = heard.detection.onset_time_utc
        if heard.event.label == "gunshot":
            said, event = heard.detection, heard.event
            time_utc = format_time(said.onset_time_utc, "milliseconds")
            self._say(
                f"sensor {said.sensor_id}: gunshot {event.confidence:.3f} at {time_utc} ± {said.sigma_s:.4f} s, "
                f"{event.level_dbfs:.0f} dBFS, {event.snr_db:.0f} dB above the background"
            )
            if self._clips is not None:
                self._waiting.append(heard)

    def _cut_clips(self, at_once: bool = False) -> None:
        if self._clips is None or self._ring is None or not self._waiting:
            return
        still = []
        for heard in self._waiting:
            first, stop = self._clips.span(round(heard.onset_sample), self._ring.sample_rate)
            if stop > self._ring.end_sample and not at_once:
                still.append(heard)
                continue
            samples = self._ring.cut(max(first, self._ring.begin_sample), min(stop, self._ring.end_sample))
            if samples is not None:
                channel = heard.microphone.channel
                self._clips.write(
                    heard.detection.detection_id,
                    channel_of(samples, channel)[:, None],
                    self._ring.sample_rate,
                    probability=heard.event.probabilities["gunshot"],
                    threshold=self._hearing.threshold,
                )
        self._waiting = still

    def _look_after(self, ends: bool) -> None:
        """What is due besides hearing; all of it, where it ends."""
        now_s = time.monotonic()
        if self._is_due("care", CARE_S, now_s, ends):
            self._notifier.alive()
        if self._is_due("read", READ_S, now_s, ends):
            self.heartbeats = self._read(now_s)
        if self._clips is not None and self._is_due("clips", CLIPS_S, now_s, ends):
            self._clips.check(self._hearing.clock_is_set)
        if self._is_due("beat", self._beat_every_s, now_s, ends):
            self._beat(self.heartbeats)
            if self.heartbeats:
                first = self.heartbeats[0]
                level = "nothing yet" if first.level_dbfs is None else f"{first.level_dbfs:.0f} dBFS"
                self._notifier.status(f"hears {level}, {first.outbox_queued or 0} detections wait")

    def _is_due(self, what: str, every_s: float, now_s: float, ends: bool) -> bool:
        if now_s < self._due_s[what] and not ends:
            return False
        self._due_s[what] = now_s + every_s
        return True

    def _read(self, now_s: float) -> list[Heartbeat]:
        machine, facts = read_machine(self._written), {**self._hearing.clock_facts(), **self._facts()}
        return [
            make_heartbeat(
                ear.microphone.sensor_id,
                time.time(),
                now_s - self._began_s,
                ear.sound.figures(now_s),
                machine,
                detections=dict(ear.counts),
                last_detection_time_utc=ear.latest,
                **facts,
            )
            for ear in self._ears.values()
            if ear.sound is not None
        ]
