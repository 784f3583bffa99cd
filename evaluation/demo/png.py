"""Spectrograms as PNG images, with zlib alone: pictures for a report where no plotting library is installed."""

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from scipy.signal import get_window

FRAME_S, HOP_S = 0.016, 0.004
FLOOR = 1e-12  # power; below the quantisation noise of 16 bit in one frame and frequency
QUIET_QUANTILE = 0.6  # most of a stretch is background: it is painted as paper
RANGE_DB = 55.0

# Paper, through blues, to ink; the lightness falls evenly, so that it also reads in grey.
_COLOURS = np.array(
    [(252, 253, 254), (214, 228, 240), (150, 190, 221), (83, 142, 194), (42, 92, 153), (28, 50, 101), (14, 18, 44)],
    dtype=np.float64,
)


def spectrogram_png(samples: NDArray[np.float32], sample_rate: int, highest_hz: float) -> bytes:
    """Spectrogram of a waveform as a PNG: time to the right, frequency up, from paper (background) to ink (loud).

    Args:
        samples: shape ``(n,)``, one frame (16 ms) at least.
        sample_rate: Hz.
        highest_hz: frequency of the upper edge, at most half the sample rate.

    Returns:
        An image of a column a hop (4 ms) and a row a frequency, with 256 colours.
    """
    frame, hop = round(FRAME_S * sample_rate), round(HOP_S * sample_rate)
    starts = np.arange(0, len(samples) - frame + 1, hop)
    frames = samples[starts[:, None] + np.arange(frame)] * get_window("hann", frame)
    highest = round(highest_hz * frame / sample_rate)
    power_db = 10 * np.log10(np.abs(np.fft.rfft(frames, axis=1)[:, 1 : highest + 1]) ** 2 / frame**2 + FLOOR)
    # Each frequency against its own background: a town is louder by 40 dB at the bottom than at the top.
    above_db = power_db - np.quantile(power_db, QUIET_QUANTILE, axis=0)
    shade = np.clip(above_db / RANGE_DB, 0.0, 1.0)
    return encode_png(np.flipud(np.round(255 * shade).astype(np.uint8).T))


def encode_png(shades: NDArray[np.uint8]) -> bytes:
    """Encode an image ``(height, width)`` of palette indices, paper 0 to ink 255, as PNG (W3C PNG, third edition)."""
    height, width = shades.shape
    palette = np.stack(
        [np.interp(np.linspace(0, 1, 256), np.linspace(0, 1, len(_COLOURS)), band) for band in _COLOURS.T], axis=1
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)  # 8 bits, palette, no interlacing
    rows = np.hstack([np.zeros((height, 1), np.uint8), shades])  # each row starts with its filter: none
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, content)
        for kind, content in (
            (b"IHDR", header),
            (b"PLTE", np.round(palette).astype(np.uint8).tobytes()),
            (b"IDAT", zlib.compress(rows.tobytes(), 9)),
            (b"IEND", b""),
        )
    )


def data_uri(png: bytes) -> str:
    """A PNG as the address of an image inside a page."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
