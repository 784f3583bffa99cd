"""A model that takes audio: what ``tocsin classify`` and ``tocsin detect`` ask of a file, as methods."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.data.audio import Audio, read_blocks
from tocsin.data.dataframes import Table
from tocsin.data.waveforms import audio_of
from tocsin.inference.annotate import Trace
from tocsin.inference.classify import annotate_blocks, summarize
from tocsin.inference.model import Model
from tocsin.inference.onsets.picker import LOWEST_SAMPLE_RATE
from tocsin.inference.pick import Event, event_columns
from tocsin.inference.stream import EventStream

if TYPE_CHECKING:
    import pandas

BLOCK_S = 30.0

# A file; what ``read_audio`` gives; or a waveform ``(n,)`` in −1 … 1 with its sample rate in Hz.
AudioLike: TypeAlias = str | os.PathLike[str] | Audio | tuple[NDArray[np.floating[Any]], int]


@dataclass(frozen=True)
class Classification:
    """What a whole file is taken for: the window in which a gunshot is likeliest speaks for it.

    Attributes:
        path: of the file, as given; empty for samples.
        probabilities: calibrated, a class each.
    """

    path: str
    probabilities: dict[str, float]

    @property
    def likeliest(self) -> str:
        """The class of the highest probability; no threshold is asked."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    def to_row(self) -> dict[str, Any]:
        """The row of ``tocsin classify``."""
        return {"path": self.path, **{label: round(value, 6) for label, value in self.probabilities.items()}}

    def to_dataframe(self) -> "pandas.DataFrame":
        """The row as a DataFrame. Raises ``TocsinError`` where pandas is not installed."""
        return Table([self]).to_dataframe()

    def __str__(self) -> str:
        values = ", ".join(f"{label} {value:.3f}" for label, value in self.probabilities.items())
        return f"{self.path}: {values}" if self.path else values

    def __repr__(self) -> str:
        return f"<Classification {self}>"


class AudioModel(Model):
    """An exported model that takes files and waveforms of any length and rate.

    Args:
        path: an ``.onnx`` file that ``tocsin export`` wrote, or the name of shipped weights.
        threads: threads that one window's computation may use.

    Raises:
        TocsinError: the file is missing, no ONNX model, has no card, or its input is not what the card says.
    """

    def annotate(self, audio: AudioLike) -> Trace:
        """Class probabilities over time.

        Args:
            audio: a path, what ``read_audio`` gives, or a waveform ``(n,)`` in −1 … 1 with its sample rate in Hz.

        Raises:
            TocsinError: the audio cannot be read, or its sample rate is too low.
        """
        return annotate_blocks(self, _opened(audio)[1])

    def classify(self, audio: AudioLike) -> Classification:
        """Probability of each class, in the window in which a gunshot is likeliest; ``audio`` as in :meth:`annotate`.

        Raises:
            TocsinError: the audio cannot be read, or its sample rate is too low.
        """
        path, blocks = _opened(audio)
        return Classification(path, summarize(annotate_blocks(self, blocks)))

    def detect(self, audio: AudioLike, threshold: float | None = None) -> Table[Event]:
        """Every bang, of whatever class, in order of time.

        Args:
            audio: as in :meth:`annotate`.
            threshold: gunshot probability, 0 … 1, from which a bang is called a gunshot; the card's own when ``None``.

        Raises:
            TocsinError: the audio cannot be read, its sample rate is too low, or the threshold is no probability.
        """
        if threshold is not None and not 0.0 <= threshold <= 1.0:
            raise TocsinError(f"the threshold is {threshold}, expected a probability from 0 to 1")
        path, blocks = _opened(audio)
        events, _ = events_in(blocks, self, threshold)
        return Table((replace(event, path=path) for event in events), event_columns(self.card.classes))

    def __repr__(self) -> str:
        return f"<AudioModel {self.card}>"


def load_model(path: str | os.PathLike[str] | None = None, threads: int = 1) -> AudioModel:
    """Load an exported model.

    Args:
        path: an ``.onnx`` file that ``tocsin export`` wrote, or the name of shipped weights: ``tocsin-l``, which is
            also what ``None`` gives, or ``tocsin-m`` or ``tocsin-s``, which are smaller.
        threads: threads that one window's computation may use.

    Raises:
        TocsinError: the file is missing, no ONNX model, has no card, or its input is not what the card says.
    """
    return AudioModel(None if path is None else os.fspath(path), threads)


def events_in(blocks: Iterable[Audio], model: Model, threshold: float | None = None) -> tuple[list[Event], float]:
    """Every bang of a recording that comes in consecutive blocks, and how long it was listened to, in seconds.

    Raises:
        TocsinError: from the blocks.
    """
    events: list[Event] = []
    stream, samples, sample_rate = None, 0, 1
    for block in blocks:
        stream = stream or EventStream(model, block.sample_rate, threshold)
        events += stream.push(block.samples)
        samples, sample_rate = samples + len(block.samples), block.sample_rate
    events += stream.flush() if stream else []
    return events, samples / sample_rate


def _opened(audio: AudioLike) -> tuple[str, Iterable[Audio]]:
    """Name of the audio, empty for samples, and its blocks."""
    if isinstance(audio, str | os.PathLike):
        return str(audio), checked_rates(str(audio), read_blocks(Path(audio), BLOCK_S))
    if isinstance(audio, Audio):
        audio = (audio.samples, audio.sample_rate)
    if isinstance(audio, tuple) and len(audio) == 2:
        return "", checked_rates("the samples", [audio_of(*audio)])
    raise TocsinError(
        f"{type(audio).__name__} is no audio: expected a path, what read_audio gives, or (samples, sample_rate)"
    )


def checked_rates(name: str, blocks: Iterable[Audio]) -> Iterator[Audio]:
    """The same blocks. Raises ``TocsinError`` that begins with ``name`` where their rate is too low for onsets."""
    for block in blocks:
        if block.sample_rate < LOWEST_SAMPLE_RATE:
            raise TocsinError(
                f"{name}: a sample rate of {block.sample_rate} Hz is too low: {LOWEST_SAMPLE_RATE} Hz at least"
            )
        yield block
