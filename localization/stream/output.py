"""What a fusion says on stdout, and what it makes safe before: with a journal nothing is lost or said twice."""

import json
import sys
from collections.abc import Sequence

from tocsin.inference.detection import Detection
from tocsin.localization.incidents.grouping import Incident
from tocsin.localization.stream.clock_sayings import tell_clocks
from tocsin.localization.stream.clocks import Clock
from tocsin.localization.stream.fusion import Fusion
from tocsin.localization.stream.journal import Journal


class Output:
    """Takes what comes and writes what follows from it.

    Args:
        engine: of the fusion.
        journal: of what came and was said before, where it is to outlive this process.
    """

    def __init__(self, engine: Fusion, journal: Journal | None) -> None:
        self._engine, self._journal = engine, journal
        self._clocks: dict[str, Clock] = {}

    def begin(self) -> None:
        """Take up what the journal holds."""
        if self._journal is not None:
            self._engine.push(self._journal.came())
            self.write(self._engine.advance())

    def push(self, detections: Sequence[Detection]) -> None:
        """Take detections; with a journal they are on the disk afterwards."""
        if self._journal is not None:
            self._journal.keep(detections)
        self._engine.push(detections)

    def write(self, incidents: Sequence[Incident]) -> None:
        """A line a revision that was not said before, and a sentence about each clock that is off."""
        news = incidents if self._journal is None else self._journal.news(incidents)
        for incident in news:
            sys.stdout.write(json.dumps(incident.to_dict()) + "\n")
        if news:
            sys.stdout.flush()
            if self._journal is not None:
                self._journal.said(news)
        tell_clocks(self._engine, self._clocks)

    def end(self) -> None:
        """The end of the input. With a journal what is open stays so: the next run goes on with it."""
        if self._journal is None:
            self.write(self._engine.finish())
        else:
            self._journal.close()
