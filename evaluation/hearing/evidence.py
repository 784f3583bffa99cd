"""What a report rests on: the answers of the judges to every recording that they may judge."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.data.manifests import ManifestRow
from tocsin.evaluation.hearing.counting import Heard, joined
from tocsin.evaluation.hearing.examples import (
    CLIPS,
    LIVE_FIRE,
    Example,
    clip_examples,
    clip_rows,
    divide,
    live_fire_group,
    live_fire_tests,
    live_fire_windows,
)
from tocsin.evaluation.hearing.listening import hear_clip, hear_test
from tocsin.evaluation.judging.judges import Judges
from tocsin.evaluation.judging.side_by_side import Item, Result, side_by_side


@dataclass(frozen=True)
class Answers:
    """Examples with what was said of each, in one order; every array has shape (examples,)."""

    examples: tuple[Example, ...]
    probabilities: tuple[dict[str, float], ...]
    thresholds: tuple[float, ...]
    gunshot_shares: tuple[float | None, ...]

    @property
    def gunshot(self) -> NDArray[np.float64]:
        """Probability of a gunshot."""
        return np.array([answer["gunshot"] for answer in self.probabilities])

    @property
    def classes(self) -> NDArray[np.str_]:
        """True class."""
        return np.array([example.class_name for example in self.examples], dtype=str)

    @property
    def called(self) -> NDArray[np.str_]:
        """Likeliest class."""
        return np.array([max(answer, key=answer.__getitem__) for answer in self.probabilities], dtype=str)

    @property
    def positive(self) -> NDArray[np.bool_]:
        """Whether it is a gunshot."""
        return self.classes == "gunshot"

    @property
    def sessions(self) -> list[str]:
        """The unit that figures count."""
        return [example.session for example in self.examples]

    def take(self, keep: Iterable[bool | np.bool_]) -> "Answers":
        """Those for which ``keep`` is true."""
        places = [place for place, kept in enumerate(keep) if kept]
        return Answers(
            tuple(self.examples[place] for place in places),
            tuple(self.probabilities[place] for place in places),
            tuple(self.thresholds[place] for place in places),
            tuple(self.gunshot_shares[place] for place in places),
        )


@dataclass(frozen=True)
class Evidence:
    """All answers. ``open_set``: for each clip, whether its judge was never trained on a sound of its label.

    ``threshold`` is that of the card of the preferred weights.
    """

    weights: tuple[str, ...]
    threshold: float
    clips: Answers
    clips_left_out: int
    open_set: tuple[bool, ...]
    windows: Answers
    tests_left_out: int
    heard: Heard


def gather(recordings: Path, judges: Judges, open_set_labels: Sequence[str] = (), workers: int = 1) -> Evidence:
    """Hear the clips and the live fire of a folder of recordings; one of the two may be missing.

    ``workers`` threads take a recording each; onnxruntime lets them run side by side, and what is heard does not depend
    on their number.

    Raises:
        TocsinError: neither is there, or all was met by all weights.
    """
    has_clips, has_live_fire = (recordings / CLIPS).is_dir(), (recordings / LIVE_FIRE).is_dir()
    if not has_clips and not has_live_fire:
        raise TocsinError(f"{recordings}: expected a folder that holds {CLIPS}/manifest.csv or {LIVE_FIRE}/")
    every_row = clip_rows(recordings) if has_clips else []
    rows, left_out = divide(every_row, judges.may_judge) if every_row else ([], 0)
    examples = clip_examples(rows)
    every_test = live_fire_tests(recordings) if has_live_fire else []
    tests = [test for test in every_test if judges.may_judge(live_fire_group(test))]

    def over(function: Callable[[Item], Result], items: Sequence[Item], said: str) -> list[Result]:
        return side_by_side(function, items, workers, said)

    windows = [window for some in over(lambda test: live_fire_windows([test]), tests, "reading") for window in some]
    return Evidence(
        weights=judges.names,
        threshold=judges.models[0].card.threshold,
        clips=_answers(examples, judges, over(judges.probabilities, examples, "classifying clips")),
        clips_left_out=left_out,
        open_set=tuple(_open_set(examples, every_row, judges, open_set_labels)),
        windows=_answers(windows, judges, over(judges.probabilities, windows, "classifying the live fire")),
        tests_left_out=len(every_test) - len(tests),
        heard=joined(
            over(lambda example: hear_clip(example, judges), examples, "listening to clips")
            + over(lambda test: hear_test(test, judges), tests, "listening to the live fire")
        ),
    )


def _answers(examples: Sequence[Example], judges: Judges, probabilities: Sequence[dict[str, float]]) -> Answers:
    return Answers(tuple(examples), tuple(probabilities), judges.thresholds(examples), judges.gunshot_shares(examples))


def _open_set(
    examples: Sequence[Example], rows: Sequence[ManifestRow], judges: Judges, labels: Sequence[str]
) -> list[bool]:
    unknown = set(labels) - {row.label for row in rows}
    if unknown:
        raise TocsinError(f"--open-set: no clip is labelled {min(unknown)!r}")
    learnt: dict[str, set[str]] = {}
    for model in judges.models:
        trained = set(model.card.trained_sessions)
        # What a card of old was trained on is not known.
        learnt[str(model.path)] = {row.label for row in rows if row.group in trained or not trained}
    return [
        example.label in labels or example.label not in learnt[str(judges.required(example.group).path)]
        for example in examples
    ]
