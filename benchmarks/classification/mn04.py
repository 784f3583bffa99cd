"""EfficientAT's mn04 (MIT), with AudioSet's own classes and nothing learnt since, as a detector of gunshots.

A window is two seconds at 12 kHz, the hop one second, as much overlap as YAMNet has. The network was trained on ten
seconds at 32 kHz; of 12 kHz it hears what lies below 6 kHz, as Tocsin does.
"""

from pathlib import Path

import numpy as np
import soxr
import torch
from audioset import DETECTORS, Places, uses_of, windows_of
from numpy.typing import NDArray

from tocsin.data.audio import Audio
from tocsin.data.public.pretrained import pretrained_path
from tocsin.models.audioset_front_end import AudioSetFrontEnd
from tocsin.models.mobilenet import MobileNet

SAMPLE_RATE, WINDOW, HOP = 12_000, 24_000, 12_000
# Among the 527 classes in AudioSet's own order; YAMNet lacks six that come before them.
PLACES = Places(426, slice(427, 432), slice(432, 434))
_AT_ONCE = 64


class Mn04:
    """The network of ``pretrained/mn04_as_mAP_432.pt``, on one thread."""

    name = "mn04"
    sample_rate = SAMPLE_RATE
    window_s = WINDOW / SAMPLE_RATE
    detectors = DETECTORS

    def __init__(self, path: Path) -> None:
        torch.set_num_threads(1)
        self._front_end, self._trunk = AudioSetFrontEnd(SAMPLE_RATE).eval(), MobileNet().eval()
        self._trunk.load_published(torch.load(pretrained_path(path), map_location="cpu", weights_only=True))

    def listen(self, audio: Audio) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Middle of each window, seconds, shape (windows,), and its score in each use, shape (windows, uses)."""
        samples = soxr.resample(audio.samples, audio.sample_rate, SAMPLE_RATE, "HQ").astype(np.float32)
        starts, windows = windows_of(samples, WINDOW, HOP)
        with torch.inference_mode():
            parts = torch.from_numpy(windows).split(_AT_ONCE)
            scores = torch.cat([torch.sigmoid(self._trunk(self._front_end(part))) for part in parts])
        return starts / SAMPLE_RATE + self.window_s / 2, uses_of(scores.numpy(), PLACES)
