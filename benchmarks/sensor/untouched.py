"""What mending does to real recordings, in which almost nothing is to be mended: sounds changed and gunshots lost.

    python benchmarks/sensor/untouched.py --recordings ../shared

A line a class of clips, and one for the recordings of the live fire: how many there are, in how many a sample changes,
how many are called a gunshot by ``classify`` with and without mending, and how many that was so only without. Then the
AUC of gunshots against all other clips, a clip counting once, both ways. Prints Markdown.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from sklearn.metrics import roc_auc_score

from tocsin import TocsinError
from tocsin.data.audio import Audio, read_audio
from tocsin.evaluation.hearing.examples import clip_rows, live_fire_tests
from tocsin.inference import classify
from tocsin.inference.classify import classify_samples
from tocsin.inference.mending.mender import Mender
from tocsin.inference.model import Model


class NoMender(Mender):
    """Gives samples back as they came."""

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The samples."""
        return samples

    def flush(self) -> NDArray[np.float32]:
        """Nothing."""
        return np.empty(0, np.float32)


def main() -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(os.environ.get("TOCSIN_RECORDINGS", "../shared"))
    parser.add_argument("--recordings", type=Path, default=default, help="folder that holds clips/ and live-fire/")
    parser.add_argument("--model", help="an .onnx, or the name of shipped weights (default: tocsin-l)")
    options = parser.parse_args()
    try:
        model = Model(options.model)
        print("| recordings | all | changed | gunshots without mending | with | lost |\n|---|---|---|---|---|---|")
        report(model, "live fire", live_fire(options.recordings))
        rows = clip_rows(options.recordings)
        scores: list[NDArray[np.float64]] = []
        labels: list[bool] = []
        for label in sorted({row.class_name for row in rows}):
            paths = [row.path for row in rows if row.class_name == label]
            scores.append(report(model, label, (read_audio(path) for path in _listening(label, paths))))
            labels += [label == "gunshot"] * len(paths)
        without, with_ = (roc_auc_score(labels, column) for column in np.concatenate(scores).T)
        print(f"\nAUC of gunshots against all other clips: {without:.5f} without mending, {with_:.5f} with")
    except TocsinError as error:
        print(f"untouched: {error}", file=sys.stderr)
        return 1
    return 0


def live_fire(recordings: Path) -> Iterator[Audio]:
    """The recordings of the live fire."""
    for test in _listening("live fire", live_fire_tests(recordings)):
        for recording in test.recordings:
            yield recording.read()


def report(model: Model, name: str, sounds: Iterator[Audio]) -> NDArray[np.float64]:
    """Print the line of one kind; returns the gunshot probabilities without mending and with, ``(sounds, 2)``."""
    changed, scores = 0, []
    for audio in sounds:
        mender = Mender(audio.sample_rate)
        mended = np.concatenate((mender.push(audio.samples), mender.flush()))
        with_ = without = classify_samples(model, audio.samples, audio.sample_rate)["gunshot"]
        if not np.array_equal(mended, audio.samples):
            changed += 1
            classify.Mender = NoMender
            without = classify_samples(model, audio.samples, audio.sample_rate)["gunshot"]
            classify.Mender = Mender
        scores.append((without, with_))
    table = np.array(scores)
    called = table >= model.card.threshold
    lost = int((called[:, 0] & ~called[:, 1]).sum())
    without_, with__ = called.sum(axis=0)
    print(f"| {name} | {len(table)} | {changed} | {without_} | {with__} | {lost} |", flush=True)
    return table


def _listening(name: str, items: list) -> Iterator:
    return iter(track(items, name, console=Console(stderr=True), transient=True))


if __name__ == "__main__":
    sys.exit(main())
