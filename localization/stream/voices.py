"""Whether most sensors contradict what is taken to hold of a stream: its frame and site, or its time.

The first word decides nothing for ever. Each sensor that spoke lately has one voice, its last; what contradicts is held
back, and where more sensors contradict, in one sense, than agree, theirs is what holds from then on.
"""

from collections import deque
from collections.abc import Callable

from tocsin.inference.detection import Detection
from tocsin.localization.association.consensus import LEAST_SENSORS

LATELY = 1000  # messages: a sensor that sent none of so many has no voice


class Voices:
    """The last word of each sensor, and what was held back.

    Args:
        alike: whether two detections that contradict do so in one sense.
    """

    def __init__(self, alike: Callable[[Detection, Detection], bool]) -> None:
        self._alike = alike
        self._heard = 0
        self._last: dict[str, tuple[int, Detection | None]] = {}  # in order; with what contradicts
        self._held: deque[Detection] = deque(maxlen=LATELY)

    def __len__(self) -> int:
        """Detections that are held back."""
        return len(self._held)

    def agree(self, sensor_id: str) -> None:
        """A sensor says what is taken to hold."""
        self._note(sensor_id, None)

    def contradict(self, detection: Detection) -> list[Detection]:
        """A sensor says something else, and what it says is held back.

        Returns:
            Nothing while few contradict in its sense. Else all that was held back, in the order in which it came;
            then nothing is held back any more, and no sensor has spoken.
        """
        self._note(detection.sensor_id, detection)
        self._held.append(detection)
        contradicting = [said for _, said in self._last.values() if said is not None]
        enough = max(LEAST_SENSORS, len(self._last) - len(contradicting) + 1)
        if len(contradicting) < enough or sum(self._alike(detection, said) for said in contradicting) < enough:
            return []
        held = list(self._held)
        self.clear()
        return held

    def clear(self) -> None:
        """Nothing is held back, and no sensor has spoken."""
        self._last.clear()
        self._held.clear()

    def _note(self, sensor_id: str, said: Detection | None) -> None:
        self._heard += 1
        self._last.pop(sensor_id, None)
        self._last[sensor_id] = (self._heard, said)
        while next(iter(self._last.values()))[0] <= self._heard - LATELY:
            del self._last[next(iter(self._last))]
