"""Quiet time, where a log has no alarm: in pieces, so that a sample of it tells how much was missed."""

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.measures.intervals import ONE_ALARM_S

if TYPE_CHECKING:
    import pandas

# Shorter rests at the edges of a recording are no time.
_SHORTEST_S = 0.05


def quiet_pieces(alarms: "pandas.DataFrame", durations_s: Mapping[str, float], length_s: float) -> "pandas.DataFrame":
    """All quiet time, cut into pieces of about ``length_s``: ``recording``, ``onset_s`` (its start) and ``length_s``.

    Quiet is what is further than ``ONE_ALARM_S`` from any onset of an alarm: nearer, a shot would be of that alarm.
    A stretch of quiet is cut evenly, so that every moment lies in one piece, and is as likely to be drawn as any other
    where pieces are drawn at random without replacement.
    """
    taken = dict(tuple(alarms.groupby("recording")[["first_s", "last_s"]]))
    rows: list[tuple[str, float, float]] = []
    for recording, duration_s in durations_s.items():
        start = 0.0
        busy = taken[recording].to_numpy() if recording in taken else np.empty((0, 2))
        for first, last in [*np.sort(busy, axis=0), (duration_s + ONE_ALARM_S, np.inf)]:
            stop = min(first - ONE_ALARM_S, duration_s)
            if stop - start >= _SHORTEST_S:
                pieces = max(1, round((stop - start) / length_s))
                bounds = np.linspace(start, stop, pieces + 1)
                rows += [(recording, at, upto - at) for at, upto in itertools.pairwise(bounds)]
            start = max(start, last + ONE_ALARM_S)
    return pandas_module().DataFrame(rows, columns=["recording", "onset_s", "length_s"])
