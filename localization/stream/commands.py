"""``tocsin fuse``: detections as JSON lines, to revisions of incidents as JSON lines, as they become certain."""

import json
from collections.abc import Callable, Iterable, Iterator
from csv import DictReader
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from tocsin import TocsinError
from tocsin.data.complaints import complain
from tocsin.data.tables import columns_of, filled_rows, open_table
from tocsin.inference.detection import GEOGRAPHIC_COLUMNS, LOCAL_COLUMNS, Detection, parse_detection, parse_line
from tocsin.inference.field_types import without_absent
from tocsin.inference.mqtt import DEFAULT_SITE, BrokerAddress, read_password
from tocsin.inference.stop_signals import StopSignals, outlive_broken_connections
from tocsin.localization.observation.travel import air_of
from tocsin.localization.options import weather_given
from tocsin.localization.stream.clock_sayings import clock_rows
from tocsin.localization.stream.fusion import Counts, Fusion
from tocsin.localization.stream.journal import Journal
from tocsin.localization.stream.output import Output
from tocsin.localization.stream.reading.broker import BrokerInput
from tocsin.localization.stream.reading.first_line import check_first_line
from tocsin.localization.stream.reading.input_lines import batches
from tocsin.localization.stream.reading.live_clock import LiveClock
from tocsin.localization.stream.sayings import Sayings

Parse = Callable[[], Detection]
LINES_NAMED = 5  # bad lines that are said one by one
SENSORS_NAMED = 50  # other complaints, which name a sensor and are said once of each


def fuse(
    input: Annotated[str, typer.Argument(metavar="[INPUT]", help="a .jsonl of detections; - is stdin")] = "-",
    follow: Annotated[bool, typer.Option(help="go on reading a file that grows")] = False,
    temperature_c: Annotated[float | None, typer.Option(min=-60, max=60, help="of the air; default: 15")] = None,
    wind_speed_mps: Annotated[float | None, typer.Option(min=0, max=60, help="default: 0")] = None,
    wind_from_deg: Annotated[float | None, typer.Option(help="clockwise from north")] = None,
    lateness_s: Annotated[
        float, typer.Option(min=0, max=60, help="how much later than others a message may come; answers wait for it")
    ] = 0.5,
    sensors: Annotated[
        Path | None,
        typer.Option(help="a .csv of sensor_id and position: sensors that are up though they send nothing"),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="a .json to write counts and clocks into at the end")] = None,
    mqtt: Annotated[
        str | None, typer.Option(metavar="URL", help="take them from a broker: mqtts://HOST, or mqtt:// unencrypted")
    ] = None,
    site: Annotated[str, typer.Option(help="whose sensors, of a broker")] = DEFAULT_SITE,
    state: Annotated[
        Path | None, typer.Option(help="with --mqtt: a file of what was said, so that a restart says nothing twice")
    ] = None,
    username: Annotated[str | None, typer.Option(help="as the broker knows this fusion")] = None,
    password_file: Annotated[Path | None, typer.Option(help="holds the password for it, alone")] = None,
    ca_file: Annotated[Path | None, typer.Option(help="certificates that the broker's is checked against")] = None,
    cert_file: Annotated[Path | None, typer.Option(help="a certificate to log in with")] = None,
    key_file: Annotated[Path | None, typer.Option(help="its key")] = None,
    client_id: Annotated[str | None, typer.Option(help="under which a broker keeps what is missed")] = None,
) -> None:
    """Incidents as they become certain, a line a revision, from detections of one site as they come in.

    A round is published when sound has had time to every sensor within 1.5 km, plus --lateness-s, plus half a second.
    A signal to end (Ctrl-C, SIGTERM, SIGHUP) ends it as the end of its input does: what is open is said.
    """
    given = weather_given(temperature_c=temperature_c, wind_speed_mps=wind_speed_mps, wind_from_deg=wind_from_deg)
    complaints = Sayings(complain, ("complaint", "complaints"), SENSORS_NAMED)
    bad = Sayings(complain, ("line is no detection", "lines are no detections"), LINES_NAMED)
    name = mqtt or ("stdin" if input == "-" else input)
    engine = Fusion(
        air_of(given),
        site if mqtt else "" if input == "-" else input,
        lateness_s,
        sensors=read_sensors(sensors) if sensors else (),
        complain=complaints.say,
    )
    journal = None
    source: Iterator[tuple[float, list[Parse]]]
    if mqtt is None:
        if state is not None:
            raise typer.BadParameter("--state goes with --mqtt: an input of lines is read again from its beginning")
        source = _parsed_lines(name, batches(input, follow, complain))
    else:
        outlive_broken_connections()
        if input != "-":
            raise typer.BadParameter(f"{input} and --mqtt are given, where one of them is expected")
        others = {"ca_file": ca_file, "cert_file": cert_file, "key_file": key_file}
        address = BrokerAddress.parse(mqtt, username=username, password=read_password(password_file), **others)
        journal = None if state is None else Journal(state)
        came = BrokerInput(address, site, client_id or f"tocsin-fuse-{site}", complain).batches()
        source = ((waited_s, [message.detection for message in messages]) for waited_s, messages in came)
    out = Output(engine, journal, once=mqtt is not None)
    out.begin()
    clock = LiveClock()
    with StopSignals() as stop:
        for waited_s, parses in source:
            detections: list[Detection] = []
            for parse in parses:
                try:
                    detections.append(parse())
                except TocsinError as error:
                    bad.say(str(error))
            used = engine.counts.used
            out.push(detections)
            came_fresh = engine.counts.used > used  # what is refused breaks no silence
            out.write(engine.advance(clock.tick(waited_s, came_fresh, engine.message_time_s, engine.newest_s)))
            if stop.came:
                break
    out.end()
    bad.close()
    counts = engine.counts
    _tell_counts(counts)
    if report:
        write_report(report, {**asdict(counts), "bad_lines": bad.count, "clocks": clock_rows(engine)})
    if bad.count + counts.received and not counts.used:
        raise TocsinError(
            f"{name}: not one detection of it could be used, of {bad.count + counts.received} lines: see above"
        )


