"""Which recordings hold the same sound, whatever their gain, sample rate, codec or cut.

Landmarks (pairs of spectral peaks; A. Wang, "An Industrial-Strength Audio Search Algorithm", ISMIR 2003) propose pairs
of recordings; the normalized cross-correlation of the waveforms, in one common band, decides.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

FINGERPRINT_RATE = 8000

_WINDOW, _HOP = 512, 128
# Of a peak that stands for anything, against the loudest one of the recording.
_FLOOR_DB = -50.0
_NEIGHBOURHOOD = (9, 13)  # frames, bins
_PEAKS_A_SECOND = 30
_PARTNERS, _FARTHEST_FRAMES, _FARTHEST_BINS = 6, 63, 63
# A landmark that many recordings share (hum, a beep) tells nothing, and costs the square of how many.
_MOST_SHARING = 200
# Chance gives one or two of the shorter one's landmarks at one offset; a copy a third, or a twentieth where it is
# cut between two frames.
_FEWEST_VOTES, _LEAST_SHARE = 5, 0.03
_LEAST_OVERLAP_S = 0.2
_LEAST_ENERGY = 0.2


@dataclass(frozen=True)
class Match:
    """Two recordings (their places in the sequence) that hold the same sound.

    ``correlation`` is that of the waveforms where they overlap (1 = the same but for gain), ``overlap_s`` how long that
    is, ``offset_s`` where the second one starts on the clock of the first.
    """

    first: int
    second: int
    correlation: float
    overlap_s: float
    offset_s: float


def landmarks(samples: NDArray[np.float32]) -> NDArray[np.int64]:
    """Landmarks of a recording at 8 kHz, shape (n, 2): a hash and its frame of 16 ms. Silence has none."""
    if len(samples) < _WINDOW or not np.any(samples):
        return np.zeros((0, 2), np.int64)
    _, _, spectrum = signal.stft(samples, window="hann", nperseg=_WINDOW, noverlap=_WINDOW - _HOP, padded=False)
    level_db = 20 * np.log10(np.abs(spectrum.T) + 1e-12)
    top = ndimage.maximum_filter(level_db, _NEIGHBOURHOOD)
    frames, bins = np.nonzero((level_db == top) & (level_db > level_db.max() + _FLOOR_DB))
    most = max(10, round(_PEAKS_A_SECOND * len(samples) / FINGERPRINT_RATE))
    loudest = np.sort(np.argsort(-level_db[frames, bins], kind="stable")[:most])
    frames, bins = frames[loudest], bins[loudest]
    found = []
    for step in range(1, 1 + min(_PARTNERS, max(0, len(frames) - 1))):
        later, apart = frames[step:] - frames[:-step], bins[step:] - bins[:-step]
        near = (later > 0) & (later <= _FARTHEST_FRAMES) & (np.abs(apart) <= _FARTHEST_BINS)
        hashes = (bins[:-step].astype(np.int64) << 13) | ((apart + 64) << 6) | later
        found.append(np.stack([hashes[near], frames[:-step][near]], axis=1))
    return np.concatenate(found) if found else np.zeros((0, 2), np.int64)


def candidates(marks: Sequence[NDArray[np.int64]]) -> list[tuple[int, int, float]]:
    """Pairs of recordings that share landmarks at one offset: first, second, and that offset in seconds."""
    sizes = [len(found) for found in marks]
    if not sum(sizes):
        return []
    owner = np.repeat(np.arange(len(marks), dtype=np.int64), sizes)
    table = np.concatenate(list(marks))
    order = np.lexsort((owner, table[:, 0]))
    hashes, frames, owner = table[order, 0], table[order, 1], owner[order]
    starts = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]]))
    sharing = np.diff(np.concatenate([starts, [len(hashes)]]))
    kept = np.repeat(sharing <= _MOST_SHARING, sharing)
    hashes, frames, owner = hashes[kept], frames[kept], owner[kept]
    votes = []
    for step in range(1, _MOST_SHARING):
        same = np.flatnonzero((hashes[step:] == hashes[:-step]) & (owner[step:] != owner[:-step]))
        if step >= len(hashes) or not (hashes[step:] == hashes[:-step]).any():
            break
        offset = frames[same] - frames[same + step]
        votes.append(np.stack([owner[same], owner[same + step], offset], axis=1))
    if not votes:
        return []
    cast, count = np.unique(np.concatenate(votes), axis=0, return_counts=True)
    # A cut between two frames splits the votes on neighbouring offsets.
    follows = np.all(cast[1:, :2] == cast[:-1, :2], axis=1) & (cast[1:, 2] == cast[:-1, 2] + 1)
    joined = count.copy()
    joined[1:][follows] += count[:-1][follows]
    best: dict[tuple[int, int], tuple[int, int]] = {}
    for place in np.flatnonzero(joined >= _FEWEST_VOTES):
        first, second, offset = (int(value) for value in cast[place])
        if joined[place] < _LEAST_SHARE * min(sizes[first], sizes[second]):
            continue
        if int(joined[place]) > best.get((first, second), (0, 0))[0]:
            best[first, second] = (int(joined[place]), offset)
    return [(first, second, offset * _HOP / FINGERPRINT_RATE) for (first, second), (_, offset) in sorted(best.items())]


def find_matches(
    marks: Sequence[NDArray[np.int64]], read: Callable[[int], NDArray[np.float32]], correlation: float = 0.9
) -> list[Match]:
    """The pairs whose waveforms agree: ``correlation`` or more over 0.2 s or more of what they have in common.

    ``read`` gives a recording at 8 kHz by its place. A band that only one of the two holds (resampling, a codec) does
    not count: both are compared between 100 Hz and the lower of their upper limits.
    """
    kept: tuple[int, NDArray[np.float32]] = (-1, np.zeros(0, np.float32))
    found = []
    for first, second, _ in candidates(marks):
        if kept[0] != first:
            kept = (first, read(first))
        match = compare(kept[1], read(second))
        if match is not None and match[0] >= correlation:
            value, overlap_s, offset_s = match
            found.append(Match(first, second, round(value, 4), round(overlap_s, 3), round(offset_s, 4)))
    return found


def compare(first: NDArray[np.float32], second: NDArray[np.float32]) -> tuple[float, float, float] | None:
    """The best correlation of two recordings at 8 kHz over all lags, with overlap and offset in seconds.

    Only lags count at which they overlap by 0.2 s or more and the overlap holds a fifth of the energy of each, or
    nearly all of the shorter one: the silent end of one is not the silent start of the other. None where there is none.
    """
    limit_hz = min(_upper_limit_hz(first), _upper_limit_hz(second), 3800.0)
    if limit_hz < 400:
        return None
    band = signal.butter(4, [100, limit_hz], "bandpass", fs=FINGERPRINT_RATE, output="sos")
    a, b = (signal.sosfiltfilt(band, samples.astype(np.float64)) for samples in (first, second))
    if not (np.any(a) and np.any(b)):
        return None
    product = signal.correlate(a, b, "full", "fft")
    lags = signal.correlation_lags(len(a), len(b), "full")
    energy_a, energy_b = (np.concatenate([[0.0], np.cumsum(samples**2)]) for samples in (a, b))
    start_a, start_b = np.maximum(lags, 0), np.maximum(-lags, 0)
    overlap = np.minimum(len(a) - start_a, len(b) - start_b)
    inside_a = energy_a[start_a + overlap] - energy_a[start_a]
    inside_b = energy_b[start_b + overlap] - energy_b[start_b]
    usable = (overlap >= _LEAST_OVERLAP_S * FINGERPRINT_RATE) & (
        (inside_a >= _LEAST_ENERGY * energy_a[-1]) | (inside_b >= 0.9 * energy_b[-1])
    )
    usable &= (inside_b >= _LEAST_ENERGY * energy_b[-1]) | (inside_a >= 0.9 * energy_a[-1])
    if not usable.any():
        return None
    value = np.where(usable, np.abs(product) / np.sqrt(np.maximum(inside_a * inside_b, 1e-30)), 0.0)
    best = int(np.argmax(value))
    # A cut lies between two samples as a rule: the correlation is band-limited too, and read off between them.
    around = signal.resample_poly(product[max(0, best - 64) : best + 65], 8, 1)
    middle = 8 * min(best, 64)
    between = float(np.max(np.abs(around[max(0, middle - 8) : middle + 9])))
    finest = max(float(value[best]), between / float(np.sqrt(max(inside_a[best] * inside_b[best], 1e-30))))
    return min(1.0, finest), float(overlap[best] / FINGERPRINT_RATE), float(lags[best] / FINGERPRINT_RATE)


def _upper_limit_hz(samples: NDArray[np.float32]) -> float:
    """Where a recording at 8 kHz ends: the highest frequency within 70 dB of its strongest."""
    frequency, power = signal.welch(samples, FINGERPRINT_RATE, nperseg=min(512, len(samples)))
    if not power.max() > 0:
        return 0.0
    return float(frequency[np.flatnonzero(power >= power.max() * 1e-7)[-1]])
