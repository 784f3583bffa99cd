"""What a report is measured on: labelled clips, and windows of the published live fire."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.data.audio import Audio, read_audio
from tocsin.data.clips import read_clips
from tocsin.data.manifests import ManifestRow
from tocsin.data.public.pittsburgh import SOURCE, LiveFireTest, labelled_clips, read_live_fire

CLIPS, LIVE_FIRE = "clips", f"live-fire/{SOURCE}"
WINDOW_S = 0.85
_ONSET_AT = 0.3  # share of a gunshot's window that lies before its onset
# The peak of a shot is sought in the 100 ms after its onset, the noise before it measured up to 20 ms before.
_PEAK_S, _GUARD_S = 0.1, 0.02

MayJudge = Callable[[str], bool]


@dataclass(frozen=True)
class Example:
    """A labelled waveform, read when it is asked for.

    ``group`` is the session that splits go by and weight cards name; ``session`` the unit that figures and intervals
    count: the same for clips, one sensor at one firing position for the live fire. ``distance_m`` (sensor to muzzle)
    and ``snr_db`` are known for gunshots of the live fire alone.
    """

    class_name: str
    label: str
    source: str
    group: str
    session: str
    path: Path
    start_s: float
    duration_s: float
    distance_m: float | None = None
    snr_db: float | None = None

    def read(self) -> Audio:
        """Read the waveform, at the rate of its file."""
        return read_audio(self.path, start_s=self.start_s, duration_s=self.duration_s)


def clip_rows(recordings: Path) -> list[ManifestRow]:
    """Rows of the clips of a folder of recordings, without those of doubtful label (studio sounds and effects)."""
    return [row for row in read_clips(recordings / CLIPS) if not row.doubtful]


def clip_examples(rows: Iterable[ManifestRow]) -> list[Example]:
    """The clips of some rows."""
    return [_example(row, row.group, row.start_s, row.duration_s) for row in rows]


def live_fire_tests(recordings: Path) -> list[LiveFireTest]:
    """Read the tests of the published live fire in a folder of recordings."""
    return read_live_fire(recordings / LIVE_FIRE)


def live_fire_group(test: LiveFireTest) -> str:
    """The session that the live fire is split by, the firing position: ``pittsburgh-2018/FP8``."""
    return f"{SOURCE}/{test.firing_position}"


def live_fire_windows(tests: Iterable[LiveFireTest], window_s: float = WINDOW_S) -> list[Example]:
    """Windows of gunshots and of the same sensors' background, all of ``window_s``, never of zeroed audio."""
    before_s, after_s = _ONSET_AT * window_s, (1 - _ONSET_AT) * window_s
    examples = []
    for test in tests:
        distance_m = {
            recording.sensor_id: math.dist(test.averaged_position(recording)[0], test.survey)
            for recording in test.recordings
        }
        for row in labelled_clips([test], before_s, after_s, shortest_background_s=window_s):
            sensor = f"{row.session_id}/{row.device}"
            # A window that zeroed audio cuts short is left out, so that its length says nothing.
            for number in range(int(row.duration_s / window_s + 1e-6)):
                start_s = row.start_s + number * window_s
                far_m = None if row.onset_s is None else distance_m[row.device]
                examples.append(_example(row, sensor, start_s, window_s, far_m))
    return examples


def divide(rows: Sequence[ManifestRow], may_judge: MayJudge) -> tuple[list[ManifestRow], int]:
    """Rows of sessions that may be judged, and the number of the others.

    Raises:
        TocsinError: none may be judged.
    """
    kept = [row for row in rows if may_judge(row.group)]
    if not kept:
        raise TocsinError(
            f"none of the {len(rows)} clips is of a session that the weights never met: give --weights of other folds"
        )
    return kept, len(rows) - len(kept)


def peak_to_noise_db(samples: NDArray[np.floating], sample_rate: int, onset_s: float) -> float | None:
    """Peak within 100 ms after an onset over the root mean square before it, dB; None where no noise lies before.

    ``samples`` has shape (n,); ``onset_s`` is in seconds from its start.
    """
    onset = round(onset_s * sample_rate)
    before = samples[: max(0, onset - round(_GUARD_S * sample_rate))].astype(np.float64)
    peak = float(np.abs(samples[onset : onset + round(_PEAK_S * sample_rate)]).max(initial=0.0))
    noise = math.sqrt(float(np.mean(before**2))) if len(before) else 0.0
    return 20 * math.log10(peak / noise) if peak > 0 and noise > 0 else None


def _example(
    row: ManifestRow, session: str, start_s: float, duration_s: float, distance_m: float | None = None
) -> Example:
    example = Example(row.class_name, row.label, row.source, row.group, session, row.path, start_s, duration_s)
    if distance_m is None or row.onset_s is None:
        return example
    audio = example.read()
    snr_db = peak_to_noise_db(audio.samples, audio.sample_rate, row.onset_s - start_s)
    return replace(example, distance_m=distance_m, snr_db=snr_db)
