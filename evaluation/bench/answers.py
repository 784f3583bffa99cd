"""The questions of whoever decides on a detector, each with its answer, its interval, its definition and a plot."""

import numpy as np

from tocsin.evaluation.bench import curves
from tocsin.evaluation.bench.comparison import Comparison
from tocsin.evaluation.bench.evaluation import Evaluation
from tocsin.evaluation.bench.sections import calibration, comparison_sections, detector_names, operating_points
from tocsin.evaluation.bench.words import a_day, percent, rate_in_words
from tocsin.evaluation.measures.intervals import Interval
from tocsin.evaluation.report.page import Answer, Figure
from tocsin.evaluation.report.plots import (
    Axis,
    Bins,
    Curve,
    Mark,
    bars_with_intervals,
    curve_plot,
    paired_difference_plot,
    reliability_plot,
)
from tocsin.evaluation.report.section import Section, text

BARS = 24  # of a plot by kind, hour or sensor


def false_alarms(evaluation: Evaluation) -> Answer | None:
    """How often it raises a false alarm; None where no time was listened to."""
    counts, threshold = evaluation.counts, evaluation.threshold
    exact, clustered = counts.poisson(threshold), counts.rate(threshold)
    if exact is None or clustered is None:
        return None
    curve = curves.alarms_a_day(counts)
    figure = None
    if curve is not None:
        recall = counts.recalls([threshold])[0]
        figure = Figure(
            curve_plot(
                "False alarms a sensor-day against the share of sounds found",
                "One point a threshold; the band is the exact Poisson interval.",
                Axis("share of true sounds found", limits=(0, 1)),
                Axis("false alarms a sensor-day", "symlog", (0, None)),
                [Curve("each threshold", curve.x, curve.y, curve.low, curve.high)],
                [Mark("at the threshold stated", float(recall), exact.value * 24)],
            ),
            "Each point is a threshold. Lower ones find more and raise more false alarms.",
            _data("false_alarms_by_recall", curve, "recall", "false_alarms_a_sensor_day"),
        )
    caveat = ""
    if clustered.high > 1.2 * exact.high:
        caveat = (
            f"Alarms come in clusters: by how much sessions differ, {a_day(clustered)} a sensor-day would be possible."
        )
    return Answer(
        "How often does it raise a false alarm?",
        rate_in_words(exact),
        f"{counts.alarms(threshold):,} in {counts.hours.sum():,.4g} sensor-hours. 95 % interval of a Poisson count.",
        f"Detections within {evaluation.one_alarm_s:g} s of one another are one alarm. It is false if no true "
        f"{evaluation.log.target} begins within {evaluation.collar_s:g} s of any of them.",
        figure,
        caveat=caveat,
    )


def found(evaluation: Evaluation) -> Answer | None:
    """How many true sounds it finds; None without any."""
    counts, threshold = evaluation.counts, evaluation.threshold
    recall, curve = counts.recall(threshold), curves.recall_by_threshold(counts)
    if recall is None or curve is None:
        return None
    figure = Figure(
        curve_plot(
            "Share of true sounds found, by threshold",
            "It falls as the threshold rises; the band is the interval over sessions.",
            Axis("threshold"),
            Axis("share found", limits=(0, 1)),
            [Curve("share found", curve.x, curve.y, curve.low, curve.high)],
            [Mark("at the threshold stated", threshold, recall.value)],
        ),
        "The share of true sounds that some detection of this score or more finds.",
        _data("recall_by_threshold", curve, "", "recall"),
    )
    number = int(counts.found_by_session(threshold)[0].sum())
    never = int(np.isneginf(counts.found_at).sum())
    return Answer(
        "How many true sounds does it find?",
        f"{percent(recall)}",
        f"{number:,} of {len(counts.found_at):,}. 95 % interval over {len(counts.sessions)} sessions.",
        "A sound is found if a detection begins near it; each detection finds one sound at most.",
        figure,
        caveat=f"{never:,} are found at no threshold: nothing was detected there at all." if never else "",
    )


