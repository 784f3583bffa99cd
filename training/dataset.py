"""Labelled rows to training windows: cropped round the sound, with all that is random in them drawn."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from tocsin import TocsinError
from tocsin.acoustics.synthesis import synthesize
from tocsin.data.artefacts import random_artefact
from tocsin.data.audio import read_audio
from tocsin.data.codecs import recode
from tocsin.data.labels import CLASSES
from tocsin.data.manifests import ManifestRow
from tocsin.training.batch_augmentation import DRAWN, MASKS, Augmentation, RawWindows, Windows
from tocsin.training.changes import loudest_rms
from tocsin.training.sampling import Draw
from tocsin.training.teacher import TAUGHT, Teacher, teaching

# A clip of a bang also has windows of its tail and of what is between bangs; files and streams show them to the model.
# Of gunshots they are left out: a window without a shot is not to be called one.
ANYWHERE = 0.35
# Where in the window an onset may lie. The runtime places it at 0.1 to 0.6 of the window.
EARLIEST, LATEST = 0.05, 0.65
OVERLAY_DB = (-12.0, 6.0)  # level of the second sound of a window against the first
SYNTHETIC = "synthesis"


class Crop(NamedTuple):
    """Where a window was cut: the sample of its onset if it was cut round one, its start in the file."""

    onset: int | None
    start_s: float


class WindowDataset(Dataset[Windows | RawWindows]):
    """Windows of labelled rows, all audio held in memory at the model's rate.

    Args:
        rows: the labelled stretches; the source ``synthesis`` is computed, not read.
        classes: names, in the order of the labels.
        sample_rate: of the model, Hz.
        window_samples: of the model.
        augment: what :class:`~tocsin.training.batch_augmentation.BatchAugmentation` will change, or ``None`` for
            windows as recorded.
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
        sessions: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for index, row in enumerate(rows):
            sessions[row.class_name][row.group].append(index)
        self._sessions = {label: list(groups.values()) for label, groups in sessions.items()}
        self._files: dict[str, NDArray[np.float32]] = {}
        # Of those that a codec leaves, half the bytes lose nothing.
        self._coded: dict[str, NDArray[np.float16]] = {}
        self._taught: dict[str, NDArray[np.float16]] = {}
        self._bangs: dict[tuple[str, float, float], NDArray[np.int64]] = {}

    def load(self, row: ManifestRow) -> None:
        """Bring a row's audio into memory, and what a codec would leave of it if windows are to be augmented so."""
        key = str(row.path)
        if key in self._files:
            return
        if row.source == SYNTHETIC:
            label, number = row.class_name, int(row.recording_id.rpartition("-")[2])
            generator = np.random.default_rng([CLASSES.index(label), number])
            samples = synthesize(label, generator, self.sample_rate, row.end_s)
        else:
            audio = read_audio(row.path, self.sample_rate)
            if row.end_s > audio.duration_s + 0.1:
                raise TocsinError(f"{row.path} ends at {audio.duration_s:.3f} s, but its row at {row.end_s:g} s")
            samples = audio.samples
            if self.teacher is not None:
                self._taught[key] = self.teacher.scores(row.path)
        if self.augment is not None and self.augment.codec:
            generator = np.random.default_rng(len(self._files))
            self._coded[key] = recode(samples, self.sample_rate, generator).astype(np.float16)
        self._files[key] = samples

    def __len__(self) -> int:
        """Rows."""
        return len(self.rows)

    def __getitem__(self, draw: Draw) -> Windows | RawWindows:
        """A batch of one."""
        return self.__getitems__([draw])

    def __getitems__(self, draws: Sequence[Draw]) -> Windows | RawWindows:
        """A batch, whole, for a loader whose ``collate_fn`` has nothing left to do: as recorded, or to augment."""
        return self.as_recorded(draws) if self.augment is None else self._to_augment(draws, self.augment)

    def as_recorded(self, draws: Sequence[Draw]) -> Windows:
        """Windows without any change or mask."""
        windows = np.empty((len(draws), self.window), np.float32)
        taught = self._untaught(len(draws))
        for at, draw in enumerate(draws):
            crop = self._crop(draw.row, np.random.default_rng(draw.seed), windows[at])
            self._teach(taught[at], draw.row, crop.start_s, 1.0)
        return Windows(
            torch.from_numpy(windows), self._labels(draws), torch.zeros(len(draws), MASKS, 2), torch.from_numpy(taught)
        )

    def _to_augment(self, draws: Sequence[Draw], augment: Augmentation) -> RawWindows:
        count, window = len(draws), self.window
        # Zeros, for what lies behind a crop is played with the weight 0, and not every number times 0 is 0.
        crops = np.zeros((count, _played_samples(window, 1 + augment.speed)), np.float32)
        beds = np.empty((count, window), np.float32) if self.beds else np.zeros((count, window), np.float32)
        taught = self._untaught(count)
        speeds, onsets = np.ones(count, np.float32), np.full(count, -1)
        chances = np.empty((count, DRAWN), np.float32)
        broken, artefacts = [], []
        for at, (row, seed) in enumerate(draws):
            generator = np.random.default_rng(seed)
            generator.random(out=chances[at], dtype=np.float32)
            speeds[at] = speed = generator.uniform(1 - augment.speed, 1 + augment.speed)
            samples = crops[at, : _played_samples(window, speed)]
            crop = self._crop(row, generator, samples, speed, augment.codec)
            self._teach(taught[at], row, crop.start_s, speed)
            if crop.onset is not None:
                onsets[at] = crop.onset
            if generator.random() < augment.overlay:
                self._overlay(samples, taught[at], row, generator, speed, augment.codec)
            if self.beds:
                bed = self.beds[generator.integers(len(self.beds))]
                self._crop(bed, generator, beds[at], codec=augment.codec)
            if generator.random() < augment.defects and self.rows[row].class_name != "gunshot":
                broken.append(at)
                artefacts.append(random_artefact(window, self.sample_rate, generator)[0])
        source, added = (
            np.array([artefact[part] for artefact in artefacts], dtype).reshape(-1, window)
            for part, dtype in enumerate((np.int64, np.float32))
        )
        arrays = (taught, speeds, onsets, beds, chances, np.array(broken, np.int64), source, added)
        return RawWindows(torch.from_numpy(crops), self._labels(draws), *map(torch.from_numpy, arrays))

    def _labels(self, draws: Sequence[Draw]) -> Tensor:
        return torch.tensor([self.labels[draw.row] for draw in draws])

    def _untaught(self, count: int) -> NDArray[np.float32]:
        return np.full((count, 0 if self.teacher is None else len(TAUGHT)), np.nan, np.float32)

    def _teach(self, taught: NDArray[np.float32], row: int, start_s: float, speed: float) -> None:
        scores = self._taught.get(str(self.rows[row].path))
        if scores is not None:
            taught[:] = teaching(scores, start_s, self.window * speed / self.sample_rate)

    def _overlay(
        self,
        samples: NDArray[np.float32],
        taught: NDArray[np.float32],
        row: int,
        generator: np.random.Generator,
        speed: float,
        codec: float,
    ) -> None:
        """Add another sound of the class, of any of its sessions alike, to a window; the teacher hears both or none."""
        sessions = self._sessions[self.rows[row].class_name]
        session = sessions[generator.integers(len(sessions))]
        other, second = session[generator.integers(len(session))], np.empty_like(samples)
        start_s = self._crop(other, generator, second, speed, codec).start_s
        level = 10 ** (generator.uniform(*OVERLAY_DB) / 20)
        loudest = self._loudest_rms(second)
        if loudest:
            samples += np.float32(level * self._loudest_rms(samples) / loudest) * second
        also = np.full_like(taught, np.nan)
        self._teach(also, other, start_s, speed)
        np.maximum(taught, also, out=taught)

    def _loudest_rms(self, samples: NDArray[np.float32]) -> float:
        return float(loudest_rms(torch.from_numpy(samples[None]), self.sample_rate))

    def _frames(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Frames of 20 ms, ``(frames, samples)``."""
        length = round(0.02 * self.sample_rate)
        return samples[: len(samples) // length * length].reshape(-1, length)

    def _crop(
        self,
        index: int,
        generator: np.random.Generator,
        window: NDArray[np.float32],
        speed: float = 1.0,
        codec: float = 0.0,
    ) -> Crop:
        """Fill ``window`` with a cut of a row and silence; with the probability ``codec`` of what a codec leaves."""
        row = self.rows[index]
        samples: NDArray[np.float32] | NDArray[np.float16] = self._files[str(row.path)]
        if codec and generator.random() < codec:
            samples = self._coded[str(row.path)]
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
            bangs = self._bangs_of(row, first, last)
            start = int(bangs[generator.integers(len(bangs))]) - before
        source = samples[max(start, first) : min(start + len(window), last)]
        offset = max(start, first) - start
        window[:offset] = 0
        window[offset : offset + len(source)] = source
        window[offset + len(source) :] = 0
        return Crop(onset, start / self.sample_rate)

    def _bangs_of(self, row: ManifestRow, first: int, last: int) -> NDArray[np.int64]:
        """The loud rises of a clip whose onsets nobody labelled, as samples; looked for once."""
        key = (str(row.path), row.start_s, row.end_s)
        if key not in self._bangs:
            frames = self._frames(self._files[key[0]][first:last]).astype(np.float64)
            level_db = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-10)
            loud = np.zeros(1, np.int64)
            if len(frames) > 1:
                rise_db = np.diff(level_db, prepend=level_db[0] - 10)
                rises = np.flatnonzero((level_db > level_db.max() - 12) & (rise_db > 3))
                loud = rises if len(rises) else level_db.argmax(keepdims=True)
            self._bangs[key] = first + loud * frames.shape[1]
        return self._bangs[key]


def _played_samples(window: int, speed: float) -> int:
    """What playing a window at a speed takes of a recording, both neighbours of its last place included."""
    return int((window - 1) * speed) + 2
