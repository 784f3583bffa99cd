"""Events and detections as text: a table, JSON lines, a Raven selection table, an Audacity label track."""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, TextIO

from tocsin.data.audio import read_blocks
from tocsin.inference.audio_model import BLOCK_S
from tocsin.inference.detection import Detection, write_table
from tocsin.inference.pick import Event, event_columns

EventFormat = Literal["csv", "jsonl", "raven", "audacity"]

# A selection is as long as the sound whose level an event tells, and as high as what the models hear.
SELECTION_S = 0.05
SELECTION_HZ = 6000
RAVEN_COLUMNS = (
    *("Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)"),
    *("Begin Path", "File Offset (s)", "Label", "Confidence"),
)


def row_writer(format: str, columns: Sequence[str], out: TextIO) -> Callable[[dict[str, Any]], None]:
    """A function that writes one row, after a first line of names where the format has one."""
    if format == "jsonl":
        return lambda row: print(json.dumps(row), file=out)
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    return writer.writerow


def event_writer(format: EventFormat, classes: tuple[str, ...], out: TextIO) -> Callable[[Path, Iterable[Event]], None]:
    """A function that writes the events of a file; it is to be called for each file in turn, events or none."""
    if format == "raven":
        return RavenTable(out).add
    if format == "audacity":
        return lambda path, events: out.writelines(
            audacity_line(event.onset_s, event.onset_s, event.label, event.confidence) for event in events
        )
    write = row_writer(format, event_columns(classes), out)

    def add(path: Path, events: Iterable[Event]) -> None:
        for event in events:
            write(event.to_row())

    return add


class RavenTable:
    """A Raven selection table of files that are opened one behind the other: begin and end count on over all of them.

    Args:
        out: where it is written to.
    """

    def __init__(self, out: TextIO) -> None:
        self._out, self._selection, self._before_s = out, 0, 0.0
        print("\t".join(RAVEN_COLUMNS), file=out)

    def add(self, path: Path, events: Iterable[Event]) -> None:
        """Write the events of the next file; a file without any still takes its time."""
        sample_rate, duration_s = _extent(path)
        selections = (
            (event.onset_s, min(event.onset_s + SELECTION_S, duration_s), event.label, event.confidence)
            for event in events
        )
        self.add_selections(path, duration_s, min(SELECTION_HZ, sample_rate / 2), selections)

    def add_selections(
        self,
        path: str | Path,
        duration_s: float,
        highest_hz: float,
        selections: Iterable[tuple[float, float, str, float | None]],
    ) -> None:
        """Write begin and end (seconds into the file), label and confidence (None where not known) of the next file."""
        for begin_s, end_s, label, confidence in selections:
            self._selection += 1
            said = "" if confidence is None else f"{confidence:.4f}"
            print(
                f"{self._selection}\tSpectrogram 1\t1\t{self._before_s + begin_s:.6f}\t{self._before_s + end_s:.6f}\t"
                f"0\t{highest_hz:g}\t{path}\t{begin_s:.6f}\t{label}\t{said}",
                file=self._out,
            )
        self._before_s += duration_s


def audacity_line(onset_s: float, offset_s: float, label: str, confidence: float | None) -> str:
    """A line of an Audacity label track, with its end; the confidence stands behind the label where it is known."""
    said = "" if confidence is None else f" {confidence:.3f}"
    return f"{onset_s:.6f}\t{offset_s:.6f}\t{label}{said}\n"


def write_detections_to(out: TextIO, detections: Sequence[Detection], format: str) -> None:
    """Write a table (``detections``) or messages (``detections-jsonl``) for ``tocsin locate`` and ``tocsin fuse``."""
    if format == "detections":
        write_table(out, detections, lineterminator="\n")
    else:
        out.writelines(detection.to_json() + "\n" for detection in detections)


def _extent(path: Path) -> tuple[int, float]:
    """Sample rate and length of what is read of a file, in hertz and seconds: a header may say otherwise."""
    sample_rate, samples = 1, 0
    for block in read_blocks(path, BLOCK_S):
        sample_rate, samples = block.sample_rate, samples + len(block.samples)
    return sample_rate, samples / sample_rate
