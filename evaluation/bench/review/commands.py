"""``tocsin review``: a sample to listen to, the page to do it on, and what the answers say."""

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import track

from tocsin import TocsinError
from tocsin.data.audio import file_duration_s, find_audio
from tocsin.data.complaints import complain
from tocsin.data.dataframes import pandas_module
from tocsin.evaluation.bench.review.allocation import parse_figure
from tocsin.evaluation.bench.review.answers import read_answers, read_sample, verdicts
from tocsin.evaluation.bench.review.detections import alarms_of, read_detections
from tocsin.evaluation.bench.review.draw import Design, Pilot, draw_sample
from tocsin.evaluation.bench.review.estimate import curve_of, sections_of
from tocsin.evaluation.bench.review.page import review_page
from tocsin.evaluation.bench.review.plot import write_plot
from tocsin.evaluation.bench.review.quiet import quiet_pieces

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="How often a detector is wrong, from a sample that people listen to: sample, page, estimate.",
)
_LARGE_MB = 40
AudioFolder = Annotated[Path, typer.Option("--audio", metavar="DIR", help="where the paths of recordings begin")]


@app.command()
def sample(
    log: Annotated[Path, typer.Argument(metavar="FILE", help="detections: CSV or .jsonl, as `tocsin detect` writes")],
    number: Annotated[int, typer.Option("--clips", min=2, help="alarms to draw")] = 100,
    design: Annotated[
        Design, typer.Option(help="random; equally many of each stratum of scores; or optimal for one figure")
    ] = "balanced",
    figure: Annotated[
        str | None, typer.Option("--for", metavar="FIGURE", help="precision@0.9, alarms-per-day@0.5 or recall@0.5")
    ] = None,
    strata: Annotated[int, typer.Option(min=1, help="parts into which the scores are cut")] = 6,
    pilot: Annotated[
        tuple[Path, Path] | None, typer.Option(help="an earlier sample and its answers, for --design optimal")
    ] = None,
    quiet: Annotated[int, typer.Option(min=0, help="pieces of time without an alarm to draw, for recall")] = 0,
    quiet_s: Annotated[float, typer.Option(min=1, help="seconds of such a piece")] = 10.0,
    floor: Annotated[float | None, typer.Option(help="detections of a lower score are no alarms")] = None,
    score: Annotated[str | None, typer.Option(metavar="COLUMN", help="default: score, or else gunshot")] = None,
    audio: AudioFolder = Path(),
    recordings: Annotated[
        Path | None,
        typer.Option(help="CSV of recording,duration_s: all that was listened to; default: the audio in --audio"),
    ] = None,
    seed: Annotated[int, typer.Option(help="the same draws the same")] = 0,
) -> None:
    """A row a clip to listen to, in random order, with the weight that it stands for."""
    alarms = alarms_of(read_detections(log, score), -float("inf") if floor is None else floor)
    first = None
    if pilot is not None:
        first = _pilot(*pilot)
    pieces = None
    if quiet:
        found = quiet_pieces(alarms, _durations(set(alarms["recording"]), audio, recordings), quiet_s)
        if not len(found):
            raise TocsinError("there is no time without an alarm, so none of it can be drawn: leave out --quiet")
        pieces = found, quiet
    wanted = parse_figure(figure) if figure else None
    drawn = draw_sample(alarms, number, seed, design, wanted, strata, first, pieces)
    heard = int((drawn["kind"] == "alarm").sum())
    said = f"drew {heard} of {len(alarms)} alarms"
    if pieces is not None:
        said += f" and {len(drawn) - heard} of {len(pieces[0])} pieces of quiet time"
    complain(said + f"; next: tocsin review page SAMPLE.csv --audio {audio} > page.html")
    drawn.to_csv(sys.stdout, index=False, lineterminator="\n")


