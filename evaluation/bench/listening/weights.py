"""Tocsin's weights as a detector of the bench."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from tocsin import TocsinError
from tocsin.data.audio import Audio
from tocsin.data.labels import CLASSES
from tocsin.evaluation.bench.listening.detector import Heard
from tocsin.evaluation.judging.judges import Judges


class TocsinDetector:
    """Onsets of the waveform as ``tocsin detect`` gives them, each with the probability of one class as its score.

    Several weights are one judge: each session is heard by weights that never met it (``Judges``).

    Args:
        weights: ``.onnx`` files or names of shipped weights; the shipped default where there are none.
        target: the class to tell.

    Raises:
        TocsinError: weights cannot be loaded or be one judge, or the target is none of the classes.
    """

    def __init__(self, weights: Sequence[str | Path] = (), target: str = "gunshot") -> None:
        if target not in CLASSES:
            raise TocsinError(f"the target {target!r} is none of the classes {', '.join(CLASSES)}")
        self.target = target
        self.picks_onsets = True
        self._judges = Judges(weights)

    @cached_property
    def name(self) -> str:
        """Names and versions of the weights."""
        return self._judges.name

    def detect(self, audio: Path | Audio, session: str) -> list[Heard]:
        """All onsets, with ``label``, ``level_dbfs``, ``snr_db`` and the probability of each class beside the score.

        Raises:
            TocsinError: all weights have met the session, the audio cannot be read, or its sample rate is too low.
        """
        events = self._judges.required(session).detect(audio)
        return [
            Heard(
                event.onset_s,
                event.probabilities[self.target],
                extra={
                    "label": event.label,
                    "level_dbfs": event.level_dbfs,
                    "snr_db": event.snr_db,
                    **event.probabilities,
                },
            )
            for event in events
        ]
