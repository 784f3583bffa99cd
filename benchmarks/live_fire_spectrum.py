"""Spectrum of the first 12 ms of real and simulated handguns, in octaves: what the length of a blast is chosen by.

    python benchmarks/live_fire_spectrum.py --recordings ../shared

Real: the first clear shot (20 dB above what was before, not clipped) of every recording of the published live fire,
as medians over the sensors. Simulated: handguns at 200 to 660 m over the ground of a town, with Weber spheres of the
handguns of ``acoustics/gunfire.py``, once for each length of the blast in times of sound through the sphere. Levels of
bands in dB below the strongest.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tocsin.acoustics import gunfire
from tocsin.acoustics.atmosphere import Atmosphere
from tocsin.acoustics.ground import HARDEST, TOWN, Ground
from tocsin.acoustics.microphone import in_band
from tocsin.acoustics.propagation import receive
from tocsin.acoustics.surroundings import random_echoes
from tocsin.acoustics.waves import BALANCED, Source, friedlander
from tocsin.data.audio import read_audio
from tocsin.inference.detect import detect
from tocsin.inference.model import Model

RATE = 12000
BEFORE_S, LENGTH_S = 0.003, 0.012
BANDS_HZ = ((60, 125), (125, 250), (250, 500), (500, 1000), (1000, 2000), (2000, 3500), (3500, 5500))
CLEAR_DB, CLIPPED = 20.0, 0.98
TRANSITS = (1.8, 1.4, 1.0, 0.8)
SIMULATED = 150


def main() -> None:
    """Print a row a sensor, their median, and a row for each length of the blast."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recordings", default=os.environ.get("TOCSIN_RECORDINGS", "../shared"))
    options = parser.parse_args()
    print(f"| handguns | shots | {' | '.join(f'{low}–{high} Hz' for low, high in BANDS_HZ)} |")
    print("|---|---|" + "---|" * len(BANDS_HZ))
    sensors = _live_fire(Path(options.recordings) / "live-fire/pittsburgh-2018")
    medians = []
    for name, shots in sensors.items():
        medians.append(np.median(shots, axis=0))
        _print_row(name, len(shots), medians[-1])
    _print_row(f"median of {len(sensors)} sensors", sum(map(len, sensors.values())), np.median(medians, axis=0))
    for transits in TRANSITS:
        _print_row(f"simulated, {transits} R/c", SIMULATED, np.median(_simulated(transits), axis=0))


def _live_fire(folder: Path) -> dict[str, list[NDArray[np.float64]]]:
    model = Model()
    sensors: dict[str, list[NDArray[np.float64]]] = {}
    for about in sorted(folder.glob("FP*/test_*/*.audio.*.json")):
        path = next(item for item in about.parent.glob(f"{about.stem}.*") if item.suffix in (".flac", ".wav"))
        samples = read_audio(path, RATE).samples
        for event in detect(samples, RATE, model):
            first = round(event.onset_s * RATE)
            loud = float(np.abs(samples[first : first + RATE // 4]).max(initial=0.0))
            whole = first >= BEFORE_S * RATE and first + LENGTH_S * RATE <= len(samples)
            if event.probabilities["gunshot"] > 0.5 and event.snr_db > CLEAR_DB and loud < CLIPPED and whole:
                serial = json.loads(about.read_text(encoding="utf-8"))["serial_number"]
                sensors.setdefault(f"{about.parent.parent.name} {serial}", []).append(_bands_db(samples, event.onset_s))
                break
    return sensors


def _simulated(transits: float) -> list[NDArray[np.float64]]:
    generator = np.random.default_rng(5)
    rows = []
    for number in range(SIMULATED):
        radius_m = generator.uniform(*gunfire.FIREARMS["handgun"].weber_radius_m)
        angle_rad, distance_m = generator.uniform(0, np.pi), generator.uniform(200, 660)
        peak_pa, positive_s = gunfire.muzzle_blast(radius_m, angle_rad, generator.uniform(10, 20))
        positive_s *= transits / gunfire.SPHERE_TRANSITS
        longer = gunfire.stretch(peak_pa, positive_s, distance_m)
        blast = friedlander(peak_pa / longer, positive_s * longer, BALANCED, RATE)
        ground = Ground(
            float(np.exp(generator.uniform(np.log(TOWN), np.log(HARDEST)))),
            1.5,
            generator.uniform(4, 12),
            generator.uniform(0.02, 0.3),
        )
        heard = receive(
            Source(np.pad(blast, (RATE // 10, 0)), RATE),
            distance_m,
            Atmosphere(0.0, 60.0),
            random_echoes(generator),
            np.random.default_rng(number),
            ground=ground,
        )
        rows.append(_bands_db(in_band(heard, RATE), 0.1))
    return rows


def _bands_db(samples: NDArray[np.floating], onset_s: float) -> NDArray[np.float64]:
    """Levels of the bands below the strongest, of the sound from shortly before an onset, faded out at its end."""
    first, count = round((onset_s - BEFORE_S) * RATE), round((LENGTH_S + BEFORE_S) * RATE)
    fade = np.ones(count)
    half = round(2 * BEFORE_S * RATE)
    fade[-half:] = np.cos(np.linspace(0, np.pi / 2, half)) ** 2
    power = np.abs(np.fft.rfft(samples[first : first + count].astype(float) * fade, 8192)) ** 2
    hz = np.fft.rfftfreq(8192, 1 / RATE)
    levels = np.array([10 * np.log10(power[(hz >= low) & (hz < high)].sum() + 1e-20) for low, high in BANDS_HZ])
    return levels - levels.max()


def _print_row(name: str, count: int, levels_db: NDArray[np.float64]) -> None:
    print(f"| {name} | {count} | {' | '.join(f'{level:.1f}' for level in levels_db)} |")


if __name__ == "__main__":
    main()
