"""Several weight files as one judge: every recording is heard by a model that never met its session.

The folds of a cross-validation judge their own share each: a session belongs to the weights that held it out.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from tocsin import TocsinError
from tocsin.data.audio import Audio
from tocsin.data.labels import CLASSES
from tocsin.inference.audio_model import AudioModel
from tocsin.inference.classify import classify_samples


class Recorded(Protocol):
    """A recording of a session."""

    @property
    def group(self) -> str:
        """The session that weight cards name."""

    def read(self) -> Audio:
        """Read the waveform."""


class Judges:
    """Weight files in order of preference, of which one judges a session.

    It is the first whose card says that it held the session out for test, else the first whose card allows it.

    Args:
        weights: ``.onnx`` files or names of shipped weights; the shipped default where there are none.

    Raises:
        TocsinError: a file cannot be loaded, has other classes than the project's, or states probabilities for another
            share of gunshots than the first: their scores would stand on two scales.
    """

    def __init__(self, weights: Sequence[str | Path] = ()) -> None:
        self.models = [AudioModel(name) for name in weights] or [AudioModel()]
        for model in self.models:
            if set(model.card.classes) != set(CLASSES):
                raise TocsinError(f"{model.path}: has the classes {', '.join(model.card.classes)}, not the five")
            shares = (self.models[0].card.gunshot_share, model.card.gunshot_share)
            if shares[0] != shares[1]:
                raise TocsinError(
                    f"{model.path} states probabilities for a gunshot_share of {shares[1]}, {self.models[0].path} of "
                    f"{shares[0]}: give weights of one calibration (benchmarks/classification/calibrate.py makes them)"
                )

    @property
    def name(self) -> str:
        """Names and versions of the weights, each once."""
        return ", ".join(dict.fromkeys(model.card.model_id for model in self.models))

    @property
    def names(self) -> tuple[str, ...]:
        """Name and version of each of the weights, in order, with its file where several have the same."""
        ids = [model.card.model_id for model in self.models]
        stems = [model.path.stem for model in self.models]
        return tuple(i if ids.count(i) == 1 else f"{i} ({stem})" for i, stem in zip(ids, stems, strict=True))

    def judge_of(self, session: str) -> AudioModel | None:
        """The model that judges a session, None where all have met it."""
        may = [model for model in self.models if model.card.may_judge(session)]
        held_out = [model for model in may if session in model.card.held_out.get("test", [])]
        return next(iter(held_out + may), None)

    def may_judge(self, session: str) -> bool:
        """Whether some model never met a session."""
        return self.judge_of(session) is not None

    def required(self, session: str) -> AudioModel:
        """The model that judges a session. Raises ``TocsinError`` where all have met it."""
        model = self.judge_of(session)
        if model is None:
            raise TocsinError(f"the session {session} was trained or validated on by all weights given")
        return model

    def probabilities(self, example: Recorded) -> dict[str, float]:
        """Probability of each class in the window in which a gunshot is likeliest, as ``tocsin classify`` gives it."""
        audio = example.read()
        return classify_samples(self.required(example.group), audio.samples, audio.sample_rate)

    def thresholds(self, examples: Sequence[Recorded]) -> tuple[float, ...]:
        """Of each example, the threshold of its judge's card."""
        return tuple(self.required(example.group).card.threshold for example in examples)

    def gunshot_shares(self, examples: Sequence[Recorded]) -> tuple[float | None, ...]:
        """Of each example, the share of gunshots that its judge takes for granted, where its card says."""
        return tuple(self.required(example.group).card.gunshot_share for example in examples)
