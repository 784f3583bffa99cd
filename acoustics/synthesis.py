"""Far-field recordings of bangs, for training where no recordings exist: everything but the source is drawn alike."""

import numpy as np
from numpy.typing import NDArray

from tocsin.acoustics.atmosphere import Atmosphere
from tocsin.acoustics.propagation import random_echoes, receive, record, urban_noise
from tocsin.acoustics.sources import render


def synthesize(label: str, generator: np.random.Generator, sample_rate: int, duration_s: float) -> NDArray[np.float32]:
    """One recording of a ``gunshot``, ``fireworks``, ``backfire`` or ``background`` somewhere in a town.

    Distance (30 to 800 m), weather, echoes, noise and full scale come from the same distributions for every
    label, so that nothing but the source tells them apart.

    Args:
        label: class of the event; ``background`` has none.
        generator: of all that is random.
        sample_rate: Hz.
        duration_s: length; the event starts in the first half.

    Returns:
        float32 samples ``(n,)`` in −1 … 1.

    Raises:
        TocsinError: no source is known for the label.
    """
    count = round(duration_s * sample_rate)
    atmosphere = Atmosphere(generator.uniform(-10, 35), generator.uniform(20, 95))
    pressure = urban_noise(count, sample_rate, generator.uniform(38, 68), generator)
    distance_m = float(np.exp(generator.uniform(np.log(30), np.log(800))))
    echoes = random_echoes(generator)
    start = int(generator.uniform(0.05, 0.5) * count)
    full_scale_dbspl = generator.uniform(90, 125)
    if label != "background":
        source = render(label, generator, sample_rate)
        # Three in four paths lead over or round something.
        detour_m = float(generator.exponential(0.3)) if generator.random() < 0.75 else 0.0
        left_s = (count - start) / sample_rate
        sound = receive(source, distance_m, atmosphere, echoes, generator, longest_s=left_s, detour_m=detour_m)
        pressure[start : start + len(sound)] += sound
    return record(pressure, sample_rate, full_scale_dbspl)
