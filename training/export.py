"""``tocsin export``: a checkpoint to one ``.onnx`` with front end, weights and card, checked against torch."""

import logging
import warnings
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import onnx
import onnxruntime
import torch
import typer
from torch import Tensor

from tocsin import TocsinError
from tocsin.models import registry
from tocsin.models.base import WaveformClassifier
from tocsin.models.card import WeightCard
from tocsin.models.model_file import placed, save_model
from tocsin.training.halves import store_in_halves

TOLERANCE = 1e-4
HALF_TOLERANCE = 5e-2  # of a logit, with weights rounded to 16 bits: a hundredth in a probability
OPSET = 18


def export(
    checkpoint: Annotated[Path, typer.Argument(metavar="CKPT", help="checkpoint that `tocsin train` wrote")],
    out: Annotated[Path | None, typer.Option(help="the .onnx to write; default: beside the checkpoint")] = None,
    half: Annotated[
        bool, typer.Option(help="store the weights in 16 bits: half the file, computed in 32 bits")
    ] = False,
    known_defect: Annotated[list[str] | None, typer.Option(help="a sentence for the card; may be repeated")] = None,
) -> None:
    """Write a checkpoint as one .onnx file with its weight card, after comparing onnxruntime with torch."""
    model, card = load_checkpoint(checkpoint)
    if known_defect:
        card = card.model_copy(update={"known_defects": [*card.known_defects, *known_defect]})
    path = out or checkpoint.with_suffix(".onnx")
    if path.suffix != ".onnx":
        raise typer.BadParameter(f"--out must end in .onnx, got {path}")
    difference = write_onnx(model, card, path, half)
    print(f"{path}  {path.stat().st_size / 1e6:.2f} MB  {card.parameters:,} parameters")
    limit = HALF_TOLERANCE if half else TOLERANCE
    print(f"largest difference from torch {difference:.1e} (limit {limit:.0e})")


def load_checkpoint(path: Path) -> tuple[WaveformClassifier, WeightCard]:
    """The model in evaluation mode and its card.

    Raises:
        TocsinError: the file is missing, or no checkpoint of ``tocsin train``.
    """
    if not path.is_file():
        raise TocsinError(f"{path}: no such checkpoint; `tocsin train` writes final.ckpt into its output folder")
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        card = WeightCard.model_validate(content["tocsin_card"])
        state = {
            name.removeprefix("model."): value
            for name, value in content["state_dict"].items()
            if name.startswith("model.")
        }
        model = registry.create(card.model, n_classes=len(card.classes), sample_rate=card.sample_rate)
        model.load_state_dict(state)
    except Exception as error:  # torch.load raises what the unpickler raises
        raise TocsinError(f"{path}: not a checkpoint of `tocsin train`: {type(error).__name__}") from error
    return model.eval(), card


def write_onnx(model: WaveformClassifier, card: WeightCard, path: Path, half: bool = False) -> float:
    """Export, check, and only then put the file in place, with ``.json`` of the card beside it.

    Args:
        model: in evaluation mode.
        card: of the model.
        path: the ``.onnx`` to write.
        half: whether its weights are stored in 16 bits.

    Returns:
        Largest absolute difference of a logit between torch and onnxruntime on the check's windows.

    Raises:
        TocsinError: the difference exceeds ``TOLERANCE``, or with halves ``HALF_TOLERANCE``; nothing is written then.
    """
    with placed(path, card) as draft:
        _export(model, card, draft)
        difference = _checked(model, card, draft, path, TOLERANCE)
        if half:
            store_in_halves(draft)
            difference = _checked(model, card, draft, path, HALF_TOLERANCE)
    return difference


def _checked(model: WaveformClassifier, card: WeightCard, draft: Path, path: Path, limit: float) -> float:
    difference = parity(model, card, draft)
    if not difference <= limit:
        raise TocsinError(
            f"{path}: not written: onnxruntime and torch differ by {difference:.1e}, {limit:.0e} is allowed"
        )
    return difference


def _export(model: WaveformClassifier, card: WeightCard, path: Path) -> None:
    example = torch.zeros(2, card.window_samples)
    batch = torch.export.Dim("batch", min=1)
    for name in ("onnxscript", "torch.onnx"):  # what they skip and rewrite concerns nobody here
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's exporter deprecates its own internals
        torch.onnx.export(
            model.eval(),
            (example,),
            path,
            dynamo=True,
            opset_version=OPSET,
            input_names=["waveform"],
            output_names=["logits"],
            dynamic_shapes=({0: batch},),
            external_data=False,
            verbose=False,
        )
    graph = onnx.load(path)
    # The exporter notes source files and lines in every node: paths of one machine, and half of the file's size.
    for holder in (*graph.graph.node, *graph.graph.value_info, *graph.graph.input, *graph.graph.output, graph.graph):
        del holder.metadata_props[:]
    for node in graph.graph.node:
        node.doc_string = ""
    graph.doc_string = ""
    onnx.checker.check_model(graph, full_check=True)
    save_model(graph, card, path)


def parity(model: WaveformClassifier, card: WeightCard, path: Path) -> float:
    """Largest absolute logit difference over :func:`check_windows`, in batches of one and of all."""
    windows = check_windows(card)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return max(_difference(model, session, batch) for batch in (windows, *torch.split(windows, 1)))


def check_windows(card: WeightCard) -> Tensor:
    """Noise of three levels, a bang, silence and full scale: 21 windows ``(21, window_samples)``, always the same."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(6, card.window_samples, generator=generator)
    bang = noise[0] * torch.exp(-torch.arange(card.window_samples) / (0.02 * card.sample_rate))
    rows = [noise * level for level in (1e-4, 0.01, 0.3)]
    return torch.cat([*rows, bang[None], torch.zeros(1, card.window_samples), noise.sign()[:1]]).float()


def _difference(model: WaveformClassifier, session: onnxruntime.InferenceSession, windows: Tensor) -> float:
    with torch.no_grad():
        expected = model(windows).numpy()
    actual = session.run(None, {"waveform": windows.numpy()})[0]
    # NaN compares as no difference with max(); it must count as the largest.
    return float(np.nan_to_num(np.abs(expected - actual), nan=np.inf).max())
