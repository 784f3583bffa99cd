"""``tocsin detect --out``: an archive heard once, resumable at any moment, to a folder of Parquet."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from tocsin.inference.archive.batch import Batch
from tocsin.inference.archive.dataset import Dataset
from tocsin.inference.archive.hearing import Hearing, cores
from tocsin.inference.archive.journal import Journal, Settings
from tocsin.inference.archive.processes import Processes, heard_by
from tocsin.inference.archive.progress import ArchiveProgress
from tocsin.inference.archive.ray_tasks import RayTasks
from tocsin.inference.archive.recordings import Recording
from tocsin.inference.model import Model
from tocsin.inference.stop_signals import StopSignals, outlive_broken_connections


def detect_archive(
    recordings: Sequence[Recording],
    out: Path,
    model: Model,
    threshold: float | None,
    labels: set[str],
    workers: int | None,
    ray: str | None,
    complain: Callable[[str], None],
) -> bool:
    """Hear all recordings that the folder does not hold yet; True where it holds all of them as they are now.

    Args:
        recordings: of ``find_recordings``.
        out: the folder, laid out as ``archive.dataset`` says.
        model: the exported model; each worker loads the same file.
        threshold: gunshot probability from which a bang is called a gunshot; the card's own when ``None``.
        labels: of the rows to keep.
        workers: processes, or tasks of Ray at a time; one a core when ``None``.
        ray: address of a Ray, ``auto`` or ``local``; processes of this machine when ``None``.
        complain: called with a sentence for each recording that cannot be read, or that changed after it was heard.

    Raises:
        TocsinError: the folder was heard with other settings or is none of these, a worker was ended, or what
            ``--out`` and ``--ray`` need is not installed.
    """
    least = model.card.threshold if threshold is None else threshold
    with model.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    settings = Settings(model.card.model_id, digest, least, tuple(sorted(labels)))
    hearing = Hearing(str(model.path.resolve()), least, frozenset(labels))
    dataset = Dataset(out, model.card.classes, model.card.model_id, least)
    pool = RayTasks(ray, workers, hearing) if ray else Processes(workers or cores(), hearing)
    with Journal(out, settings) as journal:
        dataset.remove_all_but(journal.parts)
        changed, left = _left(recordings, journal)
        for recording in changed:
            complain(
                f"{recording.path} has changed since it was heard, and its rows are those of before: give another "
                "--out to hear it anew"
            )
        whole = not changed
        if left or journal.pending:
            whole &= _hear(left, pool, Batch(dataset, journal), journal, complain)
        else:
            _say(f"all {len(recordings):,} recordings are in {out}")
    return whole


def _left(recordings: Sequence[Recording], journal: Journal) -> tuple[list[Recording], list[Recording]]:
    """Those that changed since they were heard, and those that were not."""
    held = dict(journal.done)
    held |= {heard.recording.key: (heard.recording.size, heard.recording.modified_ns) for heard in journal.pending}
    changed, left = [], []
    for recording in recordings:
        version = held.get(recording.key)
        if version is None:
            left.append(recording)
        elif version != (recording.size, recording.modified_ns):
            changed.append(recording)
    return changed, left


def _hear(
    left: list[Recording],
    pool: Processes | RayTasks,
    batch: Batch,
    journal: Journal,
    complain: Callable[[str], None],
) -> bool:
    """Hear what is left; True where all of it was."""
    outlive_broken_connections()  # a worker that is ended is an error, and not the end of this process
    failed = 0
    with ExitStack() as stack:
        stack.enter_context(pool)
        progress = stack.enter_context(ArchiveProgress(sum(item.size for item in left), Console(stderr=True)))
        stop = stack.enter_context(StopSignals())
        for heard in heard_by(pool, left, lambda: stop.came):
            progress.advance(heard)
            if heard.failed:
                failed += 1
                journal.note_failed(heard)
                complain(heard.failed)
            else:
                batch.add(heard)
        batch.write()
        said = str(progress)
    _say(f"heard {said}; {journal.folder} holds {len(journal.done):,}")
    if stop.came:
        complain(f"stopped with {len(left) - progress.recordings - failed:,} to go: type the same to go on")
    return not failed and not stop.came


def _say(sentence: str) -> None:
    Console(stderr=True).print(sentence, highlight=False, soft_wrap=True, markup=False)
