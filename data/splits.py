"""Splits in which no recording, session or file is on both sides."""

import importlib
import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.data.manifests import ManifestRow


def group_folds(rows: Sequence[ManifestRow], n_folds: int, seed: int = 0) -> list[list[ManifestRow]]:
    """Cut rows into ``n_folds`` parts that share no session (no recording where no session is stated).

    The sessions of each class are spread over the folds as evenly as can be (scikit-learn's StratifiedGroupKFold): a
    session counts once, for else the longest one would be a class's only session in its fold. A class of fewer sessions
    than folds is missing from some. The same rows and seed give the same folds, each in the order of the rows. Raises
    ``TocsinError`` where sessions do not suffice, and as ``assert_no_leak`` does.
    """
    if n_folds < 2:
        raise TocsinError(f"a split needs 2 folds or more, not {n_folds}")
    # Each session stands once for each class that it holds.
    pairs = sorted({(row.group, row.class_name) for row in rows})
    groups = [group for group, _ in pairs]
    if len(set(groups)) < n_folds:
        raise TocsinError(
            f"{len(set(groups))} sessions cannot fill {n_folds} folds: type fewer folds, or give more recordings"
        )
    try:
        selection = importlib.import_module("sklearn.model_selection")
    except ImportError as error:
        raise TocsinError('splits need scikit-learn: type `pip install "tocsin[train]"`') from error
    splitter = selection.StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # That a class has fewer sessions than there are folds is what the docstring allows.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        try:
            parts = [part for _, part in splitter.split(np.zeros(len(pairs)), [name for _, name in pairs], groups)]
        except ValueError as error:
            raise TocsinError(f"no class has a session for each of {n_folds} folds: type fewer folds") from error
    fold_of = {groups[index]: number for number, part in enumerate(parts) for index in part}
    folds = [[row for row in rows if fold_of[row.group] == number] for number in range(n_folds)]
    for index, fold in enumerate(folds):
        assert_no_leak([row for other in folds[:index] + folds[index + 1 :] for row in other], fold)
    return folds


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
