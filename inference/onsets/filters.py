"""The filters of the onset picker, as products of matrices: no start-up time of a library of filters."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt


def band_pass_response(band_hz: tuple[float, float], sample_rate: float, samples: int) -> npt.NDArray[np.float64]:
    """Impulse response of a Butterworth band-pass of second order, by the bilinear transform, shape ``(samples,)``."""
    double_rate = 2.0 * sample_rate
    low, high = (double_rate * np.tan(np.pi * edge_hz / sample_rate) for edge_hz in band_hz)
    half = np.exp(1j * np.pi * np.array([3, 5]) / 4) * (high - low) / 2
    root = np.sqrt(half**2 - low * high)
    poles = np.concatenate((half + root, half - root))
    feedback = np.poly((double_rate + poles) / (double_rate - poles)).real
    gain = ((high - low) ** 2 * double_rate**2 / np.prod(double_rate - poles)).real
    response = np.zeros(samples + 4)  # behind four zeros
    for sample, drive in enumerate(
        np.pad(gain * np.array([1.0, 0.0, -2.0, 0.0, 1.0]), (0, max(samples - 5, 0)))[:samples]
    ):
        response[sample + 4] = drive - feedback[:0:-1] @ response[sample : sample + 4]
    return response[4:]


@lru_cache(maxsize=16)
def filter_matrix(
    band_hz: tuple[float, float], sample_rate: int, hop: int, length: int, frames: int
) -> npt.NDArray[np.float32]:
    """From the latest samples of a stream to a band's in the last ``frames`` of ``hop``, those that tell its power.

    ``length`` is that of the response, in samples. The power of a low band is told by fewer samples of it: three of
    its highest period will do. It is kept for the next picker of the same rate, and nobody may write to it.
    """
    step = max(1, int(sample_rate / (3.0 * band_hz[1])))
    response = audible(band_pass_response(band_hz, sample_rate, length))[::-1]
    samples = [frame * hop + sample for frame in range(frames) for sample in range(0, hop, step)]
    matrix = np.zeros((response.size + frames * hop - 1, len(samples)), np.float32)
    for column, sample in enumerate(samples):
        matrix[sample : sample + response.size, column] = response
    matrix.setflags(write=False)
    return matrix


@lru_cache(maxsize=4)
def response_of(band_hz: tuple[float, float], sample_rate: int, length: int) -> npt.NDArray[np.float64]:
    """The audible impulse response of a band, at most ``length`` samples of it; kept like :func:`filter_matrix`."""
    response = audible(band_pass_response(band_hz, sample_rate, length))
    response.setflags(write=False)
    return response


def audible(response: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """An impulse response without its end, where less than a 100 dB of its energy is left."""
    left = np.cumsum(response[::-1] ** 2)[::-1]
    return response[left > 1e-10 * left[0]]
