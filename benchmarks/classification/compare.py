"""Tocsin beside YAMNet on recordings that Tocsin never heard: the same clips, one run, a Markdown table on stdout.

    python benchmarks/classification/compare.py --recordings ../shared

A weight card says which sessions and firing positions its weights met. Of several ``--weights`` the first that held a
recording's session out for test judges it, else the first that never met it; what all have met is left out and counted.
So the shipped weights and those of a cross-validation judge every recording. ``--yamnet-only`` takes every clip and
firing position for YAMNet alone. Both systems run on one thread; needs ``ai-edge-litert`` (dependency group dev).
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from tocsin_onnx import TocsinOnnx
from yamnet import Yamnet

from tocsin import TocsinError
from tocsin.data.audio import read_audio
from tocsin.data.labels import CLASSES
from tocsin.evaluation.hearing.evidence import Answers
from tocsin.evaluation.hearing.examples import (
    WINDOW_S,
    Example,
    clip_examples,
    clip_rows,
    divide,
    live_fire_group,
    live_fire_tests,
    live_fire_windows,
)
from tocsin.evaluation.hearing.sections import FALSE_POSITIVE_RATE, area, confusion, hard_negatives, window_figures
from tocsin.evaluation.report.section import text

Systems = Sequence[Yamnet | TocsinOnnx]
Scores = list[dict[str, float]]


def main() -> int:
    """Run the comparison; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(os.environ.get("TOCSIN_RECORDINGS", "../shared"))
    parser.add_argument("--recordings", type=Path, default=default, help="folder that holds clips/ and live-fire/")
    said = ".onnx files, or names of shipped weights (default: tocsin-l)"
    parser.add_argument("--weights", nargs="+", default=[], help=said)
    parser.add_argument("--yamnet-only", action="store_true", help="YAMNet alone, on every clip and firing position")
    parser.add_argument("--window-s", type=float, default=WINDOW_S, help="length of the live-fire windows, seconds")
    parser.add_argument("--repeats", type=int, default=15, help="timed runs of each system")
    options = parser.parse_args()
    try:
        yamnet = Yamnet(options.recordings / "peers/yamnet.tflite")
        systems: list[Yamnet | TocsinOnnx] = [yamnet]
        judges = None
        if not options.yamnet_only:
            tocsin = TocsinOnnx(options.weights)
            systems.append(tocsin)
            judges = tocsin.judges
        may_judge = judges.may_judge if judges else lambda session: True
        rows, left_out = divide(clip_rows(options.recordings), may_judge)
        clips = clip_examples(rows)
        print(f"{len(clips)} clips judged, {left_out} left out: of sessions that all weights met.\n")
        tests = [test for test in live_fire_tests(options.recordings) if may_judge(live_fire_group(test))]
        windows = live_fire_windows(tests, options.window_s)
        report_clips(systems, clips)
        if windows:
            report_live_fire(systems, windows, options.window_s)
        report_time(systems, options.recordings, options.repeats)
    except TocsinError as error:
        print(f"compare: {error}", file=sys.stderr)
        return 1
    return 0


def report_clips(systems: Systems, clips: list[Example]) -> None:
    """Print gunshot against every other clip and against fireworks, a session counting once."""
    truth, sessions = np.array([clip.class_name for clip in clips]), [clip.session for clip in clips]
    print(f"## Clips\n\n{len(clips)} clips, {_count(truth, sessions)}.")
    print("A session counts once; 95 % intervals over sessions.\n")
    print("| system | score | gunshot v. all other clips: AUC | gunshot v. fireworks: AUC |\n|---|---|---|---|")
    either = np.flatnonzero((truth == "gunshot") | (truth == "fireworks"))
    sections = []
    for system in systems:
        scored = _score(system, clips)
        for detector in system.detectors:
            scores = np.array([score[detector] for score in scored])
            everything = area(scores, truth == "gunshot", sessions)
            close = [sessions[index] for index in either]
            fireworks = area(scores[either], truth[either] == "gunshot", close)
            print(f"| {system.name} | {detector} | {text(everything)} | {text(fireworks)} |")
        if isinstance(system, TocsinOnnx):
            judges = system.judges
            answers = Answers(tuple(clips), tuple(scored), judges.thresholds(clips), judges.gunshot_shares(clips))
            sections += [confusion(answers), hard_negatives(answers)]
    for section in sections:
        print("\n" + section.markdown(), end="")


def report_live_fire(systems: Systems, windows: list[Example], window_s: float) -> None:
    """Print gunshot windows against background windows of the same sensors."""
    positive = np.array([window.class_name == "gunshot" for window in windows])
    sensors = [window.session for window in windows]
    positions = sorted({sensor.split("/")[1] for sensor in sensors})
    print(f"\n## Live fire, {', '.join(positions)}\n")
    print(f"{positive.sum()} windows of gunshots, {(~positive).sum()} of background, {window_s:g} s, ", end="")
    print(f"{len(set(sensors))} sensors; a window counts once; 95 % intervals over sensors.\n")
    rate = f"{FALSE_POSITIVE_RATE:.0%}".replace("%", " %")
    print(f"| system | score | AUC | recall at {rate} false positives |\n|---|---|---|---|")
    for system in systems:
        scored = _score(system, windows)
        for detector in system.detectors:
            scores = np.array([score[detector] for score in scored])
            figures = window_figures(scores, positive, sensors)
            print(f"| {system.name} | {detector} | {text(figures[0])} | {text(figures[1])} |")


def report_time(systems: Systems, recordings: Path, repeats: int) -> None:
    """Print time per second of audio, front end included, the systems taking turns on the same 10 s of a street."""
    street = sorted((recordings / "clips/audio/urban_ambience").glob("*.flac"))[0]
    inputs = [read_audio(street, system.sample_rate, duration_s=10.0) for system in systems]
    times: list[list[float]] = [[] for _ in systems]
    for _ in range(repeats + 1):
        for system, audio, taken in zip(systems, inputs, times, strict=True):
            start = time.perf_counter()
            system.annotate(audio.samples)
            taken.append((time.perf_counter() - start) / audio.duration_s)
    # The first run of each warms up.
    medians = [statistics.median(taken[1:]) for taken in times]
    print(f"\n## Time, one thread, median of {repeats} turns\n")
    print("| system | ms per second of audio | ratio to YAMNet |\n|---|---|---|")
    for system, median in zip(systems, medians, strict=True):
        print(f"| {system.name} | {median * 1e3:.2f} | {median / medians[0]:.2f} |")


def _score(system: Yamnet | TocsinOnnx, examples: list[Example]) -> Scores:
    shown = track(examples, f"{system.name}", console=Console(stderr=True), transient=True)
    return [system.scores(example) for example in shown]


def _count(truth: NDArray[np.str_], sessions: list[str]) -> str:
    counts = {name: len({s for s, label in zip(sessions, truth, strict=True) if label == name}) for name in CLASSES}
    return ", ".join(f"{name} {(truth == name).sum()} of {count} sessions" for name, count in counts.items() if count)


if __name__ == "__main__":
    sys.exit(main())
