"""Calibrate weights by what they and their siblings say of recordings that none of them met.

    python benchmarks/classification/calibrate.py ../shared --weights out/fold?.onnx --ships out/all.onnx --out out/c

A network that keeps no session back to calibrate on learns from all of them; the folds of a cross-validation tell how
sure it may be. Each file of --weights gets the temperature that fits the answers to those sessions that *others* of
them judge, so that what it judges itself plays no part in it. Files of --ships, trained like them on everything, get
that of all answers. Answers are those of `tocsin classify`, to clips and to windows of the live fire: both kinds weigh
alike, so do the sessions of a kind, and gunshots weigh as much as the card's share says. The threshold is the gunshot
probability that 5 % of the other clips reach, a session counting once.
"""

import argparse
import shutil
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from tocsin import TocsinError
from tocsin.data.labels import CLASSES
from tocsin.data.public.pittsburgh import SOURCE
from tocsin.data.splits import session_weights
from tocsin.evaluation.hearing.examples import clip_examples, clip_rows, live_fire_tests, live_fire_windows
from tocsin.evaluation.judging.judges import Judges
from tocsin.evaluation.judging.side_by_side import side_by_side
from tocsin.evaluation.measures.calibration import at_share
from tocsin.localization.incidents.evidence import STATED_FOR
from tocsin.models.model_file import recalibrate
from tocsin.training.calibration import GUNSHOT, choose_threshold, fit_gunshot_temperature

REACHED = 0.05  # of other clips reach the threshold
LEAST = 1e-9  # probability: of what float32 rounds to 0


class Judged:
    """Answers of the likeliest windows: ``logits (n, classes)``, whether a gunshot, what each counts, and its judge."""

    def __init__(self, recordings: Path, judges: Judges, workers: int) -> None:
        examples = clip_examples(clip_rows(recordings)) + live_fire_windows(live_fire_tests(recordings))
        examples = [example for example in examples if judges.may_judge(example.group)]
        heard = side_by_side(judges.probabilities, examples, workers, "classifying")
        self.logits = np.log(np.maximum([[answer[name] for name in CLASSES] for answer in heard], LEAST))
        self.positive = np.array([example.class_name == "gunshot" for example in examples])
        self.is_clip = np.array([example.source != SOURCE for example in examples])
        self.judge = np.array([judges.models.index(judges.required(example.group)) for example in examples])
        self.of_session = session_weights([example.session for example in examples])

    def weights(self, keep: NDArray[np.bool_], share: float) -> NDArray[np.float64]:
        """What each answer counts for the temperature, ``(n,)``; 0 for those that are not kept."""
        weights = self.of_session * keep
        for kind in (self.is_clip, ~self.is_clip):
            for side, worth in ((self.positive, share), (~self.positive, 1 - share)):
                total = weights[kind & side].sum()
                weights[kind & side] *= worth / total if total else 0.0
        return weights

    def calibrate(self, path: Path, keep: NDArray[np.bool_], taught: float, share: float) -> None:
        """Give a file the temperature that fits the answers kept, the share, and the threshold."""
        temperature = round(fit_gunshot_temperature(self.logits, self.positive, self.weights(keep, taught)), 3)
        clips = keep & self.is_clip
        gunshot = at_share(softmax(self.logits[clips] / temperature, axis=1)[:, GUNSHOT], taught, share)
        labels = np.where(self.positive[clips], GUNSHOT, GUNSHOT + 1)
        threshold = choose_threshold(gunshot, labels, self.of_session[clips], REACHED)
        basis = f"{REACHED:.0%} of clips that are no gunshot reach it, heard by folds that never met their session"
        recalibrate(path, temperature, round(threshold, 4), f"{basis}; a session counts once", share=share)
        print(f"{path}  temperature {temperature:.3f}  threshold {threshold:.3f}")


def main() -> int:
    """Judge, fit, write; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--weights", type=Path, nargs="+", required=True, help=".onnx files that judge all sessions")
    parser.add_argument("--ships", type=Path, nargs="*", default=[], help="files trained like them on all sessions")
    parser.add_argument("--share", type=float, default=STATED_FOR, help="of gunshots that probabilities are for")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    options = parser.parse_args()
    try:
        judges = Judges(options.weights)
        judged = Judged(options.recordings, judges, options.workers)
        options.out.mkdir(parents=True, exist_ok=True)
        for number, path in enumerate([*options.weights, *options.ships]):
            taught = judges.models[min(number, len(options.weights) - 1)].card.gunshot_share
            if taught is None:
                raise TocsinError(f"{path}: its card states no share of gunshots")
            written = Path(shutil.copy(path, options.out))
            judged.calibrate(written, judged.judge != number, taught, options.share)
    except TocsinError as error:
        print(f"calibrate: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
