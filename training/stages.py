"""``tocsin join``: two exported models in one ``.onnx``, of which the second is asked only where the first suspects.

The operator ``If`` holds the second network, so the runtime computes it in no other window, and whatever runs an
exported model runs this one. Where the second is asked, the answer is the mean of both calibrated log probabilities.
"""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import onnx
import onnxruntime
import typer
from numpy.typing import NDArray
from scipy.special import log_softmax

from tocsin import TocsinError
from tocsin.models.card import WeightCard
from tocsin.models.model_file import placed, read_model, recalibrate, save_model
from tocsin.training.export import check_windows
from tocsin.training.stage_graph import joined_graph

TOLERANCE = 1e-4
# What both files must share: one window goes to both, and their answers are averaged.
CONTRACT = ("sample_rate", "window_samples", "hop_samples", "classes")

Values = NDArray[Any]


def join_files(
    first: Annotated[Path, typer.Argument(metavar="FIRST", help="an .onnx of `tocsin export`, asked in every window")],
    second: Annotated[
        Path, typer.Argument(metavar="SECOND", help="another, larger one, asked where the first says so")
    ],
    out: Annotated[Path, typer.Option(help="the .onnx to write")],
    ask_from: Annotated[
        float, typer.Option(min=0, max=1, help="gunshot probability of the first from which the second is asked")
    ] = 0.05,
    weight: Annotated[float, typer.Option(min=0, max=1, help="of the second in the mean, where it is asked")] = 0.5,
    temperature: Annotated[float | None, typer.Option(help="of the joined answer, above 0; default: 1")] = None,
    share: Annotated[
        float | None, typer.Option(help="of gunshots, for which probabilities are stated; default: that of training")
    ] = None,
    name: Annotated[str | None, typer.Option(help="for the card; default: that of the file")] = None,
    version: Annotated[str | None, typer.Option(help="for the card; default: those of both")] = None,
) -> None:
    """Join two exported models into one .onnx, after comparing it with the two apart."""
    if out.suffix != ".onnx":
        raise typer.BadParameter(f"--out must end in .onnx, got {out}")
    if temperature is not None and not temperature > 0:
        raise typer.BadParameter(f"--temperature must be above 0, got {temperature:g}")
    difference = join(first, second, ask_from, weight, out, name, version)
    if temperature is not None or share is not None:
        recalibrate(out, temperature, share=share)
    card = read_model(out)[1]
    print(f"{out}  {out.stat().st_size / 1e6:.2f} MB  {card.parameters:,} parameters  {card.model}")
    print(f"largest difference from the two apart {difference:.1e} (limit {TOLERANCE:.0e})")


def join(
    first: Path,
    second: Path,
    ask_from: float,
    weight: float,
    out: Path,
    name: str | None = None,
    version: str | None = None,
) -> float:
    """Write one ``.onnx`` that asks the second file's network where the first's says gunshot with ``ask_from``.

    Args:
        first: an ``.onnx`` that ``tocsin export`` wrote, which hears every window.
        second: another, of the same classes, rate, window and hop.
        ask_from: calibrated gunshot probability of the first, 0 to 1; 0 asks always.
        weight: of the second's log probabilities in the mean, 0 to 1.
        out: the ``.onnx`` to write, with its card inside and beside it.
        name: for the card; that of ``out`` when ``None``.
        version: for the card; those of both when ``None``.

    Returns:
        Largest absolute difference of a logit from the two files run apart, on the windows of the check.

    Raises:
        TocsinError: a file is no exported model, the two do not fit each other, a number is out of its range, or the
            difference exceeds ``TOLERANCE``; nothing is written then.
    """
    for label, value in (("ask_from", ask_from), ("weight", weight)):
        if not 0 <= value <= 1:
            raise TocsinError(f"{label} {value:g}: expected 0 to 1")
    models, cards = zip(read_model(first), read_model(second), strict=True)
    _check_fit((first, second), cards)
    card = joined_card(*cards, ask_from=ask_from, weight=weight, name=name or out.stem, version=version)
    graph = joined_graph(*models, cards, ask_from, weight)
    onnx.checker.check_model(graph, full_check=True)
    with placed(out, card) as draft:
        save_model(graph, card, draft)
        windows = np.concatenate([check_windows(card).numpy(), _bangs(card)])
        logits = [_logits(path, windows) for path in (first, second)]
        expected = _mean_where_asked(logits, cards, ask_from, weight)
        # NaN compares as no difference with max(); it must count as the largest.
        actual = (_logits(draft, windows, size) for size in (1, len(windows)))
        difference = max(float(np.nan_to_num(np.abs(found - expected), nan=np.inf).max()) for found in actual)
        if not difference <= TOLERANCE:
            raise TocsinError(
                f"{out}: not written: it and the two apart differ by {difference:.1e}, {TOLERANCE:.0e} is allowed"
            )
    return difference


