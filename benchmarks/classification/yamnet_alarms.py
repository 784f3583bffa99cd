"""False alarms an hour of YAMNet as a gunshot detector, at the threshold that finds 90 % of gunshots.

    python benchmarks/classification/yamnet_alarms.py --recordings ../shared

The recordings and the recall are those of `tocsin evaluate`: clips and arrivals of the live fire, a session or firing
position counting once. YAMNet hears a window of 0.975 s every 0.48 s; an arrival is found where a window that holds it
reaches the threshold, and windows above it that follow one another are one alarm. Needs ``ai-edge-litert``.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from yamnet import HOP, SAMPLE_RATE, Yamnet, uses_of

from tocsin import TocsinError
from tocsin.data.audio import Audio
from tocsin.data.public.pittsburgh import LiveFireTest, labelled_clips, sounding_stretches_s
from tocsin.evaluation.hearing.alarm_sections import CITY, LEAST_RECALL
from tocsin.evaluation.hearing.examples import Example, clip_examples, clip_rows, live_fire_tests
from tocsin.evaluation.hearing.listening import LIVE_FIRE_BACKGROUND, Shot, poisson_rate, threshold_of_recall
from tocsin.evaluation.hearing.report import text
from tocsin.training.teacher import WINDOW


@dataclass(frozen=True)
class Stretch:
    """Sound without gunfire: its seconds, and the scores of its windows in each use, ``(windows, uses)``."""

    label: str
    class_name: str
    duration_s: float
    scores: NDArray[np.float64]


def main() -> int:
    """Listen and print; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(os.environ.get("TOCSIN_RECORDINGS", "../shared"))
    parser.add_argument("--recordings", type=Path, default=default, help="folder that holds clips/ and live-fire/")
    options = parser.parse_args()
    try:
        yamnet = Yamnet(options.recordings / "peers/yamnet.tflite")
        items: list[Example | LiveFireTest] = [
            *clip_examples(clip_rows(options.recordings)),
            *live_fire_tests(options.recordings),
        ]
        shots: list[tuple[str, str, NDArray[np.float64]]] = []
        stretches: list[Stretch] = []
        console = Console(stderr=True)
        for item in track(items, "listening", console=console, transient=True, disable=not console.is_terminal):
            for found in hear_clip(yamnet, item) if isinstance(item, Example) else hear_test(yamnet, item):
                (stretches if isinstance(found, Stretch) else shots).append(found)  # type: ignore[arg-type]
    except TocsinError as error:
        print(f"yamnet_alarms: {error}", file=sys.stderr)
        return 1
    strata = {
        "city": [item for item in stretches if item.label in CITY],
        "live-fire background": [item for item in stretches if item.label == LIVE_FIRE_BACKGROUND],
        "all beds": [item for item in stretches if item.class_name == "background"],
    }
    hours = {name: sum(item.duration_s for item in some) / 3600 for name, some in strata.items()}
    print("| YAMNet | threshold | " + " | ".join(f"{name}, {hours[name]:.3f} h" for name in strata) + " |")
    print("|---" * (2 + len(strata)) + "|")
    for use, name in enumerate(Yamnet.detectors):
        found = [Shot(source, session, float(scores[use])) for source, session, scores in shots]
        threshold = threshold_of_recall(found, LEAST_RECALL)
        if threshold is None:
            print(f"| {name} | no threshold finds {LEAST_RECALL:.0%} |" + " – |" * len(strata))
            continue
        rates = [
            text(poisson_rate(sum(runs(item.scores[:, use] >= threshold) for item in some), hours[stratum]))
            for stratum, some in strata.items()
        ]
        print(f"| {name} | {threshold:.4f} | " + " | ".join(rates) + " |")
    return 0


Found = Stretch | tuple[str, str, NDArray[np.float64]]


def hear_clip(yamnet: Yamnet, example: Example) -> Iterator[Found]:
    """A shot of a clip of a gunshot, a stretch of any other."""
    audio = example.read()
    scores = uses_of(window_scores(yamnet, audio))
    if example.class_name == "gunshot":
        yield example.source, example.session, scores.max(axis=0)
    else:
        sounding_s = sum(end - start for start, end in sounding_stretches_s(audio))
        yield Stretch(example.label, example.class_name, sounding_s, scores)


def hear_test(yamnet: Yamnet, test: LiveFireTest) -> Iterator[Found]:
    """The arrivals of a test, and what lies between its shots and is not zeroed."""
    rows = list(labelled_clips([test]))
    for recording in test.recordings:
        scores = uses_of(window_scores(yamnet, recording.read()))
        start_s = np.arange(len(scores)) * HOP / SAMPLE_RATE
        end_s = start_s + WINDOW / SAMPLE_RATE
        for row in (row for row in rows if row.path == recording.path):
            if row.onset_s is not None:
                holding = scores[(start_s <= row.onset_s) & (end_s > row.onset_s)]
                yield row.source, row.group, holding.max(axis=0)
            else:
                inside = (start_s >= row.start_s) & (end_s <= row.end_s)
                yield Stretch(LIVE_FIRE_BACKGROUND, row.class_name, row.duration_s, scores[inside])


def window_scores(yamnet: Yamnet, audio: Audio) -> NDArray[np.float32]:
    """Scores of all classes for each window of a recording, shape (windows, 521)."""
    return yamnet.annotate(soxr.resample(audio.samples, audio.sample_rate, SAMPLE_RATE, "HQ"))


def runs(above: NDArray[np.bool_]) -> int:
    """Runs of true values."""
    return int((np.diff(above.astype(int), prepend=0) == 1).sum())


if __name__ == "__main__":
    sys.exit(main())
