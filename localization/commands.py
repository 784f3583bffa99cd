"""``tocsin locate``: array recordings and tables of detections to shots; a bad input does not stop the rest."""

import csv
import dataclasses
import functools
import sys
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from tocsin import TocsinError
from tocsin.data.complaints import complain
from tocsin.inference.detection import Detection
from tocsin.inference.model import Model
from tocsin.localization.array_check import SensorCheck, observations_of
from tocsin.localization.array_check import check_array as find_wrong_sensors
from tocsin.localization.association.consensus import LEAST_SENSORS
from tocsin.localization.incidents.shot import Shot
from tocsin.localization.incidents.writers import writer_of
from tocsin.localization.inputs import read_input
from tocsin.localization.locate import locate as locate_detections
from tocsin.localization.observation.arrivals import site_of
from tocsin.localization.observation.resolution import ROUNDED, position_step_m, time_step_s, with_rounding
from tocsin.localization.observation.travel import air_of
from tocsin.localization.options import weather_given


class ShotFormat(StrEnum):
    """Formats of shots on stdout."""

    jsonl = "jsonl"
    json = "json"
    geojson = "geojson"
    csv = "csv"


def locate(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT…", help="array-recording folders, detections tables (.csv, .jsonl)")
    ],
    format: Annotated[
        ShotFormat, typer.Option(help="jsonl, csv: a row a shot; json, geojson: one document of incidents")
    ] = ShotFormat.jsonl,
    temperature_c: Annotated[
        float | None, typer.Option(min=-60, max=60, help="of the air; default: weather.json, else 15")
    ] = None,
    wind_speed_mps: Annotated[float | None, typer.Option(min=0, max=60, help="default: weather.json, else 0")] = None,
    wind_from_deg: Annotated[float | None, typer.Option(help="clockwise from north; default: weather.json")] = None,
    model: Annotated[
        str | None,
        typer.Option(help="for audio: an .onnx of `tocsin export`, or tocsin-l (the default), -m or -s (smaller)"),
    ] = None,
    classify: Annotated[bool, typer.Option(help="whether sensors' audio is classified, or bangs located alone")] = True,
) -> None:
    """Shots, where and when: from array recordings or tables of detections.

    Each shot names its input as typed. Places that the geometry leaves open are marked ambiguous, with alternatives.
    """
    given = weather_given(temperature_c=temperature_c, wind_speed_mps=wind_speed_mps, wind_from_deg=wind_from_deg)
    write = writer_of(format.value, sys.stdout)
    console = Console(stderr=True)
    failed = False
    # Loaded once, and only where there is audio to hear or a name to check.
    load_model = functools.cache(lambda: Model(model) if classify else None)
    if model is not None:
        try:
            load_model()
        except TocsinError as error:
            complain(str(error))
            raise typer.Exit(1) from None
    for name in track(inputs, "locating", console=console, transient=True, disable=not console.is_terminal):
        try:
            detections, weather = read_input(name, load_model, complain)
            air = air_of({**(weather.model_dump(exclude_unset=True) if weather else {}), **given})
            shots = locate_detections(detections, air, name)
            _note(name, detections, shots)
            write.add(shots)
        except TocsinError as error:
            failed = True
            complain(str(error))
    write.close()
    if failed:
        raise typer.Exit(1)


def check_array(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT…", help="of one site, as `tocsin locate` takes them")],
    temperature_c: Annotated[float | None, typer.Option(min=-60, max=60, help="default: as `tocsin locate`")] = None,
) -> None:
    """Sensors whose clock or position seems wrong, as CSV: locates all shots, and fits errors to their residuals.

    Many shots from at least three places, better ten, on all sides of a sensor tell its clock from its position.
    """
    given = weather_given(temperature_c=temperature_c)
    try:
        everything: list[Detection] = []
        shots: list[Shot] = []
        for name in inputs:
            detections, weather = read_input(name, lambda: None, complain)
            air = air_of({**(weather.model_dump(exclude_unset=True) if weather else {}), **given})
            shots += locate_detections(detections, air, name)
            everything += detections
        if not shots:
            raise TocsinError(f"{', '.join(inputs)}: no shot to check sensors by: give recordings of shots")
        checks = find_wrong_sensors(observations_of(shots, site_of(everything)), air)
    except TocsinError as error:
        complain(str(error))
        raise typer.Exit(1) from None
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([field.name for field in dataclasses.fields(SensorCheck)])
    for check in checks:
        values = dataclasses.astuple(check)
        writer.writerow([round(value, 4) if isinstance(value, float) else value for value in values])


def _note(name: str, detections: list[Detection], shots: list[Shot]) -> None:
    """Say on stderr why there is no answer, or none that is sure."""
    sensors = len({detection.sensor_id for detection in detections})
    _note_coarse(name, detections)
    _note_one_place(name, detections, sensors)
    if not detections:
        complain(f"{name}: no shot, for it holds no detection")
    elif sensors < LEAST_SENSORS:
        complain(f"{name}: no shot, for {sensors} sensors heard something and a place needs {LEAST_SENSORS}")
    elif not shots:
        complain(f"{name}: no shot, for no {LEAST_SENSORS} sensors agree on a place and time")
    ambiguous = sum(shot.ambiguous for shot in shots)
    if ambiguous:
        where = "see alternatives" if any(shot.alternatives for shot in shots) else "these sensors leave the place open"
        complain(f"{name}: {ambiguous} of {len(shots)} shots are ambiguous, {where}")


def _note_coarse(name: str, detections: list[Detection]) -> None:
    """Say where rounding of what is written makes answers less sure than the sigmas stated."""
    rounded = with_rounding(detections)
    if any(after.onset_sigma_s > item.onset_sigma_s for item, after in zip(detections, rounded, strict=True)):
        step_s = time_step_s(detections)
        complain(f"{name}: times are in steps of {step_s:g} s, which counts as a sigma of {ROUNDED * step_s:.2g} s")
    if any(after.position_sigma_m > item.position_sigma_m for item, after in zip(detections, rounded, strict=True)):
        step_m = position_step_m(detections)
        complain(
            f"{name}: positions are in steps of {step_m:.2g} m, which counts as a sigma of {ROUNDED * step_m:.2g} m"
        )


def _note_one_place(name: str, detections: list[Detection], sensors: int) -> None:
    """Say where all sensors stand at one place, as they do in columns that were never filled in."""
    places = {(item.x_m, item.y_m) if item.is_local else (item.latitude, item.longitude) for item in detections}
    if sensors > 1 and len(places) == 1:
        [(first, second)] = places
        other = detections[0].is_local and all(item.latitude is not None for item in detections)
        remedy = ", or leave x_m,y_m out, and latitude,longitude are used" if other else ""
        complain(f"{name}: all {sensors} sensors stand at ({first:g}, {second:g}): mend their positions{remedy}")
