"""From logits to honest probabilities, and the threshold that goes with a stated share of false positives."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logsumexp, softmax
from sklearn.metrics import roc_auc_score

from tocsin import TocsinError
from tocsin.training.module import GUNSHOT

Logits = NDArray[np.float64]
Weights = NDArray[np.float64]

LEAST = 0.1  # the lowest threshold that a card states


def fit_temperature(logits: Logits, labels: NDArray[np.int64], weights: Weights) -> float:
    """Temperature that minimizes the negative log-likelihood, each class counting alike (Guo et al. 2017, eq. 9).

    Args:
        logits: ``(windows, classes)``.
        labels: ``(windows,)``.
        weights: ``(windows,)``, what a window counts among those of its class.
    """
    of_class = np.bincount(labels, weights, minlength=logits.shape[1])
    balanced = weights / of_class[labels]

    def loss(log_temperature: float) -> float:
        likelihood = log_softmax(logits / np.exp(log_temperature), axis=1)[np.arange(len(labels)), labels]
        return float(-np.sum(balanced * likelihood))

    return float(np.exp(minimize_scalar(loss, bounds=(-2.5, 2.5), method="bounded").x))


def fit_gunshot_temperature(logits: Logits, positive: NDArray[np.bool_], weights: Weights) -> float:
    """Temperature that minimizes the negative log-likelihood of "gunshot" and "no gunshot".

    Args:
        logits: ``(n, classes)``.
        positive: whether a gunshot, ``(n,)``.
        weights: what each counts, ``(n,)``.
    """

    def loss(log_temperature: float) -> float:
        said = log_softmax(logits / np.exp(log_temperature), axis=1)
        others = logsumexp(np.delete(said, GUNSHOT, axis=1), axis=1)
        return float(-np.sum(weights * np.where(positive, said[:, GUNSHOT], others)))

    return float(np.exp(minimize_scalar(loss, bounds=(-2.5, 2.5), method="bounded").x))


def choose_threshold(gunshot: NDArray[np.float64], labels: NDArray[np.int64], weights: Weights, share: float) -> float:
    """Smallest gunshot probability that at most ``share`` of the other windows, by weight, reach; never below LEAST.

    Raises:
        TocsinError: every window is a gunshot.
    """
    others = labels != GUNSHOT
    if not others.any():
        raise TocsinError("no threshold can be chosen: validation holds nothing but gunshots")
    descending = np.argsort(-gunshot[others], kind="stable")
    reached = np.cumsum(weights[others][descending]) > share * weights[others].sum()
    # Just above the highest score that must not pass: equal scores then stay below together.
    barred = gunshot[others][descending][np.argmax(reached)]
    return float(max(np.nextafter(barred, 2.0), LEAST))


def scores(logits: Logits, labels: NDArray[np.int64], temperature: float, threshold: float) -> dict[str, Any]:
    """Figures of one part for the weight card: windows as recorded, one a row."""
    probabilities = softmax(logits / temperature, axis=1)
    gunshot, is_gunshot = probabilities[:, GUNSHOT], labels == GUNSHOT
    present = np.unique(labels)
    recalls = [float(np.mean(probabilities.argmax(1)[labels == label] == label)) for label in present]
    return {
        "windows": len(labels),
        "gunshots": int(is_gunshot.sum()),
        "gunshot_auc": round(float(roc_auc_score(is_gunshot, gunshot)), 4) if len(np.unique(is_gunshot)) == 2 else None,
        "balanced_accuracy": round(float(np.mean(recalls)), 4),
        "recall_at_threshold": round(float(np.mean(gunshot[is_gunshot] >= threshold)), 4) if is_gunshot.any() else None,
        "false_positive_rate_at_threshold": round(float(np.mean(gunshot[~is_gunshot] >= threshold)), 4),
    }
