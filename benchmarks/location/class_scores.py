"""What calibrated folds answer to recordings that none of them met, as a table: answers to draw simulated ones from.

    W=benchmarks/classification/weights
    python benchmarks/classification/pairs.py --first $W/fold?.onnx --second $W/l-fold?.onnx --out out/pairs
    python benchmarks/classification/calibrate.py ../shared --weights out/pairs/*.onnx --out out/calibrated
    python benchmarks/location/class_scores.py ../shared --weights out/calibrated/*.onnx

A row is a clip, or a window about a gunshot of the live fire, as `tocsin classify` answers it with the weights that
held its session out: its true class, its session, and a probability a class. No audio, no name of a file. Of a session
the first ``--most`` rows of a class are kept. `benchmarks/location/new_year_gunshots.py` draws from the table.
"""

import argparse
import csv
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from tocsin import TocsinError
from tocsin.data.labels import CLASSES
from tocsin.evaluation.hearing.examples import clip_examples, clip_rows, live_fire_tests, live_fire_windows
from tocsin.evaluation.judging.judges import Judges
from tocsin.evaluation.judging.side_by_side import side_by_side
from tocsin.localization.incidents.evidence import KINDS

TABLE = Path(__file__).parent / "class_scores.csv"


def main() -> int:
    """Judge and write; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--weights", type=Path, nargs="+", required=True, help=".onnx files that judge all sessions")
    parser.add_argument("--most", type=int, default=15, help="rows of a session and class")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=TABLE)
    options = parser.parse_args()
    try:
        judges = Judges(options.weights)
        windows = live_fire_windows(live_fire_tests(options.recordings))
        examples = clip_examples(clip_rows(options.recordings))
        examples += [window for window in windows if window.class_name == "gunshot"]
        kept, seen = [], Counter[tuple[str, str]]()
        for example in examples:
            seen[example.class_name, example.session] += 1
            if seen[example.class_name, example.session] <= options.most and judges.may_judge(example.group):
                kept.append(example)
        heard = side_by_side(judges.probabilities, kept, options.workers, "classifying")
    except TocsinError as error:
        print(f"class_scores: {error}", file=sys.stderr)
        return 1
    rows = sorted(
        (example.class_name, example.session, *(f"{answer[name]:.4f}" for name in CLASSES))
        for example, answer in zip(kept, heard, strict=True)
    )
    with options.out.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("label", "session", *CLASSES))
        writer.writerows(rows)
    print(f"{len(rows)} rows in {options.out}")
    sessions: dict[tuple[str, str], list[list[float]]] = {}
    for label, session, *answer in rows:
        sessions.setdefault((label, session), []).append([float(value) for value in answer])
    other = np.mean(
        [np.mean(answers, axis=0) for (label, _), answers in sessions.items() if label != "gunshot"], axis=0
    )
    mean = {name: float(other[CLASSES.index(name)]) for name in KINDS[1:]}
    print(
        "stated of no gunshot:", ", ".join(f"{name} {share / sum(mean.values()):.3f}" for name, share in mean.items())
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
