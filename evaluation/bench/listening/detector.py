"""What a detector is to the bench: a name, and the bangs that it hears in a recording."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tocsin.data.audio import Audio


@dataclass(frozen=True)
class Heard:
    """A detection.

    Attributes:
        onset_s: seconds from the start of what was listened to.
        score: the higher the likelier the target.
        offset_s: seconds likewise, NaN where it has none.
        extra: further columns of the table of detections, a value each.
    """

    onset_s: float
    score: float
    offset_s: float = float("nan")
    extra: Mapping[str, float | str] = field(default_factory=dict)


class Detector(Protocol):
    """Hears recordings, several at once on as many threads."""

    @property
    def name(self) -> str:
        """What reports call it."""

    @property
    def picks_onsets(self) -> bool:
        """Whether it misses a bang that a clip begins with, so that some quiet must be played before it."""

    def detect(self, audio: Path | Audio, session: str) -> Sequence[Heard]:
        """All that it hears in a file or waveform of a session, whatever the score, in order of time.

        Raises:
            TocsinError: the audio cannot be read, or the detector must not judge the session.
        """