@app.command()
def page(
    drawn: Annotated[Path, typer.Argument(metavar="SAMPLE", help="what `tocsin review sample` wrote")],
    audio: AudioFolder = Path(),
    before_s: Annotated[float, typer.Option(min=0, max=30, help="seconds before the onset")] = 1.0,
    after_s: Annotated[float, typer.Option(min=0.1, max=30, help="seconds after it")] = 2.0,
    low_pass: Annotated[
        float | None,
        typer.Option(min=100, max=400, metavar="HZ", help="take out all above: words cannot be understood; try 300"),
    ] = None,
    show_score: Annotated[bool, typer.Option("--show-score", help="reviewers then no longer judge blind")] = False,
) -> None:
    """One HTML page on stdout to listen to a sample and answer: open it in a browser, no network is needed."""
    console = Console(stderr=True)
    html = review_page(
        read_sample(drawn),
        audio,
        before_s,
        after_s,
        low_pass,
        show_score,
        complain,
        lambda rows: track(
            list(rows), "cutting clips", console=console, transient=True, disable=not console.is_terminal
        ),
    )
    if len(html) > _LARGE_MB * 1e6:
        complain(f"the page has {len(html) / 1e6:.0f} MB: fewer clips, or a shorter --after-s, open faster")
    print(html)


@app.command()
def estimate(
    drawn: Annotated[Path, typer.Argument(metavar="SAMPLE", help="what `tocsin review sample` wrote")],
    answers: Annotated[list[Path], typer.Argument(metavar="ANSWERS…", help="what each reviewer saved")],
    sensor_days: Annotated[
        float | None, typer.Option(min=1e-9, help="days that all sensors of the log listened, added up")
    ] = None,
    at: Annotated[list[float] | None, typer.Option(help="a threshold to state; may be repeated")] = None,
    format: Annotated[
        Literal["markdown", "json"], typer.Option(help="of the tables on stdout; JSON has every threshold")
    ] = "markdown",
    plot: Annotated[Path | None, typer.Option(metavar="PNG", help="precision against threshold, with its band")] = None,
) -> None:
    """Precision at every threshold, false alarms a sensor-day, recall and agreement, each with its 95 % interval."""
    rows = read_sample(drawn)
    reviewers = {str(path): read_answers(path, rows) for path in answers}
    if plot is not None:
        write_plot(curve_of(rows, verdicts(rows, list(reviewers.values()))), plot)
    asked = at or (0.1, 0.3, 0.5, 0.7, 0.9)
    sections = sections_of(rows, reviewers, asked, sensor_days, format == "json")
    if format == "json":
        print(json.dumps({section.key: section.plain() for section in sections}, indent=1))
    else:
        print("\n".join(section.markdown() for section in sections), end="")


def _pilot(drawn: Path, answers: Path) -> Pilot:
    """Scores of a pilot's alarms, and whether each was true; the unsure are left out."""
    rows = read_sample(drawn)
    verdict = verdicts(rows, [read_answers(answers, rows)])
    used = (rows["kind"] == "alarm").to_numpy() & ((verdict == 0) | (verdict == 1))
    return rows["score"].to_numpy()[used], verdict[used] == 1


def _durations(heard: set[str], audio: Path, recordings: Path | None) -> dict[str, float]:
    """Seconds of each recording listened to: of a table, or of the audio, that without any detection with it."""
    if recordings is not None:
        table = pandas_module().read_csv(recordings, dtype={"recording": str, "path": str})
        name = "recording" if "recording" in table else "path"
        if name not in table or "duration_s" not in table:
            raise TocsinError(f"{recordings}: expected the columns recording and duration_s, found {list(table)}")
        durations = dict(zip(table[name], table["duration_s"].astype(float), strict=True))
    else:
        if audio == Path():
            complain("quiet time is that of recordings with a detection alone: --audio or --recordings tells of others")
            paths = {name: Path(name) for name in sorted(heard)}
        else:
            paths = {name: audio / name for name in sorted(heard)}
            known = {path.resolve() for path in paths.values()}
            others = [path for path in find_audio(audio, complain) if path.resolve() not in known]
            paths |= {path.relative_to(audio).as_posix(): path for path in others}
        durations = {name: file_duration_s(path) for name, path in paths.items()}
    absent = heard - durations.keys()
    if absent:
        raise TocsinError(f"{recordings}: {min(absent)} has detections but no row")
    return durations
