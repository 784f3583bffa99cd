"""Splits in which no recording, session or file is on both sides."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.data.labels import CLASSES
from tocsin.data.manifests import ManifestRow


def group_folds(rows: Sequence[ManifestRow], n_folds: int, seed: int = 0) -> list[list[ManifestRow]]:
    """Cut rows into ``n_folds`` parts that share no session (no recording where no session is stated).

    Each part holds its rows in the order given; doubtful rows are in none. How sessions are dealt says ``fold_of``.
    Raises ``TocsinError`` where sessions do not suffice, and as ``assert_no_leak`` does.
    """
    fold = fold_of(rows, n_folds, seed)
    folds = [[row for row in rows if not row.doubtful and fold[row.group] == number] for number in range(n_folds)]
    for index, part in enumerate(folds):
        assert_no_leak([row for other in folds[:index] + folds[index + 1 :] for row in other], part)
    return folds


def fold_of(rows: Iterable[ManifestRow], n_folds: int, seed: int = 0) -> dict[str, int]:
    """Deal sessions to folds like cards, and give the fold of each, 0 to ``n_folds`` - 1.

    Class after class, the sessions that may train are dealt first and those that only judge next, each in an order
    drawn by the seed. Any two folds hold the same number of a class's sessions of either kind, or differ by one. A
    session of several classes is dealt with the first of them, in the order of ``CLASSES``, and counts once however
    long it is. Neither the order of the rows, nor doubtful rows, nor the sessions of another class change the fold of
    a session. Raises ``TocsinError`` where a fold would be empty.
    """
    if n_folds < 2:
        raise TocsinError(f"a split needs 2 folds or more, not {n_folds}")
    # The classes begin at different folds, so that no fold gets what is left over of all of them.
    fold = {
        session: (begin + place) % n_folds
        for begin, sessions in enumerate(_shuffled(rows, f"{seed}"))
        for place, session in enumerate(sessions)
    }
    if len(set(fold.values())) < n_folds:
        raise TocsinError(
            f"{len(fold)} sessions cannot fill {n_folds} folds: type fewer folds, or give more recordings"
        )
    return fold


def set_aside(rows: Iterable[ManifestRow], one_in: int, seed: str) -> set[str]:
    """Of each class's sessions one in so many, rounded up, drawn by ``seed``: to validate on. An only one is not."""
    return {session for sessions in _shuffled(rows, seed) if len(sessions) > 1 for session in sessions[::one_in]}


def _shuffled(rows: Iterable[ManifestRow], seed: str) -> list[list[str]]:
    # A list for each class: sessions that may train first, and what holds the same classes side by side.
    classes: dict[str, set[str]] = defaultdict(set)
    may_train: dict[str, bool] = defaultdict(bool)
    for row in rows:
        if not row.doubtful:
            classes[row.group].add(row.class_name)
            may_train[row.group] |= row.may_train

    def place(session: str) -> tuple[bool, list[bool], bytes]:
        lacks = [name not in classes[session] for name in CLASSES]
        # A hash, for a shuffle of the whole would change with every session that is added.
        return not may_train[session], lacks, hashlib.sha256(f"{seed}/{session}".encode()).digest()

    dealt: list[list[str]] = [[] for _ in CLASSES]
    for session in sorted(classes, key=place):
        dealt[min(map(CLASSES.index, classes[session]))].append(session)
    return dealt


def assert_no_leak(train: Sequence[ManifestRow], test: Sequence[ManifestRow]) -> None:
    """Refuse a split in which a session, a recording, a file or a file's content (``sha256``) is on both sides.

    Raises ``TocsinError`` that names the first such thing and a row of each side.
    """
    for name in ("session_id", "recording_id", "sha256", "path"):
        trained = {str(getattr(row, name)): row for row in train}
        for row in test:
            value = str(getattr(row, name))
            if value and value in trained:
                raise TocsinError(
                    f"the split leaks: {name} {value!r} is in both parts, as {trained[value].path} and as {row.path}; "
                    "give what belongs together one session_id and split by it"
                )


def session_weights(sessions: Sequence[str]) -> NDArray[np.float64]:
    """Weight of each clip, shape (n,), such that every session weighs one."""
    _, index, sizes = np.unique(np.asarray(sessions, dtype=str), return_inverse=True, return_counts=True)
    weights: NDArray[np.float64] = 1.0 / sizes[index]
    return weights
