"""The alarms that a threshold calls, stratum by stratum: their number in the log, and what was heard of them.

Of a stratum that lies across a threshold the part above it counts, whose size is known by ``at_or_above`` at each score
of the sample. What was heard of that part is a simple random sample of it.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tocsin.evaluation.bench.review.score_interval import Heard

if TYPE_CHECKING:
    import pandas


class Alarms:
    """Alarms of a sample with their verdicts: 1, 0, or NaN for those that nobody answered, shape ``(n,)``."""

    def __init__(self, sample: "pandas.DataFrame", true: NDArray[np.float64]) -> None:
        mine = (sample["kind"] == "alarm").to_numpy()
        alarms = sample[mine]
        self._scores = alarms["score"].to_numpy(np.float64)
        self._ranks = alarms["at_or_above"].to_numpy(np.float64)
        self._true = true[mine]
        strata = alarms.drop_duplicates("stratum").sort_values("stratum_from")
        self.edges = strata["stratum_from"].to_numpy(np.float64)
        self._sizes = strata["population"].to_numpy(np.float64)
        self._places = np.searchsorted(self.edges, alarms["stratum_from"].to_numpy(np.float64))
        self._above = self._sizes[::-1].cumsum()[::-1]

    def thresholds(self) -> NDArray[np.float64]:
        """Those at which the number of alarms in the log is known: scores of the sample and edges, rising."""
        return np.unique(np.concatenate([self._scores, self.edges]))

    def called(self, thresholds: NDArray[np.float64]) -> Heard:
        """What is at or above each of ``thresholds``, which are some of ``thresholds()``."""
        order = np.argsort(self._scores, kind="stable")
        places = np.searchsorted(self._scores[order], thresholds)
        ranks = np.append(self._ranks[order], 0.0)[places]
        edges = np.searchsorted(self.edges, thresholds)
        at_edge = np.append(self.edges, np.nan)[edges] == thresholds
        total = np.where(at_edge, np.append(self._above, 0.0)[edges], ranks)
        beyond = np.append(self._above[1:], 0.0)
        size = np.clip(total[:, None] - beyond, 0.0, self._sizes)
        return self._count(self._scores >= thresholds[:, None], size)

    def rest(self, called: Heard) -> Heard:
        """All that ``called`` has not, row by row."""
        every = self._count(np.ones((1, len(self._scores)), bool), self._sizes[None, :])
        return Heard(*(whole - part for whole, part in zip(every, called, strict=True)))

    def _count(self, chosen: NDArray[np.bool_], size: NDArray[np.float64]) -> Heard:
        member = np.eye(len(self.edges))[self._places]
        heard = chosen & ~np.isnan(self._true)
        return Heard((heard * np.nan_to_num(self._true)) @ member, heard.astype(np.float64) @ member, size)


def quiet_heard(sample: "pandas.DataFrame", true: NDArray[np.float64], rows: int) -> Heard | None:
    """What was heard of quiet time, as many equal rows as asked for; None where nobody answered to any."""
    mine = (sample["kind"] == "quiet").to_numpy()
    answered = mine & ~np.isnan(true)
    if not answered.any():
        return None
    size = float(sample.loc[mine, "population"].iloc[0])
    return Heard(*(np.full((rows, 1), number) for number in (true[answered].sum(), answered.sum(), size)))
