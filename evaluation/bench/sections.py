"""The tables of an evaluation, as Markdown, JSON and the page show them."""

from tocsin.evaluation.bench.comparison import Comparison
from tocsin.evaluation.bench.evaluation import Evaluation
from tocsin.evaluation.bench.scores import best_f1, f1
from tocsin.evaluation.measures.intervals import Rate
from tocsin.evaluation.report.section import Cell, Section

CURVE_ROWS = 16


def sections_of(evaluation: Evaluation) -> list[Section]:
    """All sections that the log has something for, in the order of the report."""
    sections = [summary(evaluation)]
    if evaluation.points:
        sections.append(operating_points(evaluation))
    sections.append(thresholds(evaluation))
    if evaluation.calibration is not None:
        sections.append(calibration(evaluation))
    return sections + evaluation.strata


def summary(evaluation: Evaluation) -> Section:
    """The figures at the threshold, and those without one."""
    counts, threshold = evaluation.counts, evaluation.threshold
    log, hours = evaluation.log, float(evaluation.counts.hours.sum())
    found = int(counts.found_by_session(threshold)[0].sum())
    alarms, exact, clustered = counts.alarms(threshold), counts.poisson(threshold), counts.rate(threshold)
    rows: list[dict[str, Cell]] = []

    def add(figure: str, value: Cell, of: str) -> None:
        if value is not None:
            rows.append({"figure": figure, "value": value, "of": of})

    sounds = f"{len(counts.found_at)} sounds"
    add("recall: share of the true sounds found", counts.recall(threshold), f"{found} of {sounds}")
    if hours > 0:
        time = f"{alarms} in {hours:.4g} hours"
        add("false alarms a sensor-hour", exact, f"{time}; exact Poisson interval")
        add("false alarms a sensor-day", _a_day(exact), f"{time}; exact Poisson interval")
        add("the same, as alarms come in clusters", _a_day(clustered), f"interval over {len(counts.sessions)} sessions")
    if len(counts.found_at):
        add("precision: share of the detections that are right", counts.precision(threshold), "detections, not alarms")
        add("F1 of events", f1(counts, threshold), f"onset within {evaluation.collar_s:g} s")
        best = best_f1(counts)
        if best:
            add("highest F1", best[1], f"at {best[0]:.4g}, chosen on these recordings")
    if evaluation.recordings is not None:
        answers = evaluation.recordings
        of = f"{answers.positive.sum()} recordings with, {(~answers.positive).sum()} without"
        add("area under the ROC curve, of recordings", answers.area(), of)
    note = (
        f"Detector: {log.detector}. Target: {log.target}. Threshold {threshold:.4g} ({evaluation.threshold_said}). "
        f"{len(log.recordings)} recordings of {len(counts.sessions)} sessions, {log.hours:.4g} hours, of which false "
        f"alarms count in {hours:.4g}. 95 % intervals, over sessions where nothing else is said."
    )
    return Section("summary", "At a glance", note, rows)


def operating_points(evaluation: Evaluation) -> Section:
    """What was asked for, and the threshold that gives it."""
    rows: list[dict[str, Cell]] = []
    for basis, point in evaluation.points:
        rows.append(
            {
                "asked_for": basis.said,
                "threshold": point.threshold if point else "none will do",
                "recall": point.recall if point else None,
                "false_alarms": point.alarms if point else None,
                "a_sensor_day": _a_day(point.poisson) if point else None,
                "recall_unseen": point.unseen_recall if point else None,
                "a_sensor_day_unseen": _a_day(point.unseen_rate) if point else None,
            }
        )
    note = (
        "A threshold flatters the recordings it was chosen on. Unseen: of sessions whose threshold was chosen on the "
        "others (five parts). The interval of a threshold is where it falls if the sessions are drawn anew."
    )
    return Section("operating_points", "Operating points", note, rows)


def thresholds(evaluation: Evaluation, rows: int = CURVE_ROWS) -> Section:
    """The curve to read off: recall and false alarms at thresholds from the highest to the lowest."""
    counts = evaluation.counts
    table: list[dict[str, Cell]] = []
    for threshold in counts.curve_thresholds(rows):
        exact = counts.poisson(threshold)
        table.append(
            {
                "threshold": float(f"{threshold:.6g}"),
                "recall": counts.recall(threshold),
                "precision": counts.precision(threshold) if len(counts.found_at) else None,
                "false_alarms": counts.alarms(threshold),
                "a_sensor_hour": exact,
                "a_sensor_day": _a_day(exact),
            }
        )
    note = "Rates carry the exact interval of a Poisson count. 0 alarms are stated as the upper end of it."
    return Section("thresholds", "Every threshold", note, table)


def calibration(evaluation: Evaluation) -> Section:
    """Whether the scores mean what they say."""
    said = evaluation.calibration
    assert said is not None
    rows: list[dict[str, Cell]] = [
        {
            "stated": f"{one.low:.2f} to {one.high:.2f}",
            "detections": round(one.share * said.detections),
            "mean_stated": one.stated,
            "were_right": one.observed,
        }
        for one in said.bins
    ]
    error = said.error
    note = (
        f"Expected calibration error {error.value:.3f} ({error.low:.3f}–{error.high:.3f}) of {said.detections} "
        f"detections: {said.mean_stated:.3f} stated on average, {said.came_true:.3f} were right."
    )
    return Section("calibration", "Are the scores probabilities?", note, rows)


def _a_day(rate: Rate | None) -> Rate | None:
    return None if rate is None else Rate(rate.value * 24, rate.low * 24, rate.high * 24)


def comparison_sections(comparison: Comparison) -> list[Section]:
    """What differs between two detectors, and what only one of them gets wrong."""
    names = detector_names(comparison)
    rows: list[dict[str, Cell]] = [
        {"figure": one.figure, names[0]: one.first, names[1]: one.second, "difference": one.difference}
        for one in (*comparison.at_thresholds, comparison.at_recall, comparison.area)
        if one is not None
    ]
    first, second = comparison.first, comparison.second
    note = (
        f"{names[0]} at {first.threshold:.4g} ({first.threshold_said}), {names[1]} at {second.threshold:.4g} "
        f"({second.threshold_said}). The difference is {names[0]} less {names[1]}; its interval comes from sessions "
        "drawn for both at once, so that what makes one hard for both cancels out. Where it holds 0, these recordings "
        "do not tell the two apart."
    )
    sections = [Section("comparison", "What differs", note, rows)]
    test = comparison.found_by_one
    missed, alarms = comparison.missed_by_one(), comparison.alarms_of_one()
    only: list[dict[str, Cell]] = [
        {"only": name, "missed_sounds": len(missed[place]), "false_alarms": len(alarms[place])}
        for place, name in enumerate(names)
    ]
    said = "Errors that the other does not make at its threshold."
    if test is not None:
        said += (
            f" So uneven a division of the sounds that only one finds ({test.only_a} and {test.only_b}) comes by "
            f"chance with probability {test.p_sessions:.2g} (McNemar's test over sessions; {test.p_mid:.2g} if all "
            "sounds were independent)."
        )
    return [*sections, Section("only_one", "What only one gets wrong", said, only)]


def detector_names(comparison: Comparison) -> tuple[str, str]:
    """Names of both detectors, told apart where they are the same."""
    first, second = comparison.first.log.detector, comparison.second.log.detector
    return (first, second) if first != second else (f"{first} (first)", f"{second} (second)")
