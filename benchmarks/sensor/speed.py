# ruff: noqa: E402
"""What a sensor pays for a second of audio, stage by stage, beside YAMNet in LiteRT in the same run; and its memory.

    python benchmarks/sensor/speed.py --recordings ../shared

Processor time of one thread, everything included, the stages and YAMNet taking turns on the same sound: every recording
of city ambience, a minute of the first, which is a busy street, and one of steady noise for quiet hours. "whole" is
what `tocsin detect` does with samples once they are read. Memory is the peak resident size of `tocsin detect` as a
process of its own (Linux). Needs ``ai-edge-litert`` (dependency group dev).
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"  # before NumPy is there to read them

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.data.audio import read_audio
from tocsin.inference.classify import annotate
from tocsin.inference.detect import detect
from tocsin.inference.mending.mender import Mender
from tocsin.inference.model import Model
from tocsin.inference.onsets.picker import pick_onsets

sys.path.insert(0, str(Path(__file__).parents[1] / "classification"))
from yamnet import SAMPLE_RATE as YAMNET_RATE
from yamnet import Yamnet

DURATION_S, SENSOR_RATE = 60.0, 16_000
# The kernel's own record of the process: what getrusage tells includes the process that started it.
PEAK_OF_DETECT = """
import pathlib, sys
from tocsin.cli import main
sys.argv = ["tocsin", "detect", *sys.argv[1:]]
try:
    main()
finally:
    print(pathlib.Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0], file=sys.stderr)
"""


def main() -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(os.environ.get("TOCSIN_RECORDINGS", "../shared"))
    parser.add_argument("--recordings", type=Path, default=default, help="folder that holds clips/ and peers/")
    parser.add_argument("--model", help="an .onnx, or the name of shipped weights (default: tocsin-l)")
    parser.add_argument("--repeats", type=int, default=9, help="turns")
    parser.add_argument("--minutes", type=float, default=60.0, help="of city ambience at most")
    options = parser.parse_args()
    try:
        model, yamnet = Model(options.model), Yamnet(options.recordings / "peers/yamnet.tflite")
        city = sorted((options.recordings / "clips/audio/urban_ambience").glob("*.flac"))
        if not city:
            raise TocsinError(f"{options.recordings}: no clips/audio/urban_ambience/*.flac there; give --recordings")
        ambience = [read_audio(path, SENSOR_RATE).samples for path in city]
        whole = np.concatenate(ambience)[: round(options.minutes * 60 * SENSOR_RATE)]
        sounds = {
            f"city ambience, {len(whole) / SENSOR_RATE / 60:.0f} min": whole,
            "a busy street": ambience[0][: round(DURATION_S * SENSOR_RATE)],
            "steady noise": np.random.default_rng(1).normal(0, 1e-3, int(DURATION_S * SENSOR_RATE)).astype(np.float32),
        }
        print(
            f"| stage, {model.card.model_id}, {SENSOR_RATE / 1000:g} kHz | sound | ms per second of audio | to YAMNet |"
        )
        print("|---|---|---|---|")
        for sound, samples in sounds.items():
            report(model, yamnet, sound, samples, options.repeats)
        report_memory(city[0], options.model)
    except TocsinError as error:
        print(f"speed: {error}", file=sys.stderr)
        return 1
    return 0


def report(model: Model, yamnet: Yamnet, sound: str, samples: NDArray[np.float32], repeats: int) -> None:
    """Print the time of every stage."""
    rate = model.card.sample_rate
    resampled = soxr.resample(samples, SENSOR_RATE, rate, "HQ")
    at_yamnet = soxr.resample(samples, SENSOR_RATE, YAMNET_RATE, "HQ")
    stages: dict[str, Callable[[], object]] = {
        "YAMNet": lambda: yamnet.annotate(at_yamnet),
        "mend": lambda: Mender(SENSOR_RATE).push(samples),
        "resample": lambda: soxr.resample(samples, SENSOR_RATE, rate, "HQ"),
        "onsets": lambda: pick_onsets(resampled, rate),
        "network, every window": lambda: annotate(model, resampled, rate),
        "whole": lambda: detect(samples, SENSOR_RATE, model),
    }
    taken: dict[str, list[float]] = {stage: [] for stage in stages}
    for _ in range(repeats + 1):
        for stage, work in stages.items():
            start = time.thread_time()
            work()
            taken[stage].append((time.thread_time() - start) * len(samples) ** -1 * SENSOR_RATE)
    # The first turn warms up.
    medians = {stage: statistics.median(times[1:]) for stage, times in taken.items()}
    for stage, median in medians.items():
        print(f"| {stage} | {sound} | {median * 1e3:.2f} | {median / medians['YAMNet']:.2f} |", flush=True)


def report_memory(path: Path, model: str | None) -> None:
    """Print the peak resident size of ``tocsin detect``."""
    words = [str(path), *(["--model", model] if model else [])]
    result = subprocess.run([sys.executable, "-c", PEAK_OF_DETECT, *words], capture_output=True, text=True, check=False)
    if result.returncode:
        raise TocsinError(f"tocsin detect failed: {result.stderr.strip()}")
    print(f"\nPeak resident size of `tocsin detect`: {int(result.stderr.split()[-1]) / 1024:.0f} MB")


if __name__ == "__main__":
    sys.exit(main())
