"""Real recordings beside synthetic ones, as spectrograms and in figures: what docs/physics.md shows.

python benchmarks/physics_figures.py --recordings ../shared --out docs/images/synthetic_beside_real.png
"""

import argparse
import os
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from numpy.typing import NDArray
from PIL import Image
from scipy.signal import spectrogram

from tocsin.acoustics.synthesis import synthesize
from tocsin.data.audio import read_audio

RATE = 12000
LENGTH_S, BEFORE_S = 2.0, 0.5
FLOOR_DB = -70
COLOURS = 24  # noise does not compress; a palette keeps the file small
REAL = {
    "gunshot": (
        "live-fire/pittsburgh-2018/FP1/test_010/*.audio.*",
        "clips/audio/gunshot/urbansound8k__*",
    ),
    "fireworks": ("clips/audio/fireworks/esc50__*", "clips/audio/fireworks/moodist__*"),
    "impulse": (
        "clips/audio/hammer/snu_b36_50__*",
        "clips/audio/dropped_object/snu_b36_50__*",
        "clips/audio/door_knock/esc50__*",
        "clips/audio/thunder/esc50__*",
    ),
    "backfire": (),
}
MEASURED = 80  # synthetic recordings of each class; real ones, at most of each pattern
AFTER_S = (0.1, 0.4, 0.8)
BANDS_HZ = ((100, 300), (300, 800), (800, 2000), (2000, 4000), (4000, 5500))


def main() -> None:
    """Draw a row a class: real recordings on the left, synthetic ones on the right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recordings", default=os.environ.get("TOCSIN_RECORDINGS", "../shared"))
    parser.add_argument("--out", default="docs/images/synthetic_beside_real.png")
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--columns", type=int, default=4, help="of each kind")
    options = parser.parse_args()
    columns = options.columns
    figure, axes = pyplot.subplots(
        len(REAL),
        2 * columns,
        figsize=(2.0 * 2 * columns, 1.9 * len(REAL)),
        dpi=72,
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for row, (label, patterns) in enumerate(REAL.items()):
        real = _choose(Path(options.recordings), patterns, columns)
        for column in range(columns):
            if column < len(real):
                _draw(axes[row, column], _around_peak(read_audio(real[column], RATE).samples), _name(real[column]))
            else:
                axes[row, column].set_axis_off()
                axes[row, column].text(0.5, 0.5, "none found", ha="center", transform=axes[row, column].transAxes)
            generator = np.random.default_rng([options.seed, row, column])
            samples = synthesize(label, generator, RATE, 2 * LENGTH_S)
            _draw(axes[row, columns + column], _around_peak(samples), f"synthetic {label}")
        axes[row, 0].set_ylabel(f"{label}\nkHz")
    figure.tight_layout(pad=0.4)
    Path(options.out).parent.mkdir(parents=True, exist_ok=True)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3]  # type: ignore[attr-defined]
    Image.fromarray(pixels).quantize(COLOURS, dither=Image.Dither.NONE).save(options.out, optimize=True)
    print(f"{options.out}: {Path(options.out).stat().st_size / 1000:.0f} kB")
    bands = ", ".join(f"{low_hz}-{high_hz}" for low_hz, high_hz in BANDS_HZ)
    print(f"| | clips | dB after {', '.join(map(str, AFTER_S))} s | dB in {bands} Hz |")
    print("|---|---|---|---|")
    for label, patterns in REAL.items():
        for pattern in patterns:
            chosen = _choose(Path(options.recordings), (pattern,), MEASURED)
            _print_row(pattern.removeprefix("clips/audio/"), _read(chosen))
        synthetic = (np.random.default_rng([options.seed, 9, number]) for number in range(MEASURED))
        _print_row(f"synthetic {label}", [synthesize(label, generator, RATE, LENGTH_S) for generator in synthetic])


def _read(paths: list[Path]) -> list[NDArray[np.float32]]:
    """The audio of files, once each."""
    return [read_audio(path, RATE).samples for path in dict.fromkeys(paths)]


def _print_row(name: str, clips: list[NDArray[np.float32]]) -> None:
    """Medians over clips: level behind that of the loudest 20 ms, and level in bands behind that of the strongest."""
    length = RATE // 50
    later_db, bands_db = [], []
    for clip in clips:
        frames = clip[: len(clip) // length * length].reshape(-1, length).astype(float)
        level_db = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-10)
        peak = int(level_db.argmax())
        places = [peak + round(after_s * RATE / length) for after_s in AFTER_S]
        later_db.append([level_db[at] - level_db[peak] if at < len(level_db) else np.nan for at in places])
        around = clip[max(peak - 1, 0) * length : (peak + 5) * length]
        power = np.abs(np.fft.rfft(around, 4096)) ** 2
        hz = np.fft.rfftfreq(4096, 1 / RATE)
        band_db = np.array([10 * np.log10(power[(hz >= a) & (hz < b)].mean() + 1e-12) for a, b in BANDS_HZ])
        bands_db.append(band_db - band_db.max())
    columns = [" ".join(str(round(value)) for value in np.nanmedian(rows, axis=0)) for rows in (later_db, bands_db)]
    print(f"| {name} | {len(clips)} | {columns[0]} | {columns[1]} |")


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


def _draw(axes: Axes, samples: NDArray[np.float32], title: str) -> None:
    hz, seconds, power = spectrogram(samples, RATE, nperseg=192, noverlap=64, scaling="spectrum")
    level_db = 10 * np.log10(power / max(float(power.max()), 1e-20) + 1e-12)
    axes.pcolormesh(seconds, hz / 1000, level_db, vmin=FLOOR_DB, vmax=0, cmap="magma", rasterized=True)
    axes.set_title(title, fontsize=7)
    axes.set_xlim(0, LENGTH_S)
    axes.tick_params(labelsize=6)


if __name__ == "__main__":
    main()
