"""How likely gunfire is before one sound is judged: from what the other sounds nearby were, of the last minutes.

On a night of fireworks a bang that is rather a shot than not is mostly a firework all the same. How many of each kind
of bang there are is not known beforehand, but the sounds located tell: their shares are those that make what was heard
likeliest (Saerens, Latinne & Decaestecker 2002, *Neural Computation* 14, equation 2.9; it is empirical Bayes in the
sense of Robbins 1956). With prior shares θ the share of kind k among n sounds of likelihoods L is, until it stays,

    θ_k ← (c·b_k + Σ w·θ_k·L_k / Σ_j θ_j·L_j) / (c + Σ w)

with as many pseudo-counts c of the shares b from which an isolated sound starts: even odds of gunfire. A sound plays no
part in its own prior. The weights w of the sounds nearby are lowered alike so that ``NO_NIGHT`` of them count nothing:
a few bangs are no night of fireworks, and say little of what the next one is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from tocsin.inference.detection import Detection
from tocsin.localization.incidents.evidence import EVEN_SHARES, gunfire_probability, likelihoods_of_kinds
from tocsin.localization.incidents.grouping import SAME_INCIDENT_M, SAME_INCIDENT_S
from tocsin.localization.incidents.shot import Shot

Array = npt.NDArray[np.float64]

NEARBY_M, NEARBY_S = 1500.0, 600.0  # along each axis, and before or after
PSEUDO_COUNTS = 20.0
NO_NIGHT = 30.0  # sounds nearby that make no night of fireworks yet: they do not count
_ITERATIONS = 30


@dataclass(frozen=True)
class Sound:
    """A sound located: place ``(2,)`` in a plane, seconds since 1970, likelihood of each kind, and what it counts."""

    place_m: Array
    time_s: float
    likelihoods: Array
    weight: float


def sound_of(shot: Shot, detections: Sequence[Detection], place_m: Array) -> Sound:
    """What a shot, of its detections, tells of others; its ``probability`` is that from even odds.

    It counts by the probability that its arrivals are one sound at all.
    """
    weight = shot.probability / max(gunfire_probability(detections, shot.airborne), 1e-9)
    at_s = shot.discharge_time_utc.timestamp()
    return Sound(place_m, at_s, likelihoods_of_kinds(detections, shot.airborne), min(weight, 1.0))


def with_prior(shots: Sequence[Shot], sounds: Sequence[Sound], past: Sequence[Sound] = ()) -> list[Shot]:
    """Shots whose probabilities start from the shares of the sounds nearby, not from even odds.

    Args:
        shots: with their probabilities from even odds.
        sounds: what each of them tells.
        past: sounds before these shots, where not all of them are at hand.
    """
    if not shots:
        return []
    likelihoods = np.array([sound.likelihoods for sound in sounds])
    shares = shares_nearby([*sounds, *past])[: len(shots)]
    gunfire = shares[:, 0] * likelihoods[:, 0] / (shares * likelihoods).sum(axis=1)
    even = EVEN_SHARES[0] * likelihoods[:, 0] / (likelihoods @ EVEN_SHARES)
    factors = (gunfire / np.maximum(even, 1e-12)).tolist()
    return [
        replace(shot, probability=min(shot.probability * factor, 1.0))
        for shot, factor in zip(shots, factors, strict=True)
    ]


def shares_nearby(sounds: Sequence[Sound]) -> Array:
    """The shares of each kind from which each sound starts, ``(n, kinds)``, from the other sounds near it.

    Sounds within 50 m and 30 s are rounds of one incident: together they count as one sound, and for each other not.
    """
    likelihoods = np.array([sound.likelihoods for sound in sounds])
    weight = np.array([sound.weight for sound in sounds])
    near, rounds = _neighbours(sounds)
    counts = csr_array(near.multiply((weight / rounds)[None, :]))
    total = np.asarray(counts.sum(axis=1)).reshape(-1, 1)
    believed = np.maximum(1.0 - NO_NIGHT / np.maximum(total, NO_NIGHT), 0.0)
    shares = np.tile(EVEN_SHARES, (len(sounds), 1))
    for _ in range(_ITERATIONS):
        kinds = shares * likelihoods
        kinds /= kinds.sum(axis=1, keepdims=True)
        shares = (PSEUDO_COUNTS * EVEN_SHARES + believed * (counts @ kinds)) / (PSEUDO_COUNTS + believed * total)
    return shares


def _neighbours(sounds: Sequence[Sound]) -> tuple[csr_array, Array]:
    """Which sounds speak for which, ``(n, n)``, and how many rounds the incident of each has, ``(n,)``."""
    count = len(sounds)
    places_m = np.array([sound.place_m for sound in sounds]).reshape(count, 2)
    times_s = np.array([sound.time_s for sound in sounds])
    scaled = np.column_stack((places_m / NEARBY_M, (times_s - times_s.min()) / NEARBY_S))
    one, other = cKDTree(scaled).query_pairs(1.0, p=np.inf, output_type="ndarray").reshape(-1, 2).T
    apart_m = np.hypot(*(places_m[one] - places_m[other]).T)
    same = (apart_m <= SAME_INCIDENT_M) & (np.abs(times_s[one] - times_s[other]) <= SAME_INCIDENT_S)
    rounds = np.ones(count)
    np.add.at(rounds, np.concatenate((one[same], other[same])), 1.0)
    one, other = one[~same], other[~same]
    rows, columns = np.concatenate((one, other)), np.concatenate((other, one))
    return csr_array((np.ones(rows.size), (rows, columns)), shape=(count, count)), rounds
