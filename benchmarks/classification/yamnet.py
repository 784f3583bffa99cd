"""YAMNet (Apache-2.0, Google) in LiteRT as a detector of gunshots, in the uses that favour it.

A window is 15,600 samples at 16 kHz, the hop 0.48 s; a clip's score for a class is that of its highest window. Of the
ways tried to use it, these favour it: "gunshot minus fireworks" as a difference of the clip's highest scores (as the
highest difference it tells fireworks no better than the gunshot family alone), and waveforms shorter than a window
mirrored to its length (padded with zeros, its area on the live fire falls by 0.08).

The file at hand has weights of 8 bits and a mel filter bank as coarse, which leaves quiet bands of the spectrogram off
by up to 6 nepers. So it understates YAMNet, most of all on quiet, distant sound; the float model was not to be had.
"""

from pathlib import Path

import numpy as np
import soxr
from audioset import DETECTORS, Places, uses_of, windows_of
from numpy.typing import NDArray

from tocsin.data.audio import Audio
from tocsin.evaluation.hearing.examples import Example
from tocsin.training.teacher import SAMPLE_RATE, WINDOW, yamnet

HOP = 7_680
PLACES = Places(420, slice(421, 426), slice(426, 428))  # among its 521 classes of AudioSet


class Yamnet:
    """The model of ``peers/yamnet.tflite``, on one thread."""

    name = "YAMNet"
    sample_rate = SAMPLE_RATE
    window_s = WINDOW / SAMPLE_RATE
    detectors = DETECTORS

    def __init__(self, path: Path) -> None:
        self._listen = yamnet(path)

    def annotate(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores of each window of a 16 kHz waveform, shape (windows, 521); the last window ends with the waveform."""
        return np.stack([self._listen(window) for window in windows_of(samples, WINDOW, HOP)[1]])

    def listen(self, audio: Audio) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Middle of each window, seconds, shape (windows,), and its score in each use, shape (windows, uses)."""
        samples = _at_rate(audio)
        middle_s = windows_of(samples, WINDOW, HOP)[0] / SAMPLE_RATE + self.window_s / 2
        return middle_s, uses_of(self.annotate(samples), PLACES)

    def scores(self, example: Example) -> dict[str, float]:
        """Score of each use as a gunshot detector, the higher the likelier."""
        highest = self.annotate(_at_rate(example.read())).max(axis=0)
        return dict(zip(self.detectors, uses_of(highest[None], PLACES)[0].tolist(), strict=True))


def _at_rate(audio: Audio) -> NDArray[np.float32]:
    samples: NDArray[np.float32] = soxr.resample(audio.samples, audio.sample_rate, SAMPLE_RATE, "HQ")
    return samples
