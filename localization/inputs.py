"""What ``tocsin locate`` takes: an array recording, whose bangs are heard first, or a table of detections."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tocsin import TocsinError
from tocsin.data.dataframes import Table
from tocsin.inference.detection import Detection, read_detections
from tocsin.inference.field_types import EXAMPLE_TIME
from tocsin.localization.association.consensus import LEAST_SENSORS
from tocsin.localization.observation.resolution import time_step_s

if TYPE_CHECKING:
    from tocsin.inference.array_recording import Weather
    from tocsin.inference.model import Model


def read_input(
    name: str, load_model: Callable[[], "Model | None"] | None = None, complain: Callable[[str], None] | None = None
) -> "tuple[Table[Detection], Weather | None]":
    """Detections of an input, and the weather where it states one.

    Args:
        name: path of a folder with ``recordings.csv``, or of a ``.csv`` or ``.jsonl`` of detections.
        load_model: called for audio alone; where it gives ``None``, bangs are picked and not classified. The shipped
            weights where it is not given.
        complain: called with a sentence for each recording that cannot be read, and for each line that is no
            detection; the others go on.

    Raises:
        TocsinError: it is neither an array recording nor a table of detections, or not as its contract says; its times
            are in whole seconds; or a recording or a line cannot be read and nobody takes the complaint.
    """
    path = Path(name)
    try:
        exists, folder = path.exists(), path.is_dir()
    except OSError:  # a name too long for the file system
        exists = folder = False
    if folder:
        # Only here: to locate detections, as a stream does, loads no onnxruntime.
        from tocsin.inference.array_recording import detect_array, read_array_recording

        array = read_array_recording(path)
        model = load_model() if load_model else None
        classify = load_model is None or model is not None
        return detect_array(array, model, classify=classify, complain=complain), array.weather
    if not exists:
        raise TocsinError(
            f"{name} does not exist: give a folder with recordings.csv, or a .csv or .jsonl of detections"
        )
    detections = read_detections(path, complain)
    if len({item.sensor_id for item in detections}) >= LEAST_SENSORS and time_step_s(detections) >= 1.0:
        raise TocsinError(
            f"{name}: its times are in whole seconds, in which sound goes 340 m, so no shot can be placed: write them "
            f"to the millisecond, such as {EXAMPLE_TIME}"
        )
    return detections, None
