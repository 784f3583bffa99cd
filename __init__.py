"""Tocsin hears gunfire, tells it from other bangs, and says where it happened.

The folders, in the order the data take:

- ``tocsin.acoustics``: physics: the atmosphere, sources, propagation, scenes with known truth
- ``tocsin.data``: audio reading, manifests, splits that cannot leak, readers of published recordings
- ``tocsin.models``: mel front end, networks, weight cards, the shipped weights
- ``tocsin.training``: training, and export to ONNX
- ``tocsin.inference``: the exported model on audio: annotate, pick, stream. Never imports torch
- ``tocsin.localization``: detections to shots and incidents: associate, locate. Never imports torch
- ``tocsin.evaluation``: scores against truth, the demo
- ``tocsin.configs``: Hydra configuration; an experiment is one small file
- ``tocsin.cli``: the command ``tocsin <verb>``
"""

__version__ = "0.1.0"


class TocsinError(Exception):
    """Bad input. The message is one sentence: what, where, what was expected, what to type.

    The command line prints it without a traceback and exits with 1.
    """