def which_threshold(evaluation: Evaluation) -> Answer | None:
    """The operating points; None where none was asked for."""
    if not evaluation.points:
        return None
    counts, curve = evaluation.counts, curves.alarms_by_threshold(evaluation.counts)
    tables = [operating_points(evaluation)]
    said = [
        f"{basis.said}: {point.threshold.value:.4g}" if point else f"{basis.said}: no threshold gives this"
        for basis, point in evaluation.points
    ]
    figure = None
    if curve is not None:
        marks = [
            Mark(
                basis.said,
                point.threshold.value,
                float(counts.alarms_at([point.threshold.value])[0] * 24 / counts.hours.sum()),
            )
            for basis, point in evaluation.points
            if point
        ]
        figure = Figure(
            curve_plot(
                "False alarms a sensor-day, by threshold",
                "They fall as the threshold rises; the band is the exact Poisson interval.",
                Axis("threshold"),
                Axis("false alarms a sensor-day", "symlog", (0, None)),
                [Curve("false alarms", curve.x, curve.y, curve.low, curve.high)],
                marks,
            ),
            "Read off the threshold that a number of false alarms allows.",
            _data("false_alarms_by_threshold", curve, "", "false_alarms_a_sensor_day"),
        )
    return Answer(
        "Which threshold should it have?",
        "; ".join(said),
        "The interval of a threshold is where it falls if the sessions are drawn anew.",
        "The threshold that keeps to what was asked for, on these recordings.",
        figure,
        tables,
        "A threshold flatters the recordings it was chosen on. Trust the columns “unseen”: of sessions that theirs was "
        "not chosen on.",
    )


def right(evaluation: Evaluation) -> Answer | None:
    """Precision; None without a detection or a sound."""
    counts, threshold = evaluation.counts, evaluation.threshold
    curve, precision = curves.precision_recall(counts), counts.precision(threshold)
    if curve is None or precision is None:
        return None
    return Answer(
        "When it says something, is it right?",
        f"{percent(precision)} of its detections are",
        f"95 % interval over {len(counts.sessions)} sessions.",
        "Precision: right detections of all detections. It holds for as many true sounds an hour as here.",
        Figure(
            curve_plot(
                "Precision against recall",
                "One point a threshold; the band is the interval over sessions.",
                Axis("recall: share of true sounds found", limits=(0, 1)),
                Axis("precision: share of detections right", limits=(0, 1)),
                [Curve("each threshold", curve.x, curve.y, curve.low, curve.high)],
                [Mark("at the threshold stated", float(counts.recalls([threshold])[0]), precision.value)],
            ),
            "The further to the upper right, the better.",
            _data("precision_by_recall", curve, "recall", "precision"),
        ),
        caveat="Where gunfire is rarer than here, the same detector is right less often.",
    )


def recordings(evaluation: Evaluation) -> Answer | None:
    """Recordings as single answers; None where either side has too few."""
    answers = evaluation.recordings
    if answers is None:
        return None
    curve = curves.det(answers)
    shown = (curve.x > 0) & (curve.y > 0)
    return Answer(
        f"Does it tell recordings with {evaluation.log.target} from those without?",
        f"Area under the ROC curve {text(answers.area())}",
        f"{answers.positive.sum()} recordings with, {(~answers.positive).sum()} without; 95 % interval over sessions.",
        "The chance that a recording with one scores above one without, by their highest detections.",
        Figure(
            curve_plot(
                "Recordings missed against recordings called falsely (DET)",
                "One point a threshold, both axes logarithmic: nearer to the lower left is better.",
                Axis("share of recordings without, called", "log"),
                Axis("share of recordings with, missed", "log"),
                [Curve("each threshold", curve.x[shown], curve.y[shown])],
            ),
            "Both kinds of error at once. Where the curve ends, these recordings hold no smaller share.",
            _data("recordings_missed_by_called", curve, "false_positive_rate", "missed"),
        ),
    )


def probabilities(evaluation: Evaluation) -> Answer | None:
    """Whether the scores are probabilities; None where they cannot be."""
    said = evaluation.calibration
    if said is None:
        return None
    bins = said.bins
    return Answer(
        "Is “80 % sure” right in 80 %?",
        f"Its scores are off by {text(said.error)} on average",
        f"{said.detections:,} detections; 95 % interval over sessions.",
        "Expected calibration error: the mean distance of the stated score from the share that was right, in 15 bins.",
        Figure(
            reliability_plot(
                "Scores against the share of detections that were right",
                "On the diagonal a score is a probability.",
                [
                    Bins(
                        "detections",
                        [one.stated for one in bins],
                        [one.observed for one in bins],
                        [one.share for one in bins],
                    )
                ],
            ),
            "Below the line it is too sure, above it not sure enough.",
            calibration(evaluation),
        ),
    )


