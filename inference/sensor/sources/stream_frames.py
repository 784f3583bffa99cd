"""Frames of sound as FFmpeg decodes them: their samples as floats, and what their times say of lost ones."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin.inference.sensor.sources.block import SourceLost

# Times of some containers are rounded to milliseconds.
_ROUNDING_S = 0.005
# A time that leaps further is another count, not a loss.
_LONGEST_GAP_S = 60.0


def frame_samples(frame: Any) -> NDArray[np.float32]:
    """The samples ``(n, channels)`` of an ``av.AudioFrame`` of any format, as float32, full scale ±1.

    Raises ``SourceLost`` for a format that is none of sound in the time domain.
    """
    held: NDArray[Any] = frame.to_ndarray()
    channels = frame.layout.nb_channels
    samples = held.T if frame.format.is_planar else held.reshape(-1, channels)
    if np.issubdtype(samples.dtype, np.floating):
        with np.errstate(over="ignore"):  # of doubles beyond float32, which are silenced as what they become
            return np.ascontiguousarray(samples, np.float32)
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - np.float32(128.0)) / np.float32(128.0)
    if np.issubdtype(samples.dtype, np.signedinteger):
        return samples.astype(np.float32) / np.float32(-float(np.iinfo(samples.dtype).min))
    raise SourceLost(f"samples of {samples.dtype} are of no stream of sound")


class FrameClock:
    """Compares the time of each frame with the end of the one before it."""

    def __init__(self) -> None:
        self._form: tuple[int, int] | None = None
        self._end_s: float | None = None

    def next(self, sample_rate: int, channels: int, frames: int, time_s: float | None) -> tuple[bool, int]:
        """Whether the next frame begins anew, and how many samples are missing before it.

        Args:
            sample_rate: Hz.
            channels: how many.
            frames: samples of each channel in it.
            time_s: of its first sample, by the stream; None where the stream does not say.

        Returns:
            Missing samples make it begin anew, and so does another rate or number of channels, or a time that goes back
            or leaps by more than a minute: there nobody can say how many are missing, and 0 are.
        """
        begins_anew, lost = self._form != (sample_rate, channels), 0
        if time_s is not None and self._end_s is not None and not begins_anew:
            gap_s = time_s - self._end_s
            if abs(gap_s) > max(_ROUNDING_S, 0.5 * frames / sample_rate):
                begins_anew = True
                lost = round(gap_s * sample_rate) if 0 < gap_s <= _LONGEST_GAP_S else 0
        self._form = sample_rate, channels
        if time_s is not None:
            # Rounded times must not add up: each is compared with what was told last.
            self._end_s = time_s + frames / sample_rate
        elif self._end_s is not None:
            self._end_s += frames / sample_rate
        return begins_anew, lost
