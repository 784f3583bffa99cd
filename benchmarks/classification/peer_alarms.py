"""False alarms an hour by kind of place, Tocsin beside its rivals, at the thresholds that find 90 and 80 % of gunshots.

    python benchmarks/classification/peer_alarms.py --recordings ../shared --weights ONNX [ONNX …]

Recordings, recall and the counting of alarms are those of `tocsin evaluate`. Tocsin judges onsets; a rival knows none,
and scores windows on a grid, each of which counts as a bang at its middle: an arrival is found where a window that
holds it reaches the threshold, and windows above it within a second of the one before are one alarm, however long they
go on. Between the shots of the live fire only windows count that hold no shot. Needs ``ai-edge-litert`` and torch.
"""

import argparse
import os
import sys
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from mn04 import Mn04
from numpy.typing import NDArray
from yamnet import Yamnet

from tocsin import TocsinError
from tocsin.data.audio import Audio
from tocsin.data.public.pittsburgh import LiveFireTest
from tocsin.evaluation.hearing.alarm_sections import RECALLS, alarms_by_place
from tocsin.evaluation.hearing.counting import Heard, joined, threshold_of_recall
from tocsin.evaluation.hearing.examples import (
    Example,
    clip_examples,
    clip_rows,
    divide,
    live_fire_group,
    live_fire_tests,
)
from tocsin.evaluation.hearing.listening import Bangs, clip_heard, hear_clip, hear_test, live_fire_heard
from tocsin.evaluation.judging.judges import Judges
from tocsin.evaluation.judging.side_by_side import side_by_side


class Peer(Protocol):
    """A rival: scores over time, one column for each use as a gunshot detector."""

    name: str
    detectors: tuple[str, ...]
    window_s: float

    def listen(self, audio: Audio) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Middle of each window, seconds, shape (windows,), and its scores, 0 … 1, shape (windows, uses)."""


def main() -> int:
    """Listen and print; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(os.environ.get("TOCSIN_RECORDINGS", "../shared"))
    parser.add_argument("--recordings", type=Path, default=default, help="folder that holds clips/ and live-fire/")
    said = ".onnx files, or names of shipped weights (default: tocsin-l)"
    parser.add_argument("--weights", nargs="+", default=[], help=said)
    options = parser.parse_args()
    try:
        judges = Judges(options.weights)
        peers: list[Peer] = [
            Yamnet(options.recordings / "peers/yamnet.tflite"),
            Mn04(options.recordings / "pretrained/mn04_as_mAP_432.pt"),
        ]
        rows, left_out = divide(clip_rows(options.recordings), judges.may_judge)
        clips = clip_examples(rows)
        tests = [test for test in live_fire_tests(options.recordings) if judges.may_judge(live_fire_group(test))]
        print(f"{len(clips)} clips, {len(tests)} tests of live fire; {left_out} clips left out: all weights met them.")
        items: list[Example | LiveFireTest] = [*clips, *tests]
        every = {"Tocsin": joined(side_by_side(lambda item: _tocsin(item, judges), items, 1, "Tocsin"))}
        for peer in peers:
            parts = side_by_side(partial(heard_by, peer), items, 1, peer.name)
            for use, detector in enumerate(peer.detectors):
                every[f"{peer.name}, {detector}"] = joined(part[use] for part in parts)
    except TocsinError as error:
        print(f"peer_alarms: {error}", file=sys.stderr)
        return 1
    for least in RECALLS:
        thresholds = {name: threshold_of_recall(heard.shots, least) for name, heard in every.items()}
        columns = {name: (every[name], value) for name, value in thresholds.items() if value is not None}
        print(f"\n# At a recall of {least * 100:g} %\n")
        print(alarms_by_place(columns).markdown(), end="")
        for name in sorted(every.keys() - columns.keys()):
            print(f"\nNo threshold of {name} finds so many.")
    return 0


def heard_by(peer: Peer, item: Example | LiveFireTest) -> list[Heard]:
    """What a rival heard in a clip or a test, for each of its uses."""
    if isinstance(item, Example):
        audio = item.read()
        middle_s, scores = peer.listen(audio)
        return [clip_heard(item, audio, _bangs(middle_s, column)) for column in scores.T]
    listened = {recording.path: peer.listen(recording.read()) for recording in item.recordings}

    def heard(use: int) -> Heard:
        bangs = {path: _bangs(middle_s, scores[:, use]) for path, (middle_s, scores) in listened.items()}
        return live_fire_heard(item, lambda recording: bangs[recording.path], peer.window_s / 2, peer.window_s)

    return [heard(use) for use in range(len(peer.detectors))]


def _tocsin(item: Example | LiveFireTest, judges: Judges) -> Heard:
    return hear_clip(item, judges) if isinstance(item, Example) else hear_test(item, judges)


def _bangs(middle_s: NDArray[np.float64], scores: NDArray[np.float64]) -> Bangs:
    return list(zip(middle_s.tolist(), scores.tolist(), strict=True))


if __name__ == "__main__":
    sys.exit(main())
