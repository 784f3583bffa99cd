"""An audio-tagging network as a detector of the bench, by its adapter file."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.data.audio import Audio, read_blocks
from tocsin.evaluation.bench.listening.adapter import Pooling, class_names, places_of, read_adapter
from tocsin.evaluation.bench.listening.detector import Heard
from tocsin.evaluation.bench.listening.grid import Samples, every_window, peaks, windows_of
from tocsin.evaluation.bench.listening.networks import Network

_BLOCK_S = 30.0
_BATCH = 16

Array = NDArray[np.float64]

_POOL: Mapping[Pooling, Callable[[Array], Array]] = {
    "max": lambda scores: scores.max(axis=1),
    "sum": lambda scores: scores.sum(axis=1),
    "mean": lambda scores: scores.mean(axis=1),
}


class TaggingDetector:
    """Windows on a grid, each with the score of its adapter, are what it hears; or the peaks of that score.

    Args:
        path: an adapter file (``adapter``).

    Raises:
        TocsinError: the file, the network or the classes are not as they should be.
    """

    def __init__(self, path: Path) -> None:
        self._adapter = read_adapter(path)
        self._names = class_names(self._adapter)
        score = self._adapter.score
        self._positive = places_of(score.positive, self._names, path, "positive")
        self._negative = places_of(score.negative, self._names, path, "negative")
        self._network = Network(self._adapter, len(self._names))
        self.name = self._adapter.name
        self.picks_onsets = False

    @property
    def window_s(self) -> float:
        """Length of a window in seconds."""
        return self._adapter.window / self._adapter.sample_rate

    def listen(self, audio: Path | Audio) -> tuple[Array, Array, NDArray[np.str_]]:
        """Middle of each window in seconds, its score, and its likeliest class by name, each of shape (windows,).

        Of a waveform shorter than a window it is the middle of the waveform.

        Raises:
            TocsinError: the audio cannot be read, or the network gives what is no number.
        """
        starts: list[int] = []
        scores: list[Array] = []
        likeliest: list[int] = []
        n_samples = 0

        def counted() -> Iterator[Samples]:
            nonlocal n_samples
            for block in self._blocks(audio):
                n_samples += len(block)
                yield block

        adapter = self._adapter
        windows = windows_of(counted(), adapter.window, adapter.hop, adapter.short == "mirror")
        while batch := list(islice(windows, _BATCH)):
            starts += [start for start, _ in batch]
            of_classes = self._network.scores(np.stack([window for _, window in batch]))
            scores.append(self._score(of_classes))
            likeliest += of_classes.argmax(axis=1).tolist()
        middle_s = (np.array(starts) + min(adapter.window, n_samples) / 2) / adapter.sample_rate
        return middle_s, np.concatenate(scores), np.array(self._names)[likeliest]

    def detect(self, audio: Path | Audio, session: str = "") -> list[Heard]:
        """Its windows or peaks, with the class that the window is likeliest of as ``label``, and ``reach_s``.

        The bang lies within ``reach_s``, half a window, of ``onset_s``. No session is known to have trained it.

        Raises:
            TocsinError: as in ``listen``.
        """
        middle_s, scores, likeliest = self.listen(audio)
        every = self._adapter.events == "windows"
        events = every_window(middle_s, scores) if every else peaks(middle_s, scores, self.window_s)
        return [
            Heard(event.at_s, event.score, extra={"label": str(likeliest[event.window]), "reach_s": self.window_s / 2})
            for event in events
        ]

    def _blocks(self, audio: Path | Audio) -> Iterator[Samples]:
        rate = self._adapter.sample_rate
        if isinstance(audio, Audio):
            yield soxr.resample(audio.samples, audio.sample_rate, rate, "HQ")
            return
        heard = False
        for block in read_blocks(audio, _BLOCK_S, rate):
            heard = True
            yield block.samples
        if not heard:
            raise TocsinError(f"{audio}: too short for a sample at {rate} Hz")

    def _score(self, of_classes: Array) -> Array:
        pool = _POOL[self._adapter.score.pooling]
        for_it = pool(of_classes[:, self._positive])
        return (1 + for_it - pool(of_classes[:, self._negative])) / 2 if self._negative else for_it