def when_and_where(evaluation: Evaluation) -> Answer | None:
    """Errors by sensor, hour, kind of recording …; None where nothing is known of these."""
    tables = evaluation.strata
    if not tables:
        return None
    rated = next((table for table in tables if table.key in ("by_hour", "by_kind", "by_sensor")), None)
    figure, said = None, "; ".join(section.title for section in tables)
    if rated is not None:
        name = next(iter(rated.rows[0]))
        total = sum(int(str(row["false_alarms"])) for row in rated.rows)
        worst = max(rated.rows, key=lambda row: int(str(row["false_alarms"])))
        if total:
            said = f"{worst['false_alarms']} of {total} false alarms in: {name.replace('_', ' ')} {worst[name]}"
        # What has alarms or much time says something; a hundred kinds of a few seconds do not.
        told = sorted(rated.rows, key=lambda row: (row["false_alarms"], row["hours"]), reverse=True)[:BARS]
        shown = [(str(row[name]), row["an_hour"]) for row in rated.rows if row in told]
        bars = [(label, rate) for label, rate in shown if isinstance(rate, Interval)]
        if bars:
            figure = Figure(
                bars_with_intervals(
                    f"False alarms an hour, {rated.title[:1].lower()}{rated.title[1:]}",
                    "A bar each with its interval.",
                    [label for label, _ in bars],
                    [rate for _, rate in bars],
                    "false alarms a sensor-hour",
                ),
                "Those with most false alarms, then most hours. Intervals over sessions: few hours make them wide.",
                rated,
            )
    return Answer(
        "When and where is it wrong?",
        said,
        "Intervals over sessions.",
        "The same figures for parts of the recordings.",
        figure,
        [table for table in tables if table is not rated],
    )


def which_of_two(comparison: Comparison) -> Answer:
    """Which of two detectors is better."""
    tables = comparison_sections(comparison)
    names = detector_names(comparison)
    differences = [one for one in (*comparison.at_thresholds, comparison.at_recall, comparison.area) if one]
    shares = [one for one in differences if "alarms" not in one.figure]
    at_recall = comparison.at_recall
    if at_recall is None:
        answer = "One of the two never finds as many, so their false alarms cannot be compared"
    else:
        less = at_recall.difference
        better, worse = (names[0], names[1]) if less.value < 0 else (names[1], names[0])
        told = less.low > 0 or less.high < 0
        pair = sorted((at_recall.first, at_recall.second))
        answer = (
            f"{better} raises fewer false alarms at the same recall: {pair[0]:.3g} against {pair[1]:.3g} an hour"
            if told
            else f"These recordings do not tell {better} and {worse} apart"
        )
    figure = None
    if shares:
        figure = Figure(
            paired_difference_plot(
                "Both detectors, and their difference",
                "The difference has its own interval, from sessions drawn for both at once.",
                [one.figure for one in shares],
                [(_alone(one.first), _alone(one.second), one.difference) for one in shares],
                names,
                "share",
            ),
            "Where the interval of the difference holds 0, chance may have made it.",
            tables[0],
        )
    return Answer(
        f"{names[0]} or {names[1]}?",
        answer,
        "" if at_recall is None else f"Difference {text(at_recall.difference)} an hour; 95 % interval over sessions.",
        f"False alarms a sensor-hour at the thresholds that find {comparison.recall * 100:.3g} % with both.",
        figure,
        tables,
    )


def _alone(value: float) -> Interval:
    return Interval(value, value, value)


def _data(key: str, curve: curves.Curve, x: str, y: str) -> Section:
    columns = {"threshold": curve.thresholds, **({x: curve.x} if x else {}), y: curve.y}
    columns |= {f"{y}_low": curve.low, f"{y}_high": curve.high}
    rows = [
        {name: None if np.isnan(value) else float(value) for name, value in zip(columns, values, strict=True)}
        for values in zip(*columns.values(), strict=True)
    ]
    return Section(key, key.replace("_", " ").capitalize(), "Each row is a threshold.", rows)
