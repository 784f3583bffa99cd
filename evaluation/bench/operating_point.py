"""Operating points: the threshold that a budget of false alarms, a recall or the costs of errors ask for.

A threshold chosen on recordings looks better on them than elsewhere. So the figures stand twice: on the recordings it
was chosen on, and *unseen*: the sessions are dealt to five parts, the threshold of each part is chosen on the other
four, and the figures of all parts are added up.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from tocsin import TocsinError
from tocsin.evaluation.bench.counts import Counts
from tocsin.evaluation.measures.bootstrap import interval_over_sessions
from tocsin.evaluation.measures.clustered import rate, share
from tocsin.evaluation.measures.intervals import Interval, Rate

PARTS = 5
_HOURS = {"hour": 1.0, "day": 24.0, "week": 168.0, "month": 730.5, "year": 8766.0}
_WORDS = {"one": 1.0, "two": 2.0, "three": 3.0, "a": 1.0, "no": 0.0, "half": 0.5, "ten": 10.0}
_BUDGET = re.compile(
    r"^\s*(?P<number>[\d.]+|[a-z]+)\s*(false\s+)?(alarms?)?\s*(/|a|an|per|each|every)?\s*(sensor[- ]?)?"
    r"(?P<unit>hour|day|week|month|year)s?\s*$",
    re.IGNORECASE,
)


class Drawn(NamedTuple):
    """What sessions amount to, drawn so often, at falling thresholds.

    Attributes:
        found: sounds found at each threshold, shape (draws, thresholds).
        sounds: how many there were, shape (draws,).
        alarms: false alarms at each threshold, shape (draws, thresholds).
        hours: in which they count, shape (draws,).
    """

    found: NDArray[np.float64]
    sounds: NDArray[np.float64]
    alarms: NDArray[np.float64]
    hours: NDArray[np.float64]


def amounts(counts: Counts, falling: NDArray[np.float64]) -> Callable[[NDArray[np.float64]], Drawn]:
    """A function of how often each session is drawn, shape (draws, sessions), for some falling thresholds."""
    found, alarms = counts.matrices(falling)
    sounds = np.bincount(counts.sound_session, minlength=len(counts.sessions))
    return lambda drawn: Drawn(drawn @ found, drawn @ sounds, drawn @ alarms, drawn @ counts.hours)


class Basis(Protocol):
    """What a threshold is chosen for."""

    @property
    def said(self) -> str:
        """In words."""

    def choose(self, drawn: Drawn) -> NDArray[np.intp]:
        """Place of the chosen of the falling thresholds, −1 where none will do, shape (draws,)."""


@dataclass(frozen=True)
class Budget:
    """So many false alarms a sensor-hour at most: the lowest threshold that keeps to it, and all above it do."""

    per_hour: float
    said: str
    careful: bool = False

    def choose(self, drawn: Drawn) -> NDArray[np.intp]:
        """See :class:`Basis`. With ``careful`` the upper end of the exact 95 % interval keeps to the budget."""
        counted = gammaincinv(np.maximum(drawn.alarms, 0) + 1, 0.975) if self.careful else drawn.alarms
        kept = np.logical_and.accumulate(counted <= self.per_hour * drawn.hours[:, None] + 1e-9, axis=1)
        return np.where(drawn.hours > 0, kept.sum(axis=1) - 1, -1)


@dataclass(frozen=True)
class LeastRecall:
    """A share of the sounds found at least: the highest threshold that gives it."""

    recall: float

    @property
    def said(self) -> str:
        """See :class:`Basis`."""
        return f"{self.recall * 100:g} % of sounds found"

    def choose(self, drawn: Drawn) -> NDArray[np.intp]:
        """See :class:`Basis`."""
        enough = (drawn.found >= self.recall * drawn.sounds[:, None] - 1e-9) & (drawn.sounds > 0)[:, None]
        return np.where(enough.any(axis=1), enough.argmax(axis=1), -1)


@dataclass(frozen=True)
class Costs:
    """What a miss costs beside a false alarm: the threshold at which an hour costs least.

    Attributes:
        miss: cost of a sound that is missed, in false alarms.
        sounds_per_hour: how many sound at a sensor where it will stand; recordings made to test hold far more.
    """

    miss: float
    sounds_per_hour: float

    @property
    def said(self) -> str:
        """See :class:`Basis`."""
        return f"a miss costs {self.miss:g} false alarms, {self.sounds_per_hour * 24:g} sounds a sensor-day"

    def choose(self, drawn: Drawn) -> NDArray[np.intp]:
        """See :class:`Basis`."""
        known = (drawn.sounds > 0) & (drawn.hours > 0)
        missed = 1 - drawn.found / np.maximum(drawn.sounds, 1)[:, None]
        cost = self.miss * self.sounds_per_hour * missed + drawn.alarms / np.maximum(drawn.hours, 1e-9)[:, None]
        return np.where(known, cost.argmin(axis=1), -1)


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold, and what it gives.

    Attributes:
        said: what it was chosen for.
        threshold: with the interval over sessions drawn anew.
        recall, alarms, rate, poisson: as :class:`Counts` gives them at the threshold.
        unseen_recall, unseen_rate: of sessions that it was not chosen on; None below five sessions.
    """

    said: str
    threshold: Interval
    recall: Interval | None
    alarms: int
    rate: Rate | None
    poisson: Rate | None
    unseen_recall: Interval | None
    unseen_rate: Rate | None


