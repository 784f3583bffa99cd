"""Mel front end, networks, registry, weight cards and the shipped weights.

This module is light, so that the shipped weights are found without torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
