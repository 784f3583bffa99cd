"""The shortcut test: is the data set told from the features, does the score survive when all clips are alike.

    python benchmarks/classification/shortcut.py --recordings ../shared --weights ONNX [ONNX …]

A data set has its own recorder, codec, level and padding; where gunshots come from some sets and bangs from others, a
model can learn the set instead of the sound. So all clips are made more and more alike: the loudest two seconds cut
out, for clips of gunshots are short; the loudest second, brought to one level over one noise floor; a low-pass at
4 kHz; 8-bit µ-law; or Vorbis. At each step two figures:

- how well a logistic regression on the mean and standard deviation of log-mel bands names the source, on sessions it
  was not trained on, among sources of one class that have five sessions or more (balanced accuracy; chance is one over
  their number);
- how well the weights tell gunshots from all other clips and from fireworks, each clip judged by weights that never
  met its session.

The last line is what the length of a clip tells alone, the shorter the likelier: no answer for a file may lean on it,
as the mean over its windows would.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from features import RATE, Wave, at_rate, encoded, levelled, loudest_cut, low_passed, mel_statistics
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tocsin import TocsinError
from tocsin.data.splits import session_weights
from tocsin.evaluation.hearing.examples import Example, clip_examples, clip_rows, divide
from tocsin.evaluation.hearing.judges import Judges
from tocsin.evaluation.hearing.report import text
from tocsin.evaluation.hearing.sections import area
from tocsin.inference.classify import classify_samples

FOLDS = 5
LEAST_SESSIONS = 5
CUT_S, BEFORE_S, HIGHEST_HZ = 1.0, 0.3, 4000.0


def _alike(samples: Wave) -> Wave:
    return levelled(loudest_cut(samples, CUT_S, BEFORE_S))


def _narrow(samples: Wave) -> Wave:
    return levelled(low_passed(loudest_cut(samples, CUT_S, BEFORE_S), HIGHEST_HZ))


STEPS: dict[str, Callable[[Wave], Wave]] = {
    "as recorded, at 12 kHz": lambda samples: samples,
    "the loudest two seconds": lambda samples: loudest_cut(samples, 2 * CUT_S, 2 * BEFORE_S),
    "the loudest second, one level, one noise floor": _alike,
    "– and below 4 kHz": _narrow,
    "– and 8-bit µ-law": lambda samples: encoded(_narrow(samples), "WAV", "ULAW"),
    "– and Vorbis instead of µ-law": lambda samples: encoded(_narrow(samples), "OGG", "VORBIS"),
}


def main() -> int:
    """Print the table; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(os.environ.get("TOCSIN_RECORDINGS", "../shared"))
    parser.add_argument("--recordings", type=Path, default=default, help="folder that holds clips/")
    parser.add_argument(
        "--weights", nargs="+", default=[], help=".onnx files or names of shipped weights (default: tocsin-m)"
    )
    options = parser.parse_args()
    try:
        judges, rows = Judges(options.weights), clip_rows(options.recordings)
        judged, left_out = divide(rows, judges.may_judge)
    except TocsinError as error:
        print(f"shortcut: {error}", file=sys.stderr)
        return 1
    clips, judged_clips = clip_examples(rows), clip_examples(judged)
    may = np.array([judges.may_judge(clip.group) for clip in clips])
    names = {name: sources_of(clips, name) for name in ("background", "impulse", "gunshot", "fireworks")}
    names = {name: sources for name, sources in names.items() if len(sources) > 1}
    print(f"The source is told on {len(clips)} clips; gunshots on {len(judged)}, {left_out} left out; ", end="")
    print(f"weights: {judges.name}. A session counts once.\n")
    said = [f"source of {name}: balanced accuracy (chance {1 / len(sources):.2f})" for name, sources in names.items()]
    said += ["gunshot v. all other clips: AUC", "gunshot v. fireworks: AUC"]
    print("| every clip | " + " | ".join(said) + " |\n|---" + "|---" * len(said) + "|")
    for step, change in STEPS.items():
        shown = track(clips, step, console=Console(stderr=True), transient=True)
        waves = [change(at_rate(clip.read())) for clip in shown]
        features = np.stack([mel_statistics(wave) for wave in waves])
        cells = [f"{source_told(features, clips, name, sources):.2f}" for name, sources in names.items()]
        scores = [
            classify_samples(judges.required(clip.group), wave, RATE)["gunshot"]
            for clip, wave, kept in zip(clips, waves, may, strict=True)
            if kept
        ]
        print(f"| {step} | " + " | ".join([*cells, *gunshots_told(np.array(scores), judged_clips)]) + " |", flush=True)
    shortness = np.array([row.start_s - row.end_s for row in judged])
    print("| the length alone | " + " | ".join(["–"] * len(names) + gunshots_told(shortness, judged_clips)) + " |")
    return 0


def sources_of(clips: Sequence[Example], class_name: str) -> list[str]:
    """Sources that have sessions enough of a class."""
    pairs = {(clip.source, clip.session) for clip in clips if clip.class_name == class_name}
    counts = {source: sum(other == source for other, _ in pairs) for source, _ in pairs}
    return sorted(source for source, count in counts.items() if count >= LEAST_SESSIONS)


def source_told(
    features: NDArray[np.float64], clips: Sequence[Example], class_name: str, sources: Sequence[str]
) -> float:
    """Balanced accuracy of naming the source of a class's clips, on sessions that were not trained on."""
    places = [n for n, clip in enumerate(clips) if clip.class_name == class_name and clip.source in sources]
    truth, groups = (np.array([getattr(clips[n], name) for n in places]) for name in ("source", "session"))
    kept, weights = features[places], session_weights(groups.tolist())
    called = np.empty_like(truth)
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    for train, test in folds.split(kept, truth, groups):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=3000, class_weight="balanced"))
        model.fit(kept[train], truth[train], logisticregression__sample_weight=weights[train])
        called[test] = model.predict(kept[test])
    mine = [truth == source for source in sources]
    return float(np.mean([np.average(called[own] == truth[own], weights=weights[own]) for own in mine]))


def gunshots_told(scores: NDArray[np.float64], clips: Sequence[Example]) -> list[str]:
    """Area against all other clips and against fireworks, as text with intervals."""
    truth = np.array([clip.class_name for clip in clips])
    sessions = np.array([clip.session for clip in clips])
    figures = []
    for keep in (truth != "", (truth == "gunshot") | (truth == "fireworks")):
        figures.append(text(area(scores[keep], truth[keep] == "gunshot", sessions[keep].tolist())))
    return figures


if __name__ == "__main__":
    sys.exit(main())
