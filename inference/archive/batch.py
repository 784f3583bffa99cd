"""Recordings gathered to parts: a part holds many, and what waits for one is on the disk and bounded in memory."""

from tocsin.inference.archive.dataset import Dataset
from tocsin.inference.archive.hearing import Heard
from tocsin.inference.archive.journal import Journal

# Parts of a day in minutes (1440 files), or of a few noisy hours: large enough to read fast, small enough to hold.
MOST_RECORDINGS, MOST_ROWS = 2000, 100_000


class Batch:
    """What was heard and is in no part yet, in step with the journal.

    Args:
        dataset: where parts go.
        journal: with what an earlier run left.
    """

    def __init__(self, dataset: Dataset, journal: Journal) -> None:
        self._dataset, self._journal = dataset, journal
        self._rows = sum(len(heard.rows) for heard in journal.pending)

    def add(self, heard: Heard) -> None:
        """Take a recording; parts are written where enough wait for them."""
        self._journal.note_heard(heard)
        self._rows += len(heard.rows)
        if len(self._journal.pending) >= MOST_RECORDINGS or self._rows >= MOST_ROWS:
            self.write()

    def write(self) -> None:
        """Write all that waits, a part a sensor and day."""
        by_place: dict[tuple[str, str | None], list[Heard]] = {}
        for heard in self._journal.pending:
            by_place.setdefault((heard.recording.sensor_id, heard.recording.date), []).append(heard)
        for together in by_place.values():
            part = self._dataset.write(together)
            self._journal.note_part(part, [heard.recording for heard in together])
        self._journal.empty_pending()
        self._rows = 0
