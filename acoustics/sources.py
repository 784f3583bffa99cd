"""What bangs sound like at one metre: pressure in pascals against time, from physics, not from recordings."""

import numpy as np

from tocsin import TocsinError
from tocsin.acoustics.fireworks import fireworks
from tocsin.acoustics.gunfire import gunshot
from tocsin.acoustics.impacts import impulse
from tocsin.acoustics.machines import backfire
from tocsin.acoustics.waves import REFERENCE_PA, Source, friedlander

__all__ = ["REFERENCE_PA", "Source", "backfire", "fireworks", "friedlander", "gunshot", "impulse", "render"]

MOST_ROUNDS = 24


def render(label: str, generator: np.random.Generator, sample_rate: int, distance_m: float | None = None) -> Source:
    """One event, drawn at random.

    Args:
        label: ``gunshot`` (a round, or a burst of up to 24), ``fireworks``, ``backfire``, or ``impulse`` (hammering,
            nail guns, doors, things dropped, claps).
        generator: of all that is random.
        sample_rate: Hz.
        distance_m: of the microphone, see ``gunshot``.

    Raises:
        TocsinError: no source is known for the label.
    """
    if label == "gunshot":
        most = int(np.exp(generator.uniform(np.log(2), np.log(MOST_ROUNDS))))
        return gunshot(generator, sample_rate, 1 if generator.random() < 0.5 else most, distance_m)
    others = {"fireworks": fireworks, "backfire": backfire, "impulse": impulse}
    if label not in others:
        raise TocsinError(f"no sound source for {label!r}: there are gunshot, fireworks, backfire and impulse")
    return others[label](generator, sample_rate)
