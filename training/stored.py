"""Windows as far as a frozen trunk brings them, computed once and kept: its late stages then train in minutes.

Four fifths of the work on a window is the trunk's early stages, which do not learn, and its augmentation. Both are
done once for windows of *all* sessions; a run then draws those of which no part comes from a session that it may not
hear: neither the sound, nor what was laid over it, nor the background mixed in. Folds and seeds share what is kept.
"""

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch import Tensor
from torch.utils.data import Dataset

from tocsin.data.manifests import ManifestRow
from tocsin.models.base import WaveformClassifier
from tocsin.training.batch_augmentation import BatchAugmentation, RawWindows
from tocsin.training.dataset import WindowDataset
from tocsin.training.sampling import BalancedSampler, Draw, balanced_weights

BATCH = 64
TOLERANCE = 0.02  # of numbers of 16 bits that another number of threads rounds otherwise


class StoredWindows(NamedTuple):
    """A batch that a model has begun: what its ``begin`` gave, ``(batch, …)`` each, and ``labels``, ``(batch,)``.

    Where another network teaches, ``answers`` ``(batch, classes)`` are its probabilities and ``embeddings`` its
    features, each of mean 0 and deviation 1 over the store; else they have no columns.
    """

    begun: tuple[Tensor, ...]
    labels: Tensor
    answers: Tensor
    embeddings: Tensor


class Store(Dataset[StoredWindows]):
    """Stored windows, those that may be learnt from weighted as a run of its own would draw them.

    Args:
        folder: where files are kept; one is found by what it was made of, and taken where its first windows come out
            again.
        count: windows to store.
        source: all rows that may train, whatever part they are in, with the augmentation of training.
        augment: what is done to their windows.
        class_shares: as :func:`tocsin.training.sampling.balanced_weights` takes them.
        model: that begins them.
    """

    def __init__(
        self,
        folder: Path,
        count: int,
        source: WindowDataset,
        augment: BatchAugmentation,
        class_shares: Mapping[str, float],
        model: WaveformClassifier,
    ) -> None:
        self.rows = list(source.rows)
        self.labels = np.array(source.labels)
        self.class_shares = class_shares
        weights = balanced_weights(self.rows, [row.class_name for row in self.rows], class_shares)
        draws = list(BalancedSampler(weights, count, seed=0))
        begin = _Begin(source, augment, model)
        first = begin(draws[:BATCH])
        # Networks with the same front end, or of the same trunk, share a folder.
        shapes = [part.shape[1:] for part in first[0]]
        made_of = [[_key(row) for row in self.rows], vars(augment.augmentation), dict(class_shares), count, shapes]
        kept = folder / hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:16]
        if not _is_kept(kept, *first):
            _write(kept, begin, draws)
        self.begun = [np.load(path, mmap_mode="r") for path in sorted(kept.glob("begun-*.npy"))]
        self.parts: NDArray[np.int64] = np.load(kept / "parts.npy")  # (windows, 3): rows, -1 where there is none
        self._answers = self._embeddings = np.empty((len(self.parts), 0), np.float16)

    def __len__(self) -> int:
        """Windows."""
        return len(self.parts)

    def __getitem__(self, draw: Draw) -> StoredWindows:
        """A batch of one."""
        return self.__getitems__([draw])

    def __getitems__(self, draws: Sequence[Draw]) -> StoredWindows:
        """A batch, whole."""
        places = np.array([draw.row for draw in draws])
        begun = tuple(torch.from_numpy(part[places].astype(np.float32)) for part in self.begun)
        teaching = (torch.from_numpy(part[places].astype(np.float32)) for part in (self._answers, self._embeddings))
        return StoredWindows(begun, torch.from_numpy(self.labels[self.parts[places, 0]]), *teaching)

    @torch.no_grad()
    def follow(self, teacher: WaveformClassifier, begun: "Store", rows: Sequence[ManifestRow]) -> None:
        """Teach what another model says of the same windows, which it has begun in a store of its own.

        ``rows`` are those that may be heard: they alone tell what mean 0 and deviation 1 are.
        """
        answers, embeddings = [], []
        teacher.eval()
        for first in range(0, len(self), BATCH):
            batch = begun.__getitems__([Draw(place, 0) for place in range(first, min(first + BATCH, len(self)))])
            features = teacher.finish(*batch.begun)
            answers.append(teacher.classifier(features).softmax(1).half().numpy())
            embeddings.append(features.half().numpy())
        self._answers, copied = np.concatenate(answers), np.concatenate(embeddings).astype(np.float32)
        heard = copied[self.weights(rows) > 0]
        self._embeddings = ((copied - heard.mean(0)) / (heard.std(0) + 1e-6)).astype(np.float16)

    def weights(self, rows: Sequence[ManifestRow]) -> NDArray[np.float64]:
        """Probability of each window where only ``rows`` may be heard, ``(windows,)``: each row as often as alone."""
        balanced = balanced_weights(rows, [row.class_name for row in rows], self.class_shares)
        of_key = dict(zip(map(_key, rows), balanced, strict=True))
        keys = [_key(row) for row in self.rows]
        allowed = np.array([*(key in of_key for key in keys), True])  # the last is that of no row, -1
        heard = allowed[self.parts].all(axis=1)
        row = self.parts[heard, 0]
        times = np.bincount(row, minlength=len(keys))
        weights = np.zeros(len(self))
        weights[heard] = np.array([of_key.get(key, 0.0) for key in keys])[row] / times[row]
        total: NDArray[np.float64] = weights / weights.sum()
        return total


