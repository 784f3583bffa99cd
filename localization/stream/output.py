"""What a fusion says on stdout, and what it makes safe before: with a journal nothing is lost or said twice."""

import json
import sys
from collections.abc import Sequence

from tocsin.inference.detection import Detection
from tocsin.localization.incidents.grouping import SAME_INCIDENT_S, Incident
from tocsin.localization.stream.clock_sayings import tell_clocks
from tocsin.localization.stream.clocks import Clock
from tocsin.localization.stream.fusion import Fusion
from tocsin.localization.stream.journal import Journal
from tocsin.localization.stream.taken import Taken


class Output:
    """Takes what comes and writes what follows from it.

    Args:
        engine: of the fusion.
        journal: of what came and was said before, where it is to outlive this process.
        once: whether what comes is asked, over a long time, whether it was taken before; with a journal it always is.
    """

    def __init__(self, engine: Fusion, journal: Journal | None, once: bool = False) -> None:
        self._engine, self._journal = engine, journal
        self._taken = Taken.in_memory() if once and journal is None else None
        self._lessons = 0
        self._clocks: dict[str, Clock] = {}

    def begin(self) -> None:
        """Take up what the journal holds."""
        if self._journal is None:
            return
        clocks = self._journal.clocks
        self._engine.clocks.restore(clocks)
        self._engine.push(self._journal.came())
        # What it says on the way was said, or outdone, by the run before.
        last = {incident.incident_id: incident for incident in self._engine.advance(self._journal.reached_s)}
        self._engine.clocks.restore(clocks)  # what these rounds teach was known already
        self._lessons = self._engine.clocks.lessons
        # What could not change any more stays as it was said, though clocks that were learnt since show it otherwise.
        open_from_s = self._engine.answered_s - SAME_INCIDENT_S
        news = self._journal.news(last.values())
        self._say([item for item in news if item.revision == 1 or item.last_time_utc.timestamp() >= open_from_s])
        tell_clocks(self._engine, self._clocks)

    def push(self, detections: Sequence[Detection]) -> None:
        """Take detections; with a journal they are on the disk afterwards."""
        fresh = detections
        if self._journal is not None:
            fresh = self._journal.take(detections)
        elif self._taken is not None:
            fresh = self._taken.fresh(detections)
        self._engine.counts.received += len(detections) - len(fresh)
        self._engine.counts.duplicates += len(detections) - len(fresh)
        if fresh is not detections:
            # What comes together after an outage is of many minutes, sensor by sensor.
            fresh = sorted(fresh, key=lambda item: item.onset_time_utc)
        self._engine.push(fresh)

    def write(self, incidents: Sequence[Incident]) -> None:
        """A line a revision that was not said before, and a sentence about each clock that is off."""
        self._say(incidents if self._journal is None else self._journal.news(incidents))
        if self._journal is not None and self._engine.clocks.lessons != self._lessons:
            self._lessons = self._engine.clocks.lessons
            self._journal.learnt(self._engine.clocks.state())
        tell_clocks(self._engine, self._clocks)

    def end(self) -> None:
        """The end of the input. With a journal what is open stays so: the next run goes on with it."""
        if self._journal is None:
            self.write(self._engine.finish())
        else:
            self._journal.close()

    def _say(self, news: Sequence[Incident]) -> None:
        if not news:
            return
        for incident in news:
            sys.stdout.write(json.dumps(incident.to_dict()) + "\n")
        sys.stdout.flush()
        # Where it dies between the two the same line goes out again, rather than never.
        if self._journal is not None:
            self._journal.said(news, self._engine.answered_s)
