"""Was it gunfire? Evidence of all sensors that heard a sound, and of those that should have."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from tocsin.inference.detection import Detection

Array = npt.NDArray[np.float64]

EVEN_SCORE, SCORE_SCALE = 8.0, 3.0  # of the probability that the arrivals belong to one sound
# Share of gunshots among the sounds for which the shipped weights state probabilities (``gunshot_share`` of the card).
STATED_FOR = 0.05
# Of two sensors that hear one sound: the likeliest over incidents of simulated neighbourhoods,
# `benchmarks/location/reliability.py --first-seed 100 --seeds 27`.
ERRORS_CORRELATE = 0.85
# Logarithm of the likelihood ratio of gunfire to a burst 60 to 200 m up, where the source is called airborne: 2 in 100
# on the ground are at worst, 44 in 100 of the bursts (`benchmarks/location/elevation.py`), so 1 to 20.
AIRBORNE_LOG_RATIO = -3.0
OTHER_KINDS: tuple[Literal["fireworks", "backfire", "impulse"], ...] = ("fireworks", "backfire", "impulse")
KINDS = ("gunshot", *OTHER_KINDS)
# Shares of the kinds but the first that the weights state on average of held-out sessions of no gunshot, background
# aside: printed by `benchmarks/location/class_scores.py`.
OTHER_SHARES = np.array([0.107, 0.064, 0.829])
EVEN_SHARES = np.append(0.5, 0.5 * OTHER_SHARES)  # an isolated sound is as likely gunfire as not


def gunfire_probability(detections: Sequence[Detection], airborne: bool = False) -> float:
    """Probability that a sound was gunfire, from all its detections, where even odds are its prior.

    These stay even odds where no detection carries class probabilities. A sensor speaks by its likelihood ratio: the
    odds that it states over those for which it states them (``STATED_FOR``). Its logarithms are averaged and counted
    for as many sensors as there would be if they did not err together: n sensors whose errors correlate by ρ are worth
    n / (1 + (n − 1) ρ) (Kish 1965, the design effect). ``background`` says that a sensor heard little, not what it
    heard: it takes weight from a sensor instead. Where the source was ``airborne`` this counts once, for the height is
    one measurement of all sensors.
    """
    log_ratio = AIRBORNE_LOG_RATIO if airborne else 0.0
    heard = [item.probabilities for item in detections if "gunshot" in item.probabilities]
    if not heard:
        return float(expit(log_ratio))
    loud, weights, worth = _weights(heard)
    shares = np.clip([item["gunshot"] for item in heard] / np.maximum(loud, 1e-6), 0.001, 0.999)
    return float(expit(worth * np.average(logit(shares) - logit(STATED_FOR), weights=weights) + log_ratio))


def likelihoods_of_kinds(detections: Sequence[Detection], airborne: bool = False) -> Array:
    """Likelihood of what sensors heard if a sound was of each of ``KINDS``, up to a factor, ``(kinds,)``.

    With ``EVEN_SHARES`` gunfire is as probable as :func:`gunfire_probability` says. Among the other kinds a sensor's
    shares are weighed against those for which it states them, and pooled over sensors as there.
    """
    gunfire = gunfire_probability(detections, airborne)
    ratio = gunfire / max(1.0 - gunfire, 1e-12)
    heard = [item.probabilities for item in detections if "gunshot" in item.probabilities]
    if not heard:
        return np.append(ratio, np.ones(len(KINDS) - 1))
    _, weights, worth = _weights(heard)
    stated = np.log(np.maximum([[item.get(kind, 0.0) for kind in OTHER_KINDS] for item in heard], 0.001))
    pooled = worth * np.average(stated - np.log(OTHER_SHARES), axis=0, weights=weights)
    likelihoods = np.exp(pooled - pooled.max())
    return np.append(ratio, likelihoods / (OTHER_SHARES @ likelihoods))


def _weights(heard: Sequence[dict[Any, float]]) -> tuple[Array, Array, float]:
    """How surely each sensor heard more than background, its weight, and as how many sensors all count."""
    loud = np.array([1.0 - item.get("background", 0.0) for item in heard])
    weights = np.maximum(loud, 0.01)
    sensors = weights.sum() ** 2 / (weights**2).sum()
    return loud, weights, float(sensors / (1.0 + (sensors - 1.0) * ERRORS_CORRELATE))


def rounds_probability(probabilities: Sequence[float]) -> float:
    """Probability that an incident was gunfire, from those of its rounds.

    Rounds of one place sound alike and err together: their log-odds are averaged, not added up.
    """
    shares = np.clip(probabilities, 1e-4, 1.0 - 1e-4)
    return float(expit(np.mean(logit(shares))))


def weigh_silence(probability: float, gunfire: float, hearing: npt.NDArray[np.float64]) -> float:
    """Probability of a shot after sensors that are up and should have heard it stayed silent.

    Args:
        probability: of the shot: that its arrivals are one sound, times that this sound was gunfire.
        gunfire: the second of the two factors.
        hearing: for each silent sensor the probability that it picks such a shot, ``(n,)``.
    """
    one_sound = float(np.clip(probability / max(gunfire, 1e-9), 1e-9, 1.0 - 1e-9))
    return float(gunfire * expit(logit(one_sound) + np.log1p(-hearing).sum() / SCORE_SCALE))