def joined_card(
    first: WeightCard, second: WeightCard, ask_from: float, weight: float, name: str, version: str | None
) -> WeightCard:
    """The card of both: what either met counts as met, and nothing is measured or calibrated yet."""
    cards = (first, second)
    held_out = {part: [set(card.held_out.get(part, [])) for card in cards] for part in ("validation", "test")}
    tested = (session for session in set.intersection(*held_out["test"]) if all(c.may_judge(session) for c in cards))
    data = [line for line in first.training_data if line in second.training_data]
    for card in cards:
        data += [{**line, "stage": card.name} for line in card.training_data if line not in data]
    stated = {"model", "name", "version", "parameters", "front_end", "temperature"}
    stages = [card.model_dump(mode="json", include=stated) for card in cards]
    return WeightCard(
        name=name,
        version=version or _common([card.version for card in cards], "+"),
        model=" + ".join(card.model for card in cards),
        parameters=sum(card.parameters for card in cards),
        **{field: getattr(first, field) for field in CONTRACT},
        front_end=first.front_end,
        gunshot_share=first.gunshot_share if first.gunshot_share == second.gunshot_share else None,
        threshold=second.threshold,
        threshold_basis=f"that of {second.model_id} alone: {second.threshold_basis}",
        experiment=_common([card.experiment for card in cards], " + "),
        training_data=data,
        licence=_common([card.licence for card in cards], "; "),
        trained_sessions=tuple(sorted({*first.trained_sessions, *second.trained_sessions})),
        held_out={"validation": sorted(set.union(*held_out["validation"])), "test": sorted(tested)},
        known_defects=list(dict.fromkeys([*first.known_defects, *second.known_defects])),
        stages=[stages[0], {**stages[1], "ask_from": ask_from, "weight": weight}],
    )


def _check_fit(paths: tuple[Path, Path], cards: tuple[WeightCard, ...]) -> None:
    for field in CONTRACT:
        found = [getattr(card, field) for card in cards]
        if found[0] != found[1]:
            raise TocsinError(f"{paths[0]} and {paths[1]} cannot be joined: {field} is {found[0]} and {found[1]}")
    for path, card in zip(paths, cards, strict=True):
        if card.stages:
            raise TocsinError(f"{path} holds {len(card.stages)} networks already: join files of one")
    silent = [path for path, card in zip(paths, cards, strict=True) if not card.trained_sessions]
    if len(silent) == 1:
        raise TocsinError(f"{silent[0]}: its card names no trained_sessions, so that none could be told of the two")


def _common(words: list[str], between: str) -> str:
    return between.join(dict.fromkeys(filter(None, words)))


def _logits(path: Path, windows: Values, batch: int = 1) -> Values:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0].name
    starts = range(0, len(windows), batch)
    return np.concatenate([session.run(None, {entry: windows[start : start + batch]})[0] for start in starts])


def _mean_where_asked(logits: list[Values], cards: tuple[WeightCard, ...], ask_from: float, weight: float) -> Values:
    alone, other = (log_softmax(x.astype(float) / c.temperature, axis=1) for x, c in zip(logits, cards, strict=True))
    asks = np.exp(alone[:, [cards[0].classes.index("gunshot")]]) >= ask_from
    return np.where(asks, (1 - weight) * alone + weight * other, alone)


def _bangs(card: WeightCard) -> Values:
    """Bursts of noise that begin and fade as bangs do, ``(18, window_samples)``: of these some make the first ask."""
    rng, time_s = np.random.default_rng(0), np.arange(card.window_samples) / card.sample_rate
    rows = [
        0.001 * rng.standard_normal(card.window_samples)
        + level
        * (time_s >= onset)
        * np.exp(-np.maximum(time_s - onset, 0) / decay_s)
        * rng.standard_normal(len(time_s))
        for onset in np.array([0.1, 0.3, 0.5]) * card.window_s
        for level in (0.03, 0.3)
        for decay_s in (0.003, 0.02, 0.1)
    ]
    return np.clip(rows, -1, 1).astype(np.float32)
