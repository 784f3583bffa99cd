"""The exported model on audio: annotate, pick, stream. Never imports torch."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
