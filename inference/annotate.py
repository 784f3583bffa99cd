"""Class probabilities over time: fixed windows on a fixed grid, each a function of its own samples alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin.inference.model import Model

# The grid starts this share of a window before the audio, in zeros, so that an onset at the very start is still seen
# where the model expects onsets, and ends where the last sample lies this share into the window.
LEAD = 0.25


@dataclass(frozen=True)
class Trace:
    """Class probabilities over time.

    Attributes:
        classes: names, in the order of the columns.
        start_s: start of every window, seconds from the start of the audio, shape ``(windows,)``.
        probabilities: calibrated, shape ``(windows, classes)``, rows sum to 1.
        window_s: length of a window, seconds.
    """

    classes: tuple[str, ...]
    start_s: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    window_s: float

    def of(self, label: str) -> NDArray[np.float64]:
        """The column of one class, shape ``(windows,)``."""
        return self.probabilities[:, self.classes.index(label)]


class Annotator:
    """Audio at the card's rate, in pieces, to probabilities of the windows it completes.

    Windows are computed one at a time: a result then never depends on which others happened to be ready with it.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._window = model.card.window_samples
        self._hop = model.card.hop_samples
        self._lead = round(LEAD * self._window)
        self._buffer = np.zeros(self._lead, np.float32)
        self._start = -self._lead  # sample of the audio at which the buffer starts

    def push(self, samples: NDArray[np.float32]) -> Trace:
        """Take samples ``(n,)`` and return the windows that are now complete."""
        self._buffer = np.concatenate([self._buffer, samples])
        return self._complete()

    def flush(self) -> Trace:
        """End of the audio: zeros follow, and the windows that still hold audio are returned."""
        audio_end = self._start + len(self._buffer)
        last_start = max(audio_end - self._lead, -self._lead)
        padded = last_start + self._window - audio_end
        self._buffer = np.concatenate([self._buffer, np.zeros(max(padded, 0), np.float32)])
        return self._complete()

    def _complete(self) -> Trace:
        starts, rows = [], []
        offset = 0
        while offset + self._window <= len(self._buffer):
            window = self._buffer[offset : offset + self._window]
            rows.append(self.model.probabilities(window[None])[0])
            starts.append((self._start + offset) / self.model.card.sample_rate)
            offset += self._hop
        self._buffer = self._buffer[offset:]
        self._start += offset
        card = self.model.card
        shape = (len(rows), len(card.classes))
        return Trace(card.classes, np.array(starts), np.array(rows, float).reshape(shape), card.window_s)


def join(traces: list[Trace]) -> Trace:
    """Consecutive traces of one annotator as one."""
    return Trace(
        traces[0].classes,
        np.concatenate([trace.start_s for trace in traces]),
        np.concatenate([trace.probabilities for trace in traces]),
        traces[0].window_s,
    )
