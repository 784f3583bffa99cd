"""Onset picking: when a bang arrives at a sensor, taken from the waveform, to about a millisecond.

Two steps, after the published sensor (Calhoun et al. 2021, arXiv 2108.07377: a step kernel with tau = 50 ms):

1. *Find.* The power of four bands in frames of a millisecond; in each band the ratio of a falling triangle of 50 ms
   after a frame to the plain mean of 50 ms before it; the mean of the four ratios in decibels. Each band counts alike,
   so that a weak bang under low-pitched traffic is seen in the bands that traffic leaves free. Local maxima are
   candidates.
2. *Refine.* The sample where one variance changes to another, by the Akaike information criterion (Maeda 1985), in the
   band-passed waveform round the candidate.

A jump of the level and nothing else is no onset (``jumps.py``). In the first 25 ms, where a stream has no background
yet, a bang is one that stands out of what follows it too.

The stream is cut into blocks at fixed absolute positions and every block is computed alike, whatever the sizes of the
chunks that arrive: a stream and the whole file give bit-identical onsets.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tocsin import TocsinError
from tocsin.inference.onsets.bands import RESPONSE, BandPowers
from tocsin.inference.onsets.filters import response_of
from tocsin.inference.onsets.frames import falling_means, long_runs, mean_ratio_db, sums_before, variance_change
from tocsin.inference.onsets.jumps import is_jump

BANDS_HZ = ((200.0, 500.0), (500.0, 1000.0), (1000.0, 2000.0), (2000.0, 5400.0))
WIDE_BAND_HZ = (500.0, 5400.0)  # the refinement: low bands ring too long to time an edge
HIGHEST_SHARE_OF_RATE = 0.45
LOWEST_SAMPLE_RATE = 3000

# All in frames of a millisecond.
_KERNEL = 50
_LEAST_BACKGROUND = 20
_NEIGHBOURHOOD = 15
_REFINE_BEFORE, _REFINE_AFTER = 30, 20
_GAP = 20
_SETTLING = 5
_OPENING = _LEAST_BACKGROUND + _SETTLING  # of a stream: no onset in it has a background before it
_CONTEXT = 100
_LOOKAHEAD = 100
_KEPT = _CONTEXT + _LOOKAHEAD  # of the block before
_BLOCK = 1000

_SIGMA_FLOOR_S = 0.0005
_SAME_ONSET_S = 0.005
_SLOPE_DB = 3.0
_OPENING_RISE_DB = 6.0  # 48 of 2,219 clips have it within 25 ms of their start: bangs, barks, blows of tools
_LOUDEST = 1000.0  # times full scale: what is louder is a fault, and its square must stay finite


@dataclass(frozen=True)
class Onset:
    """The arrival of a bang.

    ``onset_s`` counts seconds from the first sample of the stream, ``onset_sigma_s`` is its standard deviation.
    ``snr_db`` is the rise of power over the 50 ms before, or what there is of them, a mean of bands; ``level_dbfs`` the
    highest peak of the band-passed waveform (500 Hz and up) in the 50 ms after, against a full scale of 1.
    """

    onset_s: float
    onset_sigma_s: float
    snr_db: float
    level_dbfs: float


class OnsetPicker:
    """Picks onsets from a stream of mono samples, in constant memory, up to 1.1 s behind it.

    Runs of 20 ms and more of exact zeros are gaps, not silence: their edges are no onsets, and an onset needs 20 ms of
    sound before it, or a millisecond at the start of the stream, where it must die away within 0.1 s. Jumps of the
    level, which no air carries, are no onsets. Samples that are not finite count as zeros.

    Args:
        sample_rate: samples a second, at least 3000.
        threshold_db: the least ``snr_db`` reported. Steady noise stays below about 3 dB.

    Raises:
        TocsinError: the sample rate is too low.
    """

    def __init__(self, sample_rate: int, threshold_db: float = 3.3) -> None:
        if sample_rate < LOWEST_SAMPLE_RATE:
            raise TocsinError(
                f"onsets cannot be picked at {sample_rate} samples a second: at least {LOWEST_SAMPLE_RATE} are needed"
            )
        self.sample_rate = sample_rate
        self.threshold_db = threshold_db
        self._hop = round(sample_rate / 1000)
        self._frame_s = self._hop / sample_rate
        highest = HIGHEST_SHARE_OF_RATE * sample_rate
        bands = [(low, min(high, highest)) for low, high in BANDS_HZ if low * 1.3 < highest]
        wide = (WIDE_BAND_HZ[0], min(WIDE_BAND_HZ[1], highest))
        frames = _KEPT + _BLOCK
        self._samples = np.empty(frames * self._hop, np.float32)
        self._power = np.empty((len(bands), frames))
        self._silent = np.empty(frames, dtype=bool)
        self._powers = BandPowers(bands, sample_rate, self._hop, self._samples[(_KEPT - RESPONSE) * self._hop :])
        self._wide_response = response_of(wide, sample_rate, (RESPONSE + 1) * self._hop)
        self._reset()

    def _reset(self) -> None:
        self._pending = np.empty(0, np.float32)
        self._samples[:], self._power[:], self._silent[:] = 0.0, 0.0, True
        self._first_frame = -_KEPT - _BLOCK
        self._last_onset_s = -np.inf

    def push(self, samples: npt.ArrayLike) -> list[Onset]:
        """Take the next samples and return the onsets that have become certain, in order of time.

        Args:
            samples: shape ``(samples,)``, any length, full scale 1.

        Raises:
            TocsinError: the array has more than one axis.
        """
        chunk = np.asarray(samples)
        if chunk.ndim != 1:
            raise TocsinError(f"an onset picker takes mono samples of shape (samples,), not {chunk.shape}")
        if not (np.abs(chunk) <= _LOUDEST).all():
            chunk = np.clip(np.where(np.isfinite(chunk), chunk, 0.0), -_LOUDEST, _LOUDEST)
        self._pending = np.concatenate((self._pending, chunk.astype(np.float32, copy=False)))
        onsets: list[Onset] = []
        size = _BLOCK * self._hop
        start = 0
        while self._pending.size - start >= size:
            onsets += self._process(self._pending[start : start + size])
            start += size
        self._pending = self._pending[start:].copy()
        return onsets

    def flush(self) -> list[Onset]:
        """End the stream: return the onsets still in the buffer. The picker then starts again at zero seconds."""
        size = _BLOCK * self._hop
        missing = -(self._pending.size + _LOOKAHEAD * self._hop) % size
        onsets = self.push(np.zeros(_LOOKAHEAD * self._hop + missing))
        self._reset()
        return onsets

    def _process(self, block: npt.NDArray[np.float32]) -> list[Onset]:
        """Filter a block of fixed size, and decide on the frames that now have all their lookahead."""
        kept, new = slice(_BLOCK, None), slice(_KEPT, None)
        self._first_frame += _BLOCK
        self._samples[: _KEPT * self._hop] = self._samples[_BLOCK * self._hop :]
        self._samples[_KEPT * self._hop :] = block
        self._power[:, :_KEPT] = self._power[:, kept]
        self._power[:, new] = self._powers.measure()
        self._silent[:_KEPT] = self._silent[kept]
        # Few frames begin with a zero, and no other is silent.
        self._silent[new] = block[:: self._hop] == 0.0
        if self._silent[new].any():
            self._silent[new] = ~block.reshape(_BLOCK, self._hop).any(axis=1)
        heard = ~long_runs(self._silent, _GAP)
        rise = self._rise_db(heard)
        decided = slice(_CONTEXT, _CONTEXT + _BLOCK)
        frames = np.flatnonzero(rise[decided] >= self.threshold_db) + _CONTEXT
        frames = frames[rise[frames] > rise[frames - 1]]
        around = rise[frames[:, None] + np.arange(-_NEIGHBOURHOOD, _NEIGHBOURHOOD + 1)]
        onsets: list[Onset] = []
        for frame in frames[around.argmax(axis=1) == _NEIGHBOURHOOD].tolist():
            if not heard[frame - 1 : frame + _REFINE_AFTER].all():
                continue
            onset = self._refine(frame, heard, float(rise[frame]))
            if onset is not None and onset.onset_s - self._last_onset_s > _SAME_ONSET_S:
                self._last_onset_s = onset.onset_s
                onsets.append(onset)
        if self._first_frame == -_KEPT and (opening := self._opening(heard)):
            others = [onset for onset in onsets if abs(onset.onset_s - opening.onset_s) > _SAME_ONSET_S]
            onsets = sorted([opening, *others], key=lambda onset: onset.onset_s)
        return onsets

    def _opening(self, heard: npt.NDArray[np.bool_]) -> Onset | None:
        """The onset of a bang so early in the stream that no background lies before it.

        The little before it may be quiet only because the filters, or those of a codec, have just begun. So the bang
        must stand out of what comes after it as well: a bang dies away, steady noise that begins does not.
        """
        begin, stop = _KEPT, _OPENING + _NEIGHBOURHOOD
        sums = sums_before(self._power[:, begin : begin + stop + 2 * _KERNEL])
        before = sums[:, 1:stop] / np.arange(1, stop)
        later = (sums[:, 2 * _KERNEL + 1 : 2 * _KERNEL + stop] - sums[:, _KERNEL + 1 : _KERNEL + stop]) / _KERNEL
        after = falling_means(sums, 1, stop, _KERNEL)
        over_both = mean_ratio_db(after, np.maximum(before, later))
        # A bang that comes later, beyond the reach of the refinement, makes a slope here that goes on for decibels.
        best = int(over_both[: _OPENING - 1].argmax())
        frame = begin + 1 + best
        if over_both[best] < max(_OPENING_RISE_DB, over_both[best : best + _NEIGHBOURHOOD + 1].max() - _SLOPE_DB):
            return None
        if not heard[begin : frame + _REFINE_AFTER].all():
            return None
        rise_db = float(mean_ratio_db(after, before)[best])
        onset = self._refine(frame, heard, rise_db) if rise_db >= self.threshold_db else None
        return onset if onset is not None and onset.onset_s < _OPENING * self._frame_s else None

    def _rise_db(self, heard: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """Mean over the bands of the power after a frame against that before it, in dB; -inf without a background.

        The first ``_KERNEL`` frames lack what lies before them and the last what comes after: nobody asks for those.
        """
        first, stop = _KERNEL, heard.size - _KERNEL + 1
        all_heard = bool(heard.all())
        sums = sums_before(self._power if all_heard else self._power * heard)
        if all_heard:
            count: npt.NDArray[np.float64] | float = float(_KERNEL)
            before = (sums[:, first:stop] - sums[:, : stop - first]) / _KERNEL
        else:
            # Frames just after a gap hold the filters' answer to its edge; they are no background.
            settled = ~np.convolve(~heard, np.ones(_SETTLING + 1), "full")[: heard.size].astype(bool)
            held, counts = sums_before(self._power * settled), sums_before(settled.astype(float))
            count = counts[first:stop] - counts[: stop - first]
            before = (held[:, first:stop] - held[:, : stop - first]) / np.maximum(count, 1.0)
        decibels = mean_ratio_db(falling_means(sums, first, stop, _KERNEL), before)
        rise = np.full(heard.size, -np.inf)
        rise[first:stop] = np.where(count >= _LEAST_BACKGROUND, decibels, -np.inf)
        return rise

    def _refine(self, frame: int, heard: npt.NDArray[np.bool_], rise_db: float) -> Onset | None:
        """Time the edge near a frame to the sample, and say how well; ``None`` where it is a jump and no sound."""
        deaf = np.flatnonzero(~heard[frame - _REFINE_BEFORE : frame])
        sounding = frame - _REFINE_BEFORE + (int(deaf[-1]) + 1 if deaf.size else 0)
        settled = sounding + (_SETTLING if deaf.size else 0)
        start = max(min(settled, frame - _SETTLING), sounding) * self._hop
        lead = len(self._wide_response) - 1
        stop = (frame + _KERNEL + _REFINE_AFTER) * self._hop
        wide = np.convolve(self._samples[start - lead : stop].astype(float), self._wide_response, "valid")
        edge = variance_change(wide[: (frame + _REFINE_AFTER) * self._hop - start])
        after = np.abs(wide[edge : edge + _KERNEL * self._hop])
        edge += start
        if is_jump(self._samples, edge, self._hop):
            return None
        early = after[: _REFINE_AFTER * self._hop]
        rise_s = (int((early >= 0.5 * early.max()).argmax()) + 1) / self.sample_rate
        return Onset(
            onset_s=(self._first_frame * self._hop + edge) / self.sample_rate,
            onset_sigma_s=float(np.hypot(_SIGMA_FLOOR_S, rise_s * 10.0 ** (-rise_db / 20.0))),
            snr_db=rise_db,
            level_dbfs=float(20.0 * np.log10(after.max() + 1e-6)),
        )


def pick_onsets(samples: npt.ArrayLike, sample_rate: int, threshold_db: float = 3.3) -> list[Onset]:
    """Onsets of a whole recording, in order of time: what :class:`OnsetPicker` gives for any chunks of it.

    Args:
        samples: shape ``(samples,)``, mono, full scale 1.
        sample_rate: samples a second, at least 3000.
        threshold_db: the least ``snr_db`` reported.

    Raises:
        TocsinError: the sample rate is too low, or the array has more than one axis.
    """
    picker = OnsetPicker(sample_rate, threshold_db)
    return picker.push(samples) + picker.flush()
