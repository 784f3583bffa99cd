"""What a log amounts to at each threshold: sounds found, false alarms, hours, by session."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tocsin.evaluation.bench.alarms import false_alarm_steps
from tocsin.evaluation.bench.matching import FALSE, Matched
from tocsin.evaluation.measures.clustered import rate, share
from tocsin.evaluation.measures.intervals import ONE_ALARM_S, Interval, Rate, poisson_rate

if TYPE_CHECKING:
    import pandas

CURVE_POINTS = 400


@dataclass(frozen=True)
class Counts:
    """Sounds, false alarms and hours of a log, by the sessions of its recordings.

    Attributes:
        sessions: their names.
        found_at: of each sound, the highest threshold at which it is found, shape (sounds,).
        sound_session: of each sound, the place of its session.
        scores: of each detection that counts, falling, shape (detections,).
        alarm_steps: by how many the false alarms change there; ``false_steps`` the false detections.
        detection_session: of each of them, the place of its session.
        hours: of each session, hours in which false alarms count, shape (sessions,).
    """

    sessions: tuple[str, ...]
    found_at: NDArray[np.float64]
    sound_session: NDArray[np.intp]
    scores: NDArray[np.float64]
    alarm_steps: NDArray[np.int64]
    false_steps: NDArray[np.int64]
    detection_session: NDArray[np.intp]
    hours: NDArray[np.float64]

    def recall(self, threshold: float) -> Interval | None:
        """Share of the sounds found, each counting once, with its interval over sessions; None without sounds."""
        found, of = self.found_by_session(threshold)
        return share(found, of) if of.sum() else None

    def precision(self, threshold: float) -> Interval | None:
        """Share of the detections that are right, with its interval over sessions; None without any."""
        found, _ = self.found_by_session(threshold)
        wrong = self.false_by_session(threshold)
        return share(found, found + wrong) if (found + wrong).sum() else None

    def alarms(self, threshold: float) -> int:
        """False alarms at a threshold."""
        return int(self.alarm_steps[: self._reached(threshold)].sum())

    def poisson(self, threshold: float) -> Rate | None:
        """False alarms a sensor-hour with the exact interval of a Poisson count; None where no time counts."""
        hours = float(self.hours.sum())
        return poisson_rate(self.alarms(threshold), hours) if hours > 0 else None

    def rate(self, threshold: float) -> Rate | None:
        """The same with an interval that widens where alarms come in clusters, by session."""
        # What is called behind the end of a recording that is one sound is in no hours.
        alarms = np.where(self.hours > 0, self._by_session(self.alarm_steps, threshold), 0)
        return rate(alarms, self.hours) if self.hours.sum() > 0 else None

    def found_by_session(self, threshold: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Sounds found, and all sounds, of each session."""
        number = len(self.sessions)
        found = np.bincount(self.sound_session[self.found_at >= threshold], minlength=number)
        return found, np.bincount(self.sound_session, minlength=number)

    def alarms_by_session(self, threshold: float) -> NDArray[np.int64]:
        """False alarms of each session."""
        return self._by_session(self.alarm_steps, threshold)

    def false_by_session(self, threshold: float) -> NDArray[np.int64]:
        """False detections of each session."""
        return self._by_session(self.false_steps, threshold)

    def recalls(self, thresholds: ArrayLike) -> NDArray[np.float64]:
        """Recall at each threshold, shape (thresholds,)."""
        rising = np.sort(self.found_at)
        below = np.searchsorted(rising, np.asarray(thresholds), "left")
        return 1.0 - below / max(len(rising), 1)

    def alarms_at(self, thresholds: ArrayLike) -> NDArray[np.int64]:
        """False alarms at each threshold, shape (thresholds,)."""
        return self._at(self.alarm_steps, thresholds)

    def false_detections_at(self, thresholds: ArrayLike) -> NDArray[np.int64]:
        """False detections at each threshold, shape (thresholds,)."""
        return self._at(self.false_steps, thresholds)

    def every_threshold(self) -> NDArray[np.float64]:
        """All scores at which anything changes, falling."""
        return np.unique(np.concatenate([self.scores, self.found_at[np.isfinite(self.found_at)]]))[::-1]

    def curve_thresholds(self, points: int = CURVE_POINTS) -> NDArray[np.float64]:
        """So many of :meth:`every_threshold` at most, the ends among them, spread evenly over its ranks and scores."""
        every = self.every_threshold()
        if len(every) <= points:
            return every
        by_rank = np.unique(np.geomspace(1, len(every), points // 2).round().astype(int)) - 1
        levels = np.linspace(every[0], every[-1], points - len(by_rank))
        by_score = np.clip(np.searchsorted(-every, -levels), 0, len(every) - 1)
        return every[np.union1d(by_rank, by_score)]

    def matrices(self, thresholds: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Sounds found and false alarms of each session at falling thresholds, shape (sessions, thresholds) each."""
        one = np.ones(len(self.found_at), np.int64)
        found = self._matrix(thresholds, self.found_at, self.sound_session, one)
        return found, self._matrix(thresholds, self.scores, self.detection_session, self.alarm_steps)

    def false_matrix(self, thresholds: ArrayLike) -> NDArray[np.int64]:
        """False detections of each session at falling thresholds, shape (sessions, thresholds)."""
        return self._matrix(thresholds, self.scores, self.detection_session, self.false_steps)

    def _matrix(
        self,
        thresholds: ArrayLike,
        values: NDArray[np.float64],
        sessions: NDArray[np.intp],
        steps: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        falling = np.asarray(thresholds, dtype=np.float64)
        table = np.zeros((len(self.sessions), len(falling) + 1), np.int64)
        np.add.at(table, (sessions, np.searchsorted(-falling, -values, "left")), steps)
        return table[:, :-1].cumsum(axis=1)

    def _reached(self, threshold: float) -> int:
        return int(np.searchsorted(-self.scores, -threshold, "right"))

    def _by_session(self, steps: NDArray[np.int64], threshold: float) -> NDArray[np.int64]:
        reached = self._reached(threshold)
        counted = np.zeros(len(self.sessions), np.int64)
        np.add.at(counted, self.detection_session[:reached], steps[:reached])
        return counted

    def _at(self, steps: NDArray[np.int64], thresholds: ArrayLike) -> NDArray[np.int64]:
        summed = np.append(0, np.cumsum(steps))
        return summed[np.searchsorted(-self.scores, -np.asarray(thresholds, dtype=np.float64), "right")]


def count(matched: Matched, one_alarm_s: float = ONE_ALARM_S, keep: "pandas.Series | None" = None) -> Counts:
    """Count a matched log; detections within ``one_alarm_s`` (seconds) are one alarm.

    ``keep`` (bool, shape (recordings,)) takes some of the recordings; alarms never reach over two.
    """
    log, outcome = matched.log, matched.outcome
    steps = false_alarm_steps(matched, one_alarm_s)
    kept = np.ones(len(log.recordings), bool) if keep is None else np.asarray(keep, dtype=bool)
    sessions, of_recording = np.unique(log.recordings["session"].to_numpy(dtype=str), return_inverse=True)
    sounds = kept[matched.targets["recording"].cat.codes]
    codes = log.detections["recording"].cat.codes.to_numpy()
    scores = log.detections["score"].to_numpy()
    # A detection may be right and yet make two false alarms one, or one right.
    counts = np.flatnonzero(kept[codes] & ((steps != 0) | (outcome == FALSE)))
    order = counts[np.argsort(-scores[counts], kind="stable")]
    return Counts(
        sessions=tuple(sessions.tolist()),
        found_at=matched.found_at[sounds],
        sound_session=of_recording[matched.targets["recording"].cat.codes.to_numpy()[sounds]],
        scores=scores[order],
        alarm_steps=steps[order].astype(np.int64),
        false_steps=(outcome[order] == FALSE).astype(np.int64),
        detection_session=of_recording[codes[order]],
        hours=np.bincount(of_recording[kept], matched.seconds[kept], minlength=len(sessions)) / 3600,
    )
