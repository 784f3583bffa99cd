"""The adapter file of an audio-tagging network: what it takes, what it gives, and which of its classes are the target.

A TOML file such as ``configs/adapters/yamnet.toml``::

    name = "YAMNet"
    model = "yamnet.tflite"     # .onnx or .tflite, its path seen from this file
    sample_rate = 16000         # Hz
    window_samples = 15600      # or window_s
    hop_samples = 7680          # or hop_s; half a window where neither is given
    classes = 521               # how many, or a file of their names, one a line, or a CSV with a column display_name
    activation = "none"         # or sigmoid, softmax: what makes its outputs scores of 0 to 1
    short = "mirror"            # or pad, with zeros: what is done with waveforms shorter than a window
    events = "windows"          # or peaks: whether each window is a detection, or each peak of the score over time

    [score]
    positive = [421, 422]       # numbers from 0, or names
    negative = []               # the score is (1 + positive - negative) / 2 where there are any
    pooling = "max"             # or sum, mean: what makes one score of several classes

``input`` and ``output`` name the tensors of a network that has several.
"""

import csv
import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tocsin import TocsinError

Pooling = Literal["max", "sum", "mean"]
Activation = Literal["none", "sigmoid", "softmax"]
_Seconds = Annotated[float, Field(gt=0, le=60)]
_Samples = Annotated[int, Field(gt=0, le=10_000_000)]
_Class = Annotated[int, Field(ge=0)] | str


class Score(BaseModel):
    """Which classes make the score."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    positive: Annotated[list[_Class], Field(min_length=1)]
    negative: list[_Class] = []
    pooling: Pooling = "max"


class Adapter(BaseModel):
    """An adapter file; ``read_adapter`` makes its paths absolute."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1)]
    model: Path
    sample_rate: Annotated[int, Field(ge=1000, le=384_000)]
    window_s: _Seconds | None = None
    window_samples: _Samples | None = None
    hop_s: _Seconds | None = None
    hop_samples: _Samples | None = None
    input: str | None = None
    output: str | None = None
    activation: Activation = "none"
    classes: Annotated[int, Field(gt=0)] | Path
    short: Literal["pad", "mirror"] = "pad"
    events: Literal["windows", "peaks"] = "windows"
    score: Score

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if (self.window_s is None) == (self.window_samples is None):
            raise ValueError("give either window_s or window_samples")
        if self.hop_s is not None and self.hop_samples is not None:
            raise ValueError("give either hop_s or hop_samples")
        if self.hop > self.window:
            raise ValueError(f"a hop of {self.hop} samples leaves gaps between windows of {self.window}")
        return self

    @property
    def window(self) -> int:
        """Samples of a window."""
        return self.window_samples or max(1, round((self.window_s or 0) * self.sample_rate))

    @property
    def hop(self) -> int:
        """Samples from a window to the next."""
        if self.hop_s is not None:
            return max(1, round(self.hop_s * self.sample_rate))
        return self.hop_samples or max(1, self.window // 2)


def read_adapter(path: Path) -> Adapter:
    """Read an adapter file.

    Raises:
        TocsinError: it is missing or no TOML, a key is unknown, missing or out of its range, or the model is missing.
    """
    try:
        with path.open("rb") as file:
            adapter = Adapter.model_validate(tomllib.load(file))
    except OSError as error:
        raise TocsinError(f"{path}: cannot read the adapter file ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TocsinError(f"{path} is not TOML: {error}") from None
    except ValidationError as error:
        raise TocsinError(f"{path}: {_sentence(error)}") from None
    if adapter.model.suffix not in (".onnx", ".tflite"):
        raise TocsinError(f"{path}: model is {adapter.model}, expected a file that ends in .onnx or .tflite")
    model = path.parent / adapter.model
    if not model.is_file():
        raise TocsinError(f"{path}: model: there is no file {model}")
    classes = path.parent / adapter.classes if isinstance(adapter.classes, Path) else adapter.classes
    return adapter.model_copy(update={"model": model, "classes": classes})


def class_names(adapter: Adapter) -> list[str]:
    """Names of the network's classes in order; their numbers where the file gives but how many there are.

    Raises:
        TocsinError: the file of names is missing, empty, or no text.
    """
    if isinstance(adapter.classes, int):
        return [str(number) for number in range(adapter.classes)]
    try:
        lines = adapter.classes.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TocsinError(f"{adapter.classes}: cannot read the names of the classes ({error})") from None
    if lines and "display_name" in lines[0].split(","):
        return [row["display_name"] for row in csv.DictReader(lines)]
    names = [line.strip() for line in lines if line.strip()]
    if not names:
        raise TocsinError(f"{adapter.classes}: expected the names of the classes, one a line, and it is empty")
    return names


def places_of(wanted: list[int | str], names: list[str], path: Path, key: str) -> list[int]:
    """Where the classes of ``[score]`` stand among the network's.

    Raises:
        TocsinError: a number is beyond the last class, or a name is none of theirs.
    """
    places = []
    for one in wanted:
        if isinstance(one, str):
            if one not in names:
                near = difflib.get_close_matches(one, names, n=1)
                hint = f": did you mean {near[0]!r}?" if near else ""
                raise TocsinError(f"{path}: score.{key}: {one!r} is none of the {len(names)} classes{hint}")
            one = names.index(one)
        if one >= len(names):
            raise TocsinError(
                f"{path}: score.{key}: there is no class {one}, the last of {len(names)} is {len(names) - 1}"
            )
        places.append(one)
    return places


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    # Of a value that may be of several types pydantic names each; the key alone is what the file says.
    key = ".".join(str(part) for part in first["loc"] if not str(part).startswith(("constrained", "function", "int")))
    if first["type"] == "extra_forbidden":
        return f"{key} is no key of an adapter file"
    if first["type"] == "missing":
        return f"{key} is missing"
    said = first["msg"].removeprefix("Value error, ")
    if not key:
        return said
    return f"{key} is {first['input']!r}: {said[0].lower()}{said[1:]}"
