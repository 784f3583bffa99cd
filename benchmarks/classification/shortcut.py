"""The shortcut test: is the data set told from the features, does the score survive when all clips are alike.

    python benchmarks/classification/shortcut.py --recordings ../shared --weights ONNX [ONNX …]

A data set has its own recorder, codec, level and padding; where gunshots come from some sets and bangs from others, a
model can learn the set instead of the sound. So all clips are made more and more alike: the loudest two seconds cut
out, for clips of gunshots are short; the loudest second, brought to one level over one noise floor; a low-pass at
4 kHz; 8-bit µ-law; or Vorbis. Much ambience is in Opus at 20 kbit/s, and no gunshot is: so once the gunshots alone are
brought into that code (a model that takes it for a sign of ambience would miss them), and once every clip. At each
step:

- how well a logistic regression on the mean and standard deviation of log-mel bands names the source, on sessions it
  was not trained on, among sources of one class that have five sessions or more (balanced accuracy; chance is one over
  their number);
- how well the weights tell gunshots from all other clips, from fireworks and from ambience in Opus, each clip judged by
  weights that never met its session.

The last line of the table is what the length of a clip tells alone, the shorter the likelier: no answer for a file may
lean on it, as the mean over its windows would. A second table asks whether the code can be told at all: of clips that
were in none, each as recorded and in Opus, how well a logistic regression says which, on sessions it was not trained
on, from the log-mel bands and from the network's own answer.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from features import RATE, Wave, at_rate, encoded, in_opus, levelled, loudest_cut, low_passed, mel_statistics
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tocsin import TocsinError
from tocsin.data.labels import CLASSES
from tocsin.data.splits import session_weights
from tocsin.evaluation.hearing.examples import Example, clip_examples, clip_rows, divide
from tocsin.evaluation.hearing.sections import area
from tocsin.evaluation.judging.judges import Judges
from tocsin.evaluation.judging.side_by_side import side_by_side
from tocsin.evaluation.report.section import text
from tocsin.inference.classify import classify_samples

FOLDS = 5
LEAST_SESSIONS = 5
CUT_S, BEFORE_S, HIGHEST_HZ = 1.0, 0.3, 4000.0


def _recorded(clip: Example) -> Wave:
    return at_rate(clip.read())


def _opus(clip: Example) -> Wave:
    return at_rate(in_opus(clip.read()))


def _narrow(clip: Example) -> Wave:
    return levelled(low_passed(loudest_cut(_recorded(clip), CUT_S, BEFORE_S), HIGHEST_HZ))


RECORDED, OPUS = "as recorded, at 12 kHz", "every clip in Opus"
STEPS: dict[str, Callable[[Example], Wave]] = {
    RECORDED: _recorded,
    "gunshots alone in Opus": lambda clip: (_opus if clip.class_name == "gunshot" else _recorded)(clip),
    OPUS: _opus,
    "the loudest two seconds": lambda clip: loudest_cut(_recorded(clip), 2 * CUT_S, 2 * BEFORE_S),
    "the loudest second, one level, one noise floor": lambda clip: levelled(
        loudest_cut(_recorded(clip), CUT_S, BEFORE_S)
    ),
    "– and below 4 kHz": _narrow,
    "– and 8-bit µ-law": lambda clip: encoded(_narrow(clip), "WAV", "ULAW"),
    "– and Vorbis instead of µ-law": lambda clip: encoded(_narrow(clip), "OGG", "VORBIS"),
}


class Seen(NamedTuple):
    """Of each clip the log-mel statistics, (clips, 80), and the logarithm of its judge's probabilities, (clips, 5).

    What none may judge has no number (NaN).
    """

    bands: NDArray[np.float64]
    answers: NDArray[np.float64]


def main() -> int:
    """Print the table; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(os.environ.get("TOCSIN_RECORDINGS", "../shared"))
    parser.add_argument("--recordings", type=Path, default=default, help="folder that holds clips/")
    parser.add_argument(
        "--weights", nargs="+", default=[], help=".onnx files or names of shipped weights (default: tocsin-l)"
    )
    options = parser.parse_args()
    try:
        judges, rows = Judges(options.weights), clip_rows(options.recordings)
        judged, left_out = divide(rows, judges.may_judge)
    except TocsinError as error:
        print(f"shortcut: {error}", file=sys.stderr)
        return 1
    clips = clip_examples(rows)
    may = np.array([judges.may_judge(clip.group) for clip in clips])
    judged_clips = [clip for clip, kept in zip(clips, may, strict=True) if kept]
    names = {name: sources_of(clips, name) for name in ("background", "impulse", "gunshot", "fireworks")}
    names = {name: sources for name, sources in names.items() if len(sources) > 1}
    print(f"The source is told on {len(clips)} clips; gunshots on {len(judged)}, {left_out} left out; ", end="")
    print(f"weights: {judges.name}. A session counts once.\n")
    said = [f"source of {name}: balanced accuracy (chance {1 / len(sources):.2f})" for name, sources in names.items()]
    said += [f"gunshot v. {others}: AUC" for others in ("all other clips", "fireworks", "ambience in Opus")]
    print("| every clip | " + " | ".join(said) + " |\n|---" + "|---" * len(said) + "|")
    seen: dict[str, Seen] = {}
    for step, change in STEPS.items():
        seen[step] = see(clips, change, judges, step)
        cells = [f"{source_told(seen[step].bands, clips, name, sources):.2f}" for name, sources in names.items()]
        scores = seen[step].answers[may, CLASSES.index("gunshot")]
        print(f"| {step} | " + " | ".join([*cells, *gunshots_told(scores, judged_clips)]) + " |", flush=True)
    shortness = np.array([row.start_s - row.end_s for row in judged])
    print("| the length alone | " + " | ".join(["–"] * len(names) + gunshots_told(shortness, judged_clips)) + " |")
    print("\n| recorded or in Opus: balanced accuracy (chance 0.50) | clips | log-mel bands | the network's answer |")
    print("|---|---|---|---|")
    for name in ("gunshot", "background", "impulse"):
        kept = may & np.array([clip.class_name == name and not is_opus(clip) for clip in clips])
        told = [
            f"{code_told(before[kept], after[kept], [c for c, k in zip(clips, kept, strict=True) if k]):.2f}"
            for before, after in zip(seen[RECORDED], seen[OPUS], strict=True)
        ]
        print(f"| {name} | {kept.sum()} | " + " | ".join(told) + " |")
    return 0


