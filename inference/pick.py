"""Events from traces: an onset of the waveform says when, the windows that hold it say what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin.inference.annotate import Annotator
from tocsin.inference.onsets.picker import Onset

# An onset takes the mean of the windows in which it lies between these shares of the window: enough of the sound
# behind it, a little of the quiet before it. Models are trained with onsets in this range and beyond on both sides.
EARLIEST, LATEST = 0.1, 0.6
# Every second window of the grid is asked first. Where a gunshot is less likely than this its answer stands: most bangs
# of a street need no second one.
DOUBT = 0.01
MEASURES = ("onset_s", "onset_sigma_s", "label", "confidence", "level_dbfs", "snr_db")  # columns of the same name


@dataclass(frozen=True)
class Event:
    """A sound with an onset.

    Attributes:
        onset_s: arrival, seconds from the start of the audio.
        onset_sigma_s: its standard deviation, seconds.
        label: ``gunshot`` where its probability reaches the threshold, else the likeliest other class.
        confidence: probability of the label.
        probabilities: calibrated, a class each.
        level_dbfs: highest peak above 500 Hz in the 50 ms after the onset, dB re full scale.
        snr_db: rise of power over the 50 ms before, a mean of bands, dB.
        path: of the file that it was heard in, as given; empty for samples.
    """

    onset_s: float
    onset_sigma_s: float
    label: str
    confidence: float
    probabilities: dict[str, float]
    level_dbfs: float
    snr_db: float
    path: str = ""

    def to_row(self) -> dict[str, Any]:
        """The row of ``tocsin detect``."""
        digits = {"onset_s": 6, "onset_sigma_s": 6, "confidence": 6, "level_dbfs": 2, "snr_db": 2}
        values = {name: getattr(self, name) for name in MEASURES}
        rounded = {name: round(value, digits[name]) if name in digits else value for name, value in values.items()}
        return {"path": self.path, **rounded, **{name: round(p, 6) for name, p in self.probabilities.items()}}

    def __str__(self) -> str:
        return (
            f"{self.label} {self.confidence:.3f} at {self.onset_s:.4f} s ± {self.onset_sigma_s * 1000:.1f} ms, "
            f"{self.level_dbfs:.0f} dBFS, {self.snr_db:.0f} dB above the background"
        )

    def __repr__(self) -> str:
        return f"<Event {self}>"


def event_columns(classes: Sequence[str]) -> tuple[str, ...]:
    """Columns of a table of events."""
    return ("path", *MEASURES, *classes)


def pick(onsets: Sequence[Onset], annotator: Annotator, threshold: float) -> list[Event]:
    """Join onsets with the class probabilities at their time; nothing is dropped here."""
    card, start_s, alternate = annotator.model.card, annotator.start_s, annotator.alternate
    means: dict[bytes, list[float]] = {}  # of the windows that speak: near onsets have the same
    events = []
    for onset in onsets:
        inside = windows_of(onset.onset_s, start_s, card.window_s)
        speak = inside.tobytes()
        if speak not in means:
            first = inside & alternate
            mean = annotator.trace(first if first.any() else inside).probabilities.mean(axis=0)
            if mean[card.classes.index("gunshot")] >= DOUBT:
                mean = annotator.trace(inside).probabilities.mean(axis=0)
            means[speak] = mean.tolist()
        probabilities = dict(zip(card.classes, means[speak], strict=True))
        label = label_of(probabilities, threshold)
        events.append(
            Event(
                onset_s=onset.onset_s,
                onset_sigma_s=onset.onset_sigma_s,
                label=label,
                confidence=probabilities[label],
                probabilities=probabilities,
                level_dbfs=onset.level_dbfs,
                snr_db=onset.snr_db,
            )
        )
    return events


def label_of(probabilities: Mapping[Any, float], threshold: float) -> str:
    """``gunshot`` where its probability reaches the threshold, else the likeliest other class."""
    if probabilities["gunshot"] >= threshold:
        return "gunshot"
    others = {label: value for label, value in probabilities.items() if label != "gunshot"}
    likeliest: str = max(others, key=others.__getitem__)
    return likeliest


def windows_of(onset_s: float, start_s: NDArray[np.float64], window_s: float) -> NDArray[np.bool_]:
    """Which of the windows that start at ``start_s`` ``(windows,)`` may speak for an onset; no other is computed."""
    position = (onset_s - start_s) / window_s
    inside = (position >= EARLIEST) & (position < LATEST)
    if not inside.any():  # at the edge of the audio: the nearest window speaks
        distance = np.abs(position - EARLIEST)
        inside = distance == distance.min()
    return inside


def ready_until_s(start_s: NDArray[np.float64], window_s: float, hop_s: float) -> float:
    """Onsets before this time have all the windows that :func:`windows_of` names; later ones must wait."""
    # The next window, a hop behind the last, speaks for onsets from here on.
    return float(start_s[-1]) + hop_s + EARLIEST * window_s if len(start_s) else -np.inf
