"""What share of artefacts is called a gunshot, and what share of the same sounds without them.

    python benchmarks/sensor/artefacts.py --recordings ../shared
    python benchmarks/sensor/artefacts.py --recordings ../shared --unmended

Each kind of ``defects.py`` is put into pieces of four seconds of city and rural ambience and of a quiet noise floor,
at a level from 10 to 60 dB over the sound's own, at each sample rate; a piece may go through a codec afterwards.
``detect`` counts pieces with an event called a gunshot within half a second of the defect, ``classify`` those whose
gunshot probability reaches the card's threshold though that of the piece without a defect does not. Prints Markdown.
"""

import argparse
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr
from defects import MAKERS
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from untouched import NoMender

from tocsin import TocsinError
from tocsin.data.audio import file_duration_s, read_audio
from tocsin.inference import classify, stream
from tocsin.inference.audio_model import AudioModel

BEDS = ("urban_ambience", "rural_ambience")
LENGTH_S, NEAR_S = 4.0, 0.5
CODECS = {"none": ("", ""), "Vorbis": ("OGG", "VORBIS"), "MP3": ("MP3", "MPEG_LAYER_III")}


def main() -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(os.environ.get("TOCSIN_RECORDINGS", "../shared"))
    parser.add_argument("--recordings", type=Path, default=default, help="folder that holds clips/")
    parser.add_argument("--model", help="an .onnx, or the name of shipped weights (default: tocsin-l)")
    parser.add_argument("--pieces", type=int, default=20, help="of each bed, and of noise")
    parser.add_argument("--rates", type=int, nargs="+", default=[8000, 16000, 48000], help="sample rates, Hz")
    parser.add_argument("--codec", choices=CODECS, default="none", help="which each piece goes through afterwards")
    parser.add_argument("--kinds", nargs="+", choices=MAKERS, default=list(MAKERS), help="of defects")
    parser.add_argument("--unmended", action="store_true", help="hear the artefacts as they come")
    options = parser.parse_args()
    if options.unmended:
        stream.Mender = classify.Mender = NoMender
    try:
        model = AudioModel(options.model)
        pieces = list(pieces_of(options.recordings, options.pieces))
        print(f"{len(pieces)} pieces at {', '.join(map(str, options.rates))} Hz, codec: {options.codec}\n")
        print("| defect | detect: gunshots | detect: events | classify: gunshots |\n|---|---|---|---|")
        clean = {(number, rate): heard(model, wave, rate, options.codec)
                 for rate in options.rates for number, wave in enumerate(at_rate(pieces, rate))}  # fmt: skip
        _print("none", list(clean.values()))
        for kind in options.kinds:
            report(model, kind, pieces, options.rates, options.codec, clean)
    except TocsinError as error:
        print(f"artefacts: {error}", file=sys.stderr)
        return 1
    return 0


def pieces_of(recordings: Path, number: int) -> Iterator[NDArray[np.float64]]:
    """Pieces of the beds, at 48 kHz, then of noise that rises towards low pitches, 50 to 70 dB below full scale."""
    rng = np.random.default_rng(0)
    for bed in BEDS:
        paths = sorted((recordings / f"clips/audio/{bed}").glob("*"))
        paths = [path for path in paths if file_duration_s(path) > LENGTH_S + 1]
        if not paths:
            raise TocsinError(f"{recordings}: no clips/audio/{bed} there; give --recordings")
        for path in np.resize(np.array(paths), number).tolist():
            start_s = float(rng.uniform(0, file_duration_s(path) - LENGTH_S))
            yield read_audio(path, 48000, start_s, LENGTH_S).samples.astype(float)
    for _ in range(number):
        spectrum = np.fft.rfft(rng.standard_normal(round(48000 * LENGTH_S)))
        spectrum[1:] *= np.arange(1, len(spectrum)) ** -rng.uniform(0.0, 1.0)
        noise = np.fft.irfft(spectrum)
        yield noise / noise.std() * 10 ** (-rng.uniform(50, 70) / 20)


def at_rate(pieces: list[NDArray[np.float64]], rate: int) -> Iterator[NDArray[np.float64]]:
    """The pieces at another rate, in steps of 16 bit."""
    for piece in pieces:
        yield np.round(soxr.resample(piece, 48000, rate, "HQ") * 2**15) / 2**15


def report(
    model: AudioModel,
    kind: str,
    pieces: list[NDArray[np.float64]],
    rates: list[int],
    codec: str,
    clean: dict[tuple[int, int], tuple[bool, bool, bool]],
) -> None:
    """Print the line of one kind of defect."""
    rng = np.random.default_rng(list(MAKERS).index(kind))
    found = []
    for rate in rates:
        for number, wave in enumerate(
            track(list(at_rate(pieces, rate)), kind, console=Console(stderr=True), transient=True)
        ):
            at = round(rng.uniform(1.0, 2.5) * rate)
            size = float(np.clip(wave.std() * 10 ** (rng.uniform(10, 60) / 20), 0.001, 0.9))
            defect = np.round(MAKERS[kind](rng, wave, rate, at, size) * 2**15) / 2**15
            gunshot, event, window = heard(model, defect, rate, codec, at / rate)
            was = clean[number, rate]
            found.append((gunshot and not was[0], event, window and not was[2]))
    _print(kind, found)


def heard(
    model: AudioModel, wave: NDArray[np.float64], rate: int, codec: str, at_s: float | None = None
) -> tuple[bool, bool, bool]:
    """Whether a gunshot is detected, whether any event is, and whether the piece is classified as a gunshot."""
    samples = wave.astype(np.float32)
    if codec != "none":
        file = io.BytesIO()
        format_, subtype = CODECS[codec]
        soundfile.write(file, samples, rate, format=format_, subtype=subtype)
        file.seek(0)
        samples, rate = soundfile.read(file, dtype="float32")
    events = model.detect((samples, rate))
    near = [event for event in events if at_s is None or abs(event.onset_s - at_s) < NEAR_S]
    gunshot = model.classify((samples, rate)).probabilities["gunshot"] >= model.card.threshold
    return any(event.label == "gunshot" for event in near), bool(near), gunshot


def _print(kind: str, found: list[tuple[bool, bool, bool]]) -> None:
    shares = " | ".join(f"{share:.1%}".replace("%", " %") for share in np.mean(np.array(found), axis=0))
    print(f"| {kind} | {shares} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
