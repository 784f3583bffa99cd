"""The data of a training run: rows from their sources, split by session and firing position, served as windows."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch.utils.data import DataLoader

from tocsin import TocsinError
from tocsin.data.clips import read_clips
from tocsin.data.complaints import complain
from tocsin.data.folder import read_folder
from tocsin.data.labels import CLASSES
from tocsin.data.manifests import ManifestRow, read_manifest
from tocsin.data.public.pittsburgh import labelled_clips, read_live_fire
from tocsin.data.splits import assert_no_leak, fold_of, set_aside
from tocsin.models.base import WaveformClassifier
from tocsin.training.batch_augmentation import Augmentation, BatchAugmentation, RawWindows, Windows
from tocsin.training.dataset import SYNTHETIC, WindowDataset
from tocsin.training.export import load_checkpoint
from tocsin.training.sampling import BalancedSampler, Draw, balanced_weights
from tocsin.training.stored import Store, StoredWindows
from tocsin.training.teacher import Teacher

PARTS = ("train", "validation", "test")
READERS: dict[str, Callable[[Path], list[ManifestRow]]] = {
    "clips": read_clips,
    "manifest": read_manifest,
    "folder": lambda path: read_folder(path, complain=complain),
    "live_fire": lambda path: list(labelled_clips(read_live_fire(path))),
}


class TocsinData(lightning.LightningDataModule):
    """Training, validation and test windows.

    Args:
        sources: each ``{"kind": clips | manifest | folder | live_fire, "path": …}``.
        synthetic: recordings to compute for each class, ``{"backfire": 500, …}``.
        folds: folds that the sessions are dealt to, as :func:`tocsin.data.splits.fold_of` does.
        test_fold: the fold that is tested on; ``None`` to test on all sessions whose licence forbids training.
        validation_folds: one in so many of the other sessions of each class is validated on; 0 for none.
        sessions: ``{"train": […], "validation": […], "test": […]}``, sessions of a part whatever their fold:
            firing positions, say.
        class_shares: share of each class in an epoch.
        augmentation: arguments of :class:`tocsin.training.batch_augmentation.Augmentation`.
        teacher: arguments of :class:`tocsin.training.teacher.Teacher`, or ``None`` to learn from labels alone.
        sample_rate, window_samples: of the model.
        examples_per_epoch, batch_size: of all processes together.
        workers: processes that make windows, besides the training process.
        seed: of order and windows.
        fold_seed: of the folds, the same for all seeds of training: so their figures are of the same recordings.
        store: ``{"windows": …, "folder": …}`` to train on so many windows that the model has begun and that are kept in
            a folder (:class:`tocsin.training.stored.Store`); ``None`` to make windows anew in every epoch. With
            ``"teacher"``, a checkpoint, another network says what it hears in the same windows.
        non_commercial: whether recordings may train whose licence forbids commercial use; without, they only judge.
    """

    def __init__(
        self,
        sources: Sequence[Mapping[str, str]],
        synthetic: Mapping[str, int],
        folds: int,
        test_fold: int | None,
        validation_folds: int,
        sessions: Mapping[str, Sequence[str]],
        class_shares: Mapping[str, float],
        augmentation: Mapping[str, Any],
        teacher: Mapping[str, str] | None,
        sample_rate: int,
        window_samples: int,
        examples_per_epoch: int,
        batch_size: int,
        workers: int,
        seed: int,
        fold_seed: int = 0,
        store: Mapping[str, Any] | None = None,
        non_commercial: bool = True,
    ) -> None:
        super().__init__()
        self.sources, self.synthetic, self.folds = sources, synthetic, folds
        self.test_fold, self.validation_folds = test_fold, validation_folds
        self.part_of_session = {name: part for part, names in sessions.items() for name in names}
        self.class_shares, self.augmentation = class_shares, Augmentation(**augmentation)
        self.teacher = teacher
        self.sample_rate, self.window_samples = sample_rate, window_samples
        self.examples_per_epoch, self.batch_size, self.workers, self.seed = (
            examples_per_epoch,
            batch_size,
            workers,
            seed,
        )
        self.augment = BatchAugmentation(self.augmentation, sample_rate, window_samples)
        self.fold_seed, self.store = fold_seed, store
        self.non_commercial = non_commercial
        self.stored: Store | None = None
        self.parts: dict[str, WindowDataset] = {}

    def setup(self, stage: str | None = None) -> None:
        """Read and split; asked again, it keeps what it has."""
        if self.parts:
            return
        rows = self.split_rows()
        teacher = Teacher(**self.teacher) if self.teacher else None
        for part in PARTS:
            learnt = (self.augmentation, teacher) if part == "train" else ()
            self.parts[part] = WindowDataset(rows[part], CLASSES, self.sample_rate, self.window_samples, *learnt)
            if part == "train" and self.store:
                continue
            console = Console(stderr=True)
            said = f"reading {part}"
            for row in track(rows[part], said, console=console, transient=True, disable=not console.is_terminal):
                self.parts[part].load(row)

    def begin(self, model: WaveformClassifier) -> None:
        """Bring the windows to train on as far as the model does not learn, where they are stored.

        Raises ``TocsinError`` where training asks for what stored windows do not have (YAMNet's scores, masks), and for
        a teaching network that met what is held out here.
        """
        self.setup()
        if self.store is None or self.stored is not None:
            return
        if self.teacher or self.augmentation.mask_frequency or self.augmentation.mask_time:
            raise TocsinError(
                "data.store keeps neither a teacher's scores nor masks: type data.store=null, or data.teacher=null "
                "module.taught=0 '+data.augmentation={mask_frequency: 0, mask_time: 0}'"
            )
        rows = [row for row in self._read() if row.may_train]
        rows += [_synthetic_row(label, number) for label, count in self.synthetic.items() for number in range(count)]
        source = WindowDataset(rows, CLASSES, self.sample_rate, self.window_samples, self.augmentation)
        made = (Path(self.store["folder"]), self.store["windows"], source, self.augment, self.class_shares)
        self.stored = Store(*made, model)
        if self.store.get("teacher"):
            teacher, card = load_checkpoint(Path(self.store["teacher"]))
            held_out = {row.group for part in ("validation", "test") for row in self.parts[part].rows}
            known = sorted(session for session in held_out if not card.may_judge(session))
            if known:
                raise TocsinError(f"{self.store['teacher']} met the session {known[0]}, which is held out here")
            self.stored.follow(teacher, Store(*made, teacher), self.parts["train"].rows)

    def _read(self) -> list[ManifestRow]:
        """All rows of the sources but the doubtful ones."""
        rows: list[ManifestRow] = []
        for source in self.sources:
            kind, path = source["kind"], Path(source["path"])
            if kind not in READERS:
                raise TocsinError(f"data.sources: unknown kind {kind!r}; type one of {', '.join(READERS)}")
            rows += [row for row in READERS[kind](path) if not row.doubtful]
        return rows

    def split_rows(self) -> dict[str, list[ManifestRow]]:
        """The rows of ``train``, ``validation`` and ``test``; no session is in two of them, no doubtful row in any.

        Rows that may not train, by their licence, are tested on or in no part: where a fold is tested, those of the
        other folds are left to the weights of these.
        """
        rows = self._read()
        unknown = set(self.part_of_session) - {row.group for row in rows if row.may_train}
        if unknown:
            raise TocsinError(f"no recordings of the sessions {sorted(unknown)} of data.sessions among data.sources")
        part_of = self._tested(rows) | self.part_of_session
        free = [row for row in rows if row.may_train and row.group not in part_of]
        one_in = self.validation_folds
        aside = set_aside(free, one_in, f"{self.fold_seed}/{self.test_fold}") if one_in else set()
        part_of = dict.fromkeys(aside, "validation") | part_of
        parts: dict[str, list[ManifestRow]] = {part: [] for part in PARTS}
        for row in rows:
            part = part_of.get(row.group, "train")
            may_train = row.may_train and (self.non_commercial or not row.non_commercial)
            if may_train or part == "test":
                parts[part].append(row)
        for label, count in self.synthetic.items():
            parts["train"] += [_synthetic_row(label, number) for number in range(count)]
            if one_in:
                parts["validation"] += [_synthetic_row(label, 10**6 + number) for number in range(count // 10)]
            parts["test"] += [_synthetic_row(label, 2 * 10**6 + number) for number in range(count // 10)]
        assert_no_leak(parts["train"], parts["validation"])
        assert_no_leak(parts["train"], parts["test"])
        assert_no_leak(parts["validation"], parts["test"])
        if not parts["train"]:
            raise TocsinError("no rows to train on: data.sources names no recordings and data.synthetic no classes")
        return parts

    def _tested(self, rows: Sequence[ManifestRow]) -> dict[str, str]:
        if self.test_fold is None or not rows:
            return {row.group: "test" for row in rows if not row.may_train}
        if self.test_fold not in range(self.folds):
            raise TocsinError(f"data.test_fold is {self.test_fold}: type 0 to {self.folds - 1}, or raise data.folds")
        fold = fold_of(rows, self.folds, self.fold_seed)
        return {session: "test" for session, number in fold.items() if number == self.test_fold}

    def describe(self) -> list[dict[str, Any]]:
        """What was trained on, for the weight card: a line a source with its licence, rows and sessions a class."""
        train = self.parts["train"].rows
        lines = []
        for source in sorted({row.source for row in train}):
            of_source = [row for row in train if row.source == source]
            lines.append(
                {
                    "source": source,
                    "licence": "; ".join(sorted({row.licence for row in of_source if row.licence})),
                    "rows": dict(sorted(Counter(row.class_name for row in of_source).items())),
                    "sessions": len({row.group for row in of_source}),
                }
            )
        return lines

    def trained_sessions(self) -> tuple[str, ...]:
        """The recorded sessions that enter the weights, for the weight card."""
        return tuple(sorted({row.group for row in self.parts["train"].rows if row.source != SYNTHETIC}))

    def train_dataloader(self) -> DataLoader[Any]:
        """Balanced, augmented windows; this process's share of them."""
        part = self.stored or self.parts["train"]
        rank, processes = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        self.sampler = BalancedSampler(self._balanced(), self.examples_per_epoch, self.seed, rank, processes)
        return self._loader(part, self.sampler, self.batch_size // processes, self.workers)

    def on_after_batch_transfer(
        self, batch: Windows | RawWindows | StoredWindows, dataloader_idx: int
    ) -> Windows | StoredWindows:
        """Augment training windows where they are trained on; called by Lightning."""
        if isinstance(batch, RawWindows):
            windows: Windows = self.augment.to(batch.crops.device)(batch)
            return windows
        return batch

    def favour(self, factors: NDArray[np.float64]) -> None:
        """From the next epoch on draw each training row its factor, shape ``(rows,)``, more often than its share."""
        if self.stored is not None:
            raise TocsinError("rows are not drawn where windows are stored: type callbacks.hard_negatives=null")
        favoured = self._balanced() * factors
        self.sampler.weights = favoured / favoured.sum()

    def _balanced(self) -> NDArray[np.float64]:
        rows = self.parts["train"].rows
        if self.stored is not None:
            return self.stored.weights(rows)
        return balanced_weights(rows, [row.class_name for row in rows], self.class_shares)

    def val_dataloader(self) -> DataLoader[Any] | list[Any]:
        """One window a row, as recorded, the same in every epoch and in every process."""
        return self.window_loader("validation") if len(self.parts["validation"]) else []

    def test_dataloader(self) -> DataLoader[Any]:
        """One window a row of the held-out sessions, as recorded."""
        return self.window_loader("test")

    def window_loader(self, part: str) -> DataLoader[Any]:
        """One window a row of a part, in the order of its rows."""
        draws = [Draw(index, index) for index in range(len(self.parts[part]))]
        return self._loader(self.parts[part], draws, self.batch_size, workers=0)

    def _loader(self, part: WindowDataset | Store, sampler: Any, batch_size: int, workers: int) -> DataLoader[Any]:
        return DataLoader(part, batch_size, sampler=sampler, num_workers=workers, collate_fn=_as_it_is)


def _as_it_is(batch: Any) -> Any:
    return batch


def _synthetic_row(label: str, number: int) -> ManifestRow:
    name = f"{SYNTHETIC}-{label}-{number}"
    row = ManifestRow(Path(name), label, 0.0, 3.0, recording_id=name, source=SYNTHETIC)
    return replace(row, session_id=f"{SYNTHETIC}-{number // 10**6}-{label}")
