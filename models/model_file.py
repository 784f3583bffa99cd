"""An exported ``.onnx`` and its weight card: read together, put in place together, calibrated anew together."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx.helper import make_node
from onnx.numpy_helper import from_array
from scipy.special import logit

from tocsin import TocsinError
from tocsin.models.card import METADATA_KEY, WeightCard, parse_card

FRONT_END = "front_end."  # how the names of its tensors start in an exported graph


def read_model(path: Path) -> tuple[Any, WeightCard]:
    """The graph of an exported model and its card.

    Raises:
        TocsinError: the file is missing, no ONNX, or carries no card that fits.
    """
    if not path.is_file():
        raise TocsinError(f"{path}: no such file; give an .onnx that `tocsin export` wrote")
    try:
        graph = onnx.load(path)
    except Exception as error:  # protobuf has its own types, one for each kind of bad file
        raise TocsinError(f"{path}: it is no ONNX model; give one that `tocsin export` wrote") from error
    metadata = {entry.key: entry.value for entry in graph.metadata_props}
    if METADATA_KEY not in metadata:
        raise TocsinError(f"{path}: it carries no weight card; export it with `tocsin export`")
    return graph, parse_card(metadata[METADATA_KEY], str(path))


def save_model(graph: Any, card: WeightCard, path: Path) -> None:
    """Write a graph with the card inside."""
    onnx.helper.set_model_props(graph, {METADATA_KEY: card.model_dump_json()})
    onnx.save(graph, path)


@contextlib.contextmanager
def placed(path: Path, card: WeightCard) -> Iterator[Path]:
    """A draft to write to, put in place when the block ends without an error, with ``.json`` of the card beside it.

    Raises:
        TocsinError: nothing can be written at ``path``.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        holder = tempfile.TemporaryDirectory(dir=path.parent)
    except OSError as error:
        raise TocsinError(f"{path} cannot be written ({error.strerror}): choose another --out") from error
    with holder as folder:
        draft = Path(folder) / "draft.onnx"
        yield draft
        draft.replace(path)
    path.with_suffix(".json").write_text(card.model_dump_json(indent=2) + "\n")


def recalibrate(
    path: Path,
    temperature: float | None = None,
    threshold: float | None = None,
    basis: str | None = None,
    results: dict[str, Any] | None = None,
    share: float | None = None,
) -> WeightCard:
    """Give an exported file another calibration, in the card inside it and in the ``.json`` beside it.

    Args:
        path: the ``.onnx``; its networks stay as they are.
        temperature: that divides the logits; what is ``None`` here and below stays.
        threshold: gunshot probability from which an event is called a gunshot.
        basis: what the threshold was chosen for, a sentence.
        results: what was measured.
        share: of gunshots among the sounds for which probabilities are stated, 0 to 1: the odds of a gunshot are
            shifted from the card's ``gunshot_share`` to it (Elkan 2001, theorem 2). The threshold is not.

    Returns:
        The new card.

    Raises:
        TocsinError: the file is no exported model, the new card does not fit, or a share cannot be shifted.
    """
    graph, card = read_model(path)
    given = {"temperature": temperature, "threshold": threshold, "threshold_basis": basis, "results": results}
    given["gunshot_share"] = share
    changed = card.model_copy(update={name: value for name, value in given.items() if value is not None})
    changed = parse_card(changed.model_dump_json(), str(path))
    if share is not None:
        if card.gunshot_share is None or not 0 < share < 1:
            raise TocsinError(f"{path}: the share {share:g} is not inside 0 … 1, or its card states none to shift from")
        _add_to_gunshot(graph, card, changed.temperature * float(logit(share) - logit(card.gunshot_share)))
    with placed(path, changed) as draft:
        save_model(graph, changed, draft)
    return changed


def _add_to_gunshot(graph: Any, card: WeightCard, number: float) -> None:
    """Add a number to the logit of a gunshot, by a last node of the graph."""
    output = graph.graph.output[0].name
    before = f"{output}.before_{len(graph.graph.node)}"
    for node in graph.graph.node:
        for names in (node.input, node.output):
            names[:] = [before if name == output else name for name in names]
    added = np.array([number if name == "gunshot" else 0.0 for name in card.classes], np.float32)
    graph.graph.initializer.append(from_array(added, f"{before}.added"))
    graph.graph.node.append(make_node("Add", [before, f"{before}.added"], [output]))
