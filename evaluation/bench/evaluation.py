"""A log evaluated: what stands in every report on it, at one threshold and at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from tocsin.evaluation.bench.counts import Counts, count
from tocsin.evaluation.bench.log import Log
from tocsin.evaluation.bench.matching import COLLAR_S, Matched, match
from tocsin.evaluation.bench.operating_point import Basis, OperatingPoint, operating_point
from tocsin.evaluation.bench.scores import Calibration, RecordingScores, calibration, recording_scores
from tocsin.evaluation.bench.strata import strata
from tocsin.evaluation.measures.intervals import ONE_ALARM_S
from tocsin.evaluation.report.section import Section


@dataclass(frozen=True)
class Evaluation:
    """One detector on some recordings.

    Attributes:
        matched: the log, matched.
        counts: its counts.
        threshold: at which the figures are stated; ``threshold_said`` in words where it comes from.
        points: operating points that were asked for; None stands for one that no threshold gives.
        recordings: recordings as single answers, where enough of them hold the target and enough do not.
        calibration: of the detections, where their scores may be probabilities.
        collar_s: how near, seconds, a detection must be to a true onset.
        one_alarm_s: detections this near to one another, seconds, are one alarm.
        time_zone: of hours and weekdays.
    """

    matched: Matched
    counts: Counts
    threshold: float
    threshold_said: str
    points: tuple[tuple[Basis, OperatingPoint | None], ...]
    recordings: RecordingScores | None
    calibration: Calibration | None
    collar_s: float
    one_alarm_s: float
    time_zone: str

    @property
    def log(self) -> Log:
        """The log."""
        return self.matched.log

    @cached_property
    def strata(self) -> list[Section]:
        """Where the errors are, at the threshold."""
        return strata(self.matched, self.threshold, self.one_alarm_s, self.time_zone)


def evaluate(
    log: Log,
    threshold: float | None = None,
    threshold_said: str = "given",
    bases: Sequence[Basis] = (),
    collar_s: float = COLLAR_S,
    one_alarm_s: float = ONE_ALARM_S,
    time_zone: str = "UTC",
) -> Evaluation:
    """Evaluate a log at a threshold: the one given, else that of the first basis that gives one, else 0.5."""
    matched = match(log, collar_s)
    counts = count(matched, one_alarm_s)
    points = tuple((basis, operating_point(counts, basis)) for basis in bases)
    if threshold is None:
        first = next((point for _, point in points if point is not None), None)
        threshold = first.threshold.value if first else 0.5
        threshold_said = first.said if first else "one half: give --threshold, --budget or --recall"
    return Evaluation(
        matched,
        counts,
        threshold,
        threshold_said,
        points,
        recording_scores(matched),
        calibration(matched),
        collar_s,
        one_alarm_s,
        time_zone,
    )
