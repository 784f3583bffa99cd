"""Models by name: ``create("tocsin_s", …)``. A module of this folder registers its entry points with ``@register``."""

import importlib
from collections.abc import Callable
from typing import TypeVar

from tocsin import TocsinError
from tocsin.models.base import WaveformClassifier

Factory = TypeVar("Factory", bound=Callable[..., WaveformClassifier])

_FACTORIES: dict[str, Callable[..., WaveformClassifier]] = {}
# Modules that register models; named here, so that a name is found without importing by hand.
_FAMILIES = ("tocsin.models.cnn", "tocsin.models.two_tails")


def register(factory: Factory) -> Factory:
    """Make a function ``(n_classes, sample_rate) -> WaveformClassifier`` known under its own name."""
    _FACTORIES[factory.__name__] = factory
    return factory


def list_models() -> list[str]:
    """Names that :func:`create` knows."""
    for family in _FAMILIES:
        importlib.import_module(family)
    return sorted(_FACTORIES)


def create(name: str, n_classes: int, sample_rate: int) -> WaveformClassifier:
    """A model with fresh weights; it takes ``(batch, samples)`` and gives logits ``(batch, n_classes)``.

    Raises:
        TocsinError: no model of that name.
    """
    if name not in list_models():
        raise TocsinError(f"no model named {name!r}; type one of {', '.join(list_models())}")
    return _FACTORIES[name](n_classes=n_classes, sample_rate=sample_rate)
