"""Physics only: the atmosphere, sources of bangs, propagation, and scenes whose truth is known."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
