"""What wires, converters, buffers and codecs do to a recording, made sample by sample: none of it is sound in the air.

Every maker takes a generator, the samples ``(n,)``, their rate in Hz, the sample at which it begins and a size, which
is a level against a full scale of 1, and gives the samples as they would be recorded, ``(n,)``.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Wave = NDArray[np.float64]
Maker = Callable[[np.random.Generator, Wave, int, int, float], Wave]

_FRAME_S = 0.024  # of a codec


def spike(rng: np.random.Generator, samples: Wave, rate: int, at: int, size: float) -> Wave:
    """One sample is wrong."""
    return _with(samples, at, np.array([size * rng.choice([-1, 1])]))


def bit_flips(rng: np.random.Generator, samples: Wave, rate: int, at: int, size: float) -> Wave:
    """For a tenth of a second a bit of some samples of 16 bit is flipped: one of those worth at most twice the size."""
    words = np.round(np.clip(samples, -1, 1 - 2**-15) * 2**15).astype(np.int16)
    bit = int(np.clip(np.round(np.log2(size * 2**15)), 4, 15))
    places = at + rng.choice(round(0.1 * rate), int(rng.integers(2, 12)), replace=False)
    words[places] ^= np.uint16(1 << bit).astype(np.int16)
    return words / 2.0**15


def step_that_stays(rng: np.random.Generator, samples: Wave, rate: int, at: int, size: float) -> Wave:
    """The level is another from here on."""
    return _with(samples, at, np.full(len(samples) - at, size * rng.choice([-1, 1])))


def plug_pop(rng: np.random.Generator, samples: Wave, rate: int, at: int, size: float) -> Wave:
    """A jump of the level that returns within some tenths of a second."""
    time_s = np.arange(len(samples) - at) / rate
    return _with(samples, at, size * rng.choice([-1, 1]) * np.exp(-time_s / rng.uniform(0.05, 0.4)))


def crackle(rng: np.random.Generator, samples: Wave, rate: int, at: int, size: float) -> Wave:
    """A loose plug: contact is lost and found several times within a fifth of a second."""
    length = round(rng.uniform(0.05, 0.2) * rate)
    edges = np.sort(rng.choice(length, 2 * int(rng.integers(2, 8)), replace=False))
    level = np.zeros(length)
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        level[first:end] = size * rng.uniform(0.3, 1) * rng.choice([-1, 1])
    return _with(samples, at, level)


def stuck(rng: np.random.Generator, samples: Wave, rate: int, at: int, size: float) -> Wave:
    """The converter holds a wrong value for some milliseconds."""
    held = samples.copy()
    held[at : at + round(rng.uniform(0.001, 0.05) * rate)] = size * rng.choice([-1, 1])
    return held


def frozen(rng: np.random.Generator, samples: Wave, rate: int, at: int, size: float) -> Wave:
    """A lost block, in whose place the last value is held."""
    held = samples.copy()
    held[at : at + _lost(rng, rate)] = held[at - 1]
    return held


def zeros(rng: np.random.Generator, samples: Wave, rate: int, at: int, size: float) -> Wave:
    """A lost block, in whose place zeros stand."""
    lost = samples.copy()
    lost[at : at + _lost(rng, rate)] = 0.0
    return lost


def several_gaps(rng: np.random.Generator, samples: Wave, rate: int, at: int, size: float) -> Wave:
    """Some blocks of zeros within a third of a second."""
    lost = samples.copy()
    block = round(rng.uniform(0.002, 0.02) * rate)
    for place in rng.choice(round(0.3 * rate) // block, 4, replace=False):
        lost[at + place * block :][:block] = 0.0
    return lost


def repeat(rng: np.random.Generator, samples: Wave, rate: int, at: int, size: float) -> Wave:
    """A lost block, in whose place the last one comes again."""
    again, length = samples.copy(), _lost(rng, rate)
    again[at : at + length] = samples[at - length : at]
    return again


def stutter(rng: np.random.Generator, samples: Wave, rate: int, at: int, size: float) -> Wave:
    """A block of a few milliseconds comes again and again, as from a buffer of USB that nobody fills."""
    again, length = samples.copy(), round(rng.uniform(0.001, 0.01) * rate)
    times = int(rng.integers(3, 15))
    again[at : at + times * length] = np.tile(samples[at - length : at], times)
    return again


def splice(rng: np.random.Generator, samples: Wave, rate: int, at: int, size: float) -> Wave:
    """Dropped samples: the sound goes on as it is some time later."""
    length = _lost(rng, rate)
    return np.concatenate((samples[:at], samples[at + length :], samples[at - length : at]))


def wrap(rng: np.random.Generator, samples: Wave, rate: int, at: int, size: float) -> Wave:
    """For a fifth of a second the sound is so loud that its peaks overflow and come out with the other sign."""
    loud = samples.copy()
    part = loud[at : at + round(0.2 * rate)]
    part *= rng.uniform(1.05, 1.3) / np.abs(part).max()
    return (loud + 1.0) % 2.0 - 1.0


def sign_flip(rng: np.random.Generator, samples: Wave, rate: int, at: int, size: float) -> Wave:
    """A block comes with the other sign."""
    flipped = samples.copy()
    flipped[at : at + _lost(rng, rate)] *= -1
    return flipped


def hum(rng: np.random.Generator, samples: Wave, rate: int, at: int, size: float) -> Wave:
    """The mains' hum, harmonics and all, switched on at any moment of its period and off again."""
    time_s = np.arange(round(rng.uniform(0.1, 1.0) * rate)) / rate
    mains_hz, phases = rng.choice([50.0, 60.0]), rng.uniform(0, 2 * np.pi, 8)
    waves = [
        np.sin(2 * np.pi * mains_hz * order * time_s + phase) / order**1.5
        for order, phase in enumerate(phases, start=1)
    ]
    return _with(samples, at, 0.6 * size * np.sum(waves, axis=0))


