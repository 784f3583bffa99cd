"""What a detector says of continuous audio: its bangs where there is no gunfire, and the gunfire that it found.

Every recording is worked off as ``tocsin detect`` does it: onsets of the waveform, each with the probabilities of the
windows round it. Each is a stream of its own; joined, the joints would be bangs that no street makes.
"""

from collections.abc import Callable, Sequence

from tocsin.acoustics.atmosphere import speed_of_sound_mps
from tocsin.data.audio import Audio
from tocsin.data.public.pittsburgh import (
    LiveFireTest,
    Recording,
    labelled_clips,
    sounding_stretches_s,
)
from tocsin.evaluation.hearing.counting import Heard, Sensor, Shot, Stretch
from tocsin.evaluation.hearing.examples import Example, live_fire_group
from tocsin.evaluation.judging.judges import Judges
from tocsin.evaluation.judging.quiet import with_lead_in
from tocsin.inference.detect import detect
from tocsin.inference.model import Model

# When something banged, seconds from the start of its recording, and how likely it was a gunshot, 0 … 1.
Bangs = Sequence[tuple[float, float]]

LIVE_FIRE_BACKGROUND = "live-fire background"
# An event this near to the published arrival of a shot, seconds, is that shot.
_SAME_S = 0.1


def hear_clip(example: Example, judges: Judges) -> Heard:
    """Run the detector over a clip, by its judge.

    Half a second of noise, 60 dB below its peak, comes before a gunshot: some begin inside the bang.
    """
    audio = example.read()
    played = with_lead_in(audio) if example.class_name == "gunshot" else audio
    return clip_heard(example, audio, _bangs(played, judges.required(example.group)))


def hear_test(test: LiveFireTest, judges: Judges) -> Heard:
    """Run the detector over a test of the live fire, by its judge."""
    model = judges.required(live_fire_group(test))
    return live_fire_heard(test, lambda recording: _bangs(recording.read(), model))


def clip_heard(example: Example, audio: Audio, bangs: Bangs) -> Heard:
    """What a detector heard in a clip: a gunshot clip is one shot, found by any bang in it, any other a stretch."""
    if example.class_name == "gunshot":
        best = max((probability for _, probability in bangs), default=0.0)
        return Heard(shots=(Shot(example.source, example.session, best),))
    sounding_s = sum(end - start for start, end in sounding_stretches_s(audio))
    onsets_s, probabilities = _columns(bangs)
    return Heard((Stretch(example.label, example.class_name, example.session, sounding_s, onsets_s, probabilities),))


def live_fire_heard(
    test: LiveFireTest, heard_in: Callable[[Recording], Bangs], same_s: float = _SAME_S, window_s: float = 0.0
) -> Heard:
    """What a detector heard in a test: every arrival of a shot, and what lies between shots and is not zeroed.

    Args:
        test: of the live fire.
        heard_in: the bangs of one of its recordings.
        same_s: a bang this near to a published arrival, seconds, is that arrival.
        window_s: what a bang was judged by reaches half as far to either side; it must lie in a stretch as a whole, and
            a stretch that is shorter is not listened to.
    """
    rows, speed_mps = list(labelled_clips([test])), speed_of_sound_mps(test.weather.temperature_c)
    first = min(recording.start_time_utc for recording in test.recordings)
    stretches, shots = [], []
    for recording in test.recordings:
        bangs = heard_in(recording)
        fired = {onset_s: pulse.shot_index for onset_s, pulse in test.onsets_s(recording)}
        clock_s = (recording.start_time_utc - first).total_seconds()
        sensor = Sensor(test.name, recording.sensor_id, test.averaged_position(recording)[0], speed_mps)
        for row in (row for row in rows if row.path == recording.path):
            if row.onset_s is not None:
                near = [probability for at_s, probability in bangs if abs(at_s - row.onset_s) <= same_s]
                best, name = max(near, default=0.0), f"{test.name}#{fired[row.onset_s]}"
                shots.append(Shot(row.source, row.group, best, name))
            elif row.duration_s >= window_s:
                low_s, high_s = row.start_s + window_s / 2, row.end_s - window_s / 2
                inside = _columns([(clock_s + at_s, value) for at_s, value in bangs if low_s <= at_s < high_s])
                kind, start_s = (LIVE_FIRE_BACKGROUND, row.class_name, row.group), clock_s + row.start_s
                stretches.append(Stretch(*kind, row.duration_s, *inside, start_s, sensor))
    return Heard(tuple(stretches), tuple(shots))


def _bangs(audio: Audio, model: Model) -> Bangs:
    events = detect(audio.samples, audio.sample_rate, model)
    return [(event.onset_s, event.probabilities["gunshot"]) for event in events]


def _columns(bangs: Bangs) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(at_s for at_s, _ in bangs), tuple(probability for _, probability in bangs)