def parse_budget(text: str, careful: bool = False) -> Budget:
    """A budget from words such as ``1/sensor-week``, ``one false alarm a sensor-week`` or ``0.5 per day``.

    Raises:
        TocsinError: it is no number of alarms in a time.
    """
    found = _BUDGET.match(text)
    number = found and (_WORDS.get(found["number"].lower()) if found["number"].isalpha() else _number(found["number"]))
    if found is None or number is None:
        raise TocsinError(
            f'{text!r} is no budget of false alarms: type for example "1 per sensor-week" or "0.5 per day"'
        )
    unit = found["unit"].lower()
    plural = "" if number == 1 else "s"
    said = f"{number:g} false alarm{plural} a sensor-{unit} at most" + (
        ", also at the upper end of the interval" * careful
    )
    return Budget(number / _HOURS[unit], said, careful)


def operating_point(counts: Counts, basis: Basis, seed: int = 0) -> OperatingPoint | None:
    """The threshold for a basis, with its interval and figures; None where no threshold will do."""
    threshold = _chosen(counts, basis, np.ones(len(counts.sessions)))
    if threshold is None:
        return None
    falling = -np.union1d(-counts.curve_thresholds(), -threshold)
    of_sessions = amounts(counts, falling)

    def chosen(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        places = basis.choose(of_sessions(drawn))
        # A draw in which no threshold will do would have one above them all.
        return np.where(places >= 0, falling[places], falling[0])

    _, low, high = interval_over_sessions(chosen, len(counts.sessions), seed=seed, bounds=(falling[-1], falling[0]))
    unseen_recall, unseen_rate = _unseen(counts, basis, seed)
    return OperatingPoint(
        said=basis.said,
        threshold=Interval(threshold, low, high),
        recall=counts.recall(threshold),
        alarms=counts.alarms(threshold),
        rate=counts.rate(threshold),
        poisson=counts.poisson(threshold),
        unseen_recall=unseen_recall,
        unseen_rate=unseen_rate,
    )


def _chosen(counts: Counts, basis: Basis, of_session: NDArray[np.float64]) -> float | None:
    """The threshold for some of the sessions, those that are 1 and not 0; None where none will do."""
    some = of_session > 0
    detections, heard = some[counts.detection_session], some[counts.sound_session]
    found_at = np.sort(counts.found_at[heard])
    falling = np.unique(np.concatenate([counts.scores[detections], found_at[np.isfinite(found_at)]]))[::-1]
    if not len(falling):
        return None
    steps = np.append(0, np.cumsum(counts.alarm_steps[detections]))
    alarms = steps[np.searchsorted(-counts.scores[detections], -falling, "right")]
    found = len(found_at) - np.searchsorted(found_at, falling, "left")
    row = [np.array([values], dtype=np.float64) for values in (found, len(found_at), alarms, counts.hours[some].sum())]
    place = basis.choose(Drawn(*row))[0]
    return float(falling[place]) if place >= 0 else None


def _unseen(counts: Counts, basis: Basis, seed: int) -> tuple[Interval | None, Rate | None]:
    """Recall and false alarms of sessions that their threshold was not chosen on."""
    number = len(counts.sessions)
    if number < PARTS:
        return None, None
    part = np.random.default_rng(seed).permutation(number) % PARTS
    found, of = np.zeros(number), np.bincount(counts.sound_session, minlength=number)
    alarms = np.zeros(number)
    for one in range(PARTS):
        threshold = _chosen(counts, basis, (part != one).astype(np.float64))
        if threshold is None:
            return None, None
        mine = part == one
        found[mine] = counts.found_by_session(threshold)[0][mine]
        alarms[mine] = counts.alarms_by_session(threshold)[mine]
    return (
        share(found, of) if of.sum() else None,
        rate(np.where(counts.hours > 0, alarms, 0), counts.hours) if counts.hours.sum() > 0 else None,
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
