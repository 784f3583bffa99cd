"""What the systems are compared on: labelled clips and windows of the live fire, those that the weights never heard."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.data.audio import read_audio
from tocsin.data.clips import read_clips
from tocsin.data.manifests import ManifestRow
from tocsin.data.pittsburgh import labelled_clips, read_live_fire

ONSET_AT = 0.3  # share of a gunshot's window that lies before its onset


@dataclass(frozen=True)
class Example:
    """A labelled waveform; ``session`` is the unit that figures and intervals count."""

    class_name: str
    label: str
    session: str
    samples: NDArray[np.float32]
    sample_rate: int


def held_out_clips(recordings: Path, sessions: Collection[str] | None) -> list[Example]:
    """The clips of some sessions (of all for None), without those of doubtful label (studio sounds and effects)."""
    rows = [row for row in read_clips(recordings / "clips") if row.quality != "doubtful"]
    if sessions is not None:
        rows = [row for row in rows if row.group in sessions]
    if not rows:
        raise TocsinError(f"{recordings / 'clips'} has no clips of the sessions that the weights hold out")
    return [_example(row, row.group, row.start_s, row.duration_s) for row in rows]


def held_out_live_fire(recordings: Path, sessions: Collection[str] | None, window_s: float) -> list[Example]:
    """Windows of gunshots and of the same sensors' background, all of one length, of some firing positions.

    The firing positions are those whose session (``pittsburgh-2018/FP8``) is among ``sessions``, all for None. The
    session of a window is its sensor at that position.
    """
    root = recordings / "live-fire/pittsburgh-2018"
    before_s, after_s = ONSET_AT * window_s, (1 - ONSET_AT) * window_s
    examples = []
    for row in labelled_clips(read_live_fire(root), before_s, after_s, shortest_background_s=window_s):
        if sessions is not None and row.session_id not in sessions:
            continue
        sensor = f"{row.session_id}/{row.device}"
        # A window that zeroed audio cuts short is left out, so that its length says nothing.
        for number in range(int(row.duration_s / window_s + 1e-6)):
            examples.append(_example(row, sensor, row.start_s + number * window_s, window_s))
    if not examples:
        raise TocsinError(f"{root} has no windows of the firing positions that the weights hold out")
    return examples


def _example(row: ManifestRow, session: str, start_s: float, duration_s: float) -> Example:
    audio = read_audio(row.path, start_s=start_s, duration_s=duration_s)
    return Example(row.class_name, row.label, session, audio.samples, audio.sample_rate)
