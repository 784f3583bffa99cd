"""References from scikit-learn, cross-validated on the network's folds: of hand-made features, and of YAMNet's scores.

    python benchmarks/classification/baseline.py --recordings ../shared

Sessions and firing positions are dealt to the five folds of ``tocsin train experiment=crossvalidation`` (seed 0), and
a session is judged by the model that learnt from the other four. A clip is what surrounds its loudest moment; to
YAMNet, the highest score of each class in any of its windows (voices left out). A network's training adds computed
sounds and takes some of the four folds' sessions to calibrate; these models learn from all recordings that may train.
Needs ``ai-edge-litert``.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from features import at_rate, hand_made, loudest_cut
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from scipy.special import logit
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from yamnet import Yamnet

from tocsin import TocsinError
from tocsin.data.manifests import ManifestRow
from tocsin.data.public.pittsburgh import SOURCE as LIVE_FIRE
from tocsin.data.public.pittsburgh import LiveFireTest, labelled_clips
from tocsin.data.splits import fold_of
from tocsin.evaluation.hearing.examples import (
    WINDOW_S,
    Example,
    clip_examples,
    clip_rows,
    live_fire_tests,
    live_fire_windows,
)
from tocsin.evaluation.hearing.sections import area, window_figures
from tocsin.evaluation.report.section import text
from tocsin.training.teacher import TAUGHT

FOLDS = 5
BEFORE_S = 0.3 * WINDOW_S
HEARD_S, HEARD_BEFORE_S = 2.0, 0.6
Features = NDArray[np.float64]


def main() -> int:
    """Print the figures of each kind of model; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(os.environ.get("TOCSIN_RECORDINGS", "../shared"))
    parser.add_argument("--recordings", type=Path, default=default, help="folder that holds clips/ and live-fire/")
    parser.add_argument("--seed", type=int, default=0, help="of the folds and the models")
    options = parser.parse_args()
    try:
        rows, tests = clip_rows(options.recordings), live_fire_tests(options.recordings)
    except TocsinError as error:
        print(f"baseline: {error}", file=sys.stderr)
        return 1
    clips, windows = clip_examples(rows), live_fire_windows(tests)
    examples = [*clips, *windows]
    learnable = np.array([row.may_train for row in rows] + [True] * len(windows))
    folds = folds_of(rows, tests, options.seed)
    try:
        listen = yamnet_features(options.recordings)
    except TocsinError as error:
        print(f"baseline: {error}", file=sys.stderr)
        return 1
    features = {
        name: np.stack([of(example) for example in track(examples, name, console=Console(stderr=True), transient=True)])
        for name, of in (("hand-made features", features_of), ("YAMNet's scores", listen))
    }
    print(f"{len(clips)} clips and {len(windows)} windows of live fire, {FOLDS} folds.\n")
    print("| model | gunshot v. all other clips: AUC | gunshot v. fireworks: AUC | live fire: AUC ", end="")
    print("| recall at 1 % false positives |\n|---|---|---|---|---|")
    for name, heard, make in models(options.seed):
        scores = cross_validated(make, features[heard], examples, learnable, folds)
        figures = figures_of(scores, examples, len(clips))
        print(f"| {name}, {heard} | " + " | ".join(map(text, figures)) + " |")
    return 0


def models(seed: int) -> list[tuple[str, str, Callable[[], Any]]]:
    """Names of the kinds of model, what each learns from, and functions that make an untrained one."""
    return [
        (
            "random forest",
            "hand-made features",
            lambda: RandomForestClassifier(400, min_samples_leaf=2, random_state=seed),
        ),
        (
            "gradient boosting",
            "hand-made features",
            lambda: HistGradientBoostingClassifier(max_iter=150, random_state=seed),
        ),
        ("logistic regression", "YAMNet's scores", lambda: LogisticRegression(C=0.01, max_iter=2000)),
    ]


def folds_of(rows: Sequence[ManifestRow], tests: Sequence[LiveFireTest], seed: int) -> dict[str, int]:
    """Fold of each session of clips and of each firing position, as a network's training deals them."""
    return fold_of([*rows, *labelled_clips(tests)], FOLDS, seed)


def features_of(example: Example) -> Features:
    """Features of a window, or of what surrounds a clip's loudest moment."""
    samples = at_rate(example.read())
    # Windows of the live fire have this length and their onset at this place.
    cut = samples if example.source == LIVE_FIRE else loudest_cut(samples, WINDOW_S, BEFORE_S)
    return hand_made(cut)


def yamnet_features(recordings: Path) -> Callable[[Example], Features]:
    """Log-odds of YAMNet's highest score of each class in an example, to a scale that a linear model can use."""
    yamnet = Yamnet(recordings / "peers/yamnet.tflite")

    def features(example: Example) -> Features:
        audio = example.read()
        # Two seconds, as the network hears: the length of a file would else tell the data set.
        first = max(int(np.abs(audio.samples).argmax()) - round(HEARD_BEFORE_S * audio.sample_rate), 0)
        heard = audio.samples[first : first + round(HEARD_S * audio.sample_rate)]
        scores = yamnet.annotate(soxr.resample(heard, audio.sample_rate, Yamnet.sample_rate, "HQ")).max(axis=0)
        return np.asarray(logit(np.clip(scores[TAUGHT].astype(np.float64), 1e-4, 1 - 1e-4)))

    return features


def cross_validated(
    make: Any, features: Features, examples: Sequence[Example], learnable: NDArray[np.bool_], folds: dict[str, int]
) -> Features:
    """Gunshot probability of each example by a model that never met its session, shape (examples,)."""
    truth = np.array([example.class_name for example in examples])
    held_out = np.array([folds[example.group] for example in examples])
    weights = balanced(examples)
    scores = np.zeros(len(examples))
    for fold in range(FOLDS):
        train, test = learnable & (held_out != fold), held_out == fold
        model = make().fit(features[train], truth[train], sample_weight=weights[train])
        scores[test] = model.predict_proba(features[test])[:, list(model.classes_).index("gunshot")]
    return scores


def balanced(examples: Sequence[Example]) -> Features:
    """Weights such that each class weighs alike, and within it each session."""
    pairs = [(example.class_name, example.group) for example in examples]
    clips, sessions = Counter(pairs), Counter(name for name, _ in set(pairs))
    return np.array([len(pairs) / len(sessions) / sessions[name] / clips[name, group] for name, group in pairs])


def figures_of(scores: Features, examples: Sequence[Example], n_clips: int) -> list[Any]:
    """The four figures of the table; the first ``n_clips`` examples are clips, the others windows of live fire."""
    truth = np.array([example.class_name for example in examples])
    sessions = np.array([example.session for example in examples])
    clip = np.arange(len(examples)) < n_clips
    positive = truth == "gunshot"
    close = clip & (positive | (truth == "fireworks"))
    return [
        area(scores[clip], positive[clip], sessions[clip].tolist()),
        area(scores[close], positive[close], sessions[close].tolist()),
        *window_figures(scores[~clip], positive[~clip], sessions[~clip].tolist()),
    ]


if __name__ == "__main__":
    sys.exit(main())
