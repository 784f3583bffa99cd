"""Class probabilities over time: fixed windows on a fixed grid, each a function of its own samples alone."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tocsin.data.dataframes import dataframe_of
from tocsin.inference.model import Model

if TYPE_CHECKING:
    import pandas

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

    def to_dataframe(self) -> "pandas.DataFrame":
        """A row a window: its start, then a probability a class. Raises ``TocsinError`` without pandas."""
        columns = ["start_s", *self.classes]
        table = np.column_stack((self.start_s, self.probabilities))
        return dataframe_of([dict(zip(columns, row, strict=True)) for row in table.tolist()], columns)

    def __repr__(self) -> str:
        highest = ", ".join(f"{label} {self.of(label).max(initial=0.0):.3f}" for label in self.classes)
        return f"<Trace of {len(self.start_s)} windows of {self.window_s:g} s, at most: {highest}>"


class Annotator:
    """Audio at the card's rate, in pieces, to probabilities of those of its windows that are asked for.

    Windows are computed one at a time: a result then never depends on which others were asked for with it.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._window = model.card.window_samples
        self._hop = model.card.hop_samples
        self._lead = round(LEAD * self._window)
        self._buffer = np.zeros(self._lead, np.float32)
        self._start = -self._lead  # sample of the audio at which the buffer starts, and its first window
        self._computed: dict[int, NDArray[np.float64]] = {}  # by their first sample

    def push(self, samples: NDArray[np.float32]) -> None:
        """Take samples ``(n,)``."""
        self._buffer = np.concatenate([self._buffer, samples])

    def flush(self) -> None:
        """End of the audio: zeros follow, to the end of the last window that still holds audio."""
        audio_end = self._start + len(self._buffer)
        last_start = max(audio_end - self._lead, -self._lead)
        padded = last_start + self._window - audio_end
        self._buffer = np.concatenate([self._buffer, np.zeros(max(padded, 0), np.float32)])

    @property
    def start_s(self) -> NDArray[np.float64]:
        """Start of every complete window that is held, seconds from the start of the audio, shape ``(windows,)``."""
        return self._starts() / self.model.card.sample_rate

    @property
    def alternate(self) -> NDArray[np.bool_]:
        """Which of them are every second of the grid, from its first, shape ``(windows,)``."""
        return (self._starts() + self._lead) // self._hop % 2 == 0

    def trace(self, wanted: NDArray[np.bool_] | None = None) -> Trace:
        """Probabilities of the held windows where ``wanted``, shape ``(windows,)``, is true; of all when ``None``."""
        starts = self._starts() if wanted is None else self._starts()[wanted]
        rows = [self._probabilities(start) for start in starts.tolist()]
        card = self.model.card
        probabilities = np.array(rows, float).reshape(len(rows), len(card.classes))
        return Trace(card.classes, starts / card.sample_rate, probabilities, card.window_s)

    def forget(self, before_s: float) -> None:
        """Hold the windows that start before this time no longer."""
        starts = self._starts()
        gone = int((starts < before_s * self.model.card.sample_rate).sum())
        for start in starts[:gone].tolist():
            self._computed.pop(start, None)
        self._buffer = self._buffer[gone * self._hop :]
        self._start += gone * self._hop

    def _starts(self) -> NDArray[np.int64]:
        complete = max((len(self._buffer) - self._window) // self._hop + 1, 0)
        return self._start + self._hop * np.arange(complete)

    def _probabilities(self, start: int) -> NDArray[np.float64]:
        if start not in self._computed:
            window = self._buffer[start - self._start :][: self._window]
            self._computed[start] = self.model.probabilities(window[None])[0]
        return self._computed[start]


def join(traces: list[Trace]) -> Trace:
    """Consecutive traces of one annotator as one."""
    return Trace(
        traces[0].classes,
        np.concatenate([trace.start_s for trace in traces]),
        np.concatenate([trace.probabilities for trace in traces]),
        traces[0].window_s,
    )
