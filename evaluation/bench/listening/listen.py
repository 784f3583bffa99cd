"""Recordings heard by a detector, several at once, as tables of the bench's log."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tocsin import TocsinError
from tocsin.data.audio import Audio, read_audio
from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.bench.listening.detector import Detector, Heard
from tocsin.evaluation.bench.listening.tagging import TaggingDetector
from tocsin.evaluation.bench.listening.weights import TocsinDetector
from tocsin.evaluation.judging.quiet import LEAD_IN_S, sounding_s, with_lead_in
from tocsin.evaluation.judging.side_by_side import side_by_side

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Listened:
    """What was heard.

    Attributes:
        recordings: those that were heard, with ``duration_s`` as the seconds of them that are sound.
        detections: a row a detection: ``recording``, ``onset_s``, ``offset_s``, ``score`` and the detector's own.
        unheard: the sentence that says why, of each recording that was not heard.
    """

    recordings: "pandas.DataFrame"
    detections: "pandas.DataFrame"
    unheard: dict[str, str]


def open_detector(given: Sequence[str | Path], target: str = "gunshot") -> Detector:
    """The detector of an adapter file (``.toml``), or of one or several of Tocsin's weights; the shipped ones of none.

    Raises:
        TocsinError: it cannot be opened, or an adapter file is given beside others.
    """
    adapters = [path for path in given if str(path).endswith(".toml")]
    if not adapters:
        return TocsinDetector(given, target)
    if len(given) > 1:
        raise TocsinError(f"{adapters[0]}: an adapter file is a detector of its own, and {len(given)} files are given")
    return TaggingDetector(Path(adapters[0]))


def listen(
    recordings: "pandas.DataFrame",
    detector: Detector,
    workers: int = 1,
    complain: Callable[[str], None] = lambda sentence: None,
) -> Listened:
    """Hear every recording; one that cannot be heard is complained of and left out, and the rest goes on.

    Args:
        recordings: a row a recording: ``recording``, ``path``, and where known ``session``, ``start_s`` and ``end_s``
            (the part of the file that is the recording, seconds, NaN for its start or end), and ``lead_in`` (whether it
            may begin inside its bang, and so is played to a detector that picks onsets after half a second of noise, 60
            dB below its peak).
        detector: what hears them.
        workers: threads that take a recording each; what is heard does not depend on their number.
        complain: is given the sentence for each recording that was not heard, in the order of ``recordings``.

    Raises:
        TocsinError: a column is missing, or no recording at all could be heard.
    """
    pandas = pandas_module()
    for name in ("recording", "path"):
        if name not in recordings:
            raise TocsinError(f"recordings: the column {name} is missing, found {', '.join(recordings.columns)}")
    rows = recordings.to_dict("records")
    answers = side_by_side(lambda row: _heard(row, detector), rows, workers, f"listening ({detector.name})")
    kept, durations, unheard = [], [], {}
    table: list[dict[str, Any]] = []
    for place, (row, answer) in enumerate(zip(rows, answers, strict=True)):
        if isinstance(answer, str):
            unheard[str(row["recording"])] = answer
            complain(answer)
            continue
        duration_s, bangs = answer
        kept.append(place)
        durations.append(duration_s)
        table += [
            {
                "recording": row["recording"],
                "onset_s": bang.onset_s,
                "offset_s": bang.offset_s,
                "score": bang.score,
                **bang.extra,
            }
            for bang in bangs
        ]
    if not kept:
        first = f", the first because {next(iter(unheard.values()))}" if unheard else ""
        raise TocsinError(f"none of the {len(rows)} recordings could be heard{first}")
    heard = recordings.iloc[kept].reset_index(drop=True).assign(duration_s=durations)
    columns = None if table else ["recording", "onset_s", "offset_s", "score"]
    return Listened(heard, pandas.DataFrame(table, columns=columns), unheard)


def _heard(row: dict[str, Any], detector: Detector) -> tuple[float, Sequence[Heard]] | str:
    """Seconds of sound and what was heard, or why nothing was."""
    path = Path(row["path"])
    start_s, end_s = _number(row.get("start_s")) or 0.0, _number(row.get("end_s"))
    try:
        duration_s = sounding_s(path, start_s, end_s)
        if duration_s <= 0:
            return f"{path}: it is silent from end to end"
        lead_in = detector.picks_onsets and bool(row.get("lead_in", False))
        audio: Path | Audio = path
        if lead_in or start_s > 0 or end_s is not None:
            audio = read_audio(path, start_s=start_s, duration_s=None if end_s is None else end_s - start_s)
        session = str(row.get("session") or row["recording"])
        if not lead_in:
            return duration_s, detector.detect(audio, session)
        assert isinstance(audio, Audio)
        bangs = detector.detect(with_lead_in(audio), session)
    except TocsinError as error:
        said = str(error)
        return said if said.startswith(str(path)) else f"{path}: {said}"
    return duration_s, [
        Heard(max(0.0, bang.onset_s - LEAD_IN_S), bang.score, bang.offset_s - LEAD_IN_S, bang.extra) for bang in bangs
    ]


def _number(value: Any) -> float | None:
    """A number of a table; None where it is missing."""
    return None if value is None or value != value else float(value)
