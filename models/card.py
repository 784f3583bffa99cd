"""The weight card: what a set of weights takes, gives, was trained on, and is known to get wrong.

It travels inside the ``.onnx`` file, under the metadata key ``tocsin_card``, and lies readable beside it as JSON.
The runtime takes its input contract from here alone. No torch in this module.
"""

from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from tocsin import TocsinError

METADATA_KEY = "tocsin_card"
SHIPPED = "tocsin-m"  # of the weights that ship, those that hear better; "tocsin-s" is smaller


class WeightCard(BaseModel):
    """Input contract, calibration and provenance of one set of weights.

    ``logits / temperature``, then a softmax, gives the calibrated probabilities, in the order of ``classes``, for
    sounds of which ``gunshot_share`` are gunshots, as in training. ``stages`` are the networks of a file that holds
    several, in the order in which they are asked; it is empty where there is one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = 1
    name: str
    version: str
    model: str
    parameters: int
    sample_rate: int
    window_samples: int
    hop_samples: int
    classes: tuple[str, ...]
    front_end: dict[str, float | int | str]
    temperature: float = 1.0
    gunshot_share: float | None = None
    threshold: float = 0.5
    threshold_basis: str = "not chosen: one half"
    experiment: str = ""
    training_data: list[dict[str, Any]] = []
    licence: str = ""
    trained_sessions: tuple[str, ...] = ()
    held_out: dict[str, list[str]] = {}
    results: dict[str, Any] = {}
    known_defects: list[str] = []
    stages: list[dict[str, Any]] = []

    @model_validator(mode="after")
    def _consistent(self) -> "WeightCard":
        if "gunshot" not in self.classes or len(set(self.classes)) != len(self.classes):
            raise ValueError(f"classes must be distinct and hold 'gunshot', got {self.classes}")
        if min(self.sample_rate, self.window_samples, self.hop_samples) <= 0 or self.temperature <= 0:
            raise ValueError("sample_rate, window_samples, hop_samples and temperature must be positive")
        return self

    @model_serializer(mode="wrap")
    def _as_before_stages(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The card of one network as it was before there were stages, which older runtimes refuse."""
        content: dict[str, Any] = write(self)
        if not self.stages:
            content.pop("stages", None)
        return content

    def may_judge(self, session: str) -> bool:
        """Whether figures of a session are honest: neither weights nor calibration ever met it.

        A card that does not say what it was trained on may judge only what it says it held out.
        """
        if session in self.trained_sessions or session in self.held_out.get("validation", []):
            return False
        return bool(self.trained_sessions) or session in self.held_out.get("test", [])

    @property
    def window_s(self) -> float:
        """Length of the model's window in seconds."""
        return self.window_samples / self.sample_rate

    @property
    def model_id(self) -> str:
        """Name and version, as detections carry it."""
        return f"{self.name}-{self.version}"

    def __str__(self) -> str:
        return f"{self.model_id}: {', '.join(self.classes)} in {self.window_s:g} s at {self.sample_rate} Hz"

    def __repr__(self) -> str:
        return f"<WeightCard {self}>"


def parse_card(text: str, where: str) -> WeightCard:
    """A card from its JSON text; ``where`` is named in the error when the card does not fit.

    Raises:
        TocsinError: the text is no card of this version.
    """
    try:
        return WeightCard.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "card"
        raise TocsinError(f"{where}: its weight card does not fit: {field}: {first['msg']}") from error


def shipped_weights(name: str = SHIPPED) -> Path:
    """Path of a set of weights that the package ships.

    Raises:
        TocsinError: no weights of that name ship.
    """
    folder = Path(str(files("tocsin.models"))) / "weights"
    path = folder / f"{name}.onnx"
    if not path.is_file():
        names = sorted(p.stem for p in folder.glob("*.onnx"))
        raise TocsinError(f"no weights named {name!r} ship with tocsin; there are {names}, or give a path to an .onnx")
    return path
