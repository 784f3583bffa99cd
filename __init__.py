"""Tocsin hears gunfire, tells it from other bangs, and says where it happened.

What the commands do, from Python (``docs/api.md``)::

    model = tocsin.load_model()
    model.classify("x.wav")  # the probability of each class
    model.detect("x.wav").to_dataframe()  # a row a bang
    tocsin.locate("array_recording").to_dataframe()  # a row a shot

The folders, in the order the data take; each loads what it names only when it is used:

- ``tocsin.acoustics``: physics: the atmosphere, sources, propagation, scenes with known truth
- ``tocsin.data``: audio reading, manifests, splits that cannot leak; ``public`` sets, ``checks`` of data
- ``tocsin.models``: mel front end, networks, weight cards, the shipped weights
- ``tocsin.training``: training, and export to ONNX
- ``tocsin.inference``: the exported model on audio: annotate, pick, stream. Never imports torch
- ``tocsin.localization``: detections to shots and incidents, in rooms of which each stands above the next: ``stream``,
  ``incidents``, ``fitting``, ``association``, ``observation``. Never imports torch
- ``tocsin.evaluation``: ``hearing``, the standard report on weights; ``demo``, the simulated neighbourhood
- ``tocsin.configs``: Hydra configuration; an experiment is one small file
- ``tocsin.cli``: the command ``tocsin <verb>``
"""

import lazy_loader

__version__ = "0.1.0"


class TocsinError(Exception):
    """Bad input. The message is one sentence: what, where, what was expected, what to type.

    The command line prints it without a traceback and exits with 1.
    """


# The names are those of ``__init__.pyi``, beside this file; each is imported when it is first asked for.
__getattr__, _, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["TocsinError"]


def __dir__():
    return [*__all__, "__version__"]
