"""Labelled rows to training windows: cropped round the sound, changed as a sensor or a street would, masked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from tocsin import TocsinError
from tocsin.acoustics.synthesis import synthesize
from tocsin.data import augmentation
from tocsin.data.audio import read_audio
from tocsin.data.labels import CLASSES
from tocsin.data.manifests import ManifestRow
from tocsin.training.sampling import Draw
from tocsin.training.teacher import TAUGHT, Teacher, teaching

# A clip of a bang also has windows of its tail and of what is between bangs; files and streams show them to the model.
# Of gunshots they are left out: a window without a shot is not to be called one.
ANYWHERE = 0.35
# Where in the window an onset may lie. The runtime places it at 0.1 to 0.6 of the window.
EARLIEST, LATEST = 0.05, 0.65
SYNTHETIC = "synthesis"
MASKS = 4  # two bands of frequency, two of time


@dataclass(frozen=True)
class Augmentation:
    """Probabilities and ranges of the changes that a training window goes through.

    ``speed`` is how much faster or slower, hence higher or lower, a window is played: another charge, another room.
    """

    speed: float = 0.15
    echoes: float = 0.3
    spectrum: float = 0.6
    background: float = 0.6
    snr_db: tuple[float, float] = (3.0, 40.0)
    clipping: float = 0.25
    edges: float = 0.4
    mask_frequency: float = 0.2
    mask_time: float = 0.15


class Crop(NamedTuple):
    """A window of a row: its samples, the sample of its onset where it was cut round one, its start in the file."""

    samples: NDArray[np.float32]
    onset: int | None
    start_s: float


class WindowDataset(Dataset[tuple[Tensor, int, Tensor, Tensor]]):
    """Windows of labelled rows, all audio held in memory at the model's rate.

    Args:
        rows: the labelled stretches; the source ``synthesis`` is computed, not read.
        classes: names, in the order of the labels.
        sample_rate: of the model, Hz.
        window_samples: of the model.
        augment: what to change, or ``None`` for windows as recorded.
        teacher: whose scores go with every window of a recording.
    """

    def __init__(
        self,
        rows: Sequence[ManifestRow],
        classes: Sequence[str],
        sample_rate: int,
        window_samples: int,
        augment: Augmentation | None = None,
        teacher: Teacher | None = None,
    ) -> None:
        self.rows = rows
        self.sample_rate, self.window = sample_rate, window_samples
        self.augment, self.teacher = augment, teacher
        self.labels = [classes.index(row.class_name) for row in rows]
        self.beds = [index for index, row in enumerate(rows) if row.class_name == "background"]
        self._files: dict[str, NDArray[np.float32]] = {}
        self._taught: dict[str, NDArray[np.float16]] = {}

    def load(self, row: ManifestRow) -> None:
        """Bring a row's audio into memory."""
        key = str(row.path)
        if key in self._files:
            return
        if row.source == SYNTHETIC:
            label, number = row.class_name, int(row.recording_id.rpartition("-")[2])
            generator = np.random.default_rng([CLASSES.index(label), number])
            self._files[key] = synthesize(label, generator, self.sample_rate, row.end_s)
        else:
            audio = read_audio(row.path, self.sample_rate)
            if row.end_s > audio.duration_s + 0.1:
                raise TocsinError(f"{row.path} ends at {audio.duration_s:.3f} s, but its row at {row.end_s:g} s")
            self._files[key] = audio.samples
            if self.teacher is not None:
                self._taught[key] = self.teacher.scores(row.path)

    def __len__(self) -> int:
        """Rows."""
        return len(self.rows)

    def __getitem__(self, draw: Draw) -> tuple[Tensor, int, Tensor, Tensor]:
        """A window ``(samples,)``, its class, its masks and its teaching.

        Masks are ``(4, 2)``, start and width in shares of the axis. The teaching is the teacher's scores
        ``(taught classes,)``, NaN where it was not asked; empty without a teacher.
        """
        generator = np.random.default_rng(draw.seed)
        row = self.rows[draw.row]
        speed = 1.0 if self.augment is None else generator.uniform(1 - self.augment.speed, 1 + self.augment.speed)
        window, onset, start_s = self._crop(row, generator, speed)
        masks = np.zeros((MASKS, 2), np.float32)
        if self.augment is not None:
            window = self._changed(window, onset, generator, self.augment)
            widest = np.array([[self.augment.mask_frequency], [self.augment.mask_time]]).repeat(2, axis=0)
            width = generator.uniform(0, widest)
            masks = np.hstack([generator.uniform(0, 1 - width), width]).astype(np.float32)
        taught = np.full(0 if self.teacher is None else len(TAUGHT), np.nan, np.float32)
        if str(row.path) in self._taught:
            taught = teaching(self._taught[str(row.path)], start_s, self.window * speed / self.sample_rate)
        return torch.from_numpy(window), self.labels[draw.row], torch.from_numpy(masks), torch.from_numpy(taught)

    def _crop(self, row: ManifestRow, generator: np.random.Generator, speed: float = 1.0) -> Crop:
        samples = self._files[str(row.path)]
        length = round(self.window * speed)
        first, last = (round(second * self.sample_rate) for second in (row.start_s, row.end_s))
        before = round(generator.uniform(EARLIEST, LATEST) * length)
        anywhere = generator.random() < ANYWHERE and row.class_name != "gunshot"
        onset: int | None = round(before / speed)
        if row.onset_s is not None:
            # The neighbourhood of a known onset may be used beyond its stretch: what follows it is the same sound.
            start = round(row.onset_s * self.sample_rate) - before
            first, last = 0, len(samples)
        elif row.class_name == "background" or anywhere:
            start = int(generator.integers(first, max(last - length, first) + 1))
            onset = None
        else:
            start = first + self._bang(samples[first:last], generator) - before
        window = np.zeros(length, np.float32)
        source = samples[max(start, first) : min(start + length, last)]
        offset = max(start, first) - start
        window[offset : offset + len(source)] = source
        if length != self.window:
            window = np.interp(np.arange(self.window) * speed, np.arange(length), window).astype(np.float32)
        return Crop(window, onset, start / self.sample_rate)

    def _bang(self, samples: NDArray[np.float32], generator: np.random.Generator) -> int:
        """A random one of the loud rises of a clip whose onsets nobody labelled."""
        length = round(0.02 * self.sample_rate)
        frames = samples[: len(samples) // length * length].reshape(-1, length)
        if len(frames) < 2:
            return 0
        level_db = 10 * np.log10(np.mean(frames.astype(np.float64) ** 2, axis=1) + 1e-10)
        rise_db = np.diff(level_db, prepend=level_db[0] - 10)
        loud = np.flatnonzero((level_db > level_db.max() - 12) & (rise_db > 3))
        return int(generator.choice(loud) if len(loud) else np.argmax(level_db)) * length

    def _changed(
        self, window: NDArray[np.float32], onset: int | None, generator: np.random.Generator, augment: Augmentation
    ) -> NDArray[np.float32]:
        bed = np.zeros_like(window)
        if self.beds:
            bed = self._crop(self.rows[int(generator.choice(self.beds))], generator).samples
        if generator.random() < 0.8:
            window = augmentation.fill_digital_silence(window, bed, generator.uniform(20, 60), self.sample_rate)
        if generator.random() < augment.echoes:
            window = augmentation.add_echoes(window, self.sample_rate, generator)
        if generator.random() < augment.background:
            window = augmentation.mix(window, bed, self.sample_rate, generator.uniform(*augment.snr_db))
        if generator.random() < augment.spectrum:
            window = augmentation.reshape_spectrum(window, self.sample_rate, generator)
        window = augmentation.gain_and_clip(window, generator, augment.clipping)
        if generator.random() < augment.edges:
            window = augmentation.cut(window, onset, self.sample_rate, generator)
        return window