def _key(row: ManifestRow) -> tuple[str, float, float, str]:
    """What tells a row from all others."""
    return str(row.path), row.start_s, row.end_s, row.class_name


class _Begin:
    """Draws to what a model begins them as, on the device that it is on."""

    def __init__(self, source: WindowDataset, augment: BatchAugmentation, model: WaveformClassifier) -> None:
        self.source, self.augment, self.model = source, augment, model

    @torch.no_grad()
    def __call__(self, draws: Sequence[Draw]) -> tuple[list[NDArray[np.float16]], NDArray[np.int64]]:
        device = next(self.model.parameters()).device
        raw: Any = self.source.__getitems__(draws)
        augmented = self.augment.to(device)(RawWindows(*(part.to(device) for part in raw)))
        was_training = self.model.training
        begun = self.model.eval().begin(self.model.front_end(augmented.windows))
        self.model.train(was_training)  # Lightning trains in the mode that it finds
        return [part.half().cpu().numpy() for part in begun], raw.parts.numpy()


def _is_kept(kept: Path, begun: Sequence[NDArray[np.float16]], parts: NDArray[np.int64]) -> bool:
    if not (kept / "parts.npy").is_file():
        return False
    if not np.array_equal(np.load(kept / "parts.npy", mmap_mode="r")[: len(parts)], parts):
        return False
    stored = [np.load(path, mmap_mode="r")[: len(parts)] for path in sorted(kept.glob("begun-*.npy"))]
    return all(np.allclose(s, b, TOLERANCE, TOLERANCE) for s, b in zip(stored, begun, strict=True))


def _write(kept: Path, begin: _Begin, draws: Sequence[Draw]) -> None:
    console = Console(stderr=True)
    firsts = range(0, len(draws), BATCH)
    begun: list[Any] = []
    parts = np.empty((len(draws), 3), np.int64)
    kept.parent.mkdir(parents=True, exist_ok=True)
    # Put in place when all is written, `parts.npy` last: without it there is nothing for another run.
    with tempfile.TemporaryDirectory(dir=kept.parent) as draft:
        for first in track(firsts, "storing windows", console=console, transient=True, disable=not console.is_terminal):
            few = slice(first, first + BATCH)
            arrays, parts[few] = begin(draws[few])
            begun = begun or [
                np.lib.format.open_memmap(
                    Path(draft) / f"begun-{number}.npy", "w+", np.float16, (len(draws), *array.shape[1:])
                )
                for number, array in enumerate(arrays)
            ]
            for file, array in zip(begun, arrays, strict=True):
                file[few] = array
        np.save(Path(draft) / "parts.npy", parts)
        kept.mkdir(exist_ok=True)
        for path in sorted(Path(draft).iterdir()):
            path.replace(kept / path.name)
