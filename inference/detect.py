"""Events of a whole waveform or file."""

from numpy.typing import ArrayLike

from tocsin.inference.model import Model
from tocsin.inference.pick import Event
from tocsin.inference.stream import EventStream


def detect(
    samples: ArrayLike, sample_rate: int, model: Model | None = None, threshold: float | None = None
) -> list[Event]:
    """All events of a waveform ``(n,)`` in −1 … 1, in order of time, whatever their class.

    Args:
        samples: mono audio.
        sample_rate: Hz.
        model: the exported model; the shipped weights when ``None``.
        threshold: gunshot probability from which an event is called a gunshot; the card's own when ``None``.

    Raises:
        TocsinError: the samples are of several channels, or one is NaN or infinite; or the sample rate is too low.
    """
    stream = EventStream(model or Model(), sample_rate, threshold)
    return stream.push(samples) + stream.flush()
