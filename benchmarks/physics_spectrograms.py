"""Spectrograms of real recordings beside synthetic ones: the figure of docs/physics.md.

python benchmarks/physics_spectrograms.py --recordings ../shared --out docs/images/synthetic_beside_real.png
"""

import argparse
import os
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib import pyplot
from numpy.typing import NDArray
from scipy.signal import spectrogram

from tocsin.acoustics.synthesis import synthesize
from tocsin.data.audio import read_audio

RATE = 12000
LENGTH_S, BEFORE_S = 2.0, 0.5
FLOOR_DB = -75
REAL = {
    "gunshot": (
        "live-fire/pittsburgh-2018/FP1/test_001/*.audio.*",
        "clips/audio/gunshot/urbansound8k__*",
    ),
    "fireworks": ("clips/audio/fireworks/esc50__*", "clips/audio/fireworks/moodist__*"),
    "impulse": (
        "clips/audio/hammer/snu_b36_50__*",
        "clips/audio/door_knock/esc50__*",
        "clips/audio/clap/esc50__*",
        "clips/audio/dropped_object/snu_b36_50__*",
    ),
    "backfire": (),
}


def main() -> None:
    """Draw a row a class: real recordings on the left, synthetic ones on the right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recordings", default=os.environ.get("TOCSIN_RECORDINGS", "../shared"))
    parser.add_argument("--out", default="docs/images/synthetic_beside_real.png")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--columns", type=int, default=4, help="of each kind")
    options = parser.parse_args()
    columns = options.columns
    figure, axes = pyplot.subplots(
        len(REAL), 2 * columns, figsize=(2.1 * 2 * columns, 2.0 * len(REAL)), sharex=True, sharey=True, squeeze=False
    )
    for row, (label, patterns) in enumerate(REAL.items()):
        real = _choose(Path(options.recordings), patterns, columns)
        for column in range(columns):
            if column < len(real):
                _draw(axes[row, column], _around_peak(read_audio(real[column], RATE).samples), _name(real[column]))
            else:
                axes[row, column].set_axis_off()
                axes[row, column].text(0.5, 0.5, "no recording", ha="center", transform=axes[row, column].transAxes)
            generator = np.random.default_rng([options.seed, row, column])
            samples = synthesize(label, generator, RATE, 2 * LENGTH_S)
            _draw(axes[row, columns + column], _around_peak(samples), f"synthetic {label}")
        axes[row, 0].set_ylabel(f"{label}\nkHz")
    figure.tight_layout(pad=0.4)
    Path(options.out).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.out, dpi=72, pil_kwargs={"optimize": True})
    print(f"{options.out}: {Path(options.out).stat().st_size / 1000:.0f} kB")


def _choose(folder: Path, patterns: tuple[str, ...], count: int) -> list[Path]:
    """As many files of each pattern, spread over all that match."""
    chosen = []
    for number, pattern in enumerate(patterns):
        files = [path for path in sorted(folder.glob(pattern)) if path.suffix in (".wav", ".flac")]
        share = count * (number + 1) // len(patterns) - count * number // len(patterns)
        chosen += [files[round(index)] for index in np.linspace(0, len(files) - 1, share + 2)[1:-1]]
    return chosen


def _name(path: Path) -> str:
    if "pittsburgh" in str(path):
        return f"{path.parent.parent.name} {path.stem.replace('.audio', '')}"
    return path.stem.replace("urbansound8k", "us8k").replace("moodist__moodist", "moodist")


def _around_peak(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    first = max(int(np.abs(samples).argmax()) - round(BEFORE_S * RATE), 0)
    return samples[first : first + round(LENGTH_S * RATE)]


def _draw(axes: pyplot.Axes, samples: NDArray[np.float32], title: str) -> None:
    hz, seconds, power = spectrogram(samples, RATE, nperseg=256, noverlap=192, scaling="spectrum")
    level_db = 10 * np.log10(power / max(float(power.max()), 1e-20) + 1e-12)
    axes.pcolormesh(seconds, hz / 1000, level_db, vmin=FLOOR_DB, vmax=0, cmap="magma", rasterized=True)
    axes.set_title(title, fontsize=7)
    axes.set_xlim(0, LENGTH_S)
    axes.tick_params(labelsize=6)


if __name__ == "__main__":
    main()
