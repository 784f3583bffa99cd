"""What a reviewer gets of a clip: its sound as FLAC and its spectrogram as PNG, both as addresses inside a page."""

import base64
import importlib
import io
from typing import Any, NamedTuple

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from scipy.signal import ShortTimeFFT, butter, get_window, sosfiltfilt

from tocsin import TocsinError
from tocsin.data.audio import Audio

# What models and ears need of a bang; higher rates would only make the page larger.
HIGHEST_RATE = 24000
# A blurred clip is stored at this rate, so that the file has no room for what was taken away.
BLURRED_RATE = 8000
_PEAK, _MOST_GAIN_DB = 0.7, 30.0
_ROWS, _COLUMNS, _RANGE_DB = 128, 360, 70.0


class Clip(NamedTuple):
    """Addresses of sound and image (``data:``), and by how much the sound was made louder."""

    audio: str
    image: str
    gain_db: float


def blurred(audio: Audio, low_pass_hz: float) -> Audio:
    """Sound of which nothing above ``low_pass_hz`` is left: a Butterworth of order 8, forth and back.

    It falls by 96 dB an octave. Of speech the melody remains, so that one hears that somebody speaks and perhaps who,
    but the consonants and second formants that tell words apart lie above (French and Steinberg 1947).
    """
    rate = audio.sample_rate
    samples = audio.samples.astype(np.float64)
    if rate != BLURRED_RATE:
        samples = soxr.resample(samples, rate, BLURRED_RATE, "HQ")
    sections = butter(8, low_pass_hz, fs=BLURRED_RATE, output="sos")
    if len(samples) <= 64:
        return Audio(np.zeros(len(samples), np.float32), BLURRED_RATE)
    return Audio(sosfiltfilt(sections, samples, padlen=64).astype(np.float32), BLURRED_RATE)


def make_clip(audio: Audio, low_pass_hz: float | None = None) -> Clip:
    """Sound and image of ``audio``, blurred where ``low_pass_hz`` is given; quiet sound is raised by 30 dB at most."""
    if low_pass_hz is not None:
        audio = blurred(audio, low_pass_hz)
    elif audio.sample_rate > HIGHEST_RATE:
        audio = Audio(soxr.resample(audio.samples, audio.sample_rate, HIGHEST_RATE, "HQ"), HIGHEST_RATE)
    peak = float(abs(audio.samples).max()) if len(audio.samples) else 0.0
    gain_db = min(max(20 * np.log10(_PEAK / peak), 0.0), _MOST_GAIN_DB) if peak > 0 else 0.0
    samples = np.clip(audio.samples * np.float32(10 ** (gain_db / 20)), -1, 1)
    sound = io.BytesIO()
    soundfile.write(sound, samples, audio.sample_rate, format="FLAC", subtype="PCM_16")
    highest = 2 * low_pass_hz if low_pass_hz else min(audio.sample_rate / 2, HIGHEST_RATE / 2)
    image = _spectrogram(samples, audio.sample_rate, highest)
    return Clip(_address("audio/flac", sound.getvalue()), _address("image/png", image), round(gain_db, 1))


def _spectrogram(samples: NDArray[np.float32], sample_rate: int, highest_hz: float) -> bytes:
    """Frequency in mels up to ``highest_hz``, time to the right, the lowest 70 dB below the loudest, as a PNG."""
    try:
        colours: Any = importlib.import_module("matplotlib").colormaps["magma"]
        image: Any = importlib.import_module("PIL.Image")
    except ImportError as error:
        raise TocsinError('pages need matplotlib: type pip install "tocsin[analysis]"') from error
    frame = 2048 if sample_rate == BLURRED_RATE else 512
    padded = np.pad(samples, (0, max(0, frame - len(samples))))
    hop = max(1, len(padded) // _COLUMNS)
    power = ShortTimeFFT(get_window("hann", frame), hop, sample_rate).spectrogram(padded.astype(np.float64))
    # Even steps of the mel scale (O'Shaughnessy 1987): the low end, where bangs lie, gets its room.
    wanted = 700 * (np.logspace(0, np.log10(1 + highest_hz / 700), _ROWS) - 1)
    rows = np.clip(np.round(wanted * frame / sample_rate).astype(int), 0, len(power) - 1)
    decibels = 10 * np.log10(np.maximum(power[rows] / max(float(power.max()), 1e-10), 10 ** (-_RANGE_DB / 10)))
    shade = np.round(255 * (decibels + _RANGE_DB) / _RANGE_DB).clip(0, 255).astype(np.uint8)
    picture = image.fromarray(np.flipud(shade))
    picture.putpalette((colours(np.arange(256))[:, :3] * 255).astype(np.uint8).tobytes())
    out = io.BytesIO()
    picture.save(out, format="PNG", optimize=True)
    return out.getvalue()


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