def _parsed_lines(name: str, batches: Iterable[tuple[float, list[bytes]]]) -> Iterator[tuple[float, list[Parse]]]:
    """Of each line that is not empty what parses it, which names its row."""
    row, first = 0, True
    for waited_s, lines in batches:
        parses: list[Parse] = []
        for line in lines:
            row += 1
            if line.strip():
                if first:
                    check_first_line(name, line)
                    first = False
                parses.append(partial(parse_line, f"{name}, row {row}", line))
        yield waited_s, parses


def read_sensors(path: Path) -> list[Detection]:
    """Sensors and their places, as detections of no particular time. Raises ``TocsinError`` naming the row."""
    with open_table(path) as file:
        table, places = DictReader(file), (*LOCAL_COLUMNS, *GEOGRAPHIC_COLUMNS)
        columns_of(path, table, ("sensor_id", *places))
        return [
            parse_detection(where, {**without_absent(fields, places), "onset_time_utc": "2000-01-01T00:00:00Z"})
            for where, fields in filled_rows(path, table)
        ]


def _tell_counts(counts: Counts) -> None:
    """How many detections were not used as they should be, and why."""
    for name, what in (
        ("late", "came late"),
        ("too_late", "came too late"),
        ("ahead", "came of a clock far ahead"),
        ("refused", "are refused"),
        ("crowded_out", "found no room"),
    ):
        if number := getattr(counts, name):
            complain(f"{number} of {counts.received} detections {what}")


def write_report(path: Path, fields: dict[str, Any]) -> None:
    """Write one JSON object. Raises ``TocsinError`` where that cannot be."""
    try:
        path.write_text(json.dumps(fields) + "\n", encoding="utf-8")
    except OSError as error:
        raise TocsinError(f"{path} cannot be written ({error.strerror}): choose another --report") from None
