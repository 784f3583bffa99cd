"""Far-field recordings of bangs, for training where no recordings exist: everything but the source is drawn alike."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from tocsin.acoustics.atmosphere import Atmosphere
from tocsin.acoustics.ground import HARDEST, SOFTEST, Ground
from tocsin.acoustics.microphone import record, urban_noise
from tocsin.acoustics.propagation import receive
from tocsin.acoustics.sources import render
from tocsin.acoustics.surroundings import indoors, random_echoes
from tocsin.acoustics.waves import Source

Signal = NDArray[np.float64]

LOUDEST_S = 0.02
COMPARED_HZ = (200.0, 3000.0)  # of levels: below, a town hums louder than it bangs
CLEAR_SKY_M = 10.0  # a source as high as this is screened by nothing


def synthesize(label: str, generator: np.random.Generator, sample_rate: int, duration_s: float) -> NDArray[np.float32]:
    """One recording of a ``gunshot``, ``fireworks``, ``backfire``, ``impulse`` or ``background`` somewhere in a town.

    Distance (6 to 800 m), weather, ground, echoes, turbulence, microphone, noise, level over noise and level in the
    recording come from the same distributions for every label, so that nothing but the source tells them apart: with
    the same generator, what is not the source is the same.

    Args:
        label: class of the event; ``background`` has none.
        generator: of all that is random.
        sample_rate: Hz.
        duration_s: length; the event starts in the first half. Of an event longer than what is left, a stretch with its
            loudest moment is taken.

    Returns:
        float32 samples ``(n,)`` in −1 … 1.

    Raises:
        TocsinError: no source is known for the label.
    """
    of_source, of_path = generator.spawn(2)
    count = round(duration_s * sample_rate)
    noise = urban_noise(count, sample_rate, 60.0, generator)
    noise += np.std(noise) * 10 ** (generator.uniform(-60, -25) / 20) * generator.standard_normal(count)
    low_hz = float(np.exp(generator.uniform(np.log(40), np.log(160))))
    high_hz = generator.uniform(3000, 9000)
    # Fainter ones teach a network that a stir in a steady noise is a shot.
    level_db = 60.0 + generator.uniform(12, 48)
    full_scale_dbspl = level_db - generator.uniform(-40, 6)
    agc_release_s = generator.uniform(0.3, 3.0) if generator.random() < 0.2 else None
    start = int(generator.uniform(0.05, 0.5) * count)
    pressure = noise
    if label != "background":
        sound = _heard(label, of_source, of_path, sample_rate, (count - start) / sample_rate)
        loud_pa = _loudest_pa(_compared(sound, sample_rate), sample_rate)
        noise_pa = np.std(_compared(noise, sample_rate))
        gain = noise_pa * 10 ** ((level_db - 60) / 20) / max(loud_pa, 1e-12)
        pressure[start : start + len(sound)] += gain * sound
    return record(pressure, sample_rate, full_scale_dbspl, low_hz, high_hz, agc_release_s)


def _heard(
    label: str, of_source: np.random.Generator, generator: np.random.Generator, sample_rate: int, left_s: float
) -> Signal:
    """The sound at the microphone, no longer than is left of the recording."""
    atmosphere = Atmosphere(generator.uniform(-10, 35), generator.uniform(20, 95))
    distance_m = float(np.exp(generator.uniform(np.log(6), np.log(800))))
    echoes = random_echoes(generator, distance_m)
    resistivity = float(np.exp(generator.uniform(np.log(SOFTEST), np.log(HARDEST))))
    microphone_m = generator.uniform(1.2, 12)
    roughness_m = float(np.exp(generator.uniform(np.log(0.03), np.log(0.4))))
    turbulence = float(10 ** generator.uniform(-6.5, -5))
    # Two in three paths lead over or round something.
    detour_m = float(generator.exponential(0.3)) if generator.random() < 0.67 else 0.0
    source = render(label, of_source, sample_rate, distance_m)
    pressure = _stretch_of(source, left_s, generator)
    if generator.random() < 0.08:
        pressure = indoors(pressure, sample_rate, generator)
    return receive(
        Source(pressure, sample_rate),
        float(np.hypot(distance_m, source.height_m - microphone_m)),
        atmosphere,
        echoes,
        generator,
        longest_s=left_s,
        detour_m=detour_m if source.height_m < CLEAR_SKY_M else 0.0,
        ground=Ground(resistivity, source.height_m, microphone_m, roughness_m),
        turbulence=turbulence,
    )


def _stretch_of(source: Source, left_s: float, generator: np.random.Generator) -> Signal:
    """As much of a source as is left time for, its loudest moment within."""
    pressure, room = source.pressure_pa, round(left_s * source.sample_rate)
    share = generator.uniform(0, 0.8)
    first = int(np.abs(pressure).argmax()) - int(share * room)
    return pressure[max(first, 0) :] if len(pressure) > room else pressure


@cache
def _compared_band(sample_rate: int) -> Signal:
    return butter(1, COMPARED_HZ, "bandpass", fs=sample_rate, output="sos")


def _compared(sound: Signal, sample_rate: int) -> Signal:
    return sosfilt(_compared_band(sample_rate), sound)


def _loudest_pa(sound: Signal, sample_rate: int) -> float:
    """Root mean square of the loudest 20 ms."""
    length = round(LOUDEST_S * sample_rate)
    padded = np.pad(sound, (0, -len(sound) % length))
    return float(np.sqrt(np.mean(padded.reshape(-1, length) ** 2, axis=1).max()))
