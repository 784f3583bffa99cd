"""Which sounds are called gunshots: a row a fine label."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tocsin.evaluation.hearing.examples import Example


@dataclass(frozen=True)
class Confused:
    """How a fine label was answered; shares are of its clips, a clip counting once.

    ``called_gunshot``: gunshot was the likeliest class; ``above_threshold``: its probability reached the threshold of
    the judging model's card; ``mean_highest``: mean probability of the likeliest class, whichever it was.
    """

    label: str
    class_name: str
    clips: int
    sessions: int
    called_gunshot: float
    above_threshold: float
    mean_highest: float


def confused_labels(
    examples: Sequence[Example], answers: Sequence[Mapping[str, float]], thresholds: Sequence[float]
) -> list[Confused]:
    """One row a fine label, the most confused first.

    ``answers`` are the class probabilities of the examples, ``thresholds`` those that each was judged by.
    """
    rows = []
    for label in sorted({example.label for example in examples}):
        places = [place for place, example in enumerate(examples) if example.label == label]
        called = [max(answers[place], key=answers[place].__getitem__) == "gunshot" for place in places]
        above = [answers[place]["gunshot"] >= thresholds[place] for place in places]
        highest = [max(answers[place].values()) for place in places]
        rows.append(
            Confused(
                label=label,
                class_name=examples[places[0]].class_name,
                clips=len(places),
                sessions=len({examples[place].session for place in places}),
                called_gunshot=float(np.mean(called)),
                above_threshold=float(np.mean(above)),
                mean_highest=float(np.mean(highest)),
            )
        )
    return sorted(rows, key=lambda row: (-row.called_gunshot, -row.above_threshold, row.label))
