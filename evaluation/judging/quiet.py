"""What is put before a clip that begins inside its bang, and what of a recording is no time at all."""

from pathlib import Path

import numpy as np

from tocsin.data.audio import Audio, read_audio
from tocsin.data.public.pittsburgh import sounding_stretches_s

# A clip cut out where its bang begins has no onset; a stream has something before it. So much quiet is put there.
LEAD_IN_S = 0.5
_LEAD_IN_DB = -60.0


def with_lead_in(audio: Audio) -> Audio:
    """The audio after half a second of noise that lies 60 dB below its peak, so that a bang cut into has an onset."""
    quiet = np.random.default_rng(0).standard_normal(round(LEAD_IN_S * audio.sample_rate))
    quiet *= np.abs(audio.samples).max() * 10 ** (_LEAD_IN_DB / 20)
    return Audio(np.concatenate([quiet.astype(np.float32), audio.samples]), audio.sample_rate)


def sounding_s(path: str | Path, start_s: float = 0.0, end_s: float | None = None) -> float:
    """Seconds of a file, or of a part of it, that are sound: runs of exact zeros of 10 ms and more are no time.

    Publishers zero what they do not give away, and what cannot alarm must not count among the hours without alarms.
    Raises ``TocsinError`` as ``read_audio`` does.
    """
    audio = read_audio(path, start_s=start_s, duration_s=None if end_s is None else end_s - start_s)
    return sum(end - start for start, end in sounding_stretches_s(audio))
