"""Which detections were taken before, over a long time: what comes again makes nothing happen again.

The engine itself knows what lately came. That is not enough for messages: a broker that lost power, a sensor that did
not hear that its message arrived, or somebody who recorded messages sends them again after minutes or days, and where
those of most sensors come again together, the stream would go back to their time and find their shots anew.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from tocsin.inference.detection import Detection

MOST_TAKEN = 200_000  # ids, some 20 MB
LOOK_EVERY = 1000

TABLES = """
CREATE TABLE IF NOT EXISTS taken (
    sensor_id TEXT, detection_id TEXT, onset_s REAL, PRIMARY KEY (sensor_id, detection_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS taken_by_time ON taken (onset_s);
CREATE TABLE IF NOT EXISTS forgotten (one INTEGER PRIMARY KEY CHECK (one = 1), until_s REAL);
"""


class Taken:
    """Ids of detections that were taken; where there are too many those of the oldest sounds are forgotten.

    Of a sound as old as a forgotten one nobody can tell whether it was taken: it counts as taken. So nothing is ever
    taken twice.

    Args:
        base: a database with the tables of :data:`TABLES`; who calls begins and ends its transactions.
        most: ids that are kept, about.
        look_every: ids between two looks whether there are too many.
    """

    def __init__(self, base: sqlite3.Connection, most: int = MOST_TAKEN, look_every: int = LOOK_EVERY) -> None:
        self._base, self._most, self._look_every, self._added = base, most, look_every, 0

    @classmethod
    def in_memory(cls, most: int = MOST_TAKEN, look_every: int = LOOK_EVERY) -> "Taken":
        """Of a fusion that keeps nothing on the disk."""
        base = sqlite3.connect(":memory:", isolation_level=None)
        base.executescript(TABLES)
        return cls(base, most, look_every)

    def fresh(self, detections: Iterable[Detection]) -> list[Detection]:
        """Those that were not taken before, in their order, each once; they are taken from now on."""
        until_s = self._forgotten_until_s()
        fresh = [item for item in detections if item.onset_time_utc.timestamp() > until_s and self._take(item)]
        self._added += len(fresh)
        if self._added >= self._look_every:
            self._forget()
        return fresh

    def _take(self, item: Detection) -> bool:
        row = (item.sensor_id, item.detection_id, item.onset_time_utc.timestamp())
        return self._base.execute("INSERT OR IGNORE INTO taken VALUES (?, ?, ?)", row).rowcount > 0

    def _forgotten_until_s(self) -> float:
        found: Sequence[float] | None = self._base.execute("SELECT until_s FROM forgotten").fetchone()
        return found[0] if found else float("-inf")

    def _forget(self) -> None:
        self._added = 0
        (count,) = self._base.execute("SELECT count(*) FROM taken").fetchone()
        if count <= self._most:
            return
        # A tenth more than need be, so that this is seldom.
        spare = count - self._most + self._most // 10
        (until_s,) = self._base.execute(
            "SELECT onset_s FROM taken ORDER BY onset_s LIMIT 1 OFFSET ?", (spare - 1,)
        ).fetchone()
        self._base.execute("DELETE FROM taken WHERE onset_s <= ?", (until_s,))
        self._base.execute("INSERT OR REPLACE INTO forgotten VALUES (1, ?)", (until_s,))