def pumping(rng: np.random.Generator, samples: Wave, rate: int, at: int, size: float) -> Wave:
    """A gain control that shuts within milliseconds and opens slowly, or opens at once."""
    drop_db, attack_s, release_s = rng.uniform(10, 30), rng.uniform(0.002, 0.01), rng.choice([0.003, 0.1, 0.5])
    time_s = np.arange(len(samples) - at) / rate
    held_s = rng.uniform(0.05, 0.4)
    shut = np.minimum(time_s / attack_s, 1.0) * np.exp(-np.maximum(time_s - held_s, 0.0) / release_s)
    pumped = samples.copy()
    pumped[at:] *= 10 ** (-drop_db * shut / 20)
    return pumped


def thump(rng: np.random.Generator, samples: Wave, rate: int, at: int, size: float) -> Wave:
    """Wind, or a hand, on the microphone: a push of 20 to 100 ms."""
    width_s = rng.uniform(0.02, 0.1)
    time_s = np.arange(round(2 * width_s * rate)) / rate
    return _with(samples, at, size * np.sin(np.pi * time_s / width_s) * np.sin(np.pi * time_s / (2 * width_s)) ** 2)


def lost_packet(rng: np.random.Generator, samples: Wave, rate: int, at: int, size: float) -> Wave:
    """Frames of a codec that are lost: its windows fade the sound out and in again."""
    lost, frame = samples.copy(), round(_FRAME_S * rate)
    fade = np.cos(0.5 * np.pi * np.arange(frame) / frame) ** 2
    length = frame * int(rng.integers(0, 6))
    gain = np.concatenate((fade, np.zeros(length), 1 - fade))
    lost[at : at + len(gain)] *= gain
    return lost


def concealed_packet(rng: np.random.Generator, samples: Wave, rate: int, at: int, size: float) -> Wave:
    """A lost frame of a codec of speech: its last period comes again, fading, until the next frame comes."""
    lost, frame = samples.copy(), round(0.02 * rate) * int(rng.integers(1, 4))
    period = round(rng.uniform(0.0025, 0.015) * rate)
    again = np.resize(samples[at - period : at], frame)
    lost[at : at + frame] = again * np.linspace(1.0, rng.uniform(0.0, 0.7), frame)
    return lost


MAKERS: dict[str, Maker] = {
    maker.__name__: maker
    for maker in (
        spike, bit_flips, step_that_stays, plug_pop, crackle, stuck, frozen, zeros, several_gaps, repeat, stutter,
        splice, wrap, sign_flip, hum, pumping, thump, lost_packet, concealed_packet,
    )
}  # fmt: skip


def _lost(rng: np.random.Generator, rate: int) -> int:
    """Samples of a lost block: 5 to 200 ms."""
    return round(0.005 * 40 ** rng.uniform() * rate)


def _with(samples: Wave, at: int, added: Wave) -> Wave:
    """The samples and what is added from one place on, as a converter records the sum."""
    sum_of = samples.copy()
    sum_of[at : at + len(added)] += added[: len(samples) - at]
    return np.clip(sum_of, -1.0, 1.0)
