"""What the ground adds: the wave that it reflects, by its impedance and by how low the sound comes in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import wofz

# Flow resistivity, Pa·s/m²: of snow and moss, of packed earth and gravel, of asphalt and concrete.
SOFTEST, TOWN, HARDEST = 1.2e4, 2e6, 2e7


@dataclass(frozen=True)
class Ground:
    """The ground between a source and a microphone.

    Attributes:
        flow_resistivity: effective, Pa·s/m²: 2·10⁵ a lawn, 2·10⁷ asphalt.
        source_height_m: above it.
        microphone_height_m: above it.
        roughness_m: root mean square height of what makes it uneven: curbs, cars, furrows.
    """

    flow_resistivity: float
    source_height_m: float
    microphone_height_m: float
    roughness_m: float = 0.0


def impedance(frequency_hz: NDArray[np.float64], flow_resistivity: float) -> NDArray[np.complex128]:
    """Surface impedance over that of air (Miki 1990, with the signs of ``exp(−iωt)``)."""
    ratio = np.maximum(frequency_hz, 1.0) / flow_resistivity
    return 1 + 0.0699 * ratio**-0.632 + 0.1071j * ratio**-0.632


def reflection(
    frequency_hz: NDArray[np.float64], distance_m: float, ground: Ground, speed_mps: float
) -> NDArray[np.complex128]:
    """Spherical-wave reflection coefficient Q of a ground of local reaction, with the signs of ``exp(−iωt)``.

    ``Q = R + (1 − R) F(w)``, R that of plane waves, ``F(w) = 1 + i √π w exp(−w²) erfc(−i w)``,
    ``w = √(i k r₂ / 2) (cos θ + 1/Z)`` (Chien and Soroka 1980).

    Args:
        frequency_hz: ``(n,)``.
        distance_m: horizontal.
        ground: heights and resistivity.
        speed_mps: of sound.
    """
    height_m = ground.source_height_m + ground.microphone_height_m
    reflected_m = np.hypot(distance_m, height_m)
    cosine = height_m / reflected_m
    admittance = 1 / impedance(frequency_hz, ground.flow_resistivity)
    plane = (cosine - admittance) / (cosine + admittance)
    wavenumber = 2 * np.pi * frequency_hz / speed_mps
    numerical = np.sqrt(0.5j * wavenumber * reflected_m) * (cosine + admittance)
    loss = 1 + 1j * np.sqrt(np.pi) * numerical * wofz(numerical)
    return plane + (1 - plane) * loss


def ground_gain(
    frequency_hz: NDArray[np.float64],
    distance_m: float,
    ground: Ground,
    speed_mps: float,
    coherence: float | NDArray[np.float64] = 1.0,
) -> NDArray[np.complex128]:
    """Pressure over that of the direct path alone, with the signs of ``numpy.fft``: ``1 + Q r₁/r₂ exp(−ik(r₂ − r₁))``.

    An uneven ground scatters the short waves: it mirrors ``exp(−2 (k σ cos θ)²)`` of what a flat one would (Rayleigh).

    Args:
        frequency_hz: ascending, ``(n,)``.
        distance_m: horizontal.
        ground: heights and resistivity.
        speed_mps: of sound.
        coherence: what turbulence leaves of the reflected wave, 0 to 1, at all or each frequency.
    """
    direct_m = np.hypot(distance_m, ground.source_height_m - ground.microphone_height_m)
    reflected_m = np.hypot(distance_m, ground.source_height_m + ground.microphone_height_m)
    nodes_hz = np.geomspace(10.0, max(float(frequency_hz[-1]), 20.0), 64)  # Q is smooth: the phase is what turns
    nodes = np.conj(reflection(nodes_hz, distance_m, ground, speed_mps))
    smooth = np.interp(frequency_hz, nodes_hz, nodes.real) + 1j * np.interp(frequency_hz, nodes_hz, nodes.imag)
    cosine = (ground.source_height_m + ground.microphone_height_m) / reflected_m
    uneven = np.exp(-2 * (2 * np.pi * frequency_hz / speed_mps * ground.roughness_m * cosine) ** 2)
    turn = np.exp((-2j * np.pi * (reflected_m - direct_m) / speed_mps) * frequency_hz)
    return 1 + coherence * uneven * direct_m / reflected_m * smooth * turn
