"""``tocsin demo``: a simulated neighbourhood, heard by the shipped weights, located, scored, drawn."""

import json
import sys
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tocsin import TocsinError
from tocsin.acoustics.scene import Scene, simulate_neighbourhood
from tocsin.evaluation.demo.causes import SAME_SOUND_S
from tocsin.evaluation.demo.page import page_of
from tocsin.evaluation.demo.scoring import WITHIN_M, WITHIN_S, Gunfire, score
from tocsin.evaluation.demo.trial import FRAME, START_UTC, Trial, run_trial
from tocsin.inference.field_types import format_time
from tocsin.inference.model import Model
from tocsin.localization.incidents.writers import geojson_of
from tocsin.models.card import SHIPPED


class OutputFormat(StrEnum):
    """Formats of the outcome on stdout."""

    table = "table"
    json = "json"


def demo(
    seed: Annotated[int, typer.Option(min=0, help="of all that is random: another seed is another neighbourhood")] = 0,
    out: Annotated[Path, typer.Option(help="folder for demo.html, truth.geojson, incidents.geojson")] = Path(
        "out/demo"
    ),
    format: Annotated[OutputFormat, typer.Option(help="of the outcome on stdout")] = OutputFormat.table,
    model: Annotated[str, typer.Option(help="an .onnx of `tocsin export`, or the name of shipped weights")] = SHIPPED,
    live: Annotated[
        bool, typer.Option("--live", help="in real time: three agents, a broker and a fusion; needs extra sensor")
    ] = False,
) -> None:
    """A simulated neighbourhood, heard, located, scored, drawn.

    Writes demo.html (one file, to be opened in a browser), truth.geojson and incidents.geojson.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TocsinError(f"{out} cannot be a folder to write to ({error.strerror}): choose another --out") from None
    scene = simulate_neighbourhood(seed)
    console = Console(stderr=True)
    if live:
        _live(scene, out, model, console)
        return
    heard = Model(model)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("listening", total=len(scene.sensors))
        trial = run_trial(scene, heard, advance=lambda: progress.advance(task))
    report = report_of(trial)
    _write(trial, report, out)
    if format is OutputFormat.json:
        print(json.dumps(report))
    else:
        _print_table(report)
    print(f"tocsin: see {out / 'demo.html'}", file=sys.stderr)


def _live(scene: Scene, out: Path, model: str, console: Console) -> None:
    """The scene by the programs of a deployment; what became of it goes to stdout."""
    from tocsin.evaluation.demo.live import run_live  # what it needs is no part of the base install

    console.print(f"{scene.duration_s:.0f} s of a neighbourhood; its logs are in {out}")
    seen = run_live(scene, out, model, console)
    Console().print(seen.table(scene.duration_s + 100.0))
    outcome = seen.score()
    print(
        f"{len(outcome.matches)} of {len(outcome.matches) + len(outcome.missed)} shootings found, "
        f"{len(outcome.false)} false, of {sum(seen.heard.values())} bangs sent by {len(seen.heard)} sensors"
    )


def report_of(trial: Trial) -> dict[str, Any]:
    """What ``--format json`` prints.

    Returns:
        ``median_error_m`` over the gunfire found, metres; null where none was found, since there is no error to state
        then and ``missed`` says it. ``missed``: true gunfire without an incident. ``false``: incidents, reported as
        gunfire, without true gunfire. ``incidents``: all reported as gunfire, each with ``error_m`` (null where
        false). ``truth``: every bang with its ``outcome``: found or missed, of gunfire; reported (as gunfire,
        falsely) or not_reported, of others. ``matched``, ``gunfire``: gunfire found, and all there was.
    """
    median = trial.score.median_error_m
    return {
        "seed": trial.scene.seed,
        "model_id": trial.model_id,
        "duration_s": round(trial.scene.duration_s, 3),
        "within_m": WITHIN_M,
        "within_s": WITHIN_S,
        "median_error_m": None if median is None else round(median, 3),
        "matched": len(trial.score.matches),
        "gunfire": len(trial.gunfire),
        "missed": len(trial.score.missed),
        "false": len(trial.score.false),
        "incidents": _incidents(trial),
        "truth": _truth(trial),
        "sensors": [
            {
                "sensor_id": sensor.sensor_id,
                **_place(*sensor.surveyed_m[:2]),
                "detections": len(sounds),
                "gunshots": sum(sound.label == "gunshot" for sound in sounds),
            }
            for sensor, sounds in zip(trial.scene.sensors, trial.heard, strict=True)
        ],
    }


def _incidents(trial: Trial) -> list[dict[str, Any]]:
    matched = {match.incident: match for match in trial.score.matches}
    rows = []
    for index, item in enumerate(trial.incidents):
        fields = item.incident.to_dict()
        match = matched.get(index)
        rows.append(
            {
                **{name: value for name, value in fields.items() if name not in ("input", "shots")},
                "x_m": round(item.x_m, 2),
                "y_m": round(item.y_m, 2),
                "first_s": round(item.rounds_s[0], 3),
                "n_sensors": max(shot.n_sensors for shot in item.incident.shots),
                "error_m": round(match.error_m, 3) if match else None,
            }
        )
    return rows


def _truth(trial: Trial) -> list[dict[str, Any]]:
    found = {trial.gunfire[match.truth]: match for match in trial.score.matches}
    others = [index for index in range(len(trial.scene.events)) if index not in trial.gunfire]
    false = [trial.incidents[index] for index in trial.score.false]
    mistaken = score(
        [
            Gunfire(event.x_m, event.y_m, (event.discharge_s,))
            for event in (trial.scene.events[index] for index in others)
        ],
        [Gunfire(item.x_m, item.y_m, item.rounds_s) for item in false],
        within_s=SAME_SOUND_S,
    )
    outcomes = {index: "found" if index in found else "missed" for index in trial.gunfire}
    outcomes |= dict.fromkeys(others, "not_reported")
    outcomes |= {others[match.truth]: "reported" for match in mistaken.matches}
    return [
        {
            "label": event.label,
            "rounds": event.rounds,
            "discharge_time_utc": format_time(START_UTC + timedelta(seconds=event.discharge_s)),
            "discharge_s": round(event.discharge_s, 6),
            **_place(event.x_m, event.y_m),
            "outcome": outcomes[index],
            "error_m": round(found[index].error_m, 3) if index in found else None,
        }
        for index, event in enumerate(trial.scene.events)
    ]


def _place(x_m: float, y_m: float) -> dict[str, float]:
    latitude, longitude, _ = FRAME.to_geographic((x_m, y_m, 0.0))
    return {
        "x_m": round(x_m, 2),
        "y_m": round(y_m, 2),
        "latitude": round(float(latitude), 7),
        "longitude": round(float(longitude), 7),
    }


def _write(trial: Trial, report: dict[str, Any], out: Path) -> None:
    """Write the three files. GeoJSON (RFC 7946) is longitude before latitude, WGS 84."""
    truth = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [row["longitude"], row["latitude"]]},
            "properties": {
                "kind": "truth",
                **{name: value for name, value in row.items() if name not in ("latitude", "longitude")},
            },
        }
        for row in report["truth"]
    ]
    files = {
        "truth.geojson": json.dumps({"type": "FeatureCollection", "features": truth}),
        "incidents.geojson": json.dumps(geojson_of([item.incident for item in trial.incidents])),
        "demo.html": page_of(trial, report),
    }
    for name, text in files.items():
        try:
            (out / name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise TocsinError(f"{out / name} cannot be written ({error.strerror}): choose another --out") from None


def _print_table(report: dict[str, Any]) -> None:
    table = Table(title=f"What happened, and what became of it (seed {report['seed']})")
    for name in ("time, s", "what", "rounds", "east, m", "north, m", "outcome", "error, m"):
        table.add_column(name, justify="left" if name in ("what", "outcome") else "right")
    for row in report["truth"]:
        table.add_row(
            f"{row['discharge_s']:.2f}",
            row["label"],
            str(row["rounds"] or ""),
            f"{row['x_m']:.0f}",
            f"{row['y_m']:.0f}",
            {"reported": "called gunfire", "not_reported": "not reported"}.get(row["outcome"], row["outcome"]),
            "" if row["error_m"] is None else f"{row['error_m']:.1f}",
        )
    console = Console()
    console.print(table)
    median = report["median_error_m"]
    console.print(
        f"gunfire found {report['matched']} of {report['gunfire']}, missed {report['missed']}, "
        f"false {report['false']}, median error {'none to state' if median is None else f'{median:.1f} m'}"
    )
