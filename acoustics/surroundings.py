"""What stands round a sound: facades of a street, other walls, the diffuse tail of a town, a room."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, oaconvolve, sosfilt

Signal = NDArray[np.float64]


@dataclass(frozen=True)
class Echoes:
    """Reflections that follow the direct sound.

    Attributes:
        delay_s: of each reflection behind the direct sound, shape ``(n,)``, positive.
        gain: pressure of each, before its longer path, relative to the direct sound, shape ``(n,)``; signs may differ.
        tail_db: level of the diffuse tail's start relative to the direct sound.
        tail_s: time in which the diffuse tail falls to 1/e below 1 kHz; far above, it falls three times as fast.
    """

    delay_s: NDArray[np.float64]
    gain: NDArray[np.float64]
    tail_db: float
    tail_s: float


NO_ECHOES = Echoes(np.zeros(0), np.zeros(0), -np.inf, 0.1)
TYPICAL_M, TYPICAL_MPS = 200.0, 340.0


def street_canyon(
    along_m: float, width_m: float, source_m: float, microphone_m: float, order: int
) -> tuple[Signal, NDArray[np.int_]]:
    """Path lengths between two parallel facades, and how often each is reflected: mirror images, direct path first.

    Images of the source stand at ``2 n W ± y`` across the street: the former after ``2 |n|`` reflections, the latter
    after ``|2 n − 1|`` (Allen and Berkley 1979, in one dimension).

    Args:
        along_m: distance of source and microphone along the street.
        width_m: W, between the facades.
        source_m: y, distance of the source from the first facade.
        microphone_m: the microphone's.
        order: most reflections.
    """
    number = np.arange(-order, order + 1)
    across_m = np.concatenate([2 * number * width_m + source_m, 2 * number * width_m - source_m])
    reflections = np.concatenate([2 * np.abs(number), np.abs(2 * number - 1)])
    length_m = np.hypot(along_m, across_m - microphone_m)
    kept = reflections <= order
    sorting = np.lexsort((length_m[kept], reflections[kept]))
    return length_m[kept][sorting], reflections[kept][sorting]


def random_echoes(generator: np.random.Generator, distance_m: float = TYPICAL_M) -> Echoes:
    """Reflections of a town: walls up to 0.8 s later, half the time the facades of a street, and a diffuse tail.

    Args:
        generator: of all that is random.
        distance_m: between source and microphone.
    """
    walls = generator.uniform(0.005, 0.8, int(generator.integers(2, 20)))
    gain = generator.uniform(0.1, 0.7, len(walls)) * np.exp(-walls / generator.uniform(0.1, 0.4))
    if generator.random() < 0.5:
        width_m = generator.uniform(8, 40)
        source_m, microphone_m = generator.uniform(0.05, 0.95, 2) * width_m
        order = int(generator.integers(2, 12))
        length_m, reflections = street_canyon(distance_m, width_m, source_m, microphone_m, order)
        off_walls = generator.uniform(0.5, 0.95) ** reflections[1:]
        walls = np.concatenate([walls, (length_m[1:] - length_m[0]) / TYPICAL_MPS])
        gain = np.concatenate([gain, off_walls * generator.uniform(0.7, 1.1, len(off_walls))])
    return Echoes(walls, gain, tail_db=generator.uniform(-50, -24), tail_s=generator.uniform(0.1, 0.5))


def indoors(pressure_pa: Signal, sample_rate: int, generator: np.random.Generator) -> Signal:
    """A sound made in a room, as it leaves by window and wall: densely reverberant, its top gone.

    The reverberation is noise that falls by 60 dB in 0.25 to 0.8 s (Moorer 1979), 3 to 15 dB above the direct sound in
    energy of a blast; the wall is a low-pass of one or two poles at 0.4 to 3 kHz.
    """
    decay_s = generator.uniform(0.25, 0.8) / np.log(1000)
    time_s = np.arange(round(6 * decay_s * sample_rate)) / sample_rate
    response = generator.standard_normal(len(time_s)) * np.exp(-time_s / decay_s)
    response *= 10 ** (generator.uniform(3, 15) / 20) / np.sqrt(np.sum(response**2))
    response[0] += 1.0
    wall = butter(int(generator.integers(1, 3)), generator.uniform(400, 3000), fs=sample_rate, output="sos")
    return sosfilt(wall, oaconvolve(pressure_pa, response))
