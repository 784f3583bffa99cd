"""A few seconds of a recording, to hear and to see: a player and a spectrogram that stand inside a page."""

import base64
import importlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from tocsin import TocsinError
from tocsin.data.audio import Audio, read_audio
from tocsin.data.sound import open_sound
from tocsin.evaluation.report.svg import INK, figure_in_style, svg_of

RATE_HZ = 16000
PEAK_DBFS = -3.0
# Noise made louder than this is all that one would hear.
_MOST_GAIN_DB = 40.0
_TOP_DB = 60.0
_TOP_HZ = 8000


@dataclass(frozen=True)
class Player:
    """Sound in a page: ``source`` is a ``data:`` address of FLAC, ``gain_db`` how much louder than recorded it is."""

    source: str
    duration_s: float
    onset_s: float
    gain_db: float


@dataclass(frozen=True)
class Excerpt:
    """A part of a recording; where it could not be read, ``note`` says why and the rest is empty."""

    player: Player | None
    spectrogram: str
    note: str = ""


def excerpt(path: str | Path, onset_s: float, name: str, before_s: float = 1.0, after_s: float = 2.0) -> Excerpt:
    """The seconds round an onset (s from the start of the recording) as a player and a spectrogram.

    ``name`` is what the spectrogram's title calls it. What cannot be read gives a note. Raises ``TocsinError`` where
    librosa or matplotlib is not installed.
    """
    start_s = max(0.0, onset_s - before_s)
    try:
        with open_sound(Path(path), 1) as file:
            rate = min(RATE_HZ, file.sample_rate)
        audio = read_audio(path, rate, start_s, onset_s + after_s - start_s)
    except TocsinError as error:
        return Excerpt(None, "", f"It cannot be heard here: {error}")
    return Excerpt(player_of(audio, onset_s - start_s), spectrogram_of(audio, onset_s - start_s, name))


def player_of(audio: Audio, onset_s: float) -> Player:
    """A player of some audio, made as loud as −3 dBFS at its peak (by 40 dB at most) and kept in 16 bits (FLAC)."""
    peak = float(np.abs(audio.samples).max(initial=0.0))
    gain_db = min(PEAK_DBFS - 20 * np.log10(peak), _MOST_GAIN_DB) if peak else 0.0
    written = io.BytesIO()
    soundfile.write(written, audio.samples * 10 ** (gain_db / 20), audio.sample_rate, format="FLAC", subtype="PCM_16")
    address = "data:audio/flac;base64," + base64.b64encode(written.getvalue()).decode()
    return Player(address, audio.duration_s, onset_s, float(gain_db))


def spectrogram_of(audio: Audio, onset_s: float, name: str) -> str:
    """The mel spectrogram as SVG, in dB below its maximum, up to 8 kHz; seconds count from the onset, which is marked.

    Raises ``TocsinError`` where librosa or matplotlib is not installed.
    """
    librosa = _librosa()
    top_hz = min(_TOP_HZ, audio.sample_rate / 2)
    hop = max(1, audio.sample_rate // 100)
    mel = librosa.feature.melspectrogram(
        y=audio.samples, sr=audio.sample_rate, n_fft=4 * hop, hop_length=hop, n_mels=48, fmin=50, fmax=top_hz
    )
    level = librosa.power_to_db(mel, ref=np.max, top_db=_TOP_DB)
    times = np.arange(level.shape[1]) * hop / audio.sample_rate - onset_s
    with figure_in_style(5.4, 1.9) as figure:
        # Even in lightness, so also told apart in grey and with any colour vision. Few colours make a small picture.
        colours = importlib.import_module("matplotlib").colormaps["magma"]
        axes = figure.add_subplot()
        mesh = librosa.display.specshow(
            level, x_coords=times, x_axis="s", y_axis="mel", sr=audio.sample_rate, fmin=50, fmax=top_hz, ax=axes,
            cmap=colours.resampled(24), vmin=-_TOP_DB, vmax=0,
        )  # fmt: skip
        mesh.set_rasterized(True)
        axes.axvline(0, color="white", linewidth=0.9, linestyle=(0, (3, 3)))
        axes.plot([0], [1.0], marker="v", color=INK, transform=axes.get_xaxis_transform(), clip_on=False)
        axes.set(title="kHz", xlabel="seconds from the onset", ylabel="")
        ticks_hz = [hz for hz in (500, 1000, 2000, 4000, 8000) if hz <= top_hz]
        axes.xaxis.set_major_formatter(lambda value, place: f"{value:g}".replace("-", "−"))
        axes.set_yticks(ticks_hz, [f"{hz / 1000:g}" for hz in ticks_hz], minor=False)
        figure.colorbar(mesh, ax=axes, ticks=[-60, -40, -20, 0], pad=0.02).ax.set_title("dB")
        words = f"Sound from {times[0]:.1f} to {times[-1]:.1f} s round the onset, up to {top_hz / 1000:g} kHz."
        return svg_of(figure, f"Spectrogram: {name}", words)


def _librosa() -> Any:
    # It takes a second to import, and only those who look at sounds need it.
    try:
        importlib.import_module("librosa.display")
        return importlib.import_module("librosa")
    except ImportError as error:
        raise TocsinError('spectrograms need librosa: type pip install "tocsin[analysis]"') from error
