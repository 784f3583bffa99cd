"""YAMNet as a teacher: its scores of every recording, so that a small network learns what two million clips taught it.

Training on few sessions of gunshots and fewer of fireworks, the network is also asked, by a second head that is thrown
away afterwards, what YAMNet (AudioSet's 521 classes, Apache-2.0) says of the same second of the recording, at its full
bandwidth and before any augmentation: distillation (Hinton et al., arXiv 1503.02531) with a teacher that hears more
than its pupil. The classes of human voices are left out: Tocsin learns nothing of them.
"""

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin import TocsinError
from tocsin.data.audio import read_audio

SAMPLE_RATE, WINDOW = 16_000, 15_600
GRID_S, GRID_START_S = 0.1, -0.3
# AudioSet's human voices (0 to 46, speech to breathing) and crowds (63 to 66, chatter to children) are not asked for.
TAUGHT = np.r_[47:63, 67:521]


class Teacher:
    """Scores of recordings on a grid of windows, kept in a folder so that they are computed once.

    Args:
        path: YAMNet as a ``.tflite`` file that takes 15,600 samples at 16 kHz.
        cache: folder for the scores; a file is found by its content, not by its name.

    Raises:
        TocsinError: the file does not exist, is not such a model, or ``ai-edge-litert`` is not installed.
    """

    def __init__(self, path: str | Path, cache: str | Path) -> None:
        self._listen = yamnet(Path(path))
        self.cache = Path(cache)

    def scores(self, path: Path) -> NDArray[np.float16]:
        """Scores of the taught classes, shape ``(windows, len(TAUGHT))``, a window every ``GRID_S``."""
        kept = self.cache / f"{hashlib.sha256(path.read_bytes()).hexdigest()[:32]}.npy"
        if kept.is_file():
            scores: NDArray[np.float16] = np.load(kept)
            return scores
        samples = np.pad(read_audio(path, SAMPLE_RATE).samples, (round(-GRID_START_S * SAMPLE_RATE), WINDOW))
        starts = range(0, len(samples) - WINDOW, round(GRID_S * SAMPLE_RATE))
        scores = np.stack([self._listen(samples[at : at + WINDOW])[TAUGHT] for at in starts]).astype(np.float16)
        self.cache.mkdir(parents=True, exist_ok=True)
        # Processes that train together write the same file: whole or not at all.
        with tempfile.NamedTemporaryFile(dir=self.cache, delete=False) as file:
            np.save(file, scores)
        Path(file.name).replace(kept)
        return scores


def teaching(scores: NDArray[np.float16], start_s: float, duration_s: float) -> NDArray[np.float32]:
    """What the teacher says of a stretch of the recording: the highest of its windows that lie in it, ``(classes,)``.

    ``scores`` has shape ``(windows, classes)``; at least the window that starts nearest to ``start_s`` speaks.
    """
    first, last = (
        min(max(round((at_s - GRID_START_S) / GRID_S), 0), len(scores) - 1)
        for at_s in (start_s, start_s + duration_s - WINDOW / SAMPLE_RATE)
    )
    highest: NDArray[np.float32] = scores[first : max(first, last) + 1].max(axis=0).astype(np.float32)
    return highest


def yamnet(path: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """YAMNet on one thread: a window ``(15600,)`` at 16 kHz to scores ``(521,)`` in 0 … 1.

    Raises:
        TocsinError: the file does not exist, is not such a model, or ``ai-edge-litert`` is not installed.
    """
    if not path.is_file():
        raise TocsinError(f"{path} does not exist: expected YAMNet as a .tflite file")
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise TocsinError("YAMNet needs LiteRT: type `pip install ai-edge-litert`") from error
    interpreter: Any = Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    (given,), (got,) = interpreter.get_input_details(), interpreter.get_output_details()
    if list(given["shape"]) != [WINDOW] or list(got["shape"]) != [1, 521]:
        shapes = f"takes {list(given['shape'])} and gives {list(got['shape'])}"
        raise TocsinError(f"{path} {shapes}: expected YAMNet, [15600] to [1, 521]")

    def listen(window: NDArray[np.float32]) -> NDArray[np.float32]:
        interpreter.set_tensor(given["index"], window.astype(np.float32, copy=False))
        interpreter.invoke()
        scores: NDArray[np.float32] = interpreter.get_tensor(got["index"])[0]
        return scores

    return listen
