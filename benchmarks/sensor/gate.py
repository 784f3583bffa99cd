"""What the onset gate lets through to the network: which shots it loses, and what share of the windows it opens to.

    python benchmarks/sensor/gate.py --recordings ../shared

A shot of the live fire is lost where no such window holds its published pulse between 0.1 and 0.6 of its length; a clip
of a gunshot, whose onset nobody stated, where it opens to none. Zeroed audio is left out of the shares. Not all
of these windows are computed: the second of an onset is not where the first hears no gunshot.
The gate opens at a rise of 3.3 dB; the other rises say what another gate would do. Clips that begin within the sound
have no onset. Prints Markdown.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from tocsin import TocsinError
from tocsin.data.audio import Audio, read_audio
from tocsin.data.manifests import ManifestRow
from tocsin.data.public.pittsburgh import LiveFireTest, sounding_stretches_s
from tocsin.evaluation.hearing.examples import clip_rows, live_fire_tests
from tocsin.inference.annotate import Annotator
from tocsin.inference.detect import detect
from tocsin.inference.model import Model
from tocsin.inference.onsets.picker import Onset, pick_onsets
from tocsin.inference.pick import windows_of

RISES_DB = (3.3, 4.0, 5.0, 6.0)
NEAR_S = 0.05
BEDS = ("urban_ambience", "urban_background", "traffic", "rain", "wind", "crickets", "air_conditioner")
Count = dict[float, list[int]]  # by rise: what passes, and of how many


class Counting(Model):
    """The shipped model, which counts the windows that it computes."""

    computed = 0

    def logits(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """As of any model."""
        self.computed += len(windows)
        return super().logits(windows)


def main() -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(os.environ.get("TOCSIN_RECORDINGS", "../shared"))
    parser.add_argument("--recordings", type=Path, default=default, help="folder that holds clips/ and live-fire/")
    options = parser.parse_args()
    try:
        model = Counting()
        tests = live_fire_tests(options.recordings)
        rows = clip_rows(options.recordings)
        print(
            "| what passes | " + " | ".join(f"{rise:g} dB" for rise in RISES_DB) + " |\n|---|" + "---|" * len(RISES_DB)
        )
        for position in sorted({test.firing_position for test in tests}):
            report_live_fire(model, position, [test for test in tests if test.firing_position == position])
        gunshots = [row for row in rows if row.class_name == "gunshot"]
        for source in sorted({row.source for row in gunshots}):
            report_clips(model, source, [row for row in gunshots if row.source == source])
        for label in BEDS:
            report_bed(model, label, [row for row in rows if row.label == label])
    except TocsinError as error:
        print(f"gate: {error}", file=sys.stderr)
        return 1
    return 0


def report_live_fire(model: Model, name: str, tests: list[LiveFireTest]) -> None:
    """Print the shots of one firing position that pass, those with an onset near the pulse, and the share opened to."""
    shots, near, windows = _counts(), _counts(), _counts()
    for test in _listening(name, tests):
        for recording in test.recordings:
            audio = recording.read()
            starts_s, onsets = _starts_s(model, audio), pick_onsets(audio.samples, audio.sample_rate, RISES_DB[0])
            sounding = sounding_stretches_s(audio)
            middle_s = starts_s + model.card.window_s / 2
            real = np.any([(low <= middle_s) & (middle_s < high) for low, high in sounding], axis=0)
            pulses_s = [at_s for at_s, pulse in test.onsets_s(recording) if pulse.shot_index is not None]
            pulses_s = [at_s for at_s in pulses_s if any(low <= at_s < high for low, high in sounding)]
            for rise in RISES_DB:
                strong = [onset for onset in onsets if onset.snr_db >= rise]
                opened = _opened(strong, starts_s, model.card.window_s)
                _add(windows[rise], opened[real])
                _add(shots[rise], [opened[windows_of(at_s, starts_s, model.card.window_s)].any() for at_s in pulses_s])
                _add(near[rise], [any(abs(o.onset_s - at_s) < NEAR_S for o in strong) for at_s in pulses_s])
    _print(f"{name}: labelled shots", shots)
    _print(f"{name}: labelled shots with an onset within {NEAR_S * 1e3:g} ms", near)
    _print(f"{name}: windows", windows, percent=True)


def report_clips(model: Model, source: str, rows: list[ManifestRow]) -> None:
    """Print how many clips of gunshots the gate opens to."""
    passed = _counts()
    for audio in _listening(source, rows, _read):
        onsets = pick_onsets(audio.samples, audio.sample_rate, RISES_DB[0])
        for rise in RISES_DB:
            _add(passed[rise], [any(onset.snr_db >= rise for onset in onsets)])
    _print(f"{source}: clips of gunshots", passed)


def report_bed(model: Counting, label: str, rows: list[ManifestRow]) -> None:
    """Print the share of windows opened to on clips of one label."""
    windows = _counts()
    seconds, computed = 0.0, 0
    for audio in _listening(label, rows, _read):
        starts_s, onsets = _starts_s(model, audio), pick_onsets(audio.samples, audio.sample_rate, RISES_DB[0])
        seconds += audio.duration_s
        model.computed = 0
        detect(audio.samples, audio.sample_rate, model)
        computed += model.computed
        for rise in RISES_DB:
            strong = [onset for onset in onsets if onset.snr_db >= rise]
            _add(windows[rise], _opened(strong, starts_s, model.card.window_s))
    name = f"{label} ({seconds / 60:.1f} min): windows"
    _print(name, windows, percent=True)
    share = computed / windows[RISES_DB[0]][1]
    print(f"| {name} computed | {share:.1%} |".replace("%", " %") + " |" * (len(RISES_DB) - 1), flush=True)


def _starts_s(model: Model, audio: Audio) -> NDArray[np.float64]:
    grid = Annotator(model)
    grid.push(np.zeros(round(audio.duration_s * model.card.sample_rate), np.float32))
    grid.flush()
    return grid.start_s


def _opened(onsets: list[Onset], starts_s: NDArray[np.float64], window_s: float) -> NDArray[np.bool_]:
    opened = np.zeros(len(starts_s), bool)
    for onset in onsets:
        opened |= windows_of(onset.onset_s, starts_s, window_s)
    return opened


def _read(row: ManifestRow) -> Audio:
    return read_audio(row.path, sample_rate=12000)


def _listening(name: str, items: Iterable, read: Callable = lambda item: item) -> Iterable:
    return (read(item) for item in track(list(items), name, console=Console(stderr=True), transient=True))


def _counts() -> Count:
    return {rise: [0, 0] for rise in RISES_DB}


def _add(count: list[int], passed: Iterable[bool]) -> None:
    flags = list(passed)
    count[0] += int(sum(flags))
    count[1] += len(flags)


def _print(name: str, count: Count, percent: bool = False) -> None:
    cells = [
        f"{passed / max(total, 1):.1%}".replace("%", " %") if percent else f"{passed} of {total}"
        for passed, total in count.values()
    ]
    print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
