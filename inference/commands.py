"""``tocsin classify`` and ``tocsin detect``: audio files to rows on stdout; one bad file does not stop the rest."""

import csv
import json
import sys
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import track

from tocsin import TocsinError
from tocsin.data.audio import find_audio
from tocsin.inference.audio_model import AudioModel
from tocsin.inference.pick import Event, event_columns

Paths = Annotated[list[Path], typer.Argument(metavar="PATH…", help="audio files, or folders of them")]
Weights = Annotated[
    str | None,
    typer.Option("--model", help="an .onnx of `tocsin export`, or tocsin-m (the default) or tocsin-s (smaller)"),
]


EventFormat = Literal["csv", "jsonl", "raven", "audacity"]


def classify(
    paths: Paths,
    model: Weights = None,
    format: Annotated[Literal["csv", "jsonl"], typer.Option(help="of the rows on stdout")] = "csv",
) -> None:
    """A row a file: the probability of each class, in the window in which a gunshot is likeliest."""
    heard = AudioModel(model)
    write = _writer(format, ["path", *heard.card.classes])
    _each(find_audio(paths), lambda path: write(heard.classify(path).to_row()))


def detect(
    paths: Paths,
    model: Weights = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="gunshot probability; default: the weight card's")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(help="classes to print, may be repeated; default: all but background")
    ] = None,
    format: Annotated[EventFormat, typer.Option(help="of the rows on stdout")] = "csv",
) -> None:
    """A row an event: onset in seconds with its sigma, class, confidence, level, SNR, and a column a class."""
    heard = AudioModel(model)
    wanted = set(label or heard.card.classes) - (set() if label else {"background"})
    if wanted - set(heard.card.classes):
        raise typer.BadParameter(f"{heard.card.model_id} has the classes {', '.join(heard.card.classes)}")
    files = find_audio(paths)
    if format == "audacity" and len(files) > 1:
        raise typer.BadParameter(f"an Audacity label track belongs to one file, got {len(files)}: name one")
    write = _event_writer(format, heard.card.classes)
    number = count(1)

    def work(path: Path) -> None:
        # Written when all is heard: a file that breaks half-way gives its sentence and no rows, not some of them.
        for event in heard.detect(path, threshold):
            if event.label in wanted:
                write(path, next(number), event)

    _each(files, work)


def _each(files: list[Path], work: Callable[[Path], None]) -> None:
    """Work off all files; say of each bad one what is wrong, and exit with 1 at the end if there was one."""
    failed = False
    console = Console(stderr=True)
    for path in track(files, "listening", console=console, transient=True, disable=not console.is_terminal):
        try:
            work(path)
        except TocsinError as error:
            failed = True
            print(f"tocsin: {error}", file=sys.stderr)
    if failed:
        raise typer.Exit(1)


def _writer(format: str, columns: Sequence[str]) -> Callable[[dict[str, Any]], None]:
    if format == "jsonl":
        return lambda row: print(json.dumps(row))
    writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    writer.writeheader()
    return writer.writerow


def _event_writer(format: EventFormat, classes: tuple[str, ...]) -> Callable[[Path, int, Event], None]:
    if format == "audacity":
        return lambda path, number, event: print(
            f"{event.onset_s:.6f}\t{event.onset_s:.6f}\t{event.label} {event.confidence:.3f}"
        )
    if format == "raven":
        columns = ["Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)"]
        print("\t".join([*columns, "Begin Path", "File Offset (s)", "Label", "Confidence"]))
        return lambda path, number, event: print(
            f"{number}\tSpectrogram 1\t1\t{event.onset_s:.6f}\t{event.onset_s + 0.05:.6f}\t0\t6000\t"
            f"{path}\t{event.onset_s:.6f}\t{event.label}\t{event.confidence:.4f}"
        )
    write = _writer(format, event_columns(classes))
    return lambda path, number, event: write(event.to_row())
