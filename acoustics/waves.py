"""The pieces that sources are made of: blasts, shocks, ringing bodies, and sums of them in time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import oaconvolve

Pressure = NDArray[np.float64]

REFERENCE_PA = 20e-6
NEAR_GROUND_M = 1.5
# Decay of a Friedlander wave without impulse. Far from a source of finite size the pressure of a spherical wave adds up
# to nothing over its whole time: a compression has a rarefaction behind it (Landau and Lifshitz 1987, §70).
BALANCED = 1.0


@dataclass(frozen=True)
class Source:
    """Sound of one event at one metre.

    Attributes:
        pressure_pa: pressure against time, shape ``(n,)``; the first sample is the moment of discharge.
        sample_rate: Hz.
        height_m: above the ground.
    """

    pressure_pa: Pressure
    sample_rate: int
    height_m: float = NEAR_GROUND_M


def peak_pa(level_db: float) -> float:
    """Pressure in pascals of a peak level in dB re 20 µPa."""
    return float(REFERENCE_PA * 10 ** (level_db / 20))


def friedlander(peak_pa: float, positive_s: float, decay: float, sample_rate: int) -> Pressure:
    """Blast wave ``p(t) = P (1 − t/τ) exp(−b t/τ)`` from its shock to ten positive phases later (Friedlander 1946).

    The value of each sample is the mean over its interval: a shock sampled as it stands would alias.

    Args:
        peak_pa: P, pascals at one metre.
        positive_s: τ, seconds until the pressure crosses zero.
        decay: b, without unit; 1 makes the impulse of the suction equal that of the blast.
        sample_rate: Hz.
    """
    edges = np.arange(int(np.ceil(10 * positive_s * sample_rate)) + 1) / sample_rate / positive_s
    # ∫ (1 − u) exp(−b u) du
    integral = np.exp(-decay * edges) * (edges / decay + 1 / decay**2 - 1 / decay)
    return peak_pa * positive_s * sample_rate * np.diff(integral)


def n_wave(peak_pa: float, duration_s: float, sample_rate: int, late_s: float = 0.0) -> Pressure:
    """Shock, straight fall to the same suction, shock: ``p(t) = P (1 − 2 t/T)`` for T seconds, then nothing.

    Each sample is the mean over its interval.

    Args:
        peak_pa: P, pascals.
        duration_s: T.
        sample_rate: Hz.
        late_s: starts this much after the first sample.
    """
    edges = np.arange(int(np.ceil((duration_s + late_s) * sample_rate)) + 1) / sample_rate
    share = np.clip((edges - late_s) / duration_s, 0, 1)
    return peak_pa * duration_s * sample_rate * np.diff(share - share**2)


def ringing(modes_hz: ArrayLike, weights: ArrayLike, decay_s: ArrayLike, length_s: float, sample_rate: int) -> Pressure:
    """Impulse response of a body: damped sines, each of its frequency, weight and time to 1/e; those above 0.45 fs go.

    Args:
        modes_hz: frequencies, ``(m,)``.
        weights: peak of each, ``(m,)``.
        decay_s: of each, ``(m,)``.
        length_s: of the response.
        sample_rate: Hz.
    """
    frequency, weight, decay = np.broadcast_arrays(
        np.asarray(modes_hz, float), np.asarray(weights, float), np.asarray(decay_s, float)
    )
    heard = frequency < 0.45 * sample_rate
    count = round(length_s * sample_rate)
    poles = (2j * np.pi * frequency[heard] - 1 / decay[heard])[:, None] / sample_rate
    # exp(p (64 i + j)) is a product: two short rows of exponentials for each mode, and a matrix product over the modes.
    coarse = weight[heard, None] * np.exp(poles * np.arange(0, count, 64))
    response = (coarse.T @ np.exp(poles * np.arange(1, 65))).imag.ravel()[:count]
    return response / max(float(np.abs(response).max(initial=0.0)), 1e-12)


def place(parts: list[tuple[float, Pressure]], sample_rate: int) -> Pressure:
    """Sum of sounds that start at given seconds."""
    starts = [round(max(when, 0.0) * sample_rate) for when, _ in parts]
    total = np.zeros(max(start + len(part) for start, (_, part) in zip(starts, parts, strict=True)))
    for start, (_, part) in zip(starts, parts, strict=True):
        total[start : start + len(part)] += part
    return total


def train(at_s: Pressure, levels: Pressure, pulse: Pressure, sample_rate: int) -> Pressure:
    """Sum of many of one pulse, at given seconds, each times its level."""
    starts = np.round(np.maximum(at_s, 0) * sample_rate).astype(int)
    impulses = np.zeros(starts.max() + 1)
    np.add.at(impulses, starts, levels)
    return oaconvolve(impulses, pulse)
