"""What the stream detector says of continuous audio: alarms where there is no gunfire, and gunfire found.

Every recording is worked off as ``tocsin detect`` does it: onsets of the waveform, each with the probabilities of the
windows round it. Each is a stream of its own; joined, the joints would be bangs that no street makes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import gammaincinv

from tocsin.data.public.pittsburgh import LiveFireTest, labelled_clips, sounding_stretches_s
from tocsin.data.splits import session_weights
from tocsin.evaluation.hearing.classification import Interval
from tocsin.evaluation.hearing.examples import Example, live_fire_group
from tocsin.evaluation.hearing.judges import Judges
from tocsin.inference.detect import detect
from tocsin.inference.pick import Event

LIVE_FIRE_BACKGROUND = "live-fire background"
# An event this near to the published arrival of a shot, seconds, is that shot.
_SAME_S = 0.1
# Alarms less than this after one another are one: a window of sound, one answer, one call.
ONE_ALARM_S = 1.0
# A clip cut out where its bang begins has no onset; a stream has something before it. So much quiet is put there.
_BEFORE_S, _BEFORE_DB = 0.5, -60.0


@dataclass(frozen=True)
class Stretch:
    """Sound without gunfire: its seconds, exact zeros left out, and onset and gunshot probability of its events."""

    label: str
    class_name: str
    session: str
    duration_s: float
    onsets_s: tuple[float, ...]
    probabilities: tuple[float, ...]

    def alarms(self, threshold: float) -> int:
        """Events of this probability or more; those within ``ONE_ALARM_S`` of the one before are the same alarm."""
        called = [at for at, value in zip(self.onsets_s, self.probabilities, strict=True) if value >= threshold]
        return int((np.diff(called, prepend=-np.inf) > ONE_ALARM_S).sum()) if called else 0


@dataclass(frozen=True)
class Shot:
    """A gunshot that sounded, and the highest gunshot probability of the events there; 0 where there was none."""

    source: str
    session: str
    probability: float


@dataclass(frozen=True)
class Heard:
    """All that was listened to."""

    stretches: tuple[Stretch, ...] = ()
    shots: tuple[Shot, ...] = ()

    def __add__(self, other: "Heard") -> "Heard":
        return Heard(self.stretches + other.stretches, self.shots + other.shots)


class Alarms(NamedTuple):
    """Alarms at a threshold, in some hours, and their rate an hour with its exact Poisson interval."""

    number: int
    hours: float
    per_hour: Interval


def hear_clips(examples: Iterable[Example], judges: Judges) -> Heard:
    """Run the detector over clips, each by its judge: a gunshot clip is one shot, any other a stretch.

    Half a second of noise, 60 dB below its peak, comes before a gunshot: some begin inside the bang.
    """
    stretches, shots = [], []
    generator = np.random.default_rng(0)
    for example in examples:
        audio, model = example.read(), judges.required(example.group)
        if example.class_name == "gunshot":
            quiet = generator.standard_normal(round(_BEFORE_S * audio.sample_rate))
            quiet *= np.abs(audio.samples).max() * 10 ** (_BEFORE_DB / 20)
            events = detect(np.concatenate([quiet.astype(np.float32), audio.samples]), audio.sample_rate, model)
            best = max((event.probabilities["gunshot"] for event in events), default=0.0)
            shots.append(Shot(example.source, example.session, best))
        else:
            events = detect(audio.samples, audio.sample_rate, model)
            sounding_s = sum(end - start for start, end in sounding_stretches_s(audio))
            stretches.append(_stretch(example.label, example.class_name, example.session, sounding_s, events))
    return Heard(tuple(stretches), tuple(shots))


def hear_live_fire(tests: Iterable[LiveFireTest], judges: Judges) -> Heard:
    """Run the detector over the live fire: every arrival of a shot, and what lies between shots and is not zeroed."""
    stretches, shots = [], []
    for test in tests:
        model, rows = judges.required(live_fire_group(test)), list(labelled_clips([test]))
        for recording in test.recordings:
            audio = recording.read()
            events = detect(audio.samples, audio.sample_rate, model)
            for row in (row for row in rows if row.path == recording.path):
                if row.onset_s is not None:
                    near = [event for event in events if abs(event.onset_s - row.onset_s) <= _SAME_S]
                    best = max((event.probabilities["gunshot"] for event in near), default=0.0)
                    shots.append(Shot(row.source, row.group, best))
                else:
                    inside = [event for event in events if row.start_s <= event.onset_s < row.end_s]
                    stretches.append(_stretch(LIVE_FIRE_BACKGROUND, row.class_name, row.group, row.duration_s, inside))
    return Heard(tuple(stretches), tuple(shots))


def _stretch(label: str, class_name: str, session: str, duration_s: float, events: Sequence[Event]) -> Stretch:
    onsets_s = tuple(event.onset_s for event in events)
    return Stretch(
        label, class_name, session, duration_s, onsets_s, tuple(event.probabilities["gunshot"] for event in events)
    )


def poisson_rate(count: int, hours: float, confidence: float = 0.95) -> Interval:
    """Events an hour with the exact interval of a Poisson count (Garwood 1936), which chi-square quantiles give."""
    tail = (1.0 - confidence) / 2.0
    low = float(gammaincinv(count, tail)) if count else 0.0
    return Interval(count / hours, low / hours, float(gammaincinv(count + 1, 1.0 - tail)) / hours)


def alarms(stretches: Sequence[Stretch], threshold: float) -> Alarms | None:
    """Alarms that ``stretches`` would raise at a threshold; None where no time was listened to."""
    hours = sum(stretch.duration_s for stretch in stretches) / 3600
    if hours <= 0:
        return None
    count = sum(stretch.alarms(threshold) for stretch in stretches)
    return Alarms(count, hours, poisson_rate(count, hours))


def recall(shots: Sequence[Shot], threshold: float) -> float | None:
    """Share of the shots found at a threshold, a session counting once; None without shots."""
    if not shots:
        return None
    found = [shot.probability >= threshold for shot in shots]
    return float(np.average(found, weights=session_weights([shot.session for shot in shots])))


def threshold_of_recall(shots: Sequence[Shot], least: float) -> float | None:
    """Highest threshold at which ``recall`` is ``least`` or more; None where no event, or none likely, tells."""
    values = sorted({shot.probability for shot in shots if shot.probability > 0}, reverse=True)
    for value in values:
        if (recall(shots, value) or 0.0) >= least - 1e-12:
            return value
    return None
