"""What a review leaves behind: the sample as a CSV, and each reviewer's answers."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.data.dataframes import pandas_module
from tocsin.data.tables import open_table

if TYPE_CHECKING:
    import pandas

TRUE, UNSURE = "gunshot", "unsure"
ANSWERS = ("gunshot", "fireworks", "backfire", "impulse", "background", "unsure")
_SAMPLE = ("id", "kind", "stratum", "stratum_from", "population", "score", "at_or_above", "recording", "onset_s")


def read_sample(path: Path) -> "pandas.DataFrame":
    """Read what ``tocsin review sample`` wrote. Raises ``TocsinError`` for anything else, or a name that is twice."""
    return _read(path, _SAMPLE, "a sample of `tocsin review sample`")


def read_answers(path: Path, sample: "pandas.DataFrame") -> "pandas.DataFrame":
    """Read a reviewer's answers to a sample: columns ``id`` and ``answer``, more are kept.

    Raises:
        TocsinError: the file is no such table, belongs to another sample, or has an answer that is none.
    """
    answers = _read(path, ("id", "answer"), "answers of a page of `tocsin review page`")
    others = set(answers["sample"].dropna()) - {sample_hash(sample)} if "sample" in answers else set()
    if others:
        raise TocsinError(f"{path} answers the sample {min(others)}, not {sample_hash(sample)}, the one given")
    unknown = answers[~answers["id"].isin(sample["id"])]
    if len(unknown):
        raise TocsinError(f"{path}: the clip {unknown['id'].iloc[0]} is none of the sample's {len(sample)}")
    bad = answers[~answers["answer"].isin(ANSWERS)]
    if len(bad):
        found = bad.iloc[0]
        raise TocsinError(
            f"{path}, clip {found['id']}: the answer is {found['answer']}, not one of {', '.join(ANSWERS)}"
        )
    return answers


def sample_hash(sample: "pandas.DataFrame") -> str:
    """Twelve digits that tell a sample from others, the same whatever a spreadsheet did to its numbers."""
    rows = zip(sample["id"], sample["recording"], sample["onset_s"], strict=True)
    text = "\n".join(f"{name},{recording},{float(onset_s):.3f}" for name, recording, onset_s in rows)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def verdicts(sample: "pandas.DataFrame", reviewers: "list[pandas.DataFrame]") -> NDArray[np.float64]:
    """Of each clip of a sample 1 (gunshot), 0 (not), 0.5 (unsure) or NaN (nobody answered), shape ``(n,)``.

    Unsure is also what reviewers disagree on.
    """
    said = np.full((len(reviewers), len(sample)), np.nan)
    for row, answers in enumerate(reviewers):
        given = sample["id"].map(answers.set_index("id")["answer"])
        said[row] = np.select([given.isna(), given == TRUE, given == UNSURE], [np.nan, 1.0, 0.5], 0.0)
    none = np.isnan(said).all(axis=0)
    least, most = (pick(np.where(np.isnan(said), fill, said), axis=0) for pick, fill in ((np.min, 2), (np.max, -1)))
    return np.where(none, np.nan, np.where(least == most, least, 0.5))


def _read(path: Path, needed: tuple[str, ...], what: str) -> "pandas.DataFrame":
    pandas = pandas_module()
    try:
        with open_table(path) as file:
            frame = pandas.read_csv(file, dtype=dict.fromkeys(("id", "recording", "answer", "sample", "reviewer"), str))
    except ValueError as error:
        raise TocsinError(f"{path} cannot be read as a table: {str(error).strip()}") from error
    for name in needed:
        if name not in frame:
            raise TocsinError(f"{path}: the column {name} is missing, expected {what}")
    twice = frame["id"][frame["id"].duplicated()]
    if len(twice):
        raise TocsinError(f"{path}: the clip {twice.iloc[0]} stands twice, expected a row each")
    return frame