def see(clips: Sequence[Example], change: Callable[[Example], Wave], judges: Judges, said: str) -> Seen:
    """What is seen of every clip after a change."""

    def seen_of(clip: Example) -> tuple[NDArray[np.float64], list[float]]:
        wave, model = change(clip), judges.judge_of(clip.group)
        probabilities = classify_samples(model, wave, RATE) if model else {}
        return mel_statistics(wave), [float(np.log(probabilities.get(name, np.nan))) for name in CLASSES]

    bands, answers = zip(*side_by_side(seen_of, clips, os.cpu_count() or 1, said), strict=True)
    return Seen(np.stack(bands), np.array(answers))


def is_opus(clip: Example) -> bool:
    """Whether a clip of the shared recordings is kept in Opus: those alone are Ogg files."""
    return clip.path.suffix == ".ogg"


def code_told(before: NDArray[np.float64], after: NDArray[np.float64], clips: Sequence[Example]) -> float:
    """Balanced accuracy of saying which of the features of clips, (clips, features), are of their encoded form."""
    names = ("as recorded", "encoded")
    both = [replace(clip, source=name, class_name="any") for name in names for clip in clips]
    return source_told(np.concatenate([before, after]), both, "any", names)


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
    """Area against all other clips, against fireworks and against ambience in Opus, as text with intervals."""
    truth = np.array([clip.class_name for clip in clips])
    sessions = np.array([clip.session for clip in clips])
    opus = np.array([is_opus(clip) for clip in clips])
    figures = []
    for others in (truth != "", truth == "fireworks", opus & (truth == "background")):
        keep = others | (truth == "gunshot")
        figures.append(text(area(scores[keep], truth[keep] == "gunshot", sessions[keep].tolist())))
    return figures


if __name__ == "__main__":
    sys.exit(main())
