"""``tocsin quantize``: an exported model to one with 8-bit weights and activations, and what that costs in accuracy.

Static quantization by onnxruntime (QDQ, weights a scale a channel). The mel front end stays float32: its powers span
more than 8 bits hold. Weights keep to 7 bits, since processors without a dot product of bytes add in 16 bits.
"""

import contextlib
import io
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import onnx
import onnxruntime
import typer
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from rich.console import Console
from rich.progress import track
from scipy.special import softmax
from sklearn.metrics import roc_auc_score

from tocsin import TocsinError
from tocsin.data.audio import read_audio
from tocsin.data.clips import read_clips
from tocsin.data.manifests import ManifestRow, read_manifest
from tocsin.data.public.pittsburgh import labelled_clips, read_live_fire
from tocsin.models.card import WeightCard, shipped_weights
from tocsin.models.model_file import FRONT_END, placed, read_model, save_model

CALIBRATION_ROWS, HELD_OUT_ROWS = 300, 1000

Windows = NDArray[np.float32]


def quantize(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="an .onnx of `tocsin export`, or shipped weights")],
    recordings: Annotated[
        list[Path], typer.Argument(metavar="RECORDINGS…", help="manifests, clips folders or live fires, labelled")
    ],
    out: Annotated[Path | None, typer.Option(help="the .onnx to write; default: MODEL with -int8 in its name")] = None,
) -> None:
    """Write an int8 .onnx, calibrated on recordings that the weights met, and compare it on those they never met."""
    source = Path(model) if model.endswith(".onnx") else shipped_weights(model)
    path = out or Path(f"{source.stem}-int8.onnx")
    if path.suffix != ".onnx":
        raise typer.BadParameter(f"--out must end in .onnx, got {path}")
    graph, card = read_model(source)
    if not _front_end_nodes(graph):
        raise TocsinError(
            f"{source}: it has no mel front end, whose tensors start with {FRONT_END!r}, to leave in float32"
        )
    known, held_out = divide([row for place in recordings for row in read_rows(place) if not row.doubtful], card)
    calibration, _ = read_windows(known, card, CALIBRATION_ROWS)
    windows, gunshot = read_windows(held_out, card, HELD_OUT_ROWS)
    write_int8(graph, card, calibration, path)
    exact, rounded = (probabilities(file, card, windows)[:, card.classes.index("gunshot")] for file in (source, path))
    difference = np.abs(exact - rounded)
    print(f"{path}  {path.stat().st_size / 1e6:.2f} MB, from {source.stat().st_size / 1e6:.2f} MB")
    print(f"calibrated on {len(calibration)} windows, compared on {len(windows)} of recordings the weights never met")
    print(f"gunshot probability differs by {difference.max():.3f} at most, {difference.mean():.4f} on average")
    if 0 < gunshot.sum() < len(gunshot):
        print(
            f"gunshot AUC {roc_auc_score(gunshot, exact):.4f} in float32, {roc_auc_score(gunshot, rounded):.4f} in int8"
        )


def read_rows(path: Path) -> list[ManifestRow]:
    """Labelled rows of a manifest, of a clips folder (it holds ``manifest.csv``) or of the live fire."""
    if path.is_dir():
        return read_clips(path) if (path / "manifest.csv").is_file() else list(labelled_clips(read_live_fire(path)))
    return read_manifest(path)


def divide(rows: Sequence[ManifestRow], card: WeightCard) -> tuple[list[ManifestRow], list[ManifestRow]]:
    """Rows of sessions that the weights met, and of those they never met.

    Raises:
        TocsinError: one of the two is empty.
    """
    held_out = [row for row in rows if card.may_judge(row.group)]
    known = [row for row in rows if not card.may_judge(row.group) and row.may_train]
    if not known or not held_out:
        raise TocsinError(
            f"of the {len(rows)} rows {len(known)} are known to {card.name} and {len(held_out)} held out by its card: "
            "both are needed, to calibrate on and to compare on"
        )
    return known, held_out


def read_windows(rows: Sequence[ManifestRow], card: WeightCard, most: int) -> tuple[Windows, NDArray[np.bool_]]:
    """The first window of at most so many rows, drawn alike from the classes, and which of them are gunshots.

    Returns:
        Windows ``(rows, window_samples)`` and flags ``(rows,)``.
    """
    rng = np.random.default_rng(0)
    classes = sorted({row.class_name for row in rows})
    chosen: list[ManifestRow] = []
    for name in classes:
        of_class = [row for row in rows if row.class_name == name]
        chosen += [of_class[place] for place in rng.permutation(len(of_class))[: most // len(classes)]]
    windows = np.zeros((len(chosen), card.window_samples), np.float32)
    console = Console(stderr=True)
    shown = track(chosen, "reading", console=console, transient=True, disable=not console.is_terminal)
    for window, row in zip(windows, shown, strict=True):
        audio = read_audio(row.path, card.sample_rate, row.start_s, min(row.duration_s, card.window_s))
        samples = audio.samples[: card.window_samples]
        window[: len(samples)] = samples
    return windows, np.array([row.class_name == "gunshot" for row in chosen])


def write_int8(graph: Any, card: WeightCard, windows: Windows, path: Path) -> None:
    """Quantize all convolutions and products behind the front end, and write the file with the card beside it.

    Args:
        graph: the ONNX model.
        card: its card; the one written says int8.
        windows: to calibrate the activations on, ``(rows, window_samples)``.
        path: the ``.onnx`` to write.
    """
    quantized = card.model_copy(
        update={
            "name": f"{card.name}-int8",
            "known_defects": [
                *card.known_defects,
                "Rounded to 8 bits: its results, calibration and threshold are those of float32.",
            ],
        }
    )
    with placed(path, quantized) as draft:
        with _silence():
            quantize_static(
                graph,
                draft,
                _Windows(graph.graph.input[0].name, windows),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=["Conv", "Gemm", "MatMul"],
                nodes_to_exclude=_front_end_nodes(graph),
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
                reduce_range=True,
                # The highest of all values is that of one odd recording.
                calibrate_method=CalibrationMethod.Percentile,
            )
        save_model(onnx.load(draft), quantized, draft)


def probabilities(path: Path, card: WeightCard, windows: Windows) -> NDArray[np.float64]:
    """Calibrated probabilities of windows ``(rows, window_samples)``, one at a time, shape ``(rows, classes)``."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    logits = np.concatenate([session.run(None, {name: window[None]})[0] for window in windows])
    return softmax(logits.astype(float) / card.temperature, axis=1)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """The quantizer prints its steps on stdout, and advice to the root logger."""
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)


def _front_end_nodes(graph: Any) -> list[str]:
    return [node.name for node in graph.graph.node if any(name.startswith(FRONT_END) for name in node.input)]


class _Windows(CalibrationDataReader):
    """One window a call, as the quantizer asks for them."""

    def __init__(self, name: str, windows: Windows) -> None:
        self._feeds = iter([{name: window[None]} for window in windows])

    def get_next(self) -> dict[str, Windows] | None:
        return next(self._feeds, None)
