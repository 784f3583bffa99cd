"""Power of bands in short frames, by a few products of matrices."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from tocsin.inference.onsets.filters import filter_matrix

FRAMES_A_ROW = 4  # filtered by one row of a product: more cost products with zeros, fewer make the product narrow
RESPONSE = 15  # of the filters, in frames of a millisecond: by then that of the narrowest band has fallen by 85 dB


class BandPowers:
    """Mean square of each band in the frames of a buffer.

    All that a block needs is allocated once: anew it would cost more.

    Args:
        bands_hz: lower and upper edge of each band, Hz.
        sample_rate: samples a second.
        hop: samples a frame.
        samples: the buffer ``((RESPONSE + frames) * hop,)``; frames are a multiple of ``FRAMES_A_ROW``.
    """

    def __init__(
        self,
        bands_hz: Sequence[tuple[float, float]],
        sample_rate: int,
        hop: int,
        samples: npt.NDArray[np.float32],
    ) -> None:
        # A filter is a matrix from the samples of some frames, and of those before them, to the filtered samples.
        self._filters = [filter_matrix(band, sample_rate, hop, RESPONSE * hop + 1, FRAMES_A_ROW) for band in bands_hz]
        counts = np.array([matrix.shape[1] for matrix in self._filters])
        # From the squares of filtered samples to means over each frame, frame by frame and band by band.
        shares = [
            np.kron(np.eye(FRAMES_A_ROW), np.outer(np.full(count, 1 / count), unit))
            for count, unit in zip(counts // FRAMES_A_ROW, np.eye(len(counts)), strict=True)
        ]
        self._shares = np.concatenate(shares).astype(np.float32)
        # So many frames in a row, side by side with what lies before them; and filtered.
        self._overlapping = sliding_window_view(samples, (RESPONSE + FRAMES_A_ROW) * hop)[:: FRAMES_A_ROW * hop]
        self._spans = np.empty(self._overlapping.shape, np.float32)
        self._filtered = np.empty((len(self._spans), len(self._shares)), np.float32)
        ends = np.cumsum(counts).tolist()
        self._each = [self._filtered[:, end - count : end] for end, count in zip(ends, counts, strict=True)]

    def measure(self) -> npt.NDArray[np.float32]:
        """Power of what the buffer holds now, but for its first ``RESPONSE`` frames, ``(bands, frames)``."""
        np.copyto(self._spans, self._overlapping)
        for matrix, band in zip(self._filters, self._each, strict=True):
            np.matmul(self._spans[:, -len(matrix) :], matrix, out=band)
        np.square(self._filtered, out=self._filtered)
        power: npt.NDArray[np.float32] = (self._filtered @ self._shares).reshape(-1, len(self._filters)).T
        return power
