"""Audio in pieces of any size to events: the one way that files, folders and live sound all take."""

import numpy as np
import soxr
from numpy.typing import ArrayLike, NDArray

from tocsin.data.waveforms import as_samples
from tocsin.inference.annotate import Annotator
from tocsin.inference.mending.mender import Mender
from tocsin.inference.model import Model
from tocsin.inference.onsets.picker import Onset, OnsetPicker
from tocsin.inference.pick import Event, pick, ready_until_s

# Audio is resampled in blocks at fixed places, whatever the sizes it comes in: so every number that follows, down
# to the state of the resampler, is the same for a stream and for the whole file.
BLOCK_S = 0.5
# So much at most is worked off at once, where there is so much: each stage then runs on what it has just used.
AT_ONCE_S = 10.0
# Windows that start this long before the next onset that can come serve nobody.
KEEP_S = 3.0


class EventStream:
    """Samples at any rate, in chunks of any size, to events with onset, class probabilities, level and SNR.

    Memory does not grow with the length of the stream.

    Args:
        model: the exported model.
        sample_rate: of the samples pushed, Hz.
        threshold: gunshot probability from which an event is called a gunshot; the card's own when ``None``.
        block_s: length of the blocks, in steps of 4 ms. Short ones answer sooner, cost more and change the last digits.
    """

    def __init__(
        self, model: Model, sample_rate: int, threshold: float | None = None, block_s: float = BLOCK_S
    ) -> None:
        self.model = model
        self.threshold = model.card.threshold if threshold is None else threshold
        self._sample_rate, self._taken = sample_rate, 0
        self._block = round(block_s * sample_rate)
        self._at_once = round(AT_ONCE_S / block_s) * self._block
        self._mender = Mender(sample_rate, round(1000 * block_s))
        self._pending = np.zeros(0, np.float32)
        self._picks_native = sample_rate < model.card.sample_rate
        # The bands of the onsets end below half the card's rate: nothing above it need be filtered.
        self._onset_picker = OnsetPicker(min(sample_rate, model.card.sample_rate))
        self._annotator = Annotator(model)
        self._resampler = (
            None
            if sample_rate == model.card.sample_rate
            else soxr.ResampleStream(sample_rate, model.card.sample_rate, 1, dtype="float32", quality="HQ")
        )
        self._onsets: list[Onset] = []

    def push(self, samples: ArrayLike) -> list[Event]:
        """Take samples ``(n,)`` in −1 … 1 and return the events that are now certain, in order of time.

        Raises:
            TocsinError: they are of several channels, or one is NaN or infinite; none of them is then taken.
        """
        taken = as_samples(samples, self._sample_rate, self._taken)
        self._taken += len(taken)
        events = []
        for first in range(0, len(taken), self._at_once):
            events += self._cut(self._mender.push(taken[first : first + self._at_once]))
        return events

    def _cut(self, mended: NDArray[np.float32]) -> list[Event]:
        pending = np.concatenate([self._pending, mended])
        whole = len(pending) // self._block * self._block
        self._pending = pending[whole:].copy()
        return self._advance(list(pending[:whole].reshape(-1, self._block)), last=False) if whole else []

    def flush(self) -> list[Event]:
        """End of the audio: the events that were still open."""
        events = self._cut(self._mender.flush())
        block, self._pending = self._pending, np.zeros(0, np.float32)
        return events + self._advance([block], last=True)

    def _advance(self, blocks: list[NDArray[np.float32]], last: bool) -> list[Event]:
        annotator, card = self._annotator, self.model.card
        resampler = self._resampler
        resampled = np.concatenate(
            [block if resampler is None else resampler.resample_chunk(block, last=last) for block in blocks]
        )
        annotator.push(resampled)
        self._onsets += self._onset_picker.push(np.concatenate(blocks) if self._picks_native else resampled)
        if last:
            annotator.flush()
            self._onsets += self._onset_picker.flush()
        start_s = annotator.start_s
        until_s = np.inf if last else ready_until_s(start_s, card.window_s, card.hop_samples / card.sample_rate)
        due = [onset for onset in self._onsets if onset.onset_s < until_s]
        self._onsets = [onset for onset in self._onsets if onset.onset_s >= until_s]
        # The gate: the network hears only the windows that speak for an onset, none in quiet hours.
        events = pick(due, annotator, self.threshold)
        annotator.forget((self._onsets[0].onset_s if self._onsets else until_s) - KEEP_S)
        return events
