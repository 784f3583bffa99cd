"""How fast an archive is heard by one worker and by all cores, and in how much memory, at two lengths.

    python benchmarks/archive.py --recordings ../shared

Real ambience, joined to recordings of ten minutes and repeated under other names. Every run is `tocsin detect --out` as
a process of its own, from start to end; the two numbers of workers take turns, and the fastest run of each counts, for
other work on the machine only slows. Workers are busy while they run or wait for a processor, so that what is missing
to 100 % is waiting for recordings, and the start of the command; this does not depend on what else runs there. Memory
is the sum of the peak resident sizes of the process and its workers (libraries that they share count in each), at two
lengths, to see that it does not grow. Linux.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from tocsin import TocsinError
from tocsin.data.audio import read_audio
from tocsin.inference.archive.hearing import cores

AMBIENCE = ("urban_ambience", "crowd", "traffic", "suburban_ambience", "rural_ambience")
SAMPLE_RATE, FILE_S = 16_000, 600.0


class Run(NamedTuple):
    """What a run took: seconds by the clock, of processors, and in which workers had work; peak memory in MB."""

    wall_s: float
    processor_s: float
    busy_s: float
    peak_mb: float


def main() -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(os.environ.get("TOCSIN_RECORDINGS", "../shared"))
    parser.add_argument("--recordings", type=Path, default=default, help="folder that holds clips/")
    parser.add_argument("--hours", type=float, default=8.0, help="of the long archive; the short one has a quarter")
    parser.add_argument("--workers", type=int, default=cores(), help="to compare with one (default: all cores)")
    parser.add_argument("--repeats", type=int, default=3, help="turns")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            report(Path(scratch), options)
    except TocsinError as error:
        print(f"archive.py: {error}", file=sys.stderr)
        return 1
    return 0


def report(scratch: Path, options: argparse.Namespace) -> None:
    """Run all and print the table."""
    files = write_ambience(scratch / "ambience", options.recordings)
    columns = ("wall, s", "processors, s", "× real time", "per worker, to one", "workers busy", "peak memory, MB")
    print("|", " | ".join(("archive", "workers", *columns)), "|")
    print("|---" * (2 + len(columns)) + "|")
    for hours in (options.hours / 4, options.hours):
        archive = scratch / f"{hours:g}"
        archive.mkdir()
        for number in range(max(1, round(hours * 3600 / FILE_S))):
            os.link(files[number % len(files)], archive / f"{number:05}.wav")
        sound_s = sum(soundfile.info(path).duration for path in archive.iterdir())
        runs: dict[int, list[Run]] = {1: [], options.workers: []}
        for turn in range(options.repeats):
            for workers, results in runs.items():
                results.append(run(archive, scratch / f"out-{hours:g}-{workers}-{turn}", workers))
        alone_s = min(runs[1]).wall_s
        for workers, results in runs.items():
            best = min(results)
            print(
                f"| {sound_s / 3600:.1f} h in {len(list(archive.iterdir()))} files | {workers} | {best.wall_s:.1f} | "
                f"{best.processor_s:.1f} | {sound_s / best.wall_s:.0f} | {alone_s / best.wall_s / workers:.0%} | "
                f"{best.busy_s / best.wall_s / workers:.0%} | "
                f"{max(result.peak_mb for result in results):.0f} |"
            )


def write_ambience(folder: Path, recordings: Path) -> list[Path]:
    """Real ambience, joined and cut to files of ``FILE_S`` seconds."""
    clips = [path for kind in AMBIENCE for path in sorted((recordings / "clips/audio" / kind).glob("*.*"))]
    if not clips:
        raise TocsinError(f"{recordings}: no clips/audio/{AMBIENCE[0]}/ there; give --recordings")
    sound = np.concatenate([read_audio(path, SAMPLE_RATE).samples for path in clips])
    folder.mkdir()
    length = round(FILE_S * SAMPLE_RATE)
    paths = []
    for number in range(len(sound) // length):
        paths.append(folder / f"{number}.wav")
        soundfile.write(paths[-1], sound[number * length :][:length], SAMPLE_RATE)
    return paths


def run(archive: Path, out: Path, workers: int) -> Run:
    """One run."""
    command = [sys.executable, "-m", "tocsin", "detect", str(archive), "--out", str(out), "--workers", str(workers)]
    before, began_s, peaks = processor_s(), time.perf_counter(), dict[int, float]()
    busy_ns = dict[int, int]()
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while process.poll() is None:
        with suppress(OSError, IndexError):
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            for child in map(int, children):
                busy_ns[child] = sum(map(int, Path(f"/proc/{child}/schedstat").read_text().split()[:2]))
            for process_id in (process.pid, *map(int, children)):
                status = Path(f"/proc/{process_id}/status").read_text()
                peaks[process_id] = int(status.split("VmHWM:")[1].split()[0]) / 1024
        time.sleep(0.05)
    wall_s = time.perf_counter() - began_s
    if process.returncode:
        assert process.stderr is not None
        raise TocsinError(process.stderr.read())
    return Run(wall_s, processor_s() - before, sum(busy_ns.values()) / 1e9, sum(peaks.values()))


def processor_s() -> float:
    """Processor time of all processes that have ended and were begun from here, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
