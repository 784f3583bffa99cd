"""Labels by one name each: renamed as somebody says, and fine labels as the class that they belong to."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tocsin.data.labels import CLASSES, FINE_LABELS
from tocsin.evaluation.bench.log import UNSURE

if TYPE_CHECKING:
    import pandas


def one_name(label: str, renamed: Mapping[str, str], target: str) -> str:
    """The label that counts: as ``renamed`` says, else the class of a known fine label where the target is a class.

    Capitals, spaces and hyphens make no difference to known labels: ``Gun shot`` is ``gunshot``.
    """
    if label in renamed:
        return renamed[label]
    if label == target:
        return label
    plain = label.strip().lower().replace(" ", "_").replace("-", "_")
    if plain in (UNSURE, target):
        return plain
    return FINE_LABELS.get(plain, label) if target in CLASSES else label


def rename_labels(labels: "pandas.Series", renamed: Mapping[str, str], target: str) -> "pandas.Series":
    """A column of labels, each by :func:`one_name`."""
    return labels.map({label: one_name(str(label), renamed, target) for label in labels.unique()})
