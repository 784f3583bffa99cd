"""What a low-rate codec leaves of a recording: written in memory as Opus, Vorbis or MP3, and read back."""

import io

import numpy as np
import soundfile
from numpy.typing import NDArray

from tocsin import TocsinError

# libsndfile's compression level, 0 the best and 1 the smallest. About 9 to 32 kbit/s of Opus, 28 to 42 of Vorbis and
# 16 to 37 of MP3 at a variable rate (at a constant one of 16 kbit/s it comes back late) for 12 kHz.
FORMATS = {
    "opus": ("OGG", "OPUS", 0.9, 0.98),
    "vorbis": ("OGG", "VORBIS", 0.4, 1.0),
    "mp3": ("MP3", "MPEG_LAYER_III", 0.0, 0.9),
}
SAMPLE_RATES = (8000, 12000, 16000, 24000, 48000)  # those of Opus, which the others know too


def recode(
    samples: NDArray[np.float32], sample_rate: int, generator: np.random.Generator, codec: str | None = None
) -> NDArray[np.float32]:
    """Samples ``(n,)`` in −1 … 1 as they come back from a codec, as many and in time.

    Args:
        samples: one channel.
        sample_rate: Hz, one of ``SAMPLE_RATES``.
        generator: of the codec and its rate.
        codec: one of ``FORMATS``; a random one by default.

    Raises:
        TocsinError: the codec does not know the sample rate.
    """
    if sample_rate not in SAMPLE_RATES:
        known = ", ".join(map(str, SAMPLE_RATES))
        raise TocsinError(f"no codec at {sample_rate} Hz: expected {known}; type data.augmentation.codec=0 for none")
    container, coding, best, smallest = FORMATS[codec or list(FORMATS)[generator.integers(len(FORMATS))]]
    level, mode = generator.uniform(best, smallest), {"bitrate_mode": "VARIABLE"} if container == "MP3" else {}
    memory = io.BytesIO()
    soundfile.write(
        memory, samples, sample_rate, format=container, subtype=coding, compression_level=float(level), **mode
    )
    memory.seek(0)
    heard, _ = soundfile.read(memory, dtype="float32")
    coded = np.zeros_like(samples)
    coded[: len(heard)] = heard[: len(samples)]
    return coded
