"""What is wrong with recordings before anything is trained on them: a row a finding, measured, not judged."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy import signal

from tocsin import TocsinError
from tocsin.data.audio import Audio, read_audio
from tocsin.data.checks.fingerprint import FINGERPRINT_RATE, Match, find_matches, landmarks
from tocsin.data.manifests import ManifestRow

FINDINGS = ("unreadable", "silent", "zeros", "loop", "clipping", "band_limit", "duplicate", "leak", "label_conflict")
"""In the order in which a table has them; ``docs/data.md`` says what each means."""

SILENT_DBFS = -70.0
ZEROS_SHARE = 0.25
LEAST_CLIPPED_SAMPLES = 6
# Below this share of half the sample rate a recording was resampled or coded from something poorer.
BAND_SHARE = 0.8

_ZERO_RUN_S = 0.01
_LOOP_AGREEMENT = 0.995
_SHORTEST_LOOP_S = 0.1


@dataclass(frozen=True)
class Measures:
    """What was measured of one stretch; ``loop_s`` is None where nothing repeats."""

    sample_rate: int
    peak_dbfs: float
    zeros_share: float
    clipped_samples: int
    band_limit_hz: float
    loop_s: float | None


@dataclass(frozen=True)
class Finding:
    """One finding about a row of a manifest, or about two (``other``); ``value`` is a number with its unit in words."""

    kind: str
    row: ManifestRow
    value: str
    other: ManifestRow | None = None


def measure(audio: Audio) -> Measures:
    """Peak, exact zeros, clipping, band limit and loops of a stretch of audio."""
    peak = float(np.max(np.abs(audio.samples)))
    return Measures(
        sample_rate=audio.sample_rate,
        peak_dbfs=20 * np.log10(peak) if peak > 0 else -np.inf,
        zeros_share=zeros_share(audio),
        clipped_samples=clipped_samples(audio),
        band_limit_hz=band_limit_hz(audio),
        loop_s=loop_s(audio),
    )


def zeros_share(audio: Audio) -> float:
    """Share of the samples that lie in runs of 10 ms or more of exact zeros, which no microphone gives."""
    zero = np.concatenate([[False], audio.samples == 0, [False]]).astype(np.int8)
    runs = np.diff(np.flatnonzero(np.diff(zero)).reshape(-1, 2), axis=1)
    return float(runs[runs >= _ZERO_RUN_S * audio.sample_rate].sum() / len(audio.samples))


def clipped_samples(audio: Audio) -> int:
    """Samples in flat tops: three or more in a row at the very peak of their polarity, within half a 16-bit step.

    Clipped sound that was turned down afterwards is found too; what was resampled since has no flat tops any more.
    """
    total = 0
    for samples in (audio.samples, -audio.samples):
        top = float(samples.max())
        if top < 0.02:  # a few steps of the converter: flat by rounding
            continue
        at_top = np.concatenate([[False], samples >= top - 0.5 / 32768, [False]]).astype(np.int8)
        runs = np.diff(np.flatnonzero(np.diff(at_top)).reshape(-1, 2), axis=1)
        total += int(runs[runs >= 3].sum())
    return total


def band_limit_hz(audio: Audio) -> float:
    """The highest frequency with anything above the rounding noise of 16 bit and within 90 dB of the strongest; Hz."""
    rate = audio.sample_rate
    frequency, power = signal.welch(audio.samples, rate, "blackmanharris", nperseg=min(2048, len(audio.samples)))
    rounding = 2 / rate / 12 / 32768**2  # per hertz: a uniform error of one step, spread up to half the rate
    # Dither has two to three times the power of rounding.
    heard = np.flatnonzero(power > max(6 * rounding, power.max() * 1e-9))
    return float(frequency[heard[-1]]) if heard.size else 0.0


def loop_s(audio: Audio) -> float | None:
    """Period (s) with which a stretch repeats itself to its end, as short clips are padded; None where it does not.

    The repeated part has to be 0.1 s or longer, hold a tenth of the energy, and agree to 0.995 in correlation.
    """
    samples = audio.samples.astype(np.float64)
    energy = np.concatenate([[0.0], np.cumsum(samples**2)])
    shortest = round(_SHORTEST_LOOP_S * audio.sample_rate)
    lags = np.arange(shortest, len(samples) - shortest)
    if not lags.size or energy[-1] == 0:
        return None
    product = signal.correlate(samples, samples, "full", "fft")[len(samples) - 1 :][lags]
    head, tail = energy[len(samples) - lags], energy[-1] - energy[lags]
    agreement = product / np.sqrt(np.maximum(head * tail, 1e-30))
    strong = (tail >= 0.1 * energy[-1]) & (head >= 0.1 * energy[-1]) & (agreement >= _LOOP_AGREEMENT)
    if not strong.any():
        return None
    # Twice the period agrees as well: the first of the best.
    lag = int(lags[strong & (agreement >= agreement[strong].max() - 1e-6)][0])
    # A hum repeats at every period of its own; a loop agrees at its own lag alone and falls off beside it.
    beside = lags[(np.abs(lags - lag) > shortest // 10) & (np.abs(lags - lag) < shortest)] - shortest
    if beside.size and float(agreement[beside].max()) > 0.9:
        return None
    return float(lag / audio.sample_rate)


def check_rows(
    rows: Sequence[ManifestRow], correlation: float = 0.9, progress: Callable[[int], None] = lambda done: None
) -> tuple[list[Finding], list[Measures | None]]:
    """Findings about the rows of one manifest or several together, and the measures of each row (None: unreadable).

    ``duplicate`` is a pair of different files that hold the same sound (``correlation`` of their waveforms), ``leak``
    one whose sessions differ, so that a split may divide it, ``label_conflict`` one whose classes differ.
    """
    findings: list[Finding] = []
    measured: list[Measures | None] = []
    marks: list[NDArray[np.int64]] = []
    for number, row in enumerate(rows):
        try:
            audio = read_audio(row.path, start_s=row.start_s, duration_s=row.duration_s)
        except TocsinError as error:
            findings.append(Finding("unreadable", row, str(error)))
            measured.append(None)
            marks.append(np.zeros((0, 2), np.int64))
        else:
            measured.append(measure(audio))
            findings += _defects(row, measured[-1]) if measured[-1] else []
            marks.append(landmarks(_at_common_rate(audio)))
        progress(number + 1)

    def read(place: int) -> NDArray[np.float32]:
        return _at_common_rate(
            read_audio(rows[place].path, start_s=rows[place].start_s, duration_s=rows[place].duration_s)
        )

    for match in find_matches(marks, read, correlation):
        findings += _pair(rows[match.first], rows[match.second], match)
    return findings, measured


def _defects(row: ManifestRow, found: Measures) -> Iterator[Finding]:
    if found.peak_dbfs < SILENT_DBFS:
        yield Finding("silent", row, f"peak {found.peak_dbfs:.1f} dBFS")
        return
    if found.zeros_share >= ZEROS_SHARE:
        yield Finding("zeros", row, f"{found.zeros_share:.0%} exact zeros")
    if found.clipped_samples >= LEAST_CLIPPED_SAMPLES:
        yield Finding("clipping", row, f"{found.clipped_samples} samples")
    if found.band_limit_hz < BAND_SHARE * found.sample_rate / 2:
        yield Finding("band_limit", row, f"{found.band_limit_hz:.0f} Hz of {found.sample_rate // 2} Hz")
    if found.loop_s is not None:
        yield Finding("loop", row, f"repeats every {found.loop_s:.3f} s")


def _pair(first: ManifestRow, second: ManifestRow, match: Match) -> Iterator[Finding]:
    # Stretches of one file may overlap: that is what a manifest is for.
    if first.path.resolve() == second.path.resolve():
        return
    said = f"correlation {match.correlation:.3f} over {match.overlap_s:.2f} s"
    yield Finding("duplicate", first, said, second)
    if first.group != second.group:
        yield Finding("leak", first, said, second)
    if first.class_name != second.class_name:
        yield Finding("label_conflict", first, f"{first.label} and {second.label}, {said}", second)


def _at_common_rate(audio: Audio) -> NDArray[np.float32]:
    if audio.sample_rate == FINGERPRINT_RATE:
        return audio.samples
    return np.ascontiguousarray(soxr.resample(audio.samples, audio.sample_rate, FINGERPRINT_RATE, "HQ"), np.float32)
