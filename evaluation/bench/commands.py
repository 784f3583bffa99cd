"""``tocsin evaluate`` on anybody's recordings: figures on stdout, a page, tables and labels where asked for."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

import typer

from tocsin import TocsinError
from tocsin.data.complaints import complain
from tocsin.evaluation.bench.comparison import compare
from tocsin.evaluation.bench.evaluation import Evaluation
from tocsin.evaluation.bench.evaluation import evaluate as judge
from tocsin.evaluation.bench.gathering import Gathering, Given
from tocsin.evaluation.bench.log import TARGET
from tocsin.evaluation.bench.matching import COLLAR_S
from tocsin.evaluation.bench.operating_point import Basis, Costs, LeastRecall, parse_budget
from tocsin.evaluation.bench.output import (
    as_json,
    as_markdown,
    page_with_versions,
    require_page_name,
    write_folder,
    write_weights,
)
from tocsin.evaluation.bench.reading.named_columns import named_pairs
from tocsin.evaluation.measures.intervals import ONE_ALARM_S
from tocsin.evaluation.report.rendering import write_page


def _panel(panel: str, help: str, **more: Any) -> Any:
    return typer.Option(help=help, rich_help_panel=panel, **more)


WHAT, POINT, OUT = "What is evaluated", "Threshold and operating points", "What is written"


def evaluate(
    recordings: Annotated[
        Path | None,
        typer.Argument(
            help="audio (a file or a folder), a manifest or table of recordings (.csv, .parquet), a folder a class, or "
            "an array recording; a folder with clips/ or live-fire/ gets the standard report on the project's weights"
        ),
    ] = None,
    truth: Annotated[Path | None, _panel(WHAT, "labels of what sounded: Raven, Audacity, DCASE, CSV, Parquet")] = None,
    detections: Annotated[
        list[Path] | None,
        _panel(WHAT, "what a detector said, in the same formats or `tocsin detect`'s; may be repeated"),
    ] = None,
    model: Annotated[
        list[str] | None,
        _panel(WHAT, "listens to the audio, where no detections are given: weights, or a .toml of any tagging model"),
    ] = None,
    against: Annotated[
        str | None, _panel(WHAT, "a second detector to compare with: a table of detections, weights or a .toml")
    ] = None,
    target: Annotated[str, _panel(WHAT, "the label that should be told from all others")] = TARGET,
    columns: Annotated[
        str | None, _panel(WHAT, "names of columns in other detections, such as recording=file,onset_s=t0,score=p")
    ] = None,
    truth_columns: Annotated[
        str | None, _panel(WHAT, "names of columns in other labels, such as recording=file,onset_s=begin,label=what")
    ] = None,
    map: Annotated[str | None, _panel(WHAT, "labels in other words, such as shot=gunshot,banger=fireworks")] = None,
    hours: Annotated[float | None, _panel(WHAT, "hours listened to, where no recordings are given", min=0)] = None,
    collar_s: Annotated[float, _panel(WHAT, "how near to a true onset a detection must be", min=0)] = COLLAR_S,
    one_alarm_s: Annotated[
        float, _panel(WHAT, "detections this near to one another are one alarm", min=0)
    ] = ONE_ALARM_S,
    time_zone: Annotated[str, _panel(WHAT, "of hours and weekdays, such as America/New_York")] = "UTC",
    threshold: Annotated[
        float | None, _panel(POINT, "at which figures are stated; default: the card's, else one below")
    ] = None,
    budget: Annotated[
        list[str] | None, _panel(POINT, 'false alarms that may be, such as "1 per sensor-week"; may be repeated')
    ] = None,
    careful: Annotated[bool, _panel(POINT, "keep to budgets at the upper end of the interval, too")] = False,
    recall: Annotated[
        list[float] | None, _panel(POINT, "share of sounds to find, such as 0.95; may be repeated")
    ] = None,
    cost: Annotated[float | None, _panel(POINT, "of a miss, in false alarms: the cheapest threshold", min=0)] = None,
    sounds_per_day: Annotated[float | None, _panel(POINT, "at a sensor where it will stand; for --cost", min=0)] = None,
    write_card: Annotated[
        Path | None, _panel(POINT, "the weights with the first operating point in their card, as a new .onnx")
    ] = None,
    report: Annotated[
        Path | None, _panel(OUT, "one page with all figures and the worst errors to hear, as .html")
    ] = None,
    out: Annotated[
        Path | None, _panel(OUT, "folder for every table and curve as CSV and JSON, and labels of errors")
    ] = None,
    labels: Annotated[
        Literal["raven", "audacity", "dcase"], _panel(OUT, "format of the labels of errors in --out")
    ] = "raven",
    format: Annotated[Literal["markdown", "json"], _panel(OUT, "of the figures on stdout")] = "markdown",
    workers: Annotated[int | None, _panel(OUT, "recordings heard at once (default: the cores)", min=1)] = None,
) -> None:
    """How often a detector is wrong, on anybody's recordings.

    Give recordings with labels and let a model listen (the shipped weights by default), or what any detector said of
    them with --detections. Two detectors on the same recordings are compared with --against.
    """
    if report is not None:
        require_page_name(report)
    if time_zone not in available_timezones():
        raise TocsinError(f"--time-zone is {time_zone!r}, expected a name of the IANA such as America/New_York")
    gathering = Gathering(
        target,
        named_pairs(map or "", "--map"),
        named_pairs(columns or "", "--columns"),
        named_pairs(truth_columns or "", "--truth-columns"),
        hours,
        workers or os.cpu_count() or 1,
        complain,
    )
    bases = _bases(budget or [], careful, recall or [], cost, sounds_per_day)
    first, second = gathering.logs(recordings, truth, detections or [], model or [], against)

    def evaluated(given: Given) -> Evaluation:
        stated = given.threshold if threshold is None and not bases else threshold
        said = given.said if threshold is None else "given"
        return judge(given.log, stated, said, bases, collar_s, one_alarm_s, time_zone)

    evaluation = evaluated(first)
    comparison = None if second is None else compare(evaluation, evaluated(second), recall[0] if recall else None)
    if write_card is not None:
        write_weights(write_card, first.weights, evaluation)
    written: list[Path] = []
    if report is not None or out is not None:
        page = page_with_versions(evaluation, comparison, gathering.inputs, players=report is not None)
        if report is not None:
            write_page(page, report)
        if out is not None:
            written = write_folder(out, page, evaluation, labels)
    written += [path for path in (write_card, report) if path is not None]
    if written:
        complain("wrote " + ", ".join(str(path) for path in written))
    if format == "json":
        sys.stdout.write(as_json(evaluation, comparison, gathering.inputs))
    else:
        sys.stdout.write(as_markdown(evaluation, comparison))


def _bases(
    budgets: list[str], careful: bool, recalls: list[float], cost: float | None, sounds_per_day: float | None
) -> list[Basis]:
    bases: list[Basis] = [parse_budget(text, careful) for text in budgets]
    for value in recalls:
        if not 0 < value <= 1:
            raise TocsinError(f"--recall is {value:g}, expected a share above 0 and up to 1, such as 0.95")
        bases.append(LeastRecall(value))
    if cost is not None:
        if sounds_per_day is None:
            raise TocsinError("--cost needs --sounds-per-day: how many sound at a sensor where it will stand")
        bases.append(Costs(cost, sounds_per_day / 24))
    return bases
