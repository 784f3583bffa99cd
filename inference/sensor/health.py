"""How the sound of a sensor is: its level, its floor, what clips, what was lost; and what is wrong with it, said once.

Figures run along at the price of a few passes over each block. What is kept of sound here is sums; the half second
that is looked at for a tone is overwritten with zeros when it has been.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from tocsin.inference.sensor.tones import ToneWatch

Fault = Literal["no_sound", "hears_nothing", "clips", "constant_tone"]
FAULTS: tuple[Fault, ...] = get_args(Fault)

DIGITAL_SILENCE_DBFS = -200.0
REMEMBERED_S = 300.0  # of what floor and share clipped are taken
SPAN_S = 0.5  # of which one level is kept
LEVEL_S = 60.0  # over which the level is taken
FLOOR_PERCENTILE = 10.0
NO_SOUND_S = 10.0  # without a block
FULL_SCALE = 0.999
CLIPPING_SHARE = 0.02  # of a span's samples; a near shot clips far fewer of ten seconds'
CLIPPING_S, NOTHING_S, OVER_S = 10.0, 10.0, 5.0
LEAST_RANGE = 1.5 * 2.0**-15  # a converter of 16 bits that hears nothing moves by one step at most
CHANGE_DB, CHANGED_FOR_S = 20.0, 60.0


@dataclass(frozen=True)
class SoundFigures:
    """The sound of one sensor.

    Attributes:
        level_dbfs: root mean square of the last minute, dB re a full scale of 1; -200 for digital silence.
        noise_floor_dbfs: the level that nine tenths of the last five minutes' half seconds exceed, dB re full scale.
        clipped_share: of the samples of the last five minutes, 0 … 1.
        dropouts: how often samples were missing since the start.
        lost_samples: how many were, as far as the source can tell.
        block_age_s: seconds since samples came.
        faults: what is wrong now, of :data:`FAULTS`: no samples come; nothing is in them; a fiftieth and more of them
            is at full scale; they are little but a constant tone.
    """

    level_dbfs: float | None
    noise_floor_dbfs: float | None
    clipped_share: float | None
    dropouts: int
    lost_samples: int
    block_age_s: float | None
    faults: tuple[Fault, ...]


class SoundHealth:
    """Watches the sound of one sensor.

    Args:
        sample_rate: Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        spans = round(REMEMBERED_S / SPAN_S)
        # A row a span: energy, clipped samples, samples.
        self._spans = np.zeros((spans, 3))
        self._filled = 0
        self._open = _empty_span()  # energy, clipped, samples, least and greatest value
        self._dropouts = self._lost_samples = 0
        self._states: dict[Fault, _State] = {
            "hears_nothing": _State(NOTHING_S),
            "clips": _State(CLIPPING_S),
            "constant_tone": _State(0.0),  # the tone has its own patience
        }
        self._tones = ToneWatch(sample_rate)
        self._steady_s = 0.0
        self._last_monotonic_s: float | None = None

    def hear(
        self,
        samples: NDArray[np.float32],
        arrived_monotonic_s: float,
        *,
        lost_samples: int = 0,
        begins_anew: bool = False,
    ) -> list[str]:
        """Take the next samples.

        Args:
            samples: ``(n,)`` float32, full scale ±1; may be empty.
            arrived_monotonic_s: when they came, by the clock that is never set, seconds.
            lost_samples: missing before it, where the source can tell.
            begins_anew: whether any are missing before it; the very first block misses none.

        Returns:
            Sentences of what has begun to be wrong, of what is right again, and of abrupt changes; mostly none.
        """
        if self._last_monotonic_s is not None and (begins_anew or lost_samples):
            self._dropouts += 1
            self._lost_samples += lost_samples
            self._tones.begin_anew()
        if not len(samples):
            return []
        self._last_monotonic_s = arrived_monotonic_s
        least, greatest = float(samples.min()), float(samples.max())
        span = self._open
        # Counted only where something clips at all, which is seldom.
        if max(-least, greatest) >= FULL_SCALE:
            span[1] += int(np.count_nonzero(np.abs(samples) >= FULL_SCALE))
        span[0] += float(np.dot(samples, samples))
        span[2] += len(samples)
        span[3], span[4] = min(span[3], least), max(span[4], greatest)
        self._tones.hear(samples)
        return list(self._close_span()) if span[2] >= SPAN_S * self._rate else []

    def forget_sound(self) -> None:
        """Overwrite the half second that may be kept, at most; for when the source goes away."""
        self._tones.begin_anew()

    def figures(self, now_monotonic_s: float) -> SoundFigures:
        """All figures, of the half seconds that are complete; None where there is none yet.

        Args:
            now_monotonic_s: the same clock as that of the blocks, now.
        """
        spans = self._remembered(REMEMBERED_S)
        heard = float(spans[:, 2].sum())
        lately = self._remembered(LEVEL_S).sum(axis=0, keepdims=True)
        age_s = None if self._last_monotonic_s is None else max(now_monotonic_s - self._last_monotonic_s, 0.0)
        holds = {fault: state.holds for fault, state in self._states.items()}
        holds["no_sound"] = age_s is None or age_s > NO_SOUND_S
        return SoundFigures(
            level_dbfs=round(float(_dbfs(lately)[0]), 1) if heard else None,
            noise_floor_dbfs=round(_percentile_dbfs(spans, FLOOR_PERCENTILE), 1) if heard else None,
            clipped_share=round(float(spans[:, 1].sum() / heard), 6) if heard else None,
            dropouts=self._dropouts,
            lost_samples=self._lost_samples,
            block_age_s=None if age_s is None else round(age_s, 3),
            faults=tuple(fault for fault in FAULTS if holds[fault]),
        )

    def _close_span(self) -> Iterator[str]:
        energy, clipped, count, least, greatest = self._open
        self._open = _empty_span()
        self._spans[self._filled % len(self._spans)] = energy, clipped, count
        self._filled += 1
        seconds = count / self._rate
        silent = greatest - least <= LEAST_RANGE
        if begun := self._states["hears_nothing"].see(silent, seconds):
            value = "0" if max(abs(least), abs(greatest)) <= LEAST_RANGE else f"{greatest:.4f}"
            yield (
                f"hears nothing: every sample of the last {NOTHING_S:.0f} s is {value}; is the microphone plugged in, "
                "not muted, and the right device?"
                if begun == "begun"
                else "hears something again"
            )
        clips = not silent and clipped >= CLIPPING_SHARE * count
        if begun := self._states["clips"].see(clips, seconds):
            yield (
                f"clips: {clipped / count:.0%} of the samples are at full scale, for {CLIPPING_S:.0f} s; lower the "
                "gain of the microphone"
                if begun == "begun"
                else "does not clip any more"
            )
        if begun := self._states["constant_tone"].see(self._tones.tone_hz is not None, seconds):
            yield (
                f"hears little but a constant tone of {self._tones.tone_hz:.0f} Hz; look for a hum of the supply, a "
                "feedback or a machine beside the microphone"
                if begun == "begun"
                else "hears no constant tone any more"
            )
        yield from self._see_change(seconds, wrong=silent or clips)

    def _see_change(self, seconds: float, wrong: bool) -> Iterator[str]:
        """Compare the last minute with the minutes before it, ten times a minute."""
        # Neither what was wrong nor what was before a change that has been said is compared with.
        self._steady_s = 0.0 if wrong else min(self._steady_s + seconds, REMEMBERED_S)
        minute = round(CHANGED_FOR_S / SPAN_S)
        if self._steady_s < 2 * CHANGED_FOR_S or self._filled % (minute // 10):
            return
        spans = self._remembered(self._steady_s)
        before = _percentile_dbfs(spans[:-minute], 50)
        # Nearly all of the minute, for a car that passes or a hush is no change.
        louder = _percentile_dbfs(spans[-minute:], FLOOR_PERCENTILE) - before >= CHANGE_DB
        quieter = before - _percentile_dbfs(spans[-minute:], 100 - FLOOR_PERCENTILE) >= CHANGE_DB
        if louder or quieter:
            self._steady_s = CHANGED_FOR_S
            now = _percentile_dbfs(spans[-minute:], 50)
            why = "wind, rain or a machine" if louder else "something covers it"
            yield (
                f"its level changed from {before:.0f} to {now:.0f} dBFS, for a minute now: {why}, or somebody turned "
                "the microphone or its gain"
            )

    def _remembered(self, last_s: float) -> NDArray[np.float64]:
        """``(spans, 3)`` in the order of time."""
        kept = min(self._filled, round(last_s / SPAN_S), len(self._spans))
        return self._spans[np.arange(self._filled - kept, self._filled) % len(self._spans)]


class _State:
    """Something that is wrong once it has been for ``after_s``, and right once it has not been for ``OVER_S``."""

    def __init__(self, after_s: float) -> None:
        self.holds = False
        self._after_s = after_s
        self._against_s = 0.0

    def see(self, wrong: bool, seconds: float) -> Literal["begun", "over"] | None:
        if wrong == self.holds:
            self._against_s = 0.0
            return None
        self._against_s += seconds
        if self._against_s < (OVER_S if self.holds else self._after_s):
            return None
        self.holds, self._against_s = wrong, 0.0
        return "begun" if wrong else "over"


def _dbfs(spans: NDArray[np.float64]) -> NDArray[np.float64]:
    power = spans[:, 0] / spans[:, 2]
    return 10 * np.log10(np.maximum(power, 10 ** (DIGITAL_SILENCE_DBFS / 10)))


def _percentile_dbfs(spans: NDArray[np.float64], percentile: float) -> float:
    return float(np.percentile(_dbfs(spans), percentile))


def _empty_span() -> list[float]:
    return [0.0, 0, 0, math.inf, -math.inf]
