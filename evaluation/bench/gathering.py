"""From what an analyst types to logs: files are read, and where nothing was detected yet, a model listens."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tocsin import TocsinError
from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.bench.listening.listen import listen, open_detector
from tocsin.evaluation.bench.log import Log, make_log
from tocsin.evaluation.bench.reading.read_log import read_detector, read_log
from tocsin.evaluation.bench.reading.recognise import EventFile
from tocsin.evaluation.bench.reading.recordings import is_archive
from tocsin.inference.archive.dataset import DETECTIONS
from tocsin.inference.model import Model
from tocsin.models.card import shipped_weights


@dataclass(frozen=True)
class Given:
    """A log, and what its detector is known by.

    Attributes:
        log: of the detector.
        threshold: of the weight card, None where another said the detections; ``said`` whose it is.
        weights: the one file of weights that listened, None where there is no such.
    """

    log: Log
    threshold: float | None = None
    said: str = ""
    weights: Path | None = None


@dataclass(frozen=True)
class Gathering:
    """How files are read and recordings heard.

    Attributes:
        target: the label to tell.
        labels: new names of labels.
        columns: names of columns in detections of others; ``truth_columns`` in their labels.
        hours: that were listened to, where no recordings are given.
        workers: recordings heard at once.
        complain: gets a sentence for what is left out.
        inputs: names and hashes of all that was read, filled as it is read.
    """

    target: str
    labels: Mapping[str, str]
    columns: Mapping[str, str]
    truth_columns: Mapping[str, str]
    hours: float | None
    workers: int
    complain: Callable[[str], None]
    inputs: list[tuple[str, str]] = field(default_factory=list)

    def logs(
        self,
        recordings: Path | None,
        truth: Path | None,
        detections: Sequence[Path],
        models: Sequence[str],
        against: str | None,
    ) -> tuple[Given, Given | None]:
        """The log of a detector, and of the one that it is compared with.

        Raises:
            TocsinError: something cannot be read, or there are neither detections nor recordings to listen to.
        """
        if recordings is not None and not detections and not models and is_archive(recordings):
            detections = [recordings / DETECTIONS]
        if detections and models:
            raise TocsinError("--detections and --model are both given: either was already said or listens now")
        # Without recordings the detections say how many there are of --hours.
        alone = self._file(detections[0], self.columns) if recordings is None and detections else None
        labels = None if truth is None else self._file(truth, self.truth_columns)
        given = (recordings, labels, alone, self.target, self.labels, self.hours)
        log = read_log(*given, complain=self.complain)
        first = self._read(log, detections) if detections else self._hear(log, models)
        if against is None:
            return first, None
        listens = against.endswith((".onnx", ".toml")) or not Path(against).exists()
        second = self._hear(log, [against]) if listens else self._read(log, [Path(against)])
        return _same_recordings(first, second)

    def _file(self, path: Path, columns: Mapping[str, str]) -> EventFile:
        self._note(path)
        return EventFile(path, columns=columns)

    def _read(self, log: Log, paths: Sequence[Path]) -> Given:
        parts = [
            read_detector(log, self._file(path, self.columns), self.labels, complain=self.complain) for path in paths
        ]
        said = pandas_module().concat([part.detections for part in parts], ignore_index=True)
        # Of an archive the folder that it lies in has the name.
        names = [path.parent.name if path.name == DETECTIONS else path.stem for path in paths]
        name = " and ".join(dict.fromkeys(names))
        return Given(log.with_detections(said, name))

    def _hear(self, log: Log, models: Sequence[str]) -> Given:
        if not (log.recordings["path"] != "").any():
            raise TocsinError("no audio is given that a model could hear: give recordings, or --detections")
        detector = open_detector(list(models), self.target)
        heard = listen(_to_hear(log), detector, self.workers, self.complain)
        kept = set(heard.recordings["recording"].astype(str))
        truth = log.truth[log.truth["recording"].astype(str).isin(kept)]
        recordings = heard.recordings.drop(columns=["lead_in", "end_s"], errors="ignore")
        log = make_log(recordings, truth, heard.detections, log.target, detector.name)
        adapters = [name for name in models if name.endswith(".toml")]
        for name in adapters:
            self._note(Path(name))
        if adapters:
            return Given(log)
        files = [Path(name) if name.endswith(".onnx") else shipped_weights(name) for name in models]
        files = files or [shipped_weights()]
        for file in files:
            self._note(file)
        card = Model(files[0]).card
        return Given(log, card.threshold, f"of the card of {card.model_id}", files[0] if len(files) == 1 else None)

    def _note(self, path: Path) -> None:
        if path.is_file():
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            entry = (path.name, f"SHA-256 {digest}")
            if entry not in self.inputs:
                self.inputs.append(entry)


def _to_hear(log: Log) -> "pandas.DataFrame":  # type: ignore[name-defined]  # noqa: F821
    """The recordings as ``listen`` takes them: where a stretch ends, and what may begin inside its bang."""
    recordings = log.recordings
    weak = log.truth[log.truth["weak"] & (log.truth["label"] == log.target)]
    begins = recordings["recording"].isin(set(weak.loc[weak["onset_s"] <= 0, "recording"].astype(str)))
    frame = recordings.assign(lead_in=begins)
    if "start_s" in frame:
        # A whole file is read to its end, whatever its table says of its length.
        stretch = frame["recording"].astype(str).str.contains("#", regex=False)
        frame["end_s"] = (frame["start_s"] + frame["duration_s"]).where(stretch)
    return frame


def _same_recordings(first: Given, second: Given) -> tuple[Given, Given]:
    """Both on the recordings that both heard."""
    names = [set(given.log.recordings["recording"]) for given in (first, second)]
    both = names[0] & names[1]
    if not both:
        raise TocsinError("no recording was heard by both detectors")
    cut = [given if names[place] == both else _cut(given, both) for place, given in enumerate((first, second))]
    # Seconds of sound may differ in the last digits between two ways to read; one table of them is for both.
    log = cut[0].log.with_detections(cut[1].log.detections, cut[1].log.detector)
    return cut[0], replace(cut[1], log=log)


def _cut(given: Given, names: set[str]) -> Given:
    log = given.log
    tables = [
        frame[frame["recording"].astype(str).isin(names)] for frame in (log.recordings, log.truth, log.detections)
    ]
    return replace(given, log=make_log(tables[0], tables[1], tables[2], log.target, log.detector))
